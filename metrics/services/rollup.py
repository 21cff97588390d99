"""Day figures: one business day of one city at a time, replaced in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db import connection, transaction

from core.calendar import month_start, week_start
from core.clock import database_now
from metrics import copying, facts, groups, storing
from metrics.columns import Level
from metrics.groups import Groups
from metrics.models import DayFigures, HourFigures, Partition
from metrics.services import dirty

DAY_TABLE = DayFigures._meta.db_table
HOUR_TABLE = HourFigures._meta.db_table
HOUR_COLUMNS = (
    "day",
    "hour",
    "city_id",
    "team_id",
    "agent_id",
    "campaign_id",
    "calls",
    "calls_connected",
    "sales",
    "inbound_calls",
    "inbound_sales",
    "talk_seconds",
)
HOUR_KINDS = (">i2", ">i8", ">i8", ">i8", ">i8", ">i4", ">i4", ">i4", ">i4", ">i4", ">i8")
MOST_KEYS = 60


@dataclass(frozen=True)
class CityDay:
    """The figures of one city and day at all levels, ready to be stored. `read_at`: when its facts were read.

    `rows` are those of all levels as they are sent, where they were made beforehand. `hours` is None where only the orders were counted again: the calls, and with them the hours, are as stored.
    """

    day: date
    city_id: int
    read_at: datetime
    levels: dict[int, Groups]
    rows: bytes | None
    hours: list[np.ndarray] | None


def count_day(day: date, cities: Sequence[int], *, whole: bool) -> Iterator[CityDay]:
    """Read a day once and give its cities one by one; a city without facts comes empty, so that its old rows go.

    The next city is counted while the caller stores this one.
    """
    read_at = database_now()
    left = set(cities)
    found = facts.read_facts(day, None if whole else cities)
    counted = (_count(day, city, read_at, facts_of_city) for city, facts_of_city in found if city in left)
    for city_day in _ahead(counted):
        left.discard(city_day.city_id)
        yield city_day
    for city in sorted(left):
        yield CityDay(day, city, read_at, {}, None, [])


def _count(day: date, city: int, read_at: datetime, found: facts.Facts) -> CityDay:
    leaves, hours = groups.count_leaves(city, found)
    levels = groups.levels_of_city(leaves)
    return CityDay(day, city, read_at, levels, storing.rows_of_day(day, levels), hours)


def _ahead(items: Iterator[CityDay]) -> Iterator[CityDay]:
    """The same, each made in a thread while the one before is in use. The thread asks the database nothing."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


@transaction.atomic
def build(day: date, city_id: int) -> int:
    """Build one partition from its facts, from its orders alone where only these are new; returns the rows it has."""
    partition = lock(day, city_id, database_now())
    if partition.built_at is None or dirty.needs_calls(partition):
        return store(next(count_day(day, [city_id], whole=False)))
    # under the lock: what is kept of the calls cannot be replaced meanwhile
    return store(recount_orders(day, city_id))


def recount_orders(day: date, city_id: int) -> CityDay:
    """What is stored of the calls, with the orders as they are now."""
    read_at = database_now()
    orders = facts.read_orders(day, city_id)
    leaves = groups.with_other_orders(stored_leaves(day, city_id), orders)
    return CityDay(day, city_id, read_at, groups.levels_of_city(leaves), None, None)


@transaction.atomic
def store(found: CityDay) -> int:
    """Replace the rows of a partition that changed, and mark every sum that contains them. An older count never replaces a newer one."""
    _commit_without_waiting()
    partition = lock(found.day, found.city_id, found.read_at)
    if partition.built_at is not None and partition.built_at > found.read_at:
        return partition.rows
    new = found.levels
    old = stored(found.day, found.city_id) if partition.rows else {}
    changed = changed_keys(old, new)
    if changed != []:
        _replace(found, new, changed, was_empty=not partition.rows)
        mark_stale(found.day, found.city_id, changed)
    partition.built_at = found.read_at
    if found.hours is not None:
        partition.calls_counted_at = found.read_at
    partition.rows = sum(map(len, new.values()))
    partition.save(update_fields=["built_at", "calls_counted_at", "rows"])
    return partition.rows


