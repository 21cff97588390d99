"""Calls counted by list and source, beside the rollup: a scorecard of years of calls must open at once.

Why not from the calls themselves (EXPLAIN ANALYZE on 3,000,000 of them on two busy cores, all in memory): the distinct customers by list take
8.6 s, sorted on disk; with an index on (list_id, customer_id) that includes the flags 1.7 s, read whole for each page, and it takes 142 MB
and one more write with each call of the floor. The union of the sets stored here, of 100 lists in 21 cities and 4 campaigns each
(8,400 rows), takes 0.4 s, and does not grow with the calls. So, as elsewhere: one row for a business day, city,
campaign, source and list; and one for all days of the same, which is what pages read. What waits is known by the marks
of the rollup's own partitions, with a mark of its own for what is counted here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from django.db import connection, transaction
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

    def beyond(self, before: Tally) -> Tally | None:
        """What this has gained over what it was; None when it has lost a customer, who may be in other days too."""
        if any(not members <= self.sets.get(name, BitMap()) for name, members in before.sets.items()):
            return None
        return Tally([now - was for now, was in zip(self.counts, before.counts, strict=True)], self.sets)

    def measures(self) -> dict[str, int | None]:
        """As the registry divides them."""
        sizes: dict[str, int | None] = {name: len(self.sets[name]) if name in self.sets else 0 for name in LIST_SETS}
        return {**dict(zip(LIST_COUNTS, self.counts, strict=True)), **sizes}


def waiting(mark: str = "lists_counted_at") -> QuerySet[Partition]:
    """Days of cities with something recorded since 15 minutes before their lists (or what else the mark says) were last counted, or never counted."""
    before = F(mark) - IN_FLIGHT
    return Partition.objects.filter(
        Q(**{mark: None}) | Q(recorded_until__gt=before) | Q(calls_recorded_until__gt=before)
    )


def days_waiting(mark: str = "lists_counted_at") -> list[tuple[date, list[int]]]:
    """[(day, its cities that wait)], newest day first."""
    found: dict[date, list[int]] = {}
    for day, city in waiting(mark).order_by("-day", "city_id").values_list("day", "city_id"):
        found.setdefault(day, []).append(city)
    return list(found.items())


@transaction.atomic
def count_day(*, day: date, cities: Sequence[int]) -> int:
    """Count one business day of these cities by list again, and the sums over all days that it belongs to. Returns how many rows the day has.

    A partition that the rollup is just writing is left out and goes on waiting: this never waits while it holds partitions, so neither
    can the two wait for each other. An older count never replaces a newer one: the partitions are locked before the facts are read.
    """
    _one_at_a_time()
    waits = Partition.objects.filter(day=day, city_id__in=cities).order_by("city_id")
    partitions = list(waits.select_for_update(skip_locked=True))
    held = [partition.city_id for partition in partitions]
    read_at = database_now()
    found = read(day, held, CALLS, ORDERS)
    stored = ListFigures.objects.filter(day=day, city_id__in=held)
    old = {_key(row): tally_of(row) for row in stored}
    stored.delete()
    ListFigures.objects.bulk_create([_row(day, key, tally) for key, tally in sorted(found.items())], batch_size=500)
    _sum_again(old, found)
    Partition.objects.filter(pk__in=[partition.pk for partition in partitions]).update(lists_counted_at=read_at)
    return len(found)


def _one_at_a_time() -> None:
    """Two days of one list change the same sum."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('metrics.lists'), 0)")


def read(day: date, cities: list[int], calls: str, orders: str) -> dict[Key, Tally]:
    """What two questions of the shape of CALLS and ORDERS find, by their first four columns; merged persons are one."""
    bounds = day_bounds(day)
    merged = facts.merged_persons()
    tallies: dict[Key, Tally] = {}
    *keys, customers, connected, sale = copying.columns_out(calls, [*bounds, cities], 7)
    for key, rows in _grouped(keys):
        tally = tallies.setdefault(key, Tally())
        tally.counts[0], tally.counts[1] = len(rows), int(connected[rows].sum())
        whose = facts.follow(customers[rows], merged)
        _fill(tally, "customers_called", whose)
        _fill(tally, "customers_reached", whose[connected[rows] > 0])
        _fill(tally, "customers_won", whose[sale[rows] > 0])
    *keys, customers, cancelled = copying.columns_out(orders, [*bounds, cities, *bounds], 6)
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


COLUMNS = ("city_id", "campaign_id", "source_id", "list_id", *LIST_COUNTS, *(f"{name}_ids" for name in LIST_SETS))


def tally_of(row: Any) -> Tally:
    """What a stored row says; a model or a tuple named by COLUMNS."""
    sets = {name: BitMap.deserialize(bytes(data)) for name in LIST_SETS if (data := getattr(row, f"{name}_ids"))}
    return Tally([getattr(row, name) for name in LIST_COUNTS], sets)


def _sum_again(old: dict[Key, Tally], new: dict[Key, Tally]) -> None:
    """The rows of all days together, of the keys of a day that was `old` and is `new`: customers united, not added.

    What a day has gained is put to the sum, which is what the running day does all day long; where it has lost a customer, all days are read.
    """
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    if not changed:
        return
    rows = ListFigures.objects.filter(day=None, city_id__in={key[0] for key in changed})
    stored = {
        key: row for row in rows.filter(campaign_id__in={key[1] for key in changed}) if (key := _key(row)) in changed
    }
    sums = {}
    for key in sorted(changed):
        before, after = old.get(key, Tally()), new.get(key, Tally())
        whole = stored.get(key)
        gained = after.beyond(before) if whole is not None or not before.sets else None
        if gained is None:
            sums[key] = _all_days(key)
        else:
            sums[key] = tally_of(whole) if whole is not None else Tally()
            sums[key].add(gained)
    ListFigures.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
    ListFigures.objects.bulk_create(
        [_row(None, key, tally) for key, tally in sums.items() if any(tally.counts)], batch_size=500
    )


def _all_days(key: Key) -> Tally:
    city, campaign, source, lead_list = key
    found = Tally()
    for row in ListFigures.objects.filter(
        day__isnull=False, city_id=city, campaign_id=campaign, source_id=source or None, list_id=lead_list or None
    ).iterator(chunk_size=2000):
        found.add(tally_of(row))
    return found
