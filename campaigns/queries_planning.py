"""Reads for the pages of campaigns."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from campaigns.models import Campaign, Lead
from people.models import User


@dataclass(frozen=True)
class LeadCounts:
    """Leads of a campaign by where they are; the parts add up to `total`."""

    total: int
    ready: int
    later: int
    held: int
    won: int
    refused: int
    finished: int


def campaigns_for(user: User, *, search: str = "", stage: str = "") -> QuerySet[Campaign]:
    """Campaigns the user sees, newest first."""
    found = Campaign.objects.visible_to(user).select_related("product", "city")
    if stage:
        found = found.filter(stage=stage)
    if search:
        found = found.filter(Q(code__icontains=search) | Q(name__icontains=search) | Q(product__name__icontains=search))
    return found.order_by("-created_at", "-pk")


def lead_counts(campaign_ids: list[int], user: User, at) -> dict[int, LeadCounts]:
    """Counts per campaign, of the leads the user may see; one query for all."""
    state, outcome = Lead.State, Lead.Outcome
    rows = (
        Lead.objects.visible_to(user)
        .filter(campaign__in=campaign_ids)
        .values("campaign")
        .annotate(
            total=Count("pk"),
            ready=Count("pk", filter=Q(state=state.OPEN, ready_at__lte=at)),
            later=Count("pk", filter=Q(state=state.OPEN, ready_at__gt=at)),
            held=Count("pk", filter=Q(state=state.HELD)),
            won=Count("pk", filter=Q(outcome=outcome.WON)),
            refused=Count("pk", filter=Q(outcome=outcome.REFUSED)),
            finished=Count("pk", filter=Q(state=state.DONE) & ~Q(outcome__in=[outcome.WON, outcome.REFUSED])),
        )
    )
    return {row.pop("campaign"): LeadCounts(**row) for row in rows}
