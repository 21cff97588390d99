"""The floor page: 4,000 agents signed in, today's calls, four weeks of hours, a year of days by team, 300,000 leads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import quantiles
from typing import Any

from django.db import connection

from bench.figures import Figure

AGENTS = int(os.environ.get("BENCH_FLOOR_AGENTS", "4000"))
LEADS = int(os.environ.get("BENCH_FLOOR_LEADS", "300000"))
CITIES, TEAM_SIZE, CAMPAIGNS, CALLS_A_DAY = 20, 20, 3, 150
TEAMS = AGENTS // TEAM_SIZE
ROUNDS = 60
# since the rollup of today was built: it runs every five minutes
FRESH_CALLS = AGENTS * CALLS_A_DAY * 5 // 480

PLACES = """
INSERT INTO people_zone (id, name) VALUES (900, 'Asia/Shanghai') ON CONFLICT DO NOTHING;
INSERT INTO people_region (id, name, name_zh, currency, country) VALUES (1, 'Bench', '', 'CNY', 'CN') ON CONFLICT DO NOTHING;
INSERT INTO people_city (id, code, name, name_zh, zone_id, is_on)
    SELECT i, 'b' || i, 'Bench ' || i, '', (SELECT id FROM people_zone WHERE name = 'Asia/Shanghai'), true FROM generate_series(1, {cities}) i;
INSERT INTO people_team (id, code, name, city_id, is_active)
    SELECT i, 'b' || i, 'Team ' || i, 1 + (i - 1) %% {cities}, true FROM generate_series(1, {teams}) i;
INSERT INTO people_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined, display_name, language, theme)
    SELECT i, 'bench' || i, '!', false, false, true, '', '', '', now(), 'Agent ' || i, 'en', 'auto' FROM generate_series(1, {agents} + 3) i;
INSERT INTO people_membership (user_id, role, team_id, valid_from) SELECT i, 'agent', 1 + i / {size} %% {teams}, '2020-01-01' FROM generate_series(1, {agents}) i;
INSERT INTO people_membership (user_id, role, valid_from) VALUES ({agents} + 1, 'regional_manager', '2020-01-01');
INSERT INTO people_membership (user_id, role, city_id, valid_from) VALUES ({agents} + 2, 'supervisor', 3, '2020-01-01');
INSERT INTO people_membership (user_id, role, team_id, valid_from) VALUES ({agents} + 3, 'team_leader', 3, '2020-01-01');
INSERT INTO scripts_product (id, code, name, description, selling_points, mandatory_statements, is_larger_plan, is_on)
    SELECT i, 'b' || i, 'Bench', '', '', '', true, true FROM generate_series(1, {campaigns}) i;
INSERT INTO campaigns_campaign (id, code, name, type, purpose, direction, product_id, stage, is_on, telephony, exclusion_group, lease_seconds, after_call_limit_seconds)
    SELECT i, 'b' || i, 'Bench ' || i, 'sales', 'cross_sell', 'outbound', i, 'running', true, 'simulator', '', 900, 90 FROM generate_series(1, {campaigns}) i;
INSERT INTO campaigns_campaignteam (campaign_id, team_id) SELECT c, t FROM generate_series(1, {campaigns}) c, generate_series(1, {teams}) t;
INSERT INTO campaigns_agentstate (agent_id, team_id, state, reason, began_at, seen_at, campaign_id)
    SELECT i, 1 + i / {size} %% {teams}, (ARRAY['talking', 'talking', 'after_call', 'waiting', 'away'])[1 + i %% 5], '', now() - (i * 7 %% 400) * interval '1 second', now(), 1 + i %% {campaigns}
    FROM generate_series(1, {agents}) i;
"""
WORK = """
INSERT INTO customers_customer (id, city_id, external_id, name, name_sort, type, gender, attributes, created_at, updated_at, is_suppressed)
    SELECT i, 1 + i %% {cities}, '', '', '', '', '', '{{}}', now(), now(), false FROM generate_series(1, {leads} / {campaigns}) i;
INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, priority, due_at, ready_at, state, outcome, attempts_made, created_at)
    SELECT c, i, 1 + i %% {cities}, 5, now(), now() + (i %% 900 - 300) * interval '1 minute', CASE WHEN i %% 3 = 0 THEN 'open' ELSE 'done' END,
        CASE WHEN i %% 3 = 0 THEN '' ELSE (ARRAY['won', 'refused', 'exhausted'])[1 + i %% 3] END, 0, now()
    FROM generate_series(1, {campaigns}) c, generate_series(1, {leads} / {campaigns}) i;
INSERT INTO campaigns_callback (lead_id, agent_id, due_at, note, state, created_at)
    SELECT id, 1 + id %% {agents}, date_trunc('day', now()) + (id %% 86400) * interval '1 second', '', CASE WHEN id %% 3 = 0 THEN 'promised' ELSE 'kept' END, now()
    FROM campaigns_lead ORDER BY id LIMIT {agents} * 10;
"""
CALLS = """
INSERT INTO campaigns_call (started_at, recorded_at, direction, customer_id, city_id, agent_id, team_id, team_city_id, campaign_id, attempt, recommended, disposition_id, connected,
    right_party, sale, refuses_offer, refuses_calls, mid_call, complaint, bad_number, ring_seconds, talk_seconds, hold_seconds, after_call_seconds, reason, note)
