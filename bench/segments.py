"""Building a segment: how long the count of three conditions takes on many customers, how far off it is, and a whole count."""

from __future__ import annotations

import itertools
import os
import random
import time
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from bench.figures import Figure
from bench.scratch import scratch_database
from core.partitions import ensure_partitions
from customers.conditions import matching, parse
from customers.counting import count_quickly
from customers.services import segments
from people.models import Membership, User

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
CITIES = 20
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))

SEED = """
INSERT INTO people_city (id, code, name, name_zh, is_on) SELECT i, 'b' || i, 'Bench ' || i, '', true FROM generate_series(1, {cities}) i;
INSERT INTO customers_source (id, name, kind, supplier, price_cents) SELECT i, 'b' || i, 'bought', '', 0 FROM generate_series(1, 5) i;
INSERT INTO customers_tag (id, name) SELECT i, 'b' || i FROM generate_series(1, 3) i;
INSERT INTO customers_customer (id, city_id, source_id, external_id, name, name_sort, type, gender, age, attributes, created_at, updated_at, is_suppressed)
    SELECT i, 1 + i / 5000 % {cities}, 1 + i / 40000 % 5, '', '客户' || i, 'ke hu ' || i, CASE WHEN i % 10 = 0 THEN 'business' ELSE 'consumer' END,
        CASE WHEN hashint8(i) % 2 = 0 THEN 'female' ELSE 'male' END, 18 + abs(hashint8(i + 7)) % 70,
        jsonb_build_object('ARPU', abs(hashint8(i + 3)) % 300, 'plan', 'plan ' || abs(hashint8(i + 5)) % 40, 'minutes', abs(hashint8(i + 9)) % 900),
        now() - i % 700 * interval '1 day', now(), i % 23 = 0
    FROM generate_series(1, {customers}) i;
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead)
    SELECT i, decode(md5(i::text), 'hex'), '\\x00', '199****0000', '1' || 90 + i % 10, true, false FROM generate_series(1, {customers}) i;
INSERT INTO customers_customertag (customer_id, tag_id) SELECT i, 1 + i % 3 FROM generate_series(1, {customers}, 7) i;
INSERT INTO campaigns_call (started_at, recorded_at, direction, customer_id, city_id, agent_id, team_id, campaign_id, attempt, recommended, disposition_id, connected,
        right_party, sale, refuses_offer, refuses_calls, mid_call, complaint, bad_number, ring_seconds, talk_seconds, hold_seconds, after_call_seconds, reason, note)
    SELECT now() - i % 330 * interval '1 day', now(), 'outbound', 1 + abs(hashint8(i)) % {customers}, 1, 1, 1, 1, 1, false, 1, i % 3 = 0, i % 3 = 0, i % 100 = 0, i % 9 = 0,
        false, false, false, false, 0, 0, 0, 0, '', ''
    FROM generate_series(1, {customers} * 2) i;
"""

LEAVES: list[dict[str, Any]] = [
    {"is": "city", "op": "one_of", "value": ["3", "7"]},
    {"is": "age", "op": "between", "value": [30, 45]},
    {"is": "gender", "op": "one_of", "value": ["female"]},
    {"is": "suppressed", "op": "no"},
    {"is": "tag", "op": "one_of", "value": ["1"]},
    {"is": "prefix", "op": "one_of", "value": ["191", "193"]},
    {"is": "created", "op": "last_days", "value": 90},
    {"is": "attribute", "name": "ARPU", "op": "at_least", "value": 200},
    {"is": "attribute", "name": "plan", "op": "equals", "value": "plan 12"},
    {"is": "attribute", "name": "plan", "op": "contains", "value": "n 1"},
    {"is": "called", "op": "not_within", "value": 180},
    {"is": "reached", "op": "within", "value": 90},
]
GROUPS = ("and", "or", "not")


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text.format(customers=CUSTOMERS, cities=CITIES))


def seed() -> User:
    first = (timezone.localdate() - timedelta(days=370)).replace(day=1)
    ensure_partitions("campaigns_call", first, 14)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SELECT pg_get_indexdef('customer_search'::regclass)")
        (search_index,) = cursor.fetchone()
        # made of all rows at once afterwards, not word by word
        cursor.execute("DROP INDEX customer_search")
        sql(SEED)
        cursor.execute(f"SET maintenance_work_mem = '512MB'; {search_index}")
        for table in ("customers_customer", "customers_phone", "customers_customertag", "campaigns_call"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    user = User.objects.create(username="bench")
    Membership.objects.create(user=user, role="data", valid_from="2020-01-01")
    return user


def trees() -> list[dict[str, Any]]:
    """Each three neighbours, joined in all three ways; history with the others too."""
    found = []
    for place, op in itertools.product(range(len(LEAVES)), GROUPS):
        parts = [LEAVES[(place + step) % len(LEAVES)] for step in (0, 3, 7)]
        found.append({"version": 1, "root": {"group": op, "parts": parts}})
    return found


def counted(user: User, rounds: int = ROUNDS) -> tuple[list[float], int, list[Any]]:
    """Times of all counts; how many were estimates; (tree, count) of the last round."""
    times, estimates, last = [], 0, []
    draw = random.Random(1)
    for number in range(rounds):
        for data in trees():
            began = time.perf_counter()
            tree = parse(data, user=user)
            count = count_quickly(matching(tree, at=timezone.now(), user=user), draw=draw)
            times.append(time.perf_counter() - began)
            estimates += not count.is_exact
            if number == rounds - 1:
                last.append((tree, count))
    return times, estimates, last


def within_bounds(user: User, last: list[Any]) -> tuple[int, int]:
    """Of the estimates, how many have the true number between their bounds."""
    estimates = [(tree, count) for tree, count in last if not count.is_exact]
    right = sum(
        count.low <= matching(tree, at=timezone.now(), user=user).count() <= count.high for tree, count in estimates
    )
    return right, len(estimates)


def refreshed(user: User) -> tuple[float, int]:
    from core.jobs import run_inline

    told = segments.Told(name="Bench", conditions=trees()[0])
    row = segments.create_segment(told=told, city=None, by=user, at=timezone.now())
    began = time.perf_counter()
    run_inline(row.job_id or 0)
    row.refresh_from_db()
    return time.perf_counter() - began, row.count or 0


def run() -> list[Figure]:
    with scratch_database("telemkt_bench_segments"):
        user = seed()
        counted(user, rounds=1)  # a running server has read its tables before
        times, estimates, last = counted(user)
        right, of = within_bounds(user, last)
        seconds, members = refreshed(user)
    p95 = sorted(times)[int(len(times) * 0.95)]
    told = f"{len(times)} counts, {estimates} estimated, slowest {max(times):.2f} s"
    return [
        Figure("count of three conditions while building: p95", p95, "s", None, told, "under 1 s", p95 < 1),
        Figure(
            "estimates with the true number between their bounds", right, f"of {of}", None, "", "at least 95 of 100"
        ),
        Figure("a segment counted and stored", seconds, "s", None, f"{members:,} customers of {CUSTOMERS:,}"),
    ]
