"""Who is signed in, doing what for how long."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Value
from django.db.models.functions import Coalesce, Collate, NullIf
from django.utils.translation import gettext_lazy as _

from campaigns.models import AgentState
from campaigns.services.desk import BREAKS
from people.models import Membership, User

State = AgentState.State
TALK, WRAP, IDLE, AWAY = "talk", "wrap", "idle", "away"
GROUP: dict[str, str] = {
    State.TALKING: TALK, State.DIALLING: TALK, State.AFTER_CALL: WRAP, State.WAITING: IDLE, State.PREVIEW: IDLE, State.AWAY: AWAY,
}  # fmt: skip
WORDS: dict[str, Any] = {
    State.TALKING: _("Talking"), State.DIALLING: _("Dialling"), State.AFTER_CALL: _("After call"), State.WAITING: _("Waiting"),
    State.PREVIEW: _("Reading"), State.AWAY: _("Away"),
}  # fmt: skip
AFTER_CALL_LIMIT = 90  # of a state that names no campaign
LONG_WAIT = 240
# seconds after which a state is told with an edge, then filled
AGES = {IDLE: (120, LONG_WAIT), AWAY: (900, 3600)}
NAMED = 2  # so many of each kind are named by an alert


@dataclass(frozen=True, slots=True)
class Now:
    """What one agent does at this moment. `group` of states; `age` 0 fresh, 1 due, 2 late; `over` seconds past the limit of after-call work, or 0."""

    agent_id: int
    team_id: int
    state: str
    reason: str
    since: datetime
    seconds: int
    age: int
    over: int
    group: str

    @property
    def pill(self) -> str:
        return "ring" if self.state == State.DIALLING else self.group

    @property
    def word(self) -> str:
        named = BREAKS.get(self.reason) if self.state == State.AWAY else None
        return str(named or WORDS[self.state])

    @property
    def epoch(self) -> int:
        return int(self.since.timestamp())


@dataclass
class Crew:
    """The agents of a group: how many there are, how many in each state, the longest wait in seconds, how many wait too long and how
    many are over the limit of after-call work."""

    all: int = 0
    states: Counter[str] = field(default_factory=Counter)
    longest_wait: int | None = None
    waiting_long: int = 0
    over: int = 0

    @property
    def on(self) -> int:
        return self.states.total()

    def add(self, other: Crew) -> None:
        self.all += other.all
        for group, count in other.states.items():
            self.states[group] += count
        self.waiting_long += other.waiting_long
        self.over += other.over
        if other.longest_wait is not None:
            self.longest_wait = max(self.longest_wait or 0, other.longest_wait)


# A state has lasted more than n whole seconds when it began n + 1 seconds ago or before.
LIMIT = f"coalesce(c.after_call_limit_seconds, {AFTER_CALL_LIMIT})"
# who reads a customer longer than the campaign gives time is due at once
READING = f"least({AGES[IDLE][0]}, CASE WHEN s.state = '{State.PREVIEW}' THEN c.preview_limit_seconds END)"
STATES = """
FROM campaigns_agentstate s LEFT JOIN campaigns_campaign c ON c.id = s.campaign_id
WHERE s.ended_at IS NULL AND s.team_id = ANY(%(teams)s)"""
CREWS = f"""
SELECT s.team_id, count(*) FILTER (WHERE s.state = ANY(%(talk)s)), count(*) FILTER (WHERE s.state = ANY(%(wrap)s)),
  count(*) FILTER (WHERE s.state = ANY(%(idle)s)), count(*) FILTER (WHERE s.state = ANY(%(away)s)),
  min(s.began_at) FILTER (WHERE s.state = ANY(%(idle)s)),
  count(*) FILTER (WHERE s.state = ANY(%(idle)s) AND s.began_at <= %(at)s - ({LONG_WAIT} + 1) * interval '1 second'),
  count(*) FILTER (WHERE s.state = ANY(%(wrap)s) AND s.began_at <= %(at)s - ({LIMIT} + 1) * interval '1 second')
{STATES} GROUP BY s.team_id"""
AGED = f"""
SELECT s.agent_id, s.team_id, s.state, s.reason, s.began_at, {LIMIT} AS most_seconds,
  CASE WHEN s.state = ANY(%(talk)s) THEN 0
    WHEN s.began_at <= %(at)s - (CASE WHEN s.state = ANY(%(wrap)s) THEN 2 * {LIMIT} WHEN s.state = ANY(%(idle)s) THEN {AGES[IDLE][1]} ELSE {AGES[AWAY][1]} END + 1) * interval '1 second' THEN 2
    WHEN s.began_at <= %(at)s - (CASE WHEN s.state = ANY(%(wrap)s) THEN {LIMIT} WHEN s.state = ANY(%(idle)s) THEN {READING} ELSE {AGES[AWAY][0]} END + 1) * interval '1 second' THEN 1
    ELSE 0 END AS age{STATES}"""
# those that an alert may name, and those shown
PICKED = f"""
WITH x AS MATERIALIZED ({AGED})
(SELECT 'over', x.* FROM x WHERE age > 0 AND state = ANY(%(wrap)s) ORDER BY began_at, agent_id LIMIT {NAMED})
UNION ALL (SELECT 'waiting', x.* FROM x WHERE age > 1 AND state = ANY(%(idle)s) ORDER BY began_at, agent_id LIMIT {NAMED})
UNION ALL (SELECT 'shown', x.* FROM x WHERE state = ANY(%(shown)s) ORDER BY age DESC, state = ANY(%(talk)s), began_at, agent_id LIMIT %(most)s)"""
THESE = f"{AGED} AND s.agent_id = ANY(%(agents)s)"


@dataclass
class SignedIn:
    """Those of some teams who are signed in: the `crews` of all the teams; of the teams shown those to be listed, late ones first, then
    whoever is longest out of a call; and those whom an alert names, over the limit of after-call work or waiting too long, the longest first.
    """

    crews: dict[int, Crew]
    listed: list[Now]
    over: list[Now]
    waiting: list[Now]


def read_signed_in(
    *, teams: Sequence[int], shown: Collection[int], day: date, at: datetime, group: str = "", most: int | None = None
) -> SignedIn:
    """`teams`: those the user may see. The database counts and sorts; no more agents are fetched than are shown, since a region has
    thousands. `most` None: all."""
    found: dict[str, list[Now]] = {"over": [], "waiting": [], "shown": []}
    for kind, *row in _rows(PICKED, shown, at, shown=_states(group), most=most):
        found[kind].append(_judged(row, at))
    return SignedIn(_crews(teams, day, at), found["shown"], found["over"], found["waiting"])


def _crews(teams: Sequence[int], day: date, at: datetime) -> dict[int, Crew]:
    found = _members(day, teams)
    for team, talk, wrap, idle, away, longest, waiting_long, over in _rows(CREWS, teams, at):
        crew = found[team]
        crew.states.update({name: n for name, n in ((TALK, talk), (WRAP, wrap), (IDLE, idle), (AWAY, away)) if n})
        crew.longest_wait = None if longest is None else _elapsed(longest, at)
        crew.waiting_long, crew.over = waiting_long, over
    for crew in found.values():
        crew.all = max(crew.all, crew.on)
    return found


def _judged(row: Sequence[Any], at: datetime) -> Now:
    agent, team, state, reason, since, limit, age = row
    seconds, group = _elapsed(since, at), GROUP[state]
    return Now(agent, team, state, reason, since, seconds, age, max(0, seconds - limit) if group == WRAP else 0, group)


def _elapsed(since: datetime, at: datetime) -> int:
    return max(0, int((at - since).total_seconds()))


def _states(group: str) -> list[str]:
    """The states of a group; all without one."""
    return [str(state) for state, known in GROUP.items() if group in ("", known)]


def signed_in_ids(teams: Collection[int], group: str = "") -> list[int]:
    rows = AgentState.objects.current().filter(team_id__in=teams, state__in=_states(group))
    return list(rows.values_list("agent_id", flat=True))


def best(
    agents: Collection[int], deals: Mapping[int, int], *, teams: Sequence[int], at: datetime, most: int
) -> list[Now]:
    """Of these agents those with the most deals, of equal ones the first by name."""
    if len(agents) > most:
        least = sorted((deals.get(agent, 0) for agent in agents), reverse=True)[most - 1]
        surely = [agent for agent in agents if deals.get(agent, 0) > least]
        equal = [agent for agent in agents if deals.get(agent, 0) == least]
        agents = [*surely, *_first_by_name(equal, most - len(surely))]
    return [_judged(row, at) for row in _rows(THESE, teams, at, agents=list(agents))]


def _rows(sql: str, teams: Collection[int], at: datetime, **params: Any) -> list[tuple[Any, ...]]:
    groups = {group: _states(group) for group in (TALK, WRAP, IDLE, AWAY)}
    with connection.cursor() as cursor:
        cursor.execute(sql, {"teams": list(teams), "at": at, **groups, **params})
        return cursor.fetchall()


# ---------------------------------------------------------------- people


def _members(day: date, teams: Collection[int]) -> defaultdict[int, Crew]:
    """How many agents each team has. An agent is in one team at a time, so rows are people."""
    members = Membership.objects.valid_on(day).filter(
        role=Membership.Role.AGENT, team_id__in=teams, user__is_active=True
    )
    found: defaultdict[int, Crew] = defaultdict(Crew)
    for team, people in members.values_list("team_id").annotate(people=Count("pk")):
        found[team].all = people
    return found


def absent(team: int, teams: Sequence[int], day: date) -> list[User]:
    """Agents of a team who are not signed in to any of the teams."""
    members = Membership.objects.valid_on(day).filter(role=Membership.Role.AGENT, team_id=team)
    signed_in = AgentState.objects.current().filter(team_id__in=teams)
    return list(
        User.objects.filter(pk__in=members.values("user"), is_active=True)
        .exclude(pk__in=signed_in.values("agent"))
        .order_by("display_name", "pk")
    )


def names(agents: Iterable[int]) -> dict[int, str]:
    return {user.pk: str(user) for user in User.objects.filter(pk__in=agents).only("pk", "display_name", "username")}


def _first_by_name(agents: Collection[int], count: int) -> list[int]:
    """In the order in which cards are sorted: by code point, whatever the language of the database."""
    shown = Collate(Coalesce(NullIf("display_name", Value("")), "username"), "C")
    return list(User.objects.filter(pk__in=agents).order_by(shown, "pk").values_list("pk", flat=True)[:count])
