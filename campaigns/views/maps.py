"""The guidance map of a campaign is begun on the campaign's page; its own page belongs to scripts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from campaigns import rules
from campaigns.models import Campaign
from campaigns.services.maps import open_campaign_map
from core.clock import database_now
from core.errors import DomainError
from people.access import must


@require_POST
def map_begin(request: HttpRequest, pk: int) -> HttpResponse:
    """With the cards of the last map of its kind (with=cards), or from the product's own texts."""
    must(request, rules.can_read_campaigns(request.user))
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    must(request, rules.can_keep_map(request.user, campaign))
    with_cards = request.POST.get("with") == "cards"
    try:
        found = open_campaign_map(campaign=campaign, by=request.user, at=database_now(), with_cards=with_cards)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("campaigns:campaign", pk=pk)
    return redirect("scripts:map", pk=found.pk)
