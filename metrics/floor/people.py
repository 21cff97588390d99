"""Who is signed in, doing what for how long."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from campaigns.models import AgentState, Campaign
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

    @property
    def order(self) -> tuple[int, bool, datetime]:
        """Late ones first, then whoever is longest out of a call."""
        return -self.age, self.group == TALK, self.since


@dataclass
class Crew:
    """The agents of a group: how many there are, how many in each state, and the longest wait in seconds."""

    all: int = 0
    states: Counter[str] = field(default_factory=Counter)
    longest_wait: int | None = None

    @property
    def on(self) -> int:
        return self.states.total()

    def add(self, other: Crew) -> None:
        self.all += other.all
        self.states.update(other.states)
        waits = [wait for wait in (self.longest_wait, other.longest_wait) if wait is not None]
        self.longest_wait = max(waits, default=None)


def read_now(*, user: User, teams: Sequence[int], at: datetime) -> list[Now]:
    """Everybody of these teams who is signed in, late ones first."""
    limits = dict(Campaign.objects.values_list("pk", "after_call_limit_seconds"))
    rows = AgentState.objects.visible_to(user).current().filter(team_id__in=teams)
    fields = rows.values_list("agent_id", "team_id", "state", "reason", "began_at", "campaign_id")
    return sorted((_judged(*row, at=at, limits=limits) for row in fields), key=lambda now: now.order)


def _judged(
    agent: int,
    team: int,
    state: str,
    reason: str,
    since: datetime,
    campaign: int | None,
    *,
    at: datetime,
    limits: dict[int, int],
) -> Now:
    seconds = max(0, int((at - since).total_seconds()))
    limit = limits.get(campaign or 0, AFTER_CALL_LIMIT)
    group = GROUP[state]
    is_wrap = group == WRAP
    due, late = (limit, 2 * limit) if is_wrap else AGES.get(group, (None, None))
    age = 0 if due is None or late is None else (seconds > due) + (seconds > late)
    return Now(agent, team, state, reason, since, seconds, age, max(0, seconds - limit) if is_wrap else 0, group)


def crews(now: Sequence[Now], teams: Collection[int], day: date) -> dict[int, Crew]:
    """The crew of each team."""
    members = (
        Membership.objects.valid_on(day).filter(role=Membership.Role.AGENT, team_id__in=teams, user__is_active=True)
        .values_list("team_id").annotate(people=Count("user_id", distinct=True))
    )  # fmt: skip
    found: dict[int, Crew] = defaultdict(Crew)
    for team, people in members:
        found[team].all = people
    for one in now:
        crew = found[one.team_id]
        crew.states[one.group] += 1
        if one.group == IDLE:
            crew.longest_wait = max(crew.longest_wait or 0, one.seconds)
    for crew in found.values():
        crew.all = max(crew.all, crew.on)
    return found


def absent(team: int, signed_in: Collection[int], day: date) -> list[User]:
    """Agents of a team who are not signed in."""
    members = Membership.objects.valid_on(day).filter(role=Membership.Role.AGENT, team_id=team)
    return list(
        User.objects.filter(pk__in=members.values("user"), is_active=True)
        .exclude(pk__in=signed_in)
        .order_by("display_name", "pk")
    )


def names(agents: Collection[int]) -> dict[int, str]:
    return {user.pk: str(user) for user in User.objects.filter(pk__in=agents).only("pk", "display_name", "username")}
