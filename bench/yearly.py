"""Rollups of a year for thousands of agents, made by SQL and a few hundred drawn bitmaps: what pages and files read, without the calls behind."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from pyroaring import BitMap

from core.calendar import month_start, week_start
from metrics import storing
from metrics.columns import BITMAPS, COUNTS, KEYS, SETS, Level
from metrics.groups import Group, total
from metrics.models import Stale

CITIES, TEAMS, CAMPAIGNS, CUSTOMERS = 20, 300, 12, 5_000_000
CALLS = 120
SHAPES = 64
DRAWN = 4  # days that differ
SHARES = {"customers_called": 1.0, "customers_reached": 0.45, "customers_won": 0.03, "customers_cancelled": 0.004}


def fill_people(agents: int) -> None:
    """Cities, teams, agents, campaigns and a regional manager."""
    from campaigns.models import Campaign
    from people.models import City, Membership, Region, Team, User, Zone
    from scripts.models import Product

    Region.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    zone = Zone.objects.create(name="Asia/Shanghai")
    City.objects.bulk_create(City(pk=i, code=f"C{i}", name=f"City {i:02d}", zone=zone) for i in range(1, CITIES + 1))
    Team.objects.bulk_create(
        Team(pk=i, code=f"T{i}", name=f"Team {i}", city_id=1 + i % CITIES) for i in range(1, TEAMS + 1)
    )
    User.objects.bulk_create(User(pk=i, username=f"a{i}", code=f"A{i:05d}") for i in range(1, agents + 1))
    product = Product.objects.create(code="B", name="Bench")
    Campaign.objects.bulk_create(
        Campaign(pk=i, code=f"B{i}", name=f"Bench {i}", product=product) for i in range(1, CAMPAIGNS + 1)
    )
    manager = User.objects.create(pk=10_000_000, username="manager", display_name="Manager")
    Membership.objects.create(user=manager, role=Membership.Role.REGIONAL_MANAGER, valid_from=date(2020, 1, 1))


def _draw(draw: np.random.Generator, size: int) -> Group:
    """A group of so many calls, each to another customer of one list of 200,000."""
    start = int(draw.integers(1, CUSTOMERS - 200_000))
    ids = np.sort(start + draw.choice(200_000, size, replace=False)).astype(np.uint32)
    sets = {}
    for name, share in SHARES.items():
        some = np.sort(draw.choice(ids, max(1, int(size * share)), replace=False))
        sets[name] = BitMap(some.tolist())
    counts = [0] * len(COUNTS)
    values = {
        "calls": size,
        "calls_connected": size // 2,
        "talk_seconds": size * 60,
        "after_call_seconds": size * 15,
        "orders": max(1, size // 30),
        "amount_cents": size * 300,
    }
    for name, value in values.items():
        counts[COUNTS.index(name)] = value
    return Group(counts, sets)


def fill_days(first: date, last: date, agents: int, *, finest_since: date | None = None) -> None:
    """Rows of every level for each day: four days are drawn, the others are copies of them. Agents' rows from `finest_since` on: what is
    older pages take from weeks and months."""
    shapes = [_draw(np.random.default_rng(i), CALLS + i) for i in range(SHAPES)]
    with _without_indexes("metrics_dayfigures"):
        for number, day in enumerate(_days(first, min(last, first + timedelta(days=DRAWN - 1)))):
            head = [("day", struct.pack(">i", storing.days_since_2000(day)))]
            storing.write_groups("metrics_dayfigures", head, _levels(shapes, agents, number))
        _repeat(first, last, finest_since or first)
    _partitions(first, last)
    _execute("ANALYZE metrics_dayfigures")


def _repeat(first: date, last: date, finest_since: date) -> None:
    columns = ", ".join([*(name for name in KEYS), "level", *COUNTS, *SETS, *BITMAPS])
    _execute(
        f"INSERT INTO metrics_dayfigures (day, {columns}) SELECT d.day, {columns} FROM generate_series(%s::date, %s::date, interval '1 day') d(day)"
        f" JOIN metrics_dayfigures f ON f.day = %s + (d.day::date - %s) %% {DRAWN} WHERE f.level < {Level.AGENT} OR d.day >= %s",
        [first + timedelta(days=DRAWN), last, first, first, finest_since],
    )
    _execute(
        f"DELETE FROM metrics_dayfigures WHERE level >= {Level.AGENT} AND day < %s",
        [min(finest_since, first + timedelta(days=DRAWN))],
    )


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Many rows are written without the table's indexes, which are made again afterwards, and past the log of writes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%\\_pkey'",
            [table],
        )
        found = cursor.fetchall()
    _execute(f"ALTER TABLE {table} SET UNLOGGED")
    for name, _definition in found:
        _execute(f"DROP INDEX {name}")
    yield
    for _name, definition in found:
        _execute(definition)


def _levels(shapes: list[Group], agents: int, number: int) -> dict[int, dict[tuple[int, ...], Group]]:
    levels: dict[int, dict[tuple[int, ...], Group]] = {level: {} for level in range(8)}
    for agent in range(1, agents + 1):
        team = 1 + agent % TEAMS
        city, campaign = 1 + team % CITIES, 1 + agent % CAMPAIGNS
        group = shapes[(agent + number) % SHAPES]
        levels[Level.AGENT][(city, team, agent)] = group
        levels[Level.AGENT_CAMPAIGN][(city, team, agent, campaign)] = group
    return levels | _upper(shapes, number)


_unions: dict[tuple[int, int], Group] = {}


def _upper(shapes: list[Group], number: int) -> dict[int, dict[tuple[int, ...], Group]]:
    """Rows above the agents, as dense as they would be."""
    sizes = {
        Level.TEAM: 1_600,
        Level.TEAM_CAMPAIGN: 1_600,
        Level.CITY: 24_000,
        Level.CITY_CAMPAIGN: 2_000,
        Level.REGION: 480_000,
        Level.REGION_CAMPAIGN: 40_000,
    }
    for level, size in sizes.items():
        for shape in range(4):
            if (level, shape) not in _unions:
                _unions[level, shape] = _spread(np.random.default_rng(1000 * level + shape), size)
    pick = {level: [_unions[level, shape] for shape in range(4)] for level in sizes}
    return {
        Level.REGION: {(): pick[Level.REGION][number % 4]},
        Level.REGION_CAMPAIGN: {(c,): pick[Level.REGION_CAMPAIGN][(c + number) % 4] for c in range(1, CAMPAIGNS + 1)},
        Level.CITY: {(c,): pick[Level.CITY][(c + number) % 4] for c in range(1, CITIES + 1)},
        Level.CITY_CAMPAIGN: {
            (c, k): pick[Level.CITY_CAMPAIGN][(c + k + number) % 4]
            for c in range(1, CITIES + 1)
            for k in range(1, CAMPAIGNS + 1)
        },
        Level.TEAM: {(1 + t % CITIES, t): pick[Level.TEAM][(t + number) % 4] for t in range(1, TEAMS + 1)},
        Level.TEAM_CAMPAIGN: {
            (1 + t % CITIES, t, 1 + t % CAMPAIGNS): pick[Level.TEAM_CAMPAIGN][(t + number) % 4]
            for t in range(1, TEAMS + 1)
        },
    }


def _spread(draw: np.random.Generator, size: int) -> Group:
    """Customers from all over the pool."""
    ids = np.unique(draw.integers(1, CUSTOMERS, size)).astype(np.uint32)
    sets = {name: BitMap(ids[draw.random(len(ids)) < share].tolist()) for name, share in SHARES.items()}
    counts = [0] * len(COUNTS)
    counts[COUNTS.index("calls")], counts[COUNTS.index("calls_connected")] = size * 5 // 4, size // 2
    counts[COUNTS.index("talk_seconds")] = size * 60
    return Group(counts, sets)


def fill_periods(first: date, last: date, agents: int, *, finest_since: date | None = None) -> None:
    """Weeks and months that lie whole in the range: unions of as many shapes as they have days; one of each is drawn, the others are
    copies of it. Agents' rows in all months, and in weeks from `finest_since` on."""
    shapes = [total([_draw(np.random.default_rng(i * 40 + k), CALLS) for k in range(7)]) for i in range(16)]
    table, columns = "metrics_periodfigures", ", ".join([*KEYS, "level", *COUNTS, *SETS, *BITMAPS])
    drawn: dict[str, date] = {}
    with _without_indexes(table):
        for kind, start in _periods(first, last):
            if kind in drawn:
                is_fine = kind == "month" or start >= (finest_since or first)
                values = [start, kind, drawn[kind], Level.AGENT_CAMPAIGN if is_fine else Level.TEAM_CAMPAIGN]
                _execute(
                    f"INSERT INTO {table} (kind, start, {columns}) SELECT kind, %s, {columns} FROM {table} WHERE kind = %s AND start = %s AND level <= %s",
                    values,
                )
                continue
            head = [("kind", kind.encode()), ("start", struct.pack(">i", storing.days_since_2000(start)))]
            storing.write_groups(table, head, _levels((shapes * 4)[:SHAPES], agents, start.toordinal()))
            drawn[kind] = start
    _execute(f"ANALYZE {table}")


def _periods(first: date, last: date) -> Iterator[tuple[str, date]]:
    from metrics.services.periods import last_day

    for kind, start_of in ((Stale.Kind.WEEK, week_start), (Stale.Kind.MONTH, month_start)):
        starts = sorted({start_of(day) for day in _days(first, last)})
        for start in starts:
            if start >= first and last_day(kind, start) <= last:
                yield str(kind.value), start
            else:
                Stale.objects.create(kind=kind, start=start)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _partitions(first: date, last: date) -> None:
    from core.clock import database_now
    from metrics.models import Partition

    at: datetime = database_now()
    Partition.objects.bulk_create(
        Partition(day=day, city_id=city, recorded_until=at - timedelta(days=1), built_at=at, rows=100)
        for day in _days(first, last)
        for city in range(1, CITIES + 1)
    )


def _execute(sql: str, params: Sequence[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


assert set(SHARES) <= set(SETS)