def _commit_without_waiting() -> None:
    """A crash in the next moment loses the rows together with the mark that they are built: they are simply built again."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def lock(day: date, city_id: int, at: datetime) -> Partition:
    locked = Partition.objects.select_for_update()
    found = locked.filter(day=day, city_id=city_id).first()
    if found is not None:
        return found
    Partition.objects.bulk_create([Partition(day=day, city_id=city_id, recorded_until=at)], ignore_conflicts=True)
    return locked.get(day=day, city_id=city_id)


def stored(day: date, city_id: int) -> dict[int, Groups]:
    """The rows of a partition as they are stored, by level."""
    found: dict[int, Groups] = {}
    for level, key, group in storing.read_groups(DAY_TABLE, "day = %s AND city_id = %s", [day, city_id]):
        found.setdefault(level, {})[storing.bare(level, key)] = group
    return found


def stored_leaves(day: date, city_id: int) -> Groups:
    """The finest groups of a partition as they are stored, in the order of their keys."""
    where = "day = %s AND city_id = %s AND level = %s"
    found = storing.read_groups(DAY_TABLE, where, [day, city_id, Level.AGENT_CAMPAIGN])
    return dict(sorted((storing.bare(level, key), group) for level, key, group in found))


def changed_keys(old: dict[int, Groups], new: dict[int, Groups]) -> list[list[int | None]] | None:
    """[level, key parts ...] of rows that differ; None when they are too many to name."""
    if not old:
        return None if new else []
    changed: list[list[int | None]] = []
    for level in Level.IN_CITY:
        before, after = old.get(level, {}), new.get(level, {})
        for key in before.keys() | after.keys():
            one, other = before.get(key), after.get(key)
            if one is None or other is None or not groups.same(one, other):
                changed.append([level, *key])
                if len(changed) > MOST_KEYS:
                    return None
    return changed


def _replace(
    found: CityDay, new: dict[int, Groups], changed: list[list[int | None]] | None, *, was_empty: bool
) -> None:
    """All rows of the partition, or only those named; the hours whole."""
    if not was_empty:
        _delete(found, changed)
    if changed is None and found.rows is not None:
        storing.write_rows_of_day(DAY_TABLE, found.day, found.rows)
    else:
        storing.write_groups(DAY_TABLE, storing.head_of(found.day), _named(new, changed))
    _write_hours(found)


def _named(levels: dict[int, Groups], changed: list[list[int | None]] | None) -> dict[int, Groups]:
    if changed is None:
        return levels
    named = {(key[0], tuple(key[1:])) for key in changed}
    return {
        level: {key: group for key, group in rows.items() if (level, key) in named} for level, rows in levels.items()
    }


def _delete(found: CityDay, changed: list[list[int | None]] | None) -> None:
    where, more = ("true", []) if changed is None else storing.named_rows(changed)
    with connection.cursor() as cursor:
        of_partition = "day = %s AND city_id = %s"
        cursor.execute(f'DELETE FROM "{DAY_TABLE}" WHERE {of_partition} AND {where}', [found.day, found.city_id, *more])
        if found.hours is not None:
            cursor.execute(f'DELETE FROM "{HOUR_TABLE}" WHERE {of_partition}', [found.day, found.city_id])


def _write_hours(found: CityDay) -> None:
    if not found.hours or not len(found.hours[0]):
        return
    count = len(found.hours[0])
    day = np.full(count, storing.days_since_2000(found.day))
    fields = [(">i4", day), *zip(HOUR_KINDS, found.hours, strict=True)]
    rows = copying.fixed_rows(fields, count, len(HOUR_COLUMNS))
    copying.copy_in(HOUR_TABLE, HOUR_COLUMNS, [rows.tobytes()])


def mark_stale(day: date, city_id: int, keys: list[list[int | None]] | None) -> None:
    """The region's day, and the weeks and months of city and region, are to be built again: whole, or only these rows of theirs."""
    month, week = month_start(day), week_start(day)
    campaigns = (
        None
        if keys is None
        else [[Level.REGION], *([Level.REGION_CAMPAIGN, key[2]] for key in keys if key[0] == Level.CITY_CAMPAIGN)]
    )
    rows = [
        ("day", day, None, campaigns),
        ("week", week, city_id, keys),
        ("week", week, None, campaigns),
        ("month", month, city_id, keys),
        ("month", month, None, campaigns),
    ]
    # always in one order, so that two cities of a day do not wait for each other
    with connection.cursor() as cursor:
        for kind, start, city, names in rows:
            cursor.execute(MARK_STALE, [kind, start, city, None if names is None else json.dumps(names), 4 * MOST_KEYS])


MARK_STALE = """
INSERT INTO metrics_stale AS s (kind, start, city_id, keys) VALUES (%s, %s, %s, %s::jsonb)
ON CONFLICT (kind, start, (coalesce(city_id, 0))) DO UPDATE SET keys = CASE
  WHEN s.keys IS NULL OR excluded.keys IS NULL OR jsonb_array_length(s.keys) > %s THEN NULL ELSE s.keys || excluded.keys END
WHERE s.keys IS NOT NULL"""
