"""Reads of sampling plans for screens."""

from __future__ import annotations

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from people.models import User
from qa.models import SampleDraw, SampleGap, SamplePick, SamplingPlan, ScoringTask


def plans_shown(user: User) -> QuerySet[SamplingPlan]:
    """Those that are on first, each with the last day drawn."""
    rows = SamplingPlan.objects.visible_to(user).select_related("form", "city", "campaign", "made_by", "ended_by")
    return rows.annotate(drawn_until=Max("draws__ends_on")).order_by("ended_at", "name", "pk")


def draws_shown(user: User, plan: SamplingPlan) -> QuerySet[SampleDraw]:
    """The plan's draws, the newest first: of the picks that the user may see how many there are, are done, and have left the queue; and gaps."""
    seen = ScoringTask.objects.visible_to(user).values("pk")
    picks = SamplePick.objects.filter(draw=OuterRef("pk"), task__in=seen).order_by().values("draw")
    gaps = gaps_visible(user).filter(draw=OuterRef("pk")).order_by().values("draw").annotate(n=Count("pk")).values("n")

    def counted(condition: Q) -> Coalesce:
        return Coalesce(Subquery(picks.annotate(n=Count("pk", filter=condition)).values("n")), 0)

    return plan.draws.annotate(
        pick_count=counted(Q(task__dropped_at=None)),
        done_count=counted(Q(task__done_at__isnull=False)),
        dropped_count=counted(Q(task__dropped_at__isnull=False)),
        gap_count=Coalesce(Subquery(gaps), 0),
    ).order_by("-starts_on")


def picks_shown(user: User, draw: SampleDraw) -> QuerySet[SamplePick]:
    seen = ScoringTask.objects.visible_to(user).values("pk")
    return draw.picks.filter(task__in=seen).select_related("task__scorer").order_by("task__lot", "pk")


def gaps_visible(user: User) -> QuerySet[SampleGap]:
    """Gaps of the agents of the places that the user answers for in quality."""
    return SampleGap.objects.visible_to(user)
