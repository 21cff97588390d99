"""Promises kept in time: the one definition, by agent and team.

A promise is judged by whoever had it at the time agreed: one that was handed over after that is not the receiver's. One that was
handed over because its agent was not at the desk counts against that agent, whatever became of it; in time, it is the receiver's too.
A team answers for each promise once, by what became of it. Of several hand-overs the last is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, DateField, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, TruncDate

from campaigns.models import Callback
from core.calendar import range_bounds, region_zone
from core.stats import wilson
from people.models import Membership, Team, User

# A promise is kept when the customer was called at the latest so long after the time agreed: from then on anybody may call.
KEPT_WITHIN = timedelta(minutes=30)
IN_TIME = Q(kept_at__lte=F("due_at") + KEPT_WITHIN)
OPEN = Q(state=Callback.State.PROMISED)
AWAY = Q(handed_why=Callback.Handed.ABSENT)
HOLDER = Case(When(handed_at__gt=F("due_at"), then=F("handed_from")), default=F("agent"))


@dataclass(frozen=True)
class Kept:
    """Of `due` promises `kept` were kept in time, `late` later, `open` are not kept yet, and `away` went to somebody else as the agent was
    not at the desk. Promises that the customer no longer wanted (they ended without a call) and those whose half hour is not over yet
    do not count."""

    due: int
    kept: int
    open: int
    away: int = 0
    agent: User | None = None
    team: Team | None = None

    @property
    def late(self) -> int:
        return self.due - self.kept - self.open - self.away

    @property
    def rate(self) -> float | None:
        return self.kept / self.due if self.due else None

    @property
    def low(self) -> float:
        return wilson(self.kept, self.due)[0]

    @property
    def high(self) -> float:
        return wilson(self.kept, self.due)[1]


@dataclass(frozen=True)
class TeamKept:
    """A team with its agents, the lowest rate first. `whole` counts a promise once, also where two agents answer for it."""

    whole: Kept
    agents: list[Kept]


def kept_rates(*, user: User, first: date, last: date, at: datetime, team: int | None = None) -> list[TeamKept]:
    """Promises due on these days, by who answers for them and the team they were in on the day; teams that the user may see."""
    due = _due(first, last, at).annotate(day=TruncDate("due_at", tzinfo=region_zone()))
    # so late that it was handed over after its time, and then because nobody was there, it is counted with the absences alone
    held = due.annotate(who=HOLDER)
    own = _counted(held.exclude(AWAY, who=F("handed_from")), user, team, away=False)
    away = _counted(due.filter(AWAY).annotate(who=F("handed_from")), user, team, away=True)
    whole = _counted(held, user, team, away=False)
    rows = [*own, *away, *whole]
    agents = User.objects.in_bulk({row["who"] for row in rows})
    teams = Team.objects.in_bulk({row["in_team"] for row in rows if row["in_team"]})
    by_team = _summed(whole, lambda row: row["in_team"])
    by_agent = _summed([*own, *away], lambda row: (row["who"], row["in_team"]))
    return _by_team(
        {teams.get(key): replace(kept, team=teams.get(key)) for key, kept in by_team.items()},
        [replace(kept, agent=agents[key[0]], team=teams.get(key[1])) for key, kept in by_agent.items()],
    )


def _due(first: date, last: date, at: datetime) -> QuerySet[Callback]:
    start, end = range_bounds(first, last)
    return Callback.objects.filter(due_at__gte=start, due_at__lt=min(end, at - KEPT_WITHIN)).exclude(
        state=Callback.State.DROPPED
    )


def _counted(rows: Any, user: User, team: int | None, *, away: bool) -> list[dict[str, Any]]:
    """By `who` and the team of `who` on the `day`; absences are neither kept nor open, whatever became of the promises."""
    rows = rows.annotate(in_team=_team_then())
    if not user.scope().is_region:
        rows = rows.filter(in_team__in=Team.objects.visible_to(user))
    if team is not None:
        rows = rows.filter(in_team=team)
    counts = {"away": Count("id")} if away else {"kept": Count("id", filter=IN_TIME), "open": Count("id", filter=OPEN)}
    return list(rows.order_by().values("who", "in_team").annotate(due=Count("id"), **counts))


def _summed(rows: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, Kept]:
    found: dict[Any, list[Kept]] = {}
    for row in rows:
        kept = Kept(row["due"], row.get("kept", 0), row.get("open", 0), row.get("away", 0))
        found.setdefault(key(row), []).append(kept)
    return {place: together(parts) for place, parts in found.items()}


def _team_then() -> Any:
    """The team of `who` on the day of the promise; a promise of somebody who had left by then stands without a team."""
    day = OuterRef("day")
    member = Membership.objects.filter(user=OuterRef("who"), role=Membership.Role.AGENT, valid_from__lte=day)
    held = member.annotate(ends=Coalesce("valid_to", date.max, output_field=DateField())).filter(ends__gt=day)
    return Subquery(held.values("team")[:1])


def _by_team(wholes: dict[Team | None, Kept], rows: list[Kept]) -> list[TeamKept]:
    found: dict[Team | None, list[Kept]] = {team: [] for team in wholes}
    for row in rows:
        found.setdefault(row.team, []).append(row)
    parts = [
        TeamKept(
            wholes.get(team, Kept(0, 0, 0, team=team)),
            sorted(agents, key=lambda row: (row.rate or 0, -row.due, str(row.agent))),
        )
        for team, agents in found.items()
    ]
    return sorted(parts, key=lambda part: (part.whole.team is None, str(part.whole.team)))


def together(rows: Iterable[Kept], team: Team | None = None) -> Kept:
    rows = list(rows)
    due, kept, is_open, away = (sum(getattr(row, name) for row in rows) for name in ("due", "kept", "open", "away"))
    return Kept(due, kept, is_open, away, team=team)
