"""The greylist: entered, lifted, and what stands against a call for a purpose. The database function customers_grey_allows() says the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.phones import clean_phone
from core.sealed import blind_index
from customers import rule_scopes
from customers.models import Customer, GreyEntry, NumberUse, Phone
from customers.services.persons import use_number
from customers.services.suppress import lock_person
from people.models import User


class GreyEntryIncomplete(DomainError):
    """An entry names somebody, a condition, why, and says where it comes from."""


class EndsBeforeItBegins(DomainError):
    """The end of an entry lies before its beginning."""


class AlreadyLifted(DomainError):
    """Somebody lifted this entry before."""


@transaction.atomic
def add_grey_entry(
    *, purposes: Iterable[str], callback_only: bool, reason: str, source: str, by: User, at: datetime, customer: Customer | None = None,
    number: str = "", valid_to: datetime | None = None,
) -> GreyEntry:  # fmt: skip
    """From now on this customer, or whoever has this number, is called only under these conditions; all entries must allow a call.

    A number counts as a search, since its owner may become visible by it. Raises GreyEntryIncomplete, EndsBeforeItBegins, BadPhone,
    QuotaUsedUp.
    """
    chosen = _conditions(purposes, callback_only)
    if not reason.strip() or not source.strip():
        raise GreyEntryIncomplete(_("Say why, and where this comes from."))
    if (customer is None) == (not number):
        raise GreyEntryIncomplete(_("Name a customer or a number."))
    if valid_to and valid_to <= at:
        raise EndsBeforeItBegins(_("The end must lie after the beginning."))
    index = None
    # who was merged is the one they were merged into
    customer = lock_person(customer, None) if customer else None
    if number:
        index = blind_index(clean_phone(number))
        use_number(kind=NumberUse.Kind.SEARCH, by=by, at=at)
    row = GreyEntry(
        customer=customer, phone_blind=index, purposes=chosen, callback_only=callback_only, valid_to=valid_to, reason=reason.strip()[:200],
        source=source.strip()[:80], created_by=by,
    )  # fmt: skip
    _lock(row)
    row.save()
    audit(
        "customers.grey_entry.added", row, by=by, at=at, city_id=customer.city_id if customer else None, customer_id=row.customer_id,
        purposes=chosen, callback_only=callback_only, until=valid_to.isoformat() if valid_to else None,
    )  # fmt: skip
    return row


@transaction.atomic
def lift_grey_entry(*, entry: GreyEntry, by: User, at: datetime, reason: str) -> GreyEntry:
    """End an entry at once, with a reason that stays. Raises AlreadyLifted, GreyEntryIncomplete."""
    if not reason.strip():
        raise GreyEntryIncomplete(_("Say why the entry is lifted."))
    _lock(entry)
    row = GreyEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)
    if row.lifted_at is not None:
        raise AlreadyLifted(_("This entry was lifted before."))
    row.lifted_at, row.lifted_by, row.lift_reason = at, by, reason.strip()[:200]
    row.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    city_id = row.customer.city_id if row.customer else None
    audit("customers.grey_entry.lifted", row, by=by, at=at, city_id=city_id, customer_id=row.customer_id)
    return row


def _conditions(purposes: Iterable[str], callback_only: bool) -> list[str]:
    chosen = sorted(set(purposes))
    known = dict(rule_scopes.purposes())
    if any(purpose not in known for purpose in chosen):
        raise GreyEntryIncomplete(_("There is no such purpose."))
    if not chosen and not callback_only:
        raise GreyEntryIncomplete(
            _("Choose a condition; who may not be called at all belongs on the do-not-call list.")
        )
    return chosen


def _lock(entry: GreyEntry) -> None:
    """The person first, as everywhere: a claim of the same moment comes before, or sees the entry."""
    rows = Customer.objects.filter(_reached(entry)).order_by("pk").select_for_update(of=("self",))
    list(rows.values_list("pk", flat=True))


def _reached(entry: GreyEntry) -> Q:
    if entry.customer_id:
        return Q(pk=entry.customer_id)
    assert entry.phone_blind is not None  # a constraint
    return Q(pk__in=Phone.objects.filter(blind_index=bytes(entry.phone_blind)).values("customer"))


def mark_all() -> int:
    """Persons of a listed number who came into the pool while it was entered get their mark; returns how many. The nightly sweep."""
    listed = GreyEntry.objects.filter(lifted_at=None, phone_blind__isnull=False).values("phone_blind")
    reached = Phone.objects.filter(blind_index__in=listed).values("customer")
    return Customer.objects.filter(pk__in=reached, is_greylisted=False).update(is_greylisted=True)


# ---------------------------------------------------------------- asked


def entries_of(customer: Customer, at: datetime) -> list[GreyEntry]:
    """What is in force for the person, by row or by one of the numbers. No question of who is not on the list."""
    if not customer.is_greylisted:
        return []
    numbers = customer.phones.values("blind_index")
    rows = GreyEntry.objects.in_force(at).filter(Q(customer=customer) | Q(phone_blind__in=numbers))
    return list(rows.order_by("pk"))


def entries_of_many(customers: Iterable[Customer], at: datetime) -> dict[int, list[GreyEntry]]:
    """The same of many, whose phones are loaded, by one question."""
    asked = [customer for customer in customers if customer.is_greylisted]
    if not asked:
        return {}
    by_number = {bytes(phone.blind_index): customer.pk for customer in asked for phone in customer.phones.all()}
    rows = GreyEntry.objects.in_force(at).filter(Q(customer__in=asked) | Q(phone_blind__in=list(by_number)))
    found: dict[int, list[GreyEntry]] = {}
    for row in rows.order_by("pk"):
        owner = row.customer_id or by_number[bytes(row.phone_blind or b"")]
        found.setdefault(owner, []).append(row)
    return found


def allows(entry: GreyEntry, *, purpose: str, callback: bool) -> bool:
    return (not entry.purposes or purpose in entry.purposes) and (callback or not entry.callback_only)


def in_words(entry: GreyEntry) -> str:
    """ "only for Service, Retention; only when the customer asked for a call" """
    named = dict(rule_scopes.purposes())
    parts = []
    if entry.purposes:
        parts.append(_("only for %(purposes)s") % {"purposes": ", ".join(str(named.get(p, p)) for p in entry.purposes)})
    if entry.callback_only:
        parts.append(_("only when the customer asked for a call"))
    return "; ".join(parts)
