"""Reads of customers for screens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from django.db import connection
from django.db.models import BooleanField, Case, F, Max, Prefetch, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.fields import DateField
from pyroaring import BitMap

from customers.models import Contact, Customer, CustomerTag, Merge, PersonRequest, Phone
from people.models import City, User

# Nobody pages through more by hand; beyond it filters help.
SHOWN = 1_000
TRIGRAM = 3
# Names are read on so many at a time, and at most so many. A person looked up by id costs about as much as LOOKUP names read in a row.
WINDOW, WALKED = 10_000, 400_000
LOOKUP = 4


def customers_by_name(
    *, rows: QuerySet[Customer], user: User, backwards: bool = False, narrow: bool = False
) -> QuerySet[Customer]:
    """The first SHOWN of `rows` (already cut to what the user sees) in the order of names, ready for the list.

    Merged from one sorted read per city: `city = ANY(...) ORDER BY name LIMIT` sorts millions, this reads the index. `narrow` says
    that a filter leaves few rows, which are sorted as they are.
    """
    order = ("-name_sort", "-pk") if backwards else ("name_sort", "pk")
    if narrow:
        ids = list(rows.order_by(*order).values_list("pk", flat=True)[:SHOWN])
    else:
        ids = [pk for pk, _name in _merged(rows, _cities_of(rows, user), order, SHOWN)]
    return for_list(Customer.objects.filter(pk__in=ids)).order_by(*order)


def members_by_name(
    *, rows: QuerySet[Customer], ids: BitMap, user: User, city_id: int | None, backwards: bool = False
) -> QuerySet[Customer] | None:
    """The first SHOWN of `rows` that are in the bitmap, as customers_by_name: the names of the city (None: of all) are read in their order out
    of the index alone until enough of them are members. The more there are, the sooner that is. None: sorting the members takes less."""
    last = Customer.objects.aggregate(last=Max("pk"))["last"] or 0
    if not is_quicker_by_name(len(ids), last):
        return None
    order = ("-name_sort", "-pk") if backwards else ("name_sort", "pk")
    cities = _cities_of(rows, user) if city_id is None else [city_id]
    found: list[int] = []
    for names in _windows(cities, order):
        members = [pk for pk in names if pk in ids]
        found += rows.filter(pk__in=members).order_by(*order).values_list("pk", flat=True)
        if len(found) >= SHOWN or len(names) < WINDOW:
            return for_list(Customer.objects.filter(pk__in=found[:SHOWN])).order_by(*order)
    return None


def _windows(cities: list[int], order: tuple[str, str]) -> Iterator[list[int]]:
    """The ids of all customers of these cities in the order of their names, up to WALKED."""
    rows, after = Customer.objects.all(), ">" if order[0] == "name_sort" else "<"
    for _window in range(WALKED // WINDOW):
        names = _merged(rows, cities, order, WINDOW)
        yield [pk for pk, _name in names]
        if not names:
            return
        pk, name = names[-1]
        beyond = RawSQL(
            f"(customers_customer.name_sort, customers_customer.id) {after} (%s, %s)",
            [name, pk],
            output_field=BooleanField(),
        )
        rows = Customer.objects.filter(beyond)


def is_quicker_by_name(members: int, customers: int) -> bool:
    """Of every `customers / members` names one is a member's, as far as they lie evenly."""
    return bool(members) and SHOWN * customers < LOOKUP * members * members


def _cities_of(rows: QuerySet[Customer], user: User) -> list[int]:
    return list(City.objects.visible_to(user).order_by("pk").values_list("pk", flat=True))


def _merged(rows: QuerySet[Customer], cities: list[int], order: tuple[str, str], most: int) -> list[tuple[int, str]]:
    """The first of `rows` with their names."""
    parts = [rows.filter(city=city).order_by(*order).values_list("pk", "name_sort")[:most] for city in cities]
    if not parts:
        return []
    merged = parts[0] if len(parts) == 1 else parts[0].union(*parts[1:], all=True)
    return list(merged if len(parts) == 1 else merged.order_by(*order)[:most])


def for_list(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """With what a row of the list shows: city, source, first number, tags."""
    return rows.select_related("city", "source").prefetch_related(
        Prefetch(
            "phones", Phone.objects.filter(is_primary=True).defer("sealed", "blind_index"), to_attr="first_phones"
        ),
        Prefetch("tags", CustomerTag.objects.select_related("tag").order_by("tag__name"), to_attr="shown_tags"),
    )


def named(rows: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """Customers whose name has `text` in it; of one or two letters, whose name begins with it (shorter than a trigram)."""
    text = text.strip()
    return rows.filter(name__icontains=text) if len(text) >= TRIGRAM else rows.filter(name__istartswith=text)


def requests_by_urgency(user: User) -> QuerySet:
    """What persons ask, of the cities that the user sees: `waits_until` sorts what waits longest past its day first, the answered last."""
    nothing = Value(None, output_field=DateField())
    return (
        PersonRequest.objects.visible_to(user)
        .select_related("customer__city", "received_by", "decided_by")
        .annotate(waits_until=Case(When(state="open", then=F("due_on")), default=nothing))
    )


def overdue_requests(user: User, today: date) -> int:
    return PersonRequest.objects.visible_to(user).overdue(today).count()


FORMER = """
WITH RECURSIVE former (id) AS (
  SELECT id FROM customers_customer WHERE merged_into_id = %s
  UNION SELECT c.id FROM customers_customer c JOIN former f ON c.merged_into_id = f.id)
SELECT id FROM former ORDER BY id
"""


def former_ids(customer_id: int) -> list[int]:
    """The customers that were merged into this one, those merged into them included: their calls and orders are this person's history."""
    with connection.cursor() as cursor:
        cursor.execute(FORMER, [customer_id])
        return [row[0] for row in cursor.fetchall()]


def heirs_of(customer_id: int) -> list[Customer]:
    """The customer, and whom they were merged into, to the one who is left, who stands last. Empty: there is none of this number."""
    rows = list(Customer.objects.filter(pk=customer_id))
    while rows and rows[-1].merged_into:
        rows.append(rows[-1].merged_into)
    return rows


def was_erased(customer: Customer) -> bool:
    """Whether the person asked to be erased and was."""
    return PersonRequest.objects.filter(
        customer=customer, kind=PersonRequest.Kind.ERASE, state=PersonRequest.State.DONE
    ).exists()


def last_contact(persons: list[int]) -> datetime | None:
    """When one of these rows of a person was last contacted or spoken to; None: never."""
    made = Contact.objects.filter(customer_id__in=persons, state=Contact.State.MADE).aggregate(last=Max("at"))["last"]
    known = Customer.objects.filter(pk__in=persons).values_list("attempts", "answered_at")
    moments = [made, *(answered for _attempts, answered in known), *(attempts[0] for attempts, _a in known if attempts)]
    return max((moment for moment in moments if moment), default=None)


def merges_of(customer: Customer) -> QuerySet[Merge]:
    """What was merged into this customer and still is."""
    return Merge.objects.standing().filter(kept=customer).select_related("gone", "by").order_by("-at")
