"""Verbs on guidance maps (domain.md, section 5: four quadrants of what we like to say and customers like to hear)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts.models import GuidanceCard, GuidanceMap, Objection, Product

Quadrant, Kind = GuidanceCard.Quadrant, GuidanceCard.Kind


class MapIsArchived(DomainError):
    """An archived map is kept as it was."""


class CardIsGone(DomainError):
    """Somebody else took the card away meanwhile."""


class MapIsThere(DomainError):
    """A product, or a campaign, has one map that is worked on."""


@transaction.atomic
def open_map(
    *,
    product: Product,
    by: User,
    at: datetime,
    campaign_id: int | None = None,
    campaign: str = "",
    like: GuidanceMap | None = None,
) -> GuidanceMap:
    """A new map of a product or campaign: the cards of `like` (an archived one, say), else cards of the product's own texts and objections.

    Raises MapIsThere.
    """
    Product.objects.select_for_update().get(pk=product.pk)
    if GuidanceMap.objects.filter(product=product, campaign_id=campaign_id, archived_at=None).exists():
        raise MapIsThere(_("There is a guidance map already. Work on that one, or archive it first."))
    found = GuidanceMap.objects.create(
        product=product, campaign_id=campaign_id, title=campaign or product.name, made_by=by, made_at=at
    )
    cards = _copied(like) if like else _first_cards(product)
    for position, card in enumerate(cards):
        card.map, card.position = found, position
    GuidanceCard.objects.bulk_create(cards)
    audit("scripts.map.opened", found, by=by, at=at, cards=len(cards))
    return found


def _first_cards(product: Product) -> list[GuidanceCard]:
    objections = (
        Objection.objects.filter(product=product, retired_at=None).order_by("pk").values_list("text", flat=True)
    )
    texts = (
        (Quadrant.STRENGTH, Kind.SELLING_POINT, product.selling_points.splitlines()),
        (Quadrant.DUTY, Kind.MANDATORY, product.mandatory_statements.splitlines()),
        (Quadrant.WEAK_POINT, Kind.OBJECTION, list(objections)),
    )
    return [
        GuidanceCard(quadrant=quadrant, kind=kind, text=line.strip()[:300])
        for quadrant, kind, lines in texts
        for line in lines
        if line.strip()
    ]


def _copied(like: GuidanceMap) -> list[GuidanceCard]:
    return [
        GuidanceCard(quadrant=card.quadrant, kind=card.kind, text=card.text, note=card.note)
        for card in like.cards.order_by("position", "pk")
    ]


@transaction.atomic
def add_card(*, map: GuidanceMap, quadrant: str, text: str, note: str = "", by: User, at: datetime) -> GuidanceCard:
    """A card in own words, at the end of its quadrant. Raises MapIsArchived."""
    found = _open(map)
    last = found.cards.aggregate(last=Max("position"))["last"] or 0
    card = GuidanceCard.objects.create(map=found, quadrant=quadrant, text=text, note=note, position=last + 1)
    audit("scripts.map.written", found, by=by, at=at, added=card.pk)
    return card


@transaction.atomic
def change_card(*, card: GuidanceCard, text: str, note: str, by: User, at: datetime) -> GuidanceCard:
    """Raises MapIsArchived, CardIsGone."""
    found = _open(card.map)
    card = _there(card)
    card.text, card.note = text, note
    card.save(update_fields=["text", "note"])
    audit("scripts.map.written", found, by=by, at=at, changed=card.pk)
    return card


@transaction.atomic
def move_card(*, card: GuidanceCard, quadrant: str, before: int | None = None, by: User, at: datetime) -> GuidanceCard:
    """Into a quadrant, before another card of it (None: at its end). Raises MapIsArchived, CardIsGone."""
    found = _open(card.map)
    card = _there(card)
    rest = [other for other in found.cards.order_by("position", "pk") if other.pk != card.pk]
    place = next((i for i, other in enumerate(rest) if other.pk == before and other.quadrant == quadrant), len(rest))
    card.quadrant = quadrant
    rest.insert(place, card)
    for position, other in enumerate(rest):
        other.position = position
    GuidanceCard.objects.bulk_update(rest, ["quadrant", "position"])
    audit("scripts.map.written", found, by=by, at=at, moved=card.pk, quadrant=str(quadrant))
    return card


@transaction.atomic
def remove_card(*, card: GuidanceCard, by: User, at: datetime) -> None:
    """Raises MapIsArchived, CardIsGone."""
    found, pk = _open(card.map), card.pk
    _there(card).delete()
    audit("scripts.map.written", found, by=by, at=at, removed=pk)


@transaction.atomic
def archive_map(*, map: GuidanceMap, by: User, at: datetime) -> GuidanceMap:
    """Kept as it is; the next campaign of the product may begin with its cards. Raises MapIsArchived."""
    found = _open(map)
    found.archived_at = at
    found.save(update_fields=["archived_at"])
    audit("scripts.map.archived", found, by=by, at=at)
    return found


def _open(map: GuidanceMap) -> GuidanceMap:
    found = GuidanceMap.objects.select_for_update().get(pk=map.pk)
    if found.archived_at is not None:
        raise MapIsArchived(_("This map is archived and stays as it is. Begin a new one with its cards."))
    return found


def _there(card: GuidanceCard) -> GuidanceCard:
    """The card as it stands now, its map being locked. Raises CardIsGone."""
    found = GuidanceCard.objects.filter(pk=card.pk).first()
    if found is None:
        raise CardIsGone(_("This card was taken away meanwhile."))
    return found
