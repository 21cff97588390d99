"""The greylist: entered, lifted, and what stands against a call. The database function customers_grey_judged() says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.phones import clean_phone
from core.sealed import blind_index
from customers import rule_scopes
from customers.models import Customer, GreyEntry, NumberUse, Phone
from customers.rule_values import MOST_ATTEMPTS, clock_time, minutes_of, value_in_words
from customers.services.calling_hours import moment_of, zone_of
from customers.services.combined_rules import Span
from customers.services.persons import use_number
from customers.services.suppress import lock_person
from people.models import User

MOST_DAYS = 366
DAY = 24 * 60


class GreyEntryIncomplete(DomainError):
    """An entry names somebody, a condition, why, and says where it comes from."""


class EndsBeforeItBegins(DomainError):
    """The end of an entry lies before its beginning."""


class AlreadyLifted(DomainError):
    """Somebody lifted this entry before."""


@transaction.atomic
def add_grey_entry(
    *, purposes: Iterable[str], callback_only: bool, reason: str, source: str, by: User, at: datetime, customer: Customer | None = None,
    number: str = "", valid_to: datetime | None = None, opens: str = "", closes: str = "", most_attempts: int | None = None,
    in_days: int | None = None,
) -> GreyEntry:  # fmt: skip
    """From now on this customer, or whoever has this number, is called only under these conditions; all entries must allow a call.

    `opens` and `closes` are hours of the person's clock ("09:00", "24:00"); `most_attempts` counts what was tried by all campaigns together
    in the last `in_days` times 24 hours. A number counts as a search, since its owner may become visible by it. Raises GreyEntryIncomplete, EndsBeforeItBegins, BadPhone,
    QuotaUsedUp.
    """
    first, last = _hours(opens.strip(), closes.strip())
    _check_attempts(most_attempts, in_days)
    chosen = _conditions(purposes, callback_only or first is not None or most_attempts is not None)
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
        customer=customer, phone_blind=index, purposes=chosen, callback_only=callback_only, from_minute=first, to_minute=last,
        most_attempts=most_attempts, in_days=in_days, valid_to=valid_to, reason=reason.strip()[:200], source=source.strip()[:80], created_by=by,
    )  # fmt: skip
    _lock(row)
    row.save()
    audit(
        "customers.grey_entry.added", row, by=by, at=at, city_id=customer.city_id if customer else None, customer_id=row.customer_id,
        purposes=chosen, callback_only=callback_only, opens=opens.strip(), closes=closes.strip(), most_attempts=most_attempts,
        in_days=in_days, until=valid_to.isoformat() if valid_to else None,
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


def _hours(opens: str, closes: str) -> tuple[int | None, int | None]:
    """ "09:00", "12:30" -> 540, 750"""
    if not opens and not closes:
        return None, None
    if not (clock_time(opens) and clock_time(closes)):
        raise GreyEntryIncomplete(_("Write times as hours and minutes, like 09:00; the end of the day is 24:00."))
    if minutes_of(opens) >= minutes_of(closes):
        raise GreyEntryIncomplete(_("The hours must end after they begin, on the same day."))
    return minutes_of(opens), minutes_of(closes)


def _check_attempts(most: int | None, days: int | None) -> None:
    if (most is None) != (days is None):
        raise GreyEntryIncomplete(_("Say both: how many attempts, and in how many days."))
    if most is not None and not 1 <= most <= MOST_ATTEMPTS:
        told = {"low": 1, "high": MOST_ATTEMPTS}
        raise GreyEntryIncomplete(_("The number of attempts is a whole number from %(low)s to %(high)s.") % told)
    if days is not None and not 1 <= days <= MOST_DAYS:
        told = {"low": 1, "high": MOST_DAYS}
        raise GreyEntryIncomplete(_("The period is a whole number of days from %(low)s to %(high)s.") % told)


def _conditions(purposes: Iterable[str], has_another: bool) -> list[str]:
    chosen = sorted(set(purposes))
    known = dict(rule_scopes.purposes())
    if any(purpose not in known for purpose in chosen):
        raise GreyEntryIncomplete(_("There is no such purpose."))
    if not chosen and not has_another:
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
    numbers = list(customer.phones.values_list("blind_index", flat=True))
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
    """By what the call is for, whatever the hour."""
    return (not entry.purposes or purpose in entry.purposes) and (callback or not entry.callback_only)


def capped_until(entry: GreyEntry, attempts: Sequence[datetime], at: datetime) -> datetime | None:
    """When the attempts of the entry (newest first) are no longer used up; None when they are not."""
    if entry.most_attempts is None or entry.in_days is None or len(attempts) < entry.most_attempts:
        return None
    until = attempts[entry.most_attempts - 1] + timedelta(hours=24 * entry.in_days)
    return until if until > at else None


def hours_of(entries: Iterable[GreyEntry]) -> Span | None:
    """The minutes of the day that all entries allow, empty when there are none such; None when no entry says hours."""
    spans = [(row.from_minute, row.to_minute) for row in entries if row.from_minute is not None]
    if not spans:
        return None
    return max(first for first, _last in spans), min(last or DAY for _first, last in spans)


def closed_until(entries: Iterable[GreyEntry], zone_name: str | None, at: datetime) -> datetime | None:
    """When the hours of the entries begin again where the person lives; None when `at` lies in them, or none are said. Who is never to be
    called is looked at again in a week."""
    span, zone = hours_of(entries), zone_of(zone_name)
    if span is None or zone is None:
        return None
    first, last = span
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if first <= minute < last:
        return None
    if first >= last:
        return at + timedelta(days=7)
    return moment_of(local.date() + timedelta(days=0 if minute < first else 1), first, zone)


def narrowed(hours: dict[int, tuple[Span, ...]], entries: Iterable[GreyEntry]) -> dict[int, tuple[Span, ...]]:
    """Calling hours by weekday within those of the entries."""
    span = hours_of(entries)
    if span is None:
        return hours
    cut = {day: [(max(a, span[0]), min(b, span[1])) for a, b in spans] for day, spans in hours.items()}
    return {day: tuple((a, b) for a, b in spans if a < b) for day, spans in cut.items()}


def in_words(entry: GreyEntry) -> str:
    """ "only for Service, Retention; only when the customer asked for a call; only from 09:00 to 12:00; at most 2 attempts in 7 days" """
    named = dict(rule_scopes.purposes())
    parts = []
    if entry.purposes:
        parts.append(_("only for %(purposes)s") % {"purposes": ", ".join(str(named.get(p, p)) for p in entry.purposes)})
    if entry.callback_only:
        parts.append(_("only when the customer asked for a call"))
    if entry.from_minute is not None:
        parts.append(hours_in_words(entry.from_minute, entry.to_minute or DAY))
    if entry.most_attempts and entry.in_days:
        parts.append(value_in_words("cap", {"most": entry.most_attempts, "hours": 24 * entry.in_days}))
    return "; ".join(parts)


def hours_in_words(first: int, last: int) -> str:
    told = {"opens": f"{first // 60:02}:{first % 60:02}", "closes": f"{last // 60:02}:{last % 60:02}"}
    return _("only from %(opens)s to %(closes)s") % told
