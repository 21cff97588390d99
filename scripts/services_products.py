"""Verbs on products and offers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import staying
from scripts.models import Offer, Product
from scripts.seen import lock_as_seen

Row = TypeVar("Row", Product, Offer)
OWN_VERBS = {"id", "is_on", "product"}  # the switch has a verb; an offer stays with its product
OFFERED = ("name", "terms", "price_cents")  # what customers are told of an offer
TOLD = 500  # characters of a text, before and after, in the trail


class CodeTaken(DomainError):
    """Another product, or another offer, has this code."""


@transaction.atomic
def save_product(*, product: Product, by: User, at: datetime, changed: Iterable[str] | None = None) -> Product:
    """Store a new product, or what is other than it stands; its switch stays as it is now. `changed`: only these fields, as far as the
    writer touched them. The trail says what was and what is. Raises CodeTaken."""
    product, told = _stored(product, changed)
    if told:
        audit("scripts.product.saved", product, by=by, at=at, is_on=product.is_on, changed=told)
    return product


@transaction.atomic
def switch_product(*, product: Product, is_on: bool, reason: str, by: User, at: datetime) -> Product:
    """Stop selling a product, or let it be sold again: with the next claim and dial, in every campaign."""
    Product.objects.filter(pk=product.pk).update(is_on=is_on)
    product.is_on = is_on
    audit("scripts.product.switched", product, by=by, at=at, is_on=is_on, reason=reason)
    return product


@transaction.atomic
def save_offer(
    *, offer: Offer, by: User, at: datetime, changed: Iterable[str] | None = None, seen: str | None = None
) -> Offer:
    """Store a new offer, or what is other than it stands; `changed` as with products, `seen`: what it read when the writer opened it.

    Raises CodeTaken, WrittenMeanwhile, and MustStay when what is said of it must not change for now.
    """
    staying.keep_wording(offer, OFFERED if changed is None else [name for name in OFFERED if name in set(changed)], by)
    if offer.pk is not None:
        lock_as_seen(offer, Offer.WRITTEN_FIELDS, seen, deed="scripts.offer.saved")
    offer, told = _stored(offer, changed)
    if told:
        audit("scripts.offer.saved", offer, by=by, at=at, changed=told)
    return offer


def _stored(row: Row, changed: Iterable[str] | None) -> tuple[Row, dict[str, list[Any]]]:
    """The row as it stands now, and [before, after] of each field that was stored."""
    names = {field.name for field in row._meta.concrete_fields} - OWN_VERBS
    try:
        with transaction.atomic():
            if row.pk is None:
                row.save(force_insert=True)
                return row, {name: [None, _told(getattr(row, name))] for name in sorted(names)}
            return _changed(row, names if changed is None else names & set(changed))
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise CodeTaken(_("The code %(code)s is taken. Choose another.") % {"code": row.code}) from None


def _changed(row: Row, names: Iterable[str]) -> tuple[Row, dict[str, list[Any]]]:
    model = type(row)
    stands = model.objects.select_for_update().get(pk=row.pk)
    found = [name for name in sorted(names) if getattr(stands, name) != getattr(row, name)]
    told = {name: [_told(getattr(stands, name)), _told(getattr(row, name))] for name in found}
    for name in found:
        setattr(stands, name, getattr(row, name))
    if found:
        stands.save(update_fields=found)
    return stands, told


def _told(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return value if not isinstance(value, str) or len(value) <= TOLD else f"{value[:TOLD]}…"
