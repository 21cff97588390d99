"""Reads for the pages of objections, phrases, guidance maps and scenarios."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from people.models import User
from scripts.models import GuidanceCard, GuidanceMap, Objection, ObjectionAnswer, Phrase, PhraseVote, Scenario
from scripts.rules import can_write_treasury


def objections(*, search: str = "", product: int | None = None, with_retired: bool = False) -> QuerySet[Objection]:
    """Objections with `in_use` and `drafts` (numbers of answers); those of every product stand with each product's own."""
    found = Objection.objects.select_related("product").annotate(
        in_use=Count("answers", filter=Q(answers__status=ObjectionAnswer.Status.IN_USE)),
        drafts=Count("answers", filter=Q(answers__status=ObjectionAnswer.Status.DRAFT)),
    )
    if not with_retired:
        found = found.filter(retired_at=None)
    if product is not None:
        found = found.filter(Q(product=product) | Q(product=None))
    if search:
        found = found.filter(search__contains=search.lower())
    return found.order_by("text", "pk")


def answers(objection: Objection, *, with_drafts: bool) -> QuerySet[ObjectionAnswer]:
    """Its answers by status, the newest first; without drafts only those that agents see."""
    found = objection.answers.select_related("written_by").order_by("status", "-written_at")
    return found if with_drafts else found.filter(status=ObjectionAnswer.Status.IN_USE)


def phrases(user: User, *, product: int | None = None, with_retired: bool = False) -> QuerySet[Phrase]:
    """Phrases with `vote_count` and `is_mine` (whether the reader votes for it), the most voted first."""
    found = Phrase.objects.select_related("product", "said_by").annotate(
        vote_count=Count("votes"), is_mine=Exists(PhraseVote.objects.filter(phrase=OuterRef("pk"), by=user))
    )
    if not with_retired:
        found = found.filter(retired_at=None)
    if product is not None:
        found = found.filter(Q(product=product) | Q(product=None))
    return found.order_by("-vote_count", "-added_at", "-pk")


def phrases_since(since: datetime, limit: int = 3) -> list[Phrase]:
    """The phrases that were added or voted for since then, most votes of that time first."""
    young = Count("votes", filter=Q(votes__at__gte=since))
    found = Phrase.objects.filter(retired_at=None).select_related("product").annotate(votes_then=young)
    return list(
        found.filter(Q(votes_then__gt=0) | Q(added_at__gte=since)).order_by("-votes_then", "-added_at", "-pk")[:limit]
    )


def scenarios(user: User, *, product: int | None = None, status: str = "") -> QuerySet[Scenario]:
    """Scenarios by product and name; drafts only for those who write them."""
    found = Scenario.objects.select_related("product", "article")
    if not can_write_treasury(user):
        found = found.exclude(status=Scenario.Status.DRAFT)
    if product is not None:
        found = found.filter(product=product)
    if status:
        found = found.filter(status=status)
    return found.order_by("product__name", "name")


def quadrants(map: GuidanceMap) -> list[tuple[str, str, list[GuidanceCard]]]:
    """(code, words, cards) of the four, in the order in which the map is drawn."""
    cards = list(map.cards.order_by("position", "pk"))
    return [
        (quadrant.value, str(quadrant.label), [card for card in cards if card.quadrant == quadrant])
        for quadrant in GuidanceCard.Quadrant
    ]
