"""Pages of guidance maps: four quadrants, cards moved between them by dragging, keys or buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must
from scripts import queries_treasury as queries, rules, services_maps as services
from scripts.forms_treasury import CardForm
from scripts.models import GuidanceCard, GuidanceMap, Product


@require_GET
def map_list(request: HttpRequest) -> HttpResponse:
    """Maps that are worked on, and archived ones to begin a new one with."""
    maps = GuidanceMap.objects.visible_to(request.user).select_related("product", "made_by")
    return render(
        request,
        "scripts/maps.html",
        {
            "open_maps": maps.filter(archived_at=None).order_by("title"),
            "archived": maps.exclude(archived_at=None).order_by("-archived_at")[:50],
            "products": Product.objects.exclude(maps__in=maps.filter(archived_at=None, campaign_id=None)).order_by(
                "name"
            ),
            "may_write": rules.can_write_treasury(request.user),
        },
    )


@require_POST
def map_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    chosen, like = (number_or_none(request.POST.get(name, "")) for name in ("product", "like"))
    archived = None
    if request.POST.get("like"):
        archived = get_object_or_404(_seen(request).exclude(archived_at=None), pk=like)
    product_id = archived.product_id if archived else chosen
    if product_id is None:
        messages.error(request, _("Choose the product whose map this is."))
        return redirect("scripts:maps")
    product = get_object_or_404(Product, pk=product_id)
    try:
        found = services.open_map(product=product, like=archived, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("scripts:maps")
    return redirect("scripts:map", pk=found.pk)


@require_GET
def map_page(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(_seen(request).select_related("product"), pk=pk)
    return render(request, "scripts/guidance_map.html", _context(request, found) | {"form": CardForm()})


def _seen(request: HttpRequest) -> QuerySet[GuidanceMap]:
    return GuidanceMap.objects.visible_to(request.user)


def _map(request: HttpRequest, pk: int) -> GuidanceMap:
    """The map, which the user may change."""
    must(request, rules.can_write_treasury(request.user))
    found = get_object_or_404(_seen(request).select_related("product"), pk=pk)
    must(request, rules.can_write_map(request.user, found))
    return found


def _card(request: HttpRequest, pk: int) -> GuidanceCard:
    """The card, of a map that the user may change."""
    must(request, rules.can_write_treasury(request.user))
    card = get_object_or_404(GuidanceCard.objects.filter(map__in=_seen(request)).select_related("map"), pk=pk)
    must(request, rules.can_write_map(request.user, card.map))
    return card


def _context(request: HttpRequest, found: GuidanceMap) -> dict[str, Any]:
    may_write = rules.can_write_map(request.user, found) and found.archived_at is None
    return {"map": found, "quadrants": queries.quadrants(found), "may_write": may_write}


@require_POST
def card_new(request: HttpRequest, pk: int) -> HttpResponse:
    found = _map(request, pk)
    form = CardForm(request.POST)
    if not form.is_valid():
        return render(request, "scripts/guidance_map.html", _context(request, found) | {"form": form}, status=422)
    told = form.cleaned_data
    return _verb(request, found, lambda: services.add_card(map=found, by=request.user, at=database_now(), **told))


@require_POST
def card_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Other words for a card; empty words take it away."""
    card = _card(request, pk)
    text = request.POST.get("text", "").strip()[:300]
    note = request.POST.get("note", "").strip()[:500]
    at = database_now()
    if not text:
        return _verb(request, card.map, lambda: services.remove_card(card=card, by=request.user, at=at))
    return _verb(
        request, card.map, lambda: services.change_card(card=card, text=text, note=note, by=request.user, at=at)
    )


@require_POST
def card_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Into another quadrant, before the card it was dropped on."""
    card = _card(request, pk)
    quadrant, before = request.POST.get("quadrant", ""), request.POST.get("before", "")
    if quadrant not in GuidanceCard.Quadrant.values:
        messages.error(request, _("There is no such quadrant."))
        return redirect("scripts:map", pk=card.map_id)
    place = number_or_none(before)
    return _verb(
        request,
        card.map,
        lambda: services.move_card(card=card, quadrant=quadrant, before=place, by=request.user, at=database_now()),
    )


@require_POST
def map_archive(request: HttpRequest, pk: int) -> HttpResponse:
    found = _map(request, pk)
    return _verb(request, found, lambda: services.archive_map(map=found, by=request.user, at=database_now()))


def _verb(request: HttpRequest, found: GuidanceMap, verb: Callable[[], Any]) -> HttpResponse:
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("scripts:map", pk=found.pk)
