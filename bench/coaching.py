"""Whom to coach in a whole region, and the coverage of coaching over a year: 4,000 agents, a year of evaluations and sessions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from typing import Any

from bench.figures import Figure

AGENTS = int(os.environ.get("BENCH_AGENTS", "4000"))
EVALUATIONS = int(os.environ.get("BENCH_EVALUATIONS", "36"))  # of one agent in the year
ROUNDS = int(os.environ.get("BENCH_COACHING_ROUNDS", "5"))
DATABASE = "telemkt_bench_coaching"
YEAR, FINE = 365, 100  # days; customers of an agent are looked for in the younger ones alone
SESSIONS, CITIES, TEAMS = 12, 20, 300
QA, TRAINER = 20_000_000, 10_000_001

PEOPLE = """
UPDATE people_user SET display_name = 'Person ' || id WHERE id <= {agents};
INSERT INTO people_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined, display_name, language, theme)
    SELECT {qa} + i, 'qa' || i, '!', false, false, true, '', '', '', now(), 'QA ' || i, 'en', 'auto' FROM generate_series(1, {cities}) i
    UNION ALL SELECT {qa} + 1000 + i, 'leader' || i, '!', false, false, true, '', '', '', now(), 'Leader ' || i, 'en', 'auto' FROM generate_series(1, {teams}) i
    UNION ALL SELECT {trainer}, 'trainer', '!', false, false, true, '', '', '', now(), 'Trainer', 'en', 'auto';
INSERT INTO people_membership (user_id, role, team_id, valid_from) SELECT i, 'agent', 1 + i %% {teams}, date '2020-01-01' FROM generate_series(1, {agents}) i
    UNION ALL SELECT {qa} + 1000 + i, 'team_leader', i, date '2020-01-01' FROM generate_series(1, {teams}) i
    UNION ALL SELECT {trainer}, 'trainer', NULL, date '2020-01-01';
"""
# a third drops to the floor of the scale now and then, and one call in 200 fails by a grave answer
EVALUATED = """
INSERT INTO qa_evaluation (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, version_id, scorer_id, pick, probability, remark, saves,
  started_at, submitted_at, definition, raw, reported, outcome, coverage)
SELECT (a - 1) * {evaluations} + n, at, a, city, a, team, 1, %(version)s, {qa} + city, CASE n %% 9 WHEN 0 THEN 'risk' ELSE 'stratified' END, CASE n %% 9 WHEN 0 THEN NULL ELSE 0.05 END, '', 30,
  at, at + interval '1 day', 'qa_score.v1', score, score, 'pass', 100
FROM (SELECT a, n, 1 + a %% {teams} AS team, 1 + (1 + a %% {teams}) %% {cities} AS city, 60 + (a * 7 + n * 13) %% 40 AS score,
             now() - (n - 0.5) * interval '{year} days' / {evaluations} AS at FROM generate_series(1, {agents}) a, generate_series(1, {evaluations}) n) x;
INSERT INTO qa_evaluationanswer (evaluation_id, item_id, answer, remark)
SELECT e.id, i.id, CASE (e.id * 31 + i.id * 17) %% 11 WHEN 0 THEN 'na' WHEN 1 THEN CASE WHEN i.fails_on = '' THEN 'no' ELSE i.good END ELSE i.good END, ''
FROM qa_evaluation e, qa_formitem i JOIN qa_formstage s ON s.id = i.stage_id WHERE s.version_id = %(version)s;
UPDATE qa_evaluationanswer a SET answer = i.fails_on FROM qa_formitem i WHERE i.id = a.item_id AND i.fails_on <> '' AND a.evaluation_id %% 200 = 0;
"""
COACHED = """
INSERT INTO staffing_coachingsession (agent_id, coach_id, team_id, city_id, planned_at, own_view, own_view_at, good, improve, expected, written_at, next_on, coach_signed_at, agent_signed_at, change_why)
SELECT a, {qa} + 1000 + team, team, 1 + team %% {cities}, at, 'view', at, 'good', 'improve', 'expected', at, at::date + 30, at, at, ''
FROM (SELECT a, 1 + a %% {teams} AS team, now() - (n - 0.5 + a %% 100 / 100.0) * interval '30 days' AS at
      FROM generate_series(1, {agents}) a, generate_series(1, {sessions}) n WHERE (a + n) %% 3 > 0) x;
