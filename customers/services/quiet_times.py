"""A person's do-not-disturb times: entered, ended, and when the next of them is over.

The database functions customers_quiet_spans() and customers_quiet_until() are the only definition; claim, dial and funnel ask them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from customers.models import Customer, QuietTime
from customers.rule_values import clock_time, days_in_words, minutes_of
from customers.services.calling_hours import moment_of, zone_of
from customers.services.suppress import lock_person
from people.models import User

Span = tuple[datetime, datetime]
DAY = 24 * 60


class QuietTimeIncomplete(DomainError):
    """A wish says on which days, from when to when, and who stated it."""


class EndsBeforeItBegins(DomainError):
    """The last day of a wish has passed."""


class AlreadyEnded(DomainError):
    """The wish was ended before."""


class StandsAlready(DomainError):
    """The same wish holds already."""


@transaction.atomic
def add_quiet_time(
    *, customer: Customer, days: Iterable[int], begins: str, ends: str, stated_on: date, way: str, stated_by: str, by: User, at: datetime,
    last_day: date | None = None,
) -> QuietTime:  # fmt: skip
    """From now on the customer is not called at these times of the week ("22:00" to "07:00" ends on the day after), whatever was promised.

    By the clock of the customer's city, `last_day` included. Raises QuietTimeIncomplete, EndsBeforeItBegins, StandsAlready.
    """
    wanted, start, end = _times(days, begins, ends)
    if way not in QuietTime.Way.values or not stated_by.strip():
        raise QuietTimeIncomplete(_("Say how and by whom the wish was stated."))
    # the person first, as everywhere: a claim of the same moment comes before, or sees the wish
    person = lock_person(customer, None)
    assert person is not None  # a chain of merges ends at a person
    zone = zone_of(person.city.zone.name if person.city.zone else None)
    if stated_on > at.astimezone(zone).date():
        raise QuietTimeIncomplete(_("A wish cannot have been stated in the future."))
    valid_to = None
    if last_day is not None:
        if zone is None:
            raise QuietTimeIncomplete(_("The time zone of this city is not known, so no last day can be said."))
        valid_to = moment_of(last_day + timedelta(days=1), 0, zone)
        if valid_to <= at:
            raise EndsBeforeItBegins(_("The last day has passed already."))
    same = person.quiet_times.standing(at).filter(days=wanted, from_minute=start, to_minute=end, valid_to=valid_to)
    if same.exists():
        raise StandsAlready(_("The same wish holds already."))
    row = QuietTime.objects.create(
        customer=person, days=wanted, from_minute=start, to_minute=end, valid_to=valid_to, stated_on=stated_on, way=way,
        stated_by=stated_by.strip()[:80], created_by=by,
    )  # fmt: skip
    audit("customers.quiet_time.added", row, by=by, at=at, city_id=person.city_id, customer_id=person.pk)
    return row


@transaction.atomic
def end_quiet_time(*, quiet_time: QuietTime, by: User, at: datetime) -> QuietTime:
    """The customer may be called at these times again. Raises AlreadyEnded."""
    person = Customer.objects.select_for_update(of=("self",)).get(pk=quiet_time.customer_id)
    row = QuietTime.objects.select_for_update(of=("self",)).get(pk=quiet_time.pk)
    if row.ended_at is not None:
        raise AlreadyEnded(_("This wish was ended before."))
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    audit("customers.quiet_time.ended", row, by=by, at=at, city_id=person.city_id, customer_id=person.pk)
    return row


def _times(days: Iterable[int], begins: str, ends: str) -> tuple[list[int], int, int]:
    wanted = sorted(set(days))
    if not wanted or wanted[0] < 1 or wanted[-1] > 7:
        raise QuietTimeIncomplete(_("Choose at least one day of the week."))
    if not (clock_time(begins) and clock_time(ends)):
        raise QuietTimeIncomplete(_("Write times as hours and minutes, like 09:00; the end of the day is 24:00."))
    start, end = minutes_of(begins) % DAY, minutes_of(ends) or DAY
    if start == end:
        raise QuietTimeIncomplete(_("It ends when it begins. For the whole day write 00:00 to 24:00."))
    return wanted, start, end


# ---------------------------------------------------------------- when


def quiet_spans(customer: Customer, *, start: datetime, days: int) -> list[Span]:
    """The times in which this customer is not to be disturbed, from the day of `start` on over some days, put together and in order."""
    if not customer.has_quiet_times:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT begins, ends FROM customers_quiet_spans(%s, %s, %s)", [customer.pk, start, days])
        return list(cursor.fetchall())


def quiet_until(customer: Customer, at: datetime) -> datetime | None:
    """When the do-not-disturb time in which `at` lies is over; None when it lies in none. No question of who has none."""
    return quiet_ends([customer], at).get(customer.pk)


def quiet_ends(customers: Iterable[Customer], at: datetime) -> dict[int, datetime]:
    """The same of many, by one question: those who are not to be disturbed at `at`."""
    asked = [customer.pk for customer in customers if customer.has_quiet_times]
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, until FROM unnest(%s::bigint[]) id, customers_quiet_until(id, %s) until WHERE until IS NOT NULL",
            [asked, at],
        )
        return dict(cursor.fetchall())


def quiet_spans_of(customers: Iterable[Customer], *, start: datetime, days: int) -> dict[int, list[Span]]:
    """quiet_spans() of many, by one question; who has none is not in it."""
    asked = [customer.pk for customer in customers if customer.has_quiet_times]
    found: dict[int, list[Span]] = {}
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, begins, ends FROM unnest(%s::bigint[]) id, customers_quiet_spans(id, %s, %s)",
                [asked, start, days],
            )
            for pk, begins, ends in cursor.fetchall():
                found.setdefault(pk, []).append((begins, ends))
    return found


def in_words(row: QuietTime) -> str:
    """ "Mon–Fri from 22:00 to 07:00 of the day after" """
    told = {
        "days": days_in_words(row.days),
        "opens": _clock(row.from_minute),
        "closes": _clock(row.to_minute),
    }
    if row.to_minute < row.from_minute:
        return _("%(days)s from %(opens)s to %(closes)s of the day after") % told
    return _("%(days)s from %(opens)s to %(closes)s") % told


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
