"""Promises kept in time: the one definition, by agent and team."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, DateField, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate

from campaigns.models import Callback
from core.calendar import range_bounds, region_zone
from core.stats import wilson
from people.models import Membership, Team, User

# A promise is kept when the customer was called at the latest so long after the time agreed: from then on anybody may call.
KEPT_WITHIN = timedelta(minutes=30)
IN_TIME = Q(kept_at__lte=F("due_at") + KEPT_WITHIN)


@dataclass(frozen=True)
class Kept:
    """Of `due` promises `kept` were kept in time, `late` later, and `open` are not kept yet. Promises that the customer no longer wanted
    (they ended without a call) and those whose half hour is not over yet do not count."""

    due: int
    kept: int
    open: int
    agent: User | None = None
    team: Team | None = None

    @property
    def late(self) -> int:
        return self.due - self.kept - self.open

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
    """A team with its agents, the lowest rate first."""

    whole: Kept
    agents: list[Kept]


def kept_rates(*, user: User, first: date, last: date, at: datetime, team: int | None = None) -> list[TeamKept]:
    """Promises due on these days, by who keeps them now and the team they were in on the day; teams that the user may see."""
    rows = _due(first, last, at).annotate(day=TruncDate("due_at", tzinfo=region_zone())).annotate(in_team=_team_then())
    if not user.scope().is_region:
        rows = rows.filter(in_team__in=Team.objects.visible_to(user))
    if team is not None:
        rows = rows.filter(in_team=team)
    counted = list(
        rows.order_by()
        .values("agent", "in_team")
        .annotate(
            due=Count("id"),
            kept=Count("id", filter=IN_TIME),
            open=Count("id", filter=Q(state=Callback.State.PROMISED)),
        )
    )
    agents = User.objects.in_bulk({row["agent"] for row in counted})
    teams = Team.objects.in_bulk({row["in_team"] for row in counted if row["in_team"]})
    return _by_team(
        [Kept(row["due"], row["kept"], row["open"], agents[row["agent"]], teams.get(row["in_team"])) for row in counted]
    )


def _due(first: date, last: date, at: datetime) -> QuerySet[Callback]:
    start, end = range_bounds(first, last)
    return Callback.objects.filter(due_at__gte=start, due_at__lt=min(end, at - KEPT_WITHIN)).exclude(
        state=Callback.State.DROPPED
    )


def _team_then() -> Any:
    """The agent's team on the day of the promise; a promise of somebody who had left by then stands without a team."""
    day = OuterRef("day")
    member = Membership.objects.filter(user=OuterRef("agent"), role=Membership.Role.AGENT, valid_from__lte=day)
    held = member.annotate(ends=Coalesce("valid_to", date.max, output_field=DateField())).filter(ends__gt=day)
    return Subquery(held.values("team")[:1])


def _by_team(rows: list[Kept]) -> list[TeamKept]:
    found: dict[Team | None, list[Kept]] = {}
    for row in rows:
        found.setdefault(row.team, []).append(row)
    parts = [
        TeamKept(together(agents, team), sorted(agents, key=lambda row: (row.rate or 0, -row.due, str(row.agent))))
        for team, agents in found.items()
    ]
    return sorted(parts, key=lambda part: (part.whole.team is None, str(part.whole.team)))


def together(rows: Iterable[Kept], team: Team | None = None) -> Kept:
    rows = list(rows)
    return Kept(sum(row.due for row in rows), sum(row.kept for row in rows), sum(row.open for row in rows), team=team)