SELECT %(start)s::timestamptz + (i::float8 / %(calls)s) * (%(until)s::timestamptz - %(start)s::timestamptz), %(recorded)s, 'outbound',
    1 + (i * 7919::bigint) %% {persons}, 1 + (a / {size} %% {teams}) %% {cities}, a, 1 + a / {size} %% {teams}, 1 + (a / {size} %% {teams}) %% {cities}, 1 + a %% {campaigns}, 1, false, 1, i %% 10 < 4,
    false, i %% 40 = 0, false, false, false, false, false, 10, 60, 0, 40, '', ''
FROM (SELECT i, 1 + i %% {agents} AS a FROM generate_series(1, %(calls)s) i) x"""
# the four weeks before, as the rollup would have left them: hours by agent and campaign, days by team
PAST = """
INSERT INTO metrics_hourfigures (day, hour, city_id, team_id, agent_id, campaign_id, calls, calls_connected, sales, inbound_calls, inbound_sales, talk_seconds)
    SELECT %(day)s::date - 7 * w, h, 1 + (a / {size} %% {teams}) %% {cities}, 1 + a / {size} %% {teams}, a, 1 + a %% {campaigns}, 18, 7, (a + h) %% 2, 0, 0, 400
    FROM generate_series(1, 4) w, generate_series(9, 17) h, generate_series(1, {agents}) a;
INSERT INTO metrics_partition (day, city_id, recorded_until, built_at, rows) SELECT %(day)s::date - d, c, now(), now(), 1 FROM generate_series(1, 28) d, generate_series(1, {cities}) c
    ON CONFLICT DO NOTHING;
"""
YEAR = """
INSERT INTO metrics_dayfigures ({columns}) SELECT {values} FROM metrics_dayfigures f, generate_series(1, 365) d WHERE f.day = %s AND f.level IN (2, 4, 5)"""


def names() -> dict[str, int]:
    return {
        "cities": CITIES, "teams": TEAMS, "agents": AGENTS, "size": TEAM_SIZE, "campaigns": CAMPAIGNS, "leads": LEADS, "persons": LEADS // CAMPAIGNS,
    }  # fmt: skip


@contextmanager
def own_database() -> Iterator[None]:
    """A database of its own beside the real one, gone afterwards."""
    connection.settings_dict["TEST"]["NAME"] = "telemkt_bench_floor"
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def fill() -> None:
    """The day so far, rolled up but for its last five minutes."""
    from core.calendar import business_date, day_bounds
    from core.clock import database_now
    from customers.services import packs
    from metrics.services import rollup

    at = database_now()
    day = business_date(at)
    start = day_bounds(day)[0]
    packs.seed()
    with connection.cursor() as cursor:
        for part in (PLACES, WORK):
            cursor.execute(part.format(**names()).replace("%%", "%"))
        cursor.execute(
            "INSERT INTO campaigns_campaign_packs (campaign_id, rulepack_id) SELECT c.id, k.id FROM campaigns_campaign c, customers_rulepack k WHERE k.code = 'DEMO'"
        )
        rolled = {
            "calls": AGENTS * CALLS_A_DAY,
            "start": start,
            "until": at - timedelta(minutes=5),
            "recorded": at - timedelta(minutes=5),
        }
        cursor.execute(CALLS.format(**names()), rolled)
        cursor.execute("ANALYZE campaigns_call")
    for found in rollup.count_day(day, list(range(1, CITIES + 1)), whole=True):
        rollup.store(found)
    with connection.cursor() as cursor:
        fresh = {"calls": FRESH_CALLS, "start": at - timedelta(minutes=5), "until": at, "recorded": database_now()}
        cursor.execute(CALLS.format(**names()), fresh)
        cursor.execute(PAST.format(**names()), {"day": day})
        _year(cursor, day)
        cursor.execute(
            "INSERT INTO metrics_watermark (id, scanned_until) VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET scanned_until = excluded.scanned_until",
            [at],
        )
        for table in (
            "metrics_dayfigures",
            "metrics_hourfigures",
            "metrics_partition",
            "campaigns_lead",
            "campaigns_call",
            "campaigns_agentstate",
            "campaigns_callback",
            "people_membership",
            "people_user",
        ):
            cursor.execute(f"ANALYZE {table}")


def _year(cursor: Any, day: Any) -> None:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'metrics_dayfigures' AND column_name <> 'id' AND column_name NOT LIKE '%%\\_ids'"
    )
    columns = [row[0] for row in cursor.fetchall()]
    values = ["f.day - d" if name == "day" else f"f.{name}" for name in columns]
    cursor.execute(YEAR.format(columns=", ".join(columns), values=", ".join(values)), [day])


def times(ask: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each answer."""
    found = []
    for _n in range(rounds):
        began = time.perf_counter()
        answer = ask()
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    return found


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def run() -> list[Figure]:
    from django.conf import settings
    from django.test import Client

    from core.memory import settle
    from people.models import User

    settle()
    settings.ALLOWED_HOSTS = ["*"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    figures = []
    with own_database():
        fill()
        for role, place in (("region", 1), ("city", 2), ("team", 3)):
            client = Client()
            client.force_login(User.objects.get(pk=AGENTS + place))
            first = times(lambda: client.get("/floor/"), 1)[0]  # noqa: B023 - used at once
            for name, path in (("page", "/floor/"), ("panels", "/floor/panels/")):
                value = p95(times(lambda: client.get(path)))  # noqa: B023 - used at once
                promise = "under 100 ms at p95"
                figures.append(
                    Figure(
                        f"floor, {name} of a {role}, {AGENTS:,} agents, p95",
                        value,
                        "ms",
                        promise=promise,
                        is_kept=value < 100,
                    )
                )
            figures.append(Figure(f"floor, first page of a {role}", first, "ms"))
    return figures
