"""Which days of which cities must be built again: those with something recorded since their last build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from metrics.models import Partition, Watermark

# A transaction in flight shows its rows later than the time it wrote on them.
IN_FLIGHT = timedelta(minutes=15)

MARK = """
INSERT INTO metrics_partition AS p (day, city_id, recorded_until, {calls}rows)
SELECT day, city_id, max(recorded_at), {calls_at}0 FROM ({found}) f (day, city_id, recorded_at) GROUP BY day, city_id
ON CONFLICT (day, city_id) DO UPDATE SET {set}recorded_until = greatest(p.recorded_until, excluded.recorded_until)"""
SET_CALLS = "calls_recorded_until = greatest(p.calls_recorded_until, excluded.calls_recorded_until), "

DAY = "(({column} AT TIME ZONE %s)::date)"
NEW_CALLS = (
    f"SELECT {DAY.format(column='started_at')}, city_id, recorded_at FROM campaigns_call WHERE recorded_at >= %s"
)
NEW_ORDERS = (
    f"SELECT {DAY.format(column='call_started_at')}, city_id, recorded_at FROM campaigns_order WHERE recorded_at >= %s"
)
NEW_EVENTS = f"""SELECT {DAY.format(column="o.call_started_at")}, o.city_id, e.recorded_at
FROM campaigns_orderevent e JOIN campaigns_order o ON o.id = e.order_id WHERE e.recorded_at >= %s"""
NEW_MERGERS = f"""SELECT {DAY.format(column="c.started_at")}, c.city_id, m.updated_at
FROM customers_customer m JOIN campaigns_call c ON c.customer_id = m.id WHERE m.merged_into_id IS NOT NULL AND m.updated_at >= %s"""
# the calls of who was merged; what was merged into them before is marked as changed with them
UNDONE_MERGERS = f"""SELECT {DAY.format(column="c.started_at")}, c.city_id, m.undone_at
FROM customers_merge m JOIN campaigns_call c ON c.customer_id = m.gone_id WHERE m.undone_at >= %s"""
ALL_CALLS = f"SELECT DISTINCT {DAY.format(column='started_at')}, city_id, %s::timestamptz FROM campaigns_call"


def of_calls(found: str) -> str:
    """The statement that marks days whose calls must be counted again."""
    return MARK.format(found=found, calls="calls_recorded_until, ", calls_at="max(recorded_at), ", set=SET_CALLS)


def of_orders(found: str) -> str:
    """The statement that marks days of which only the orders are new."""
    return MARK.format(found=found, calls="", calls_at="", set="")


# every mark of having been counted
UNCOUNTED: dict[str, None] = dict.fromkeys(("built_at", "calls_counted_at", "lists_counted_at", "offers_counted_at"))


@transaction.atomic
def mark_dirty(*, at: datetime) -> int:
    """Look through what was recorded since the last look and mark its days; returns how many partitions wait to be built."""
    mark, _is_new = Watermark.objects.select_for_update().get_or_create(pk=1)
    since = (mark.scanned_until or datetime(1970, 1, 1, tzinfo=at.tzinfo)) - IN_FLIGHT
    zone = settings.TIME_ZONE
    with connection.cursor() as cursor:
        for part in (NEW_CALLS, NEW_MERGERS, UNDONE_MERGERS):
            cursor.execute(of_calls(part), [zone, since])
        for part in (NEW_ORDERS, NEW_EVENTS):
            cursor.execute(of_orders(part), [zone, since])
    mark.scanned_until = at
    mark.save(update_fields=["scanned_until"])
    return waiting().count()


@transaction.atomic
def mark_all(*, at: datetime) -> None:
    """Every day that has calls is to be built again."""
    with connection.cursor() as cursor:
        cursor.execute(of_calls(ALL_CALLS), [settings.TIME_ZONE, at])
    Partition.objects.update(recorded_until=at, **UNCOUNTED)


@transaction.atomic
def mark_range(*, since: date, until: date, at: datetime) -> None:
    """The days from since to until that are known to have facts are to be built again."""
    days = Partition.objects.filter(day__range=(since, until))
    days.update(**UNCOUNTED)


def last_look() -> datetime | None:
    """Until when recorded facts were looked through."""
    return Watermark.objects.filter(pk=1).values_list("scanned_until", flat=True).first()


def waiting() -> QuerySet[Partition]:
    """Partitions with something recorded since 15 minutes before their last build, or never built."""
    return Partition.objects.filter(
        Q(built_at=None)
        | Q(recorded_until__gt=F("built_at") - IN_FLIGHT)
        | Q(calls_recorded_until__gt=F("calls_counted_at") - IN_FLIGHT)
    )


def needs_calls(partition: Partition) -> bool:
    """Whether its calls must be counted again, not only its orders."""
    counted, recorded = partition.calls_counted_at, partition.calls_recorded_until
    return counted is None or recorded is None or recorded > counted - IN_FLIGHT


def days_to_build(partitions: Iterable[Partition]) -> list[tuple[date, list[int], list[int]]]:
    """[(day, cities whose calls are counted, cities whose orders alone are)], newest day first: that is what people look at."""
    found: dict[date, tuple[list[int], list[int]]] = {}
    for partition in partitions:
        of_day = found.setdefault(partition.day, ([], []))
        of_day[0 if needs_calls(partition) else 1].append(partition.city_id)
    return [(day, sorted(calls), sorted(orders)) for day, (calls, orders) in sorted(found.items(), reverse=True)]


def has_most(cities: Sequence[int], day: date) -> bool:
    """Whether reading the whole day at once is cheaper than these cities alone."""
    known = Partition.objects.filter(day=day).count()
    return len(cities) * 3 >= known
