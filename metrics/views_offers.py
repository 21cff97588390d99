"""What an offer did in calls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from metrics import offers
from people.access import must
from scripts import rules
from scripts.models import Offer


@require_GET
def offer_effect(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_effects(request.user))
    offer = get_object_or_404(Offer.objects.select_related("product"), pk=pk)
    context = {
        "offer": offer,
        "effect": offers.effect(offer, request.user, timezone.localdate()),
        "most_days": offers.MOST_DAYS,
        "crumbs": [
            (_("Products"), reverse("scripts:products")),
            (offer.product.name, reverse("scripts:product", args=[offer.product_id])),
            (offer.name, reverse("scripts:offer", args=[offer.product_id, offer.pk])),
        ],
    }
    return render(request, "metrics/offer.html", context)
