"""Where customers come from, and what a row of it costs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from customers.models import Source
from people.models import User


class SourceExists(DomainError):
    """Another source has this name."""


@transaction.atomic
def create_source(*, name: str, kind: str, supplier: str, price_cents: int, by: User, at: datetime) -> Source:
    """Raises SourceExists."""
    name = name.strip()
    _check(name, None)
    source = Source.objects.create(name=name, kind=kind, supplier=supplier.strip(), price_cents=price_cents)
    audit("customers.source.created", source, by=by, at=at, kind=kind, price_cents=price_cents)
    return source


@transaction.atomic
def update_source(
    *, source: Source, name: str, kind: str, supplier: str, price_cents: int, by: User, at: datetime
) -> Source:
    """Raises SourceExists."""
    source = Source.objects.select_for_update().get(pk=source.pk)
    name = name.strip()
    _check(name, source.pk)
    before = source.price_cents
    source.name, source.kind, source.supplier, source.price_cents = name, kind, supplier.strip(), price_cents
    source.save(update_fields=["name", "kind", "supplier", "price_cents"])
    audit(
        "customers.source.changed", source, by=by, at=at, kind=kind, price_cents=price_cents, price_cents_before=before
    )
    return source


def _check(name: str, own: int | None) -> None:
    others = Source.objects.filter(name=name)
    if (others if own is None else others.exclude(pk=own)).exists():
        raise SourceExists(_("There is a source %(name)s already.") % {"name": name})
