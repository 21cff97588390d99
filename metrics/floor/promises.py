"""Callbacks of today: kept, due, and in danger because whoever promised is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from campaigns.models import AgentState, Callback
from core.calendar import day_bounds
from people.models import Membership

State = Callback.State
SOON = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Promises:
    """Promised for today until now (`due`) and called in time (`kept`); `coming` in the next hour; `at_risk`: due within a quarter of
    an hour or passed, and the agent is away or not signed in; `risky`: (agent, due) of the first of these."""

    due: int
    kept: int
    coming: int
    at_risk: int
    risky: list[tuple[int, datetime]]


def read_promises(*, teams: Sequence[int], day: date, at: datetime, campaign_id: int | None = None) -> Promises:
    """Promises of the agents of these teams."""
    start, end = day_bounds(day)
    agents = Membership.objects.valid_on(day).filter(role=Membership.Role.AGENT, team_id__in=teams).values("user")
    today = Callback.objects.filter(agent__in=agents, due_at__gte=start, due_at__lt=end)
    if campaign_id is not None:
        today = today.filter(lead__campaign_id=campaign_id)
    past = Q(due_at__lte=at)
    sums = today.exclude(state=State.DROPPED).aggregate(
        due=Count("pk", filter=past),
        kept=Count("pk", filter=past & Q(state=State.KEPT)),
        coming=Count("pk", filter=Q(state=State.PROMISED, due_at__gt=at, due_at__lte=at + HOUR)),
    )
    present = AgentState.objects.current().filter(agent=OuterRef("agent")).exclude(state=AgentState.State.AWAY)
    risky = today.filter(~Exists(present), state=State.PROMISED, due_at__lte=at + SOON).order_by("due_at", "pk")
    rows = list(risky.values_list("agent_id", "due_at")[:200])
    return Promises(sums["due"], sums["kept"], sums["coming"], len(rows), rows[:3])
