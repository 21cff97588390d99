"""A day of 3,500,000 calls to all its figures, beside one plain GROUP BY of the same rows; with days behind it; after a late cancellation; a quarter."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db import connection

from bench.figures import Figure

CALLS = int(os.environ.get("BENCH_CALLS", "3500000"))
HISTORY = int(os.environ.get("BENCH_HISTORY_DAYS", "10"))
CITIES, TEAMS, AGENTS, CAMPAIGNS, CUSTOMERS = 20, 300, 4200, 60, 5_000_000
DAY = date(2026, 3, 20)
DATABASE = "telemkt_bench_rollup"

# in the order of time, as calls are recorded
MAKE = """
INSERT INTO campaigns_call (started_at, direction, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, connected, right_party, sale,
  recommended, refuses_offer, refuses_calls, mid_call, complaint, bad_number, talk_seconds, after_call_seconds, ring_seconds, hold_seconds, attempt, reason, note)
SELECT %(start)s::timestamptz + (i * 43200.0::float8 / %(calls)s) * interval '1 second', CASE WHEN i %% 50 = 0 THEN 'inbound' ELSE 'outbound' END,
  1 + (random() * %(customers)s)::bigint, 1 + agent %% %(cities)s, 1 + agent, 1 + agent %% %(teams)s,
  1 + (agent * 2 + i / 7 %% 2) %% %(campaigns)s, 1, r < 0.45, r < 0.4, r < 0.04, i %% 11 = 0, false, false, false, r > 0.449 AND r < 0.45, false,
  CASE WHEN r < 0.45 THEN (random() * 300)::int ELSE 0 END, 20 + (random() * 40)::int, 10, 0, 1, '', ''
FROM (SELECT i, (i / 833 + i) %% %(agents)s AS agent, random() AS r FROM generate_series(0, %(calls)s - 1) i OFFSET 0) x"""
ORDERS = """
INSERT INTO campaigns_order (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, system, number, product_id, amount_cents, state)
SELECT id, started_at, customer_id, city_id, agent_id, team_id, campaign_id, 'bench', 'B' || id, %s, 9900, 'sold' FROM campaigns_call WHERE sale AND started_at >= %s AND started_at < %s"""
PLAIN = """
SELECT agent_id, campaign_id, count(*), count(*) FILTER (WHERE connected), sum(talk_seconds), sum(after_call_seconds)
FROM campaigns_call WHERE started_at >= %s AND started_at < %s GROUP BY agent_id, campaign_id"""


def run() -> list[Figure]:
    """All figures; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        return _measure()


def _measure() -> list[Figure]:
    from core.partitions import ensure_partitions

    ensure_partitions("campaigns_call", DAY, 1)
    # what the rollup never reads would only make the filling slow
    for index in ("call_customer", "call_agent"):
        _execute(f"DROP INDEX {index}")
    product = _places()
    _make_day(DAY, product)
    alone = _build_seconds()
    plain = _best(_plain, 3)
    for back in range(1, HISTORY + 1):
        _make_day(DAY - timedelta(days=back), product, keys=False)
    _execute("ANALYZE campaigns_call")
    plain_after, after = _best(_plain, 3), _build_seconds()
    late = _late_cancellation()
    quarter = _quarter()
    ratio, with_history, slower = alone / plain, after / plain_after, after / alone
    return [
        Figure(
            f"a day of {CALLS:,} calls, all figures at all levels",
            alone,
            "s",
            ratio,
            f"one plain GROUP BY ({plain:.2f} s)",
            "at most 4 times",
            ratio <= 4,
        ),
        Figure(
            f"the same with {HISTORY} days behind it",
            after,
            "s",
            slower,
            f"without them (GROUP BY then {plain_after:.2f} s, {with_history:.1f} x)",
            "at most 1.1 times",
            slower <= 1.1,
        ),
        Figure("one late cancellation: its own partitions", late, "s", promise="under 1 second", is_kept=late < 1),
        Figure(
            "distinct customers of the region, arbitrary quarter",
            quarter,
            "s",
            promise="under 0.2 seconds",
            is_kept=quarter < 0.2,
        ),
    ]


