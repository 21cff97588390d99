"""Reads of sampling plans for screens."""

from __future__ import annotations

from django.db.models import Case, Count, Max, Q, QuerySet, When

from people.models import User
from qa.models import SampleDraw, SampleGap, SamplePick, SamplingPlan, ScoringTask


def plans_shown(user: User) -> QuerySet[SamplingPlan]:
    """Those that are on first, each with the last day drawn."""
    rows = SamplingPlan.objects.visible_to(user).select_related("form", "city", "campaign", "made_by", "ended_by")
    return rows.annotate(drawn_until=Max("draws__ends_on")).order_by("ended_at", "name", "pk")


def draws_shown(user: User, plan: SamplingPlan, most: int) -> list[SampleDraw]:
    """The plan's last draws, the newest first: of the picks that the user may see how many there are, are done, and have left the queue; and
    gaps."""
    draws = list(plan.draws.order_by("-starts_on")[:most])
    seen = ScoringTask.objects.visible_to(user).filter(picks__draw__in=draws).order_by().values("picks__draw")
    picks = {row["picks__draw"]: row for row in seen.annotate(
        waiting_or_done=Count("pk", filter=Q(dropped_at=None)), done=Count("pk", filter=Q(done_at__isnull=False)),
        dropped=Count("pk", filter=Q(dropped_at__isnull=False)),
    )}  # fmt: skip
    gaps = dict(gaps_visible(user).filter(draw__in=draws).order_by().values_list("draw").annotate(n=Count("pk")))
    for draw in draws:
        row = picks.get(draw.pk, {})
        draw.pick_count, draw.done_count = row.get("waiting_or_done", 0), row.get("done", 0)
        draw.dropped_count, draw.gap_count = row.get("dropped", 0), gaps.get(draw.pk, 0)
    return draws


def picks_shown(user: User, draw: SampleDraw) -> QuerySet[SamplePick]:
    seen = ScoringTask.objects.visible_to(user).values("pk")
    return draw.picks.filter(task__in=seen).select_related("task__scorer").order_by("task__lot", "pk")


def gaps_visible(user: User) -> QuerySet[SampleGap]:
    """Gaps of the agents of the places that the user answers for in quality."""
    return SampleGap.objects.visible_to(user)


def gaps_shown(user: User, draw: SampleDraw) -> QuerySet[SampleGap]:
    """Those of a draw that the user may see; first where recordings are missing, which somebody can mend."""
    is_unheard = Q(why=SampleGap.Why.NO_RECORDING)
    return gaps_visible(user).filter(draw=draw).order_by(Case(When(is_unheard, then=0), default=1), "why", "agent_id")
