"""Calls counted by list and source, beside the rollup: a scorecard of years of calls must open at once.

Why not by an index on the calls' own columns: on 3,000,000 calls (EXPLAIN ANALYZE, two cores, all in memory) the distinct customers by
list took 5.7 s from the calls, an index on (list_id, customer_id, ...) would be written with every call of the floor and still be
read whole for the page, and the union of the stored sets takes some milliseconds. So, as elsewhere: one row for a business day, city,
campaign, source and list; and one for all days of the same, which is what pages read. What waits is known by the marks
of the rollup's own partitions, with a mark of its own for what is counted here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from django.db import transaction
from django.db.models import F, Q, QuerySet
from pyroaring import BitMap

from core.calendar import day_bounds
from core.clock import database_now
from metrics import copying, facts
from metrics.models import LIST_COUNTS, LIST_SETS, ListFigures, Partition
from metrics.services.dirty import IN_FLIGHT

# city, campaign, source, list; 0 stands for none, so that the keys are numbers
Key = tuple[int, int, int, int]

CALLS = """
SELECT city_id, campaign_id, coalesce(source_id, 0), coalesce(list_id, 0), customer_id, connected::int::bigint, sale::int::bigint
FROM campaigns_call WHERE started_at >= %s AND started_at < %s AND city_id = ANY(%s) AND direction = 'outbound'"""

# an order belongs to the list of its call
ORDERS = """
SELECT o.city_id, o.campaign_id, coalesce(c.source_id, 0), coalesce(c.list_id, 0), o.customer_id, (o.state = 'cancelled')::int::bigint
FROM campaigns_order o JOIN campaigns_call c ON c.id = o.call_id AND c.started_at = o.call_started_at
WHERE o.call_started_at >= %s AND o.call_started_at < %s AND o.city_id = ANY(%s)
  AND c.started_at >= %s AND c.started_at < %s AND c.direction = 'outbound'"""


@dataclass
class Tally:
    """Counts in the order of LIST_COUNTS and sets of customers by the names of LIST_SETS; an empty set is absent."""

    counts: list[int] = field(default_factory=lambda: [0] * len(LIST_COUNTS))
    sets: dict[str, BitMap] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        for name, members in other.sets.items():
            if name in self.sets:
                self.sets[name] |= members
            else:
                self.sets[name] = members.copy()

    def measures(self) -> dict[str, int | None]:
        """As the registry divides them."""
        sizes = {name: len(self.sets[name]) if name in self.sets else 0 for name in LIST_SETS}
        return dict(zip(LIST_COUNTS, self.counts, strict=True)) | sizes


def waiting() -> QuerySet[Partition]:
    """Days of cities with something recorded since 15 minutes before their lists were last counted, or never counted."""
    newest = Q(recorded_until__gt=F("lists_counted_at") - IN_FLIGHT)
    return Partition.objects.filter(
        Q(lists_counted_at=None) | newest | Q(calls_recorded_until__gt=F("lists_counted_at") - IN_FLIGHT)
    )


def days_waiting() -> list[tuple[date, list[int]]]:
    """[(day, its cities that wait)], newest day first."""
    found: dict[date, list[int]] = {}
    for day, city in waiting().order_by("-day", "city_id").values_list("day", "city_id"):
        found.setdefault(day, []).append(city)
    return list(found.items())


@transaction.atomic
def count_day(*, day: date, cities: Sequence[int]) -> int:
    """Count one business day of these cities by list again, and the sums over all days that it belongs to. Returns how many rows the day has.

    An older count never replaces a newer one: the partitions are locked before the facts are read.
    """
    partitions = list(
        Partition.objects.select_for_update().filter(day=day, city_id__in=cities).order_by("city_id")
    )  # always in one order, so that two builds do not wait for each other
    held = [partition.city_id for partition in partitions]
    read_at = database_now()
    found = _read(day, held)
    old = ListFigures.objects.filter(day=day, city_id__in=held)
    touched = {_key(row) for row in old.only("city_id", "campaign_id", "source_id", "list_id")} | found.keys()
    old.delete()
    ListFigures.objects.bulk_create([_row(day, key, tally) for key, tally in sorted(found.items())], batch_size=500)
    _sum_again(touched)
    Partition.objects.filter(pk__in=[partition.pk for partition in partitions]).update(lists_counted_at=read_at)
    return len(found)


def _read(day: date, cities: list[int]) -> dict[Key, Tally]:
    bounds = day_bounds(day)
    merged = facts.merged_persons()
    tallies: dict[Key, Tally] = {}
    *keys, customers, connected, sale = copying.columns_out(CALLS, [*bounds, cities], 7)
    for key, rows in _grouped(keys):
        tally = tallies.setdefault(key, Tally())
        tally.counts[0], tally.counts[1] = len(rows), int(connected[rows].sum())
        whose = facts.follow(customers[rows], merged)
        _fill(tally, "customers_called", whose)
        _fill(tally, "customers_reached", whose[connected[rows] > 0])
        _fill(tally, "customers_won", whose[sale[rows] > 0])
    *keys, customers, cancelled = copying.columns_out(ORDERS, [*bounds, cities, *bounds], 6)
    for key, rows in _grouped(keys):
        tally = tallies.setdefault(key, Tally())
        tally.counts[2], tally.counts[3] = len(rows), int(cancelled[rows].sum())
        _fill(tally, "customers_cancelled", facts.follow(customers[rows], merged)[cancelled[rows] > 0])
    return tallies


def _grouped(keys: list[np.ndarray]) -> Iterable[tuple[Key, np.ndarray]]:
    """Each distinct key with the places of its rows."""
    if not len(keys[0]):
        return
    codes, tables = facts.factorize(keys)
    places = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(tables[0])))
    yield from zip(zip(*(table.tolist() for table in tables), strict=True), np.split(places, ends[:-1]), strict=True)


def _fill(tally: Tally, name: str, customers: np.ndarray) -> None:
    if len(customers):
        tally.sets[name] = BitMap(array("I", np.unique(customers).astype(np.uint32).tobytes()))


def _key(row: ListFigures) -> Key:
    return row.city_id, row.campaign_id, row.source_id or 0, row.list_id or 0


def _row(day: date | None, key: Key, tally: Tally) -> ListFigures:
    city, campaign, source, lead_list = key
    sets = {f"{name}_ids": members.serialize() for name, members in tally.sets.items()}
    return ListFigures(
        day=day, city_id=city, campaign_id=campaign, source_id=source or None, list_id=lead_list or None,
        **dict(zip(LIST_COUNTS, tally.counts, strict=True)), **sets,
    )  # fmt: skip


def tally_of(row: ListFigures) -> Tally:
    """What a stored row says."""
    sets = {name: BitMap.deserialize(bytes(data)) for name in LIST_SETS if (data := getattr(row, f"{name}_ids"))}
    return Tally([getattr(row, name) for name in LIST_COUNTS], sets)


def _sum_again(keys: set[Key]) -> None:
    """The rows of all days together, of these keys: customers united, not added."""
    by_city: dict[int, set[Key]] = {}
    for key in keys:
        by_city.setdefault(key[0], set()).add(key)
    for city, wanted in sorted(by_city.items()):
        rows = ListFigures.objects.filter(city_id=city, campaign_id__in={key[1] for key in wanted}).filter(
            Q(list_id__in={key[3] for key in wanted}) | Q(list_id=None)
        )
        sums: dict[Key, Tally] = {}
        for row in rows.filter(day__isnull=False).iterator(chunk_size=2000):
            if _key(row) in wanted:
                sums.setdefault(_key(row), Tally()).add(tally_of(row))
        ListFigures.objects.filter(
            pk__in=[pk for pk, *key in rows.filter(day=None).values_list("pk", *KEYS) if _numbers(key) in wanted]
        ).delete()
        ListFigures.objects.bulk_create([_row(None, key, tally) for key, tally in sorted(sums.items())], batch_size=500)


KEYS = ("city_id", "campaign_id", "source_id", "list_id")


def _numbers(key: Sequence[int | None]) -> Key:
    city, campaign, source, lead_list = (part or 0 for part in key)
    return city, campaign, source, lead_list