def _places() -> int:
    from people.models import City, Region, Team, Zone
    from scripts.models import Product

    Region.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    zone = Zone.objects.create(name="Asia/Shanghai")
    City.objects.bulk_create(City(pk=i, code=f"C{i}", name=f"City {i}", zone=zone) for i in range(1, CITIES + 1))
    Team.objects.bulk_create(Team(pk=i, code=f"T{i}", name=f"Team {i}") for i in range(1, TEAMS + 1))
    return Product.objects.create(code="BENCH", name="Bench").pk


def _bounds(day: date) -> list[Any]:
    from core.calendar import day_bounds

    return list(day_bounds(day))


def _make_day(day: date, product: int, *, keys: bool = True) -> None:
    start, end = _bounds(day)
    values = {
        "start": start + timedelta(hours=9),
        "customers": CUSTOMERS - 2,
        "cities": CITIES,
        "teams": TEAMS,
        "agents": AGENTS,
        "campaigns": CAMPAIGNS,
        "calls": CALLS,
    }
    _execute(MAKE, values)
    if keys:
        _execute(ORDERS, [product, start, end])
        _execute("ANALYZE campaigns_call; ANALYZE campaigns_order")


def _execute(sql: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _plain() -> None:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, _bounds(DAY))
        cursor.fetchall()


def _best(work: Callable[[], Any], times: int) -> float:
    found = []
    for _time in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def _build_seconds() -> float:
    """From the facts to every day row of every city and of the region: first build, nothing stored before."""
    from metrics.models import DayFigures, HourFigures, Partition, PeriodFigures, Stale
    from metrics.services import periods, rollup

    found = []
    for _time in range(3):  # as often as what it is compared with
        for model in (DayFigures, PeriodFigures, HourFigures, Partition, Stale):
            _execute(f'TRUNCATE "{model._meta.db_table}"')
        began = time.perf_counter()
        for city in rollup.count_day(DAY, range(1, CITIES + 1), whole=True):
            rollup.store(city)
        for mark in Stale.objects.filter(kind="day"):
            periods.settle(mark.pk)
        found.append(time.perf_counter() - began)
    return min(found)


def _late_cancellation() -> float:
    """A cancellation of one order: the partition of the sale, its week and month, and those of the region."""
    from campaigns.models import Order, OrderEvent
    from core.clock import database_now
    from metrics.models import Partition, Watermark
    from metrics.services import dirty, periods, rollup

    for mark in periods.waiting():
        periods.settle(mark)
    earlier = database_now()
    recorded, built = earlier - timedelta(hours=2), earlier - timedelta(hours=1)
    Partition.objects.update(
        recorded_until=recorded, built_at=built, calls_recorded_until=recorded, calls_counted_at=built
    )
    Watermark.objects.update_or_create(pk=1, defaults={"scanned_until": earlier})
    _execute("UPDATE campaigns_order SET recorded_at = now() - interval '1 day'")
    order = Order.objects.filter(call_started_at__gte=_bounds(DAY)[0]).first()
    assert order is not None
    Order.objects.filter(pk=order.pk).update(state="cancelled")
    OrderEvent.objects.create(order=order, kind="cancelled", occurred_at=database_now())
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(dirty.of_orders(dirty.NEW_EVENTS), ["Asia/Shanghai", earlier - dirty.IN_FLIGHT])
    for day, city in dirty.waiting().values_list("day", "city_id"):
        rollup.build(day, city)
    for mark in periods.waiting():
        periods.settle(mark)
    return time.perf_counter() - began


def _quarter() -> float:
    """Ninety region days as dense as the one built, spread over a quarter that begins and ends in mid-month."""
    from metrics import queries
    from metrics.models import DayFigures
    from metrics.questions import ask

    first, last = DAY - timedelta(days=40), DAY + timedelta(days=49)
    names = [field.column for field in DayFigures._meta.fields if field.column not in ("id", "day")]
    columns = ", ".join(names)
    _execute(
        f"INSERT INTO metrics_dayfigures (day, {columns}) SELECT d::date, {columns} FROM metrics_dayfigures"
        " CROSS JOIN generate_series(%s::date, %s::date, interval '1 day') d WHERE level = 0 AND day = %s AND d::date <> %s",
        [first, last, DAY, DAY],
    )
    _execute("DELETE FROM metrics_periodfigures")
    _execute("ANALYZE metrics_dayfigures")
    found = []
    for shift in range(3):
        began = time.perf_counter()
        queries.total_of(ask(since=first + timedelta(days=shift), until=last), ["customers_called"])
        found.append(time.perf_counter() - began)
    return min(found)
