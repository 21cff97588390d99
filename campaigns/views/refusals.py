"""The queue of clustered refusals that wait for an answer."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.models import Campaign
from campaigns.queries_refusals import MOST_CALLS, clusters
from core.clock import database_now
from core.numbers import number_or_none
from people.access import must
from scripts.rules import can_write_treasury

DAYS = (1, 7, 30)


@require_GET
def refusals(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_read_refusals(request.user))
    chosen, days = request.GET.get("campaign", ""), request.GET.get("days", "")
    span = int(days) if days in map(str, DAYS) else 7
    campaign = number_or_none(chosen)
    at = database_now()
    waiting = request.GET.get("answered") != "1"
    context = {
        "clusters": clusters(request.user, since=at - timedelta(days=span), campaign=campaign, waiting=waiting),
        "campaigns": Campaign.objects.visible_to(request.user).order_by("name"),
        "campaign": campaign,
        "all_days": DAYS,
        "days": span,
        "waiting": waiting,
        "most": MOST_CALLS,
        "may_write": can_write_treasury(request.user),
    }
    return render(request, "campaigns/refusals.html", context)
