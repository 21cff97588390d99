"""The funnel of a campaign of 1,000,000 leads: every lead classed, against a bare count of the same leads by state."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

from django.core.cache import caches
from django.db import connection

from bench import claim
from bench.figures import Figure
from campaigns.funnel import counting, reach, standing
from campaigns.models import Campaign
from core.clock import database_now

LEADS = int(os.environ.get("BENCH_LEADS", "1000000"))
CAMPAIGNS, CITIES, RUNS = 4, 20, 5
# calls of a minute of the whole region, all with persons of this campaign: 3,500,000 in a day of ten hours
CALLED = 6_000
# not campaign 1, which owns one person in twenty: those are with another campaign
CAMPAIGN, TURNS = 2, itertools.count()

LEAD_ROWS = """
INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, priority, due_at, ready_at, state, outcome, attempts_made, created_at)
    SELECT {campaign}, p.id, p.city_id, 5, now() - (p.id %% 5000) * interval '1 second',
        greatest(now() - (p.id %% 5000) * interval '1 second', p.callable_from), 'open', '', 0, now()
    FROM customers_customer p
"""
# one person in twenty has refused the product lately: each such rest is an entry of its own
RESTS = """
INSERT INTO customers_suppression (customer_id, product_id, kind, valid_from, valid_to, note, source, lift_reason)
    SELECT id, {campaign}, 'refusal', now() - interval '9 days', now() + interval '21 days', '', '', '' FROM customers_customer WHERE id / 20 %% 20 = 4
"""
HALF_DONE = """
UPDATE campaigns_lead SET state = 'done', outcome = CASE WHEN id %% 10 = 0 THEN 'won' WHEN id %% 10 < 6 THEN 'refused' ELSE 'exhausted' END,
    last_call_at = now() - (id %% 20) * interval '1 day' WHERE id %% 2 = 0 OR id %% 10 = 1
"""
CALLS = """
CREATE TEMP TABLE called AS SELECT customer_id FROM campaigns_lead WHERE campaign_id = {campaign} AND state = 'open'
    ORDER BY hashint8(customer_id + 1000003 * {turn}) LIMIT {called};
UPDATE customers_customer SET attempts = now() || attempts, callable_from = now() + interval '2 hours', answered_at = CASE WHEN id %% 3 = 0 THEN now() END
    WHERE id IN (SELECT customer_id FROM called);
UPDATE campaigns_lead SET ready_at = now() + interval '2 hours', attempts_made = attempts_made + 1, last_call_at = now(),
        state = CASE WHEN customer_id %% 5 = 0 THEN 'done' ELSE state END, outcome = CASE WHEN customer_id %% 5 = 0 THEN 'refused' ELSE outcome END
    WHERE campaign_id = {campaign} AND customer_id IN (SELECT customer_id FROM called);
DROP TABLE called;
"""
BARE = "SELECT city_id, state, outcome, count(*) FROM campaigns_lead WHERE campaign_id = %s GROUP BY 1, 2, 3"


def sql(text: str, **more: int) -> None:
    filled = text.format(
        cities=CITIES,
        campaigns=CAMPAIGNS,
        persons=LEADS,
        leads=LEADS,
        agents=10,
        campaign=CAMPAIGN,
        called=CALLED,
        **more,
    )
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


def median_ms(work: Callable[[], object], before: Callable[[int], object] = lambda _run: None) -> float:
    times = []
    for run in range(RUNS):
        before(run)
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[len(times) // 2]


def bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [CAMPAIGN])
        cursor.fetchall()


def forget(campaign: Campaign, *keys: str) -> None:
    caches["shared"].delete_many([standing.key_of(campaign), counting.key_of(campaign), *keys])


def measure(name: str) -> list[Figure]:
    campaign = Campaign.objects.select_related("product").get(pk=CAMPAIGN)
    floor = median_ms(bare)

    def counted() -> counting.Counted:
        return counting.count([campaign], database_now())[campaign.pk]

    first = median_ms(counted, lambda _run: forget(campaign, reach.KEY))
    whole = median_ms(counted, lambda _run: forget(campaign))
    later = median_ms(counted, lambda run: sql(CALLS, turn=next(TURNS)))
    gone_on, ours = counted(), caches["shared"].get(standing.key_of(campaign))
    forget(campaign)
    unlike = len(set(gone_on.leads.items()) ^ set(judged_then(campaign, gone_on).leads.items()))
    caches["shared"].set(standing.key_of(campaign), ours)
    counting.kept([campaign], database_now())
    page = median_ms(lambda: counting.cut(counting.kept([campaign], database_now()).values()))
    total = counting.cut([gone_on]).total
    return [
        Figure(f"{name}: bare count by state", floor, "ms"),
        Figure(f"{name}: nothing kept, who can be reached is found out for the whole pool", first, "ms", first / floor, "bare"),
        Figure(f"{name}: every lead judged, as under new rules", whole, "ms", whole / floor, "bare"),
        Figure(f"{name}: counted a minute and {CALLED:,} calls later", later, "ms", later / floor, "bare", "under 500 ms", later < 500),
        Figure(f"{name}: as kept for the next who asks", page, "ms", None, "", "under 500 ms", page < 500),
        Figure(f"{name}: leads missing from the classes", LEADS - total, "", None, "", "0", total == LEADS),
        Figure(f"{name}: places and classes that differ from those of every lead judged", unlike, "", None, "", "0", not unlike),
    ]  # fmt: skip


def judged_then(campaign: Campaign, counted: counting.Counted) -> counting.Counted:
    """Every lead judged as of the moment of that count."""
    return counting.count([campaign], counted.at)[campaign.pk]


def run() -> list[Figure]:
    with claim.own_database():
        sql(claim.SEED)
        sql(LEAD_ROWS)
        sql(RESTS)
        vacuum()
        figures = measure("fresh")
        sql(HALF_DONE)
        vacuum()
        return figures + measure("half called")
