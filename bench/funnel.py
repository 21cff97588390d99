"""The funnel of a campaign of 1,000,000 leads: every lead classed, against a bare count of the same leads by state."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.core.cache import caches
from django.db import connection

from bench import claim
from bench.figures import Figure
from campaigns.funnel import counting, reach
from campaigns.models import Campaign
from core.clock import database_now

LEADS = int(os.environ.get("BENCH_LEADS", "1000000"))
CAMPAIGNS, CITIES, RUNS = 4, 20, 5
# not campaign 1, which owns one person in twenty: those are with another campaign
CAMPAIGN = 2

LEAD_ROWS = """
INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, priority, due_at, ready_at, state, outcome, attempts_made, created_at)
    SELECT {campaign}, p.id, p.city_id, 5, now() - (p.id %% 5000) * interval '1 second',
        greatest(now() - (p.id %% 5000) * interval '1 second', p.callable_from), 'open', '', 0, now()
    FROM customers_customer p
"""
HALF_DONE = """
UPDATE campaigns_lead SET state = 'done', outcome = CASE WHEN id %% 10 = 0 THEN 'won' WHEN id %% 10 < 6 THEN 'refused' ELSE 'exhausted' END,
    last_call_at = now() - (id %% 20) * interval '1 day' WHERE id %% 2 = 0 OR id %% 10 = 1
"""
BARE = "SELECT city_id, state, outcome, count(*) FROM campaigns_lead WHERE campaign_id = %s GROUP BY 1, 2, 3"


def sql(text: str) -> None:
    filled = text.format(cities=CITIES, campaigns=CAMPAIGNS, persons=LEADS, leads=LEADS, agents=10, campaign=CAMPAIGN)
    with connection.cursor() as cursor:
        cursor.execute(filled.replace("%%", "%"))


def vacuum() -> None:
    with connection.cursor() as cursor:
        for table in (
            "campaigns_lead",
            "customers_customer",
            "customers_phone",
            "customers_consent",
            "customers_suppression",
        ):
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _run in range(RUNS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[len(times) // 2]


def bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [CAMPAIGN])
        cursor.fetchall()


def forget(campaign: Campaign) -> None:
    caches["shared"].delete_many([reach.KEY, counting._key(campaign)])


def measure(name: str) -> list[Figure]:
    campaign = Campaign.objects.select_related("product").get(pk=CAMPAIGN)
    floor = median_ms(bare)
    forget(campaign)
    began = time.perf_counter()
    counting.count([campaign], database_now())
    first = (time.perf_counter() - began) * 1000
    counted = median_ms(lambda: counting.count([campaign], database_now()))
    forget(campaign)
    counting.kept([campaign], database_now())
    page = median_ms(lambda: counting.cut(counting.kept([campaign], database_now()).values()))
    total = counting.cut(counting.kept([campaign], database_now()).values()).total
    return [
        Figure(f"{name}: bare count by state", floor, "ms"),
        Figure(f"{name}: the first of an hour, who can be reached is found out for the whole pool", first, "ms", first / floor, "bare"),
        Figure(f"{name}: counted anew, every lead classed", counted, "ms", counted / floor, "bare", "under 500 ms", counted < 500),
        Figure(f"{name}: as kept for the next who asks", page, "ms", None, "", "under 500 ms", page < 500),
        Figure(f"{name}: leads missing from the classes", LEADS - total, "", None, "", "0", total == LEADS),
    ]  # fmt: skip


def run() -> list[Figure]:
    with claim.own_database():
        sql(claim.SEED)
        sql(LEAD_ROWS)
        vacuum()
        figures = measure("fresh")
        sql(HALF_DONE)
        vacuum()
        return figures + measure("half called")