"""
# days before those that are drawn with their customers: as many calls, and no sets of customers
EARLIER = """
INSERT INTO metrics_dayfigures (day, {columns}) SELECT d.day, {columns} FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') d(day)
JOIN metrics_dayfigures f ON f.day = %(drawn)s AND f.level >= 6
"""


def run() -> list[Figure]:
    """The figures; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        prepare()
        return measure()


def prepare() -> None:
    from bench.yearly import fill_days, fill_people, fill_periods
    from core.calendar import business_date
    from core.clock import database_now

    fill_people(AGENTS)
    _execute(PEOPLE)
    today = business_date(database_now())
    first = today - timedelta(days=FINE)
    fill_days(first, today, AGENTS)
    fill_periods(first, today, AGENTS)
    _earlier(today - timedelta(days=YEAR), first)
    _told()


def _told() -> None:
    from qa.models import FormVersion

    _execute(EVALUATED, {"version": FormVersion.objects.published().get(form__code="coaching").pk})
    _execute(COACHED)
    _execute("VACUUM ANALYZE")


def _earlier(first: date, drawn: date) -> None:
    from metrics.columns import COUNTS, KEYS, SETS

    columns = ", ".join([*KEYS, "level", *COUNTS, *SETS])
    _execute(EARLIER, {"first": first, "last": drawn - timedelta(days=1), "drawn": drawn}, columns=columns)


def _execute(sql: str, params: Any = None, **names: object) -> None:
    from django.db import connection

    names |= {"agents": AGENTS, "cities": CITIES, "teams": TEAMS, "qa": QA, "trainer": TRAINER, "year": YEAR, "evaluations": EVALUATIONS, "sessions": SESSIONS}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names), params or {})


def measure() -> list[Figure]:
    """Seconds of the pages of a trainer of the region, and of the coverage of the year."""
    from django.conf import settings
    from django.test import Client

    from people.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = Client()
    client.force_login(User.objects.get(pk=TRAINER))
    words = f"{AGENTS:,} agents, {AGENTS * EVALUATIONS:,} evaluations, {AGENTS * SESSIONS * 2 // 3:,} sessions"
    pages = {
        "whom to coach: a city, median": "city=3",
        "whom to coach: the whole region, median": "city=all",
        "whom to coach: the region for one reason, median": "city=all&why=room",
    }
    found = [_figure(name, lambda query=query: _page(client, query), 3.0, words) for name, query in pages.items()]
    for grain, by in (("total", ("city",)), ("month", ("team",))):
        found.append(_figure(f"coverage of a year by {grain} and {by[0]}, median", lambda g=grain, b=by: _coverage(g, b), 1.0, words))  # fmt: skip
    return found


def _figure(name: str, ask: Callable[[], object], promised: float, words: str) -> Figure:
    times = []
    for _round in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begun)
    seconds = median(times)
    return Figure(name, seconds * 1000, "ms", None, words, f"under {promised:.0f} s", seconds < promised)


def _page(client: Any, query: str) -> None:
    answer = client.get(f"/coaching/whom/?{query}")
    if answer.status_code != 200:
        raise SystemExit(f"/coaching/whom/?{query} answered {answer.status_code}")


def _coverage(grain: str, by: tuple[str, ...]) -> None:
    from core.calendar import business_date
    from core.clock import database_now
    from metrics import queries as figures
    from staffing.measures import CoachedAgents

    today = business_date(database_now())
    question = figures.ask(since=today - timedelta(days=YEAR), until=today, grain=grain, by=by)
    if not CoachedAgents().read(question):
        raise SystemExit("nobody was counted")
