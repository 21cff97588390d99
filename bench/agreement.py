"""The page of agreement over 10,000 calls scored twice on a form of 20 items or more, by 40 scorers of 20 cities."""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Any

from bench.figures import Figure

DOUBLES = int(os.environ.get("BENCH_DOUBLES", "10000"))
ROUNDS = int(os.environ.get("BENCH_AGREEMENT_ROUNDS", "7"))
DATABASE = "telemkt_bench_agreement"
CITIES, SCORERS, QA, MANAGER = 20, 40, 100_000, 200_000
PEOPLE = """
INSERT INTO people_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined, display_name, language, theme)
    SELECT {qa} + i, 'qa' || i, '!', false, false, true, '', '', '', now(), 'QA ' || i, 'en', 'auto' FROM generate_series(0, {scorers} - 1) i
    UNION ALL SELECT {manager}, 'manager', '!', false, false, true, '', '', '', now(), 'Manager', 'en', 'auto';
INSERT INTO people_membership (user_id, role, city_id, valid_from) SELECT {qa} + i, 'qa', 1 + i %% {cities}, '2020-01-01' FROM generate_series(0, {scorers} - 1) i;
INSERT INTO people_membership (user_id, role, valid_from) VALUES ({manager}, 'regional_manager', '2020-01-01');
"""
# evaluations i and i + n are of one call; five times as many besides that were scored once
EVALUATED = """
INSERT INTO qa_evaluation (id, call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, version_id, scorer_id, pick, probability, remark, saves,
  started_at, submitted_at, definition, raw, reported, outcome, coverage)
SELECT i, CASE WHEN i <= 2 * {doubles} THEN i %% {doubles} ELSE i END, now(), i, 1 + i %% {cities}, 1, 1, 1, %(version)s, {qa} + (i %% {cities}) + CASE WHEN i > {doubles} THEN {cities} ELSE 0 END,
  'random', 0.05, '', 30, now(), now(), 'qa_score.v1', 80, 80, 'pass', 100 FROM generate_series(1, 7 * {doubles}) i;
INSERT INTO qa_evaluationanswer (evaluation_id, item_id, answer, remark)
SELECT e.id, i.id, CASE WHEN d < 0.05 THEN 'na' WHEN d < 0.20 THEN CASE i.good WHEN 'yes' THEN 'no' ELSE 'yes' END ELSE i.good END, ''
FROM qa_evaluation e, qa_formitem i JOIN qa_formstage s ON s.id = i.stage_id, LATERAL (SELECT random() + 0 * e.id + 0 * i.id AS d) x WHERE s.version_id = %(version)s;
INSERT INTO qa_scoringtask (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, form_id, scorer_id, pick, source, source_id, blind, lot, given_at,
  evaluation_id, done_at, dropped_why)
SELECT two.call_id, now(), two.customer_id, two.city_id, 1, 1, 1, %(form)s, two.scorer_id, 'calibration', 'double', two.id - {doubles}, true, 0, now(), two.id, now(), ''
FROM qa_evaluation two WHERE two.id > {doubles} AND two.id <= 2 * {doubles};
"""


def run() -> list[Figure]:
    """The figure; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        form = _prepare()
        return _measure(form)


def _execute(sql: str, params: Any = None) -> None:
    from django.db import connection

    names = {"cities": CITIES, "scorers": SCORERS, "qa": QA, "manager": MANAGER, "doubles": DOUBLES}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names), params or {})


def _prepare() -> int:
    from bench import rollup
    from qa.models import FormVersion

    rollup._places()
    _execute(PEOPLE)
    # the rows fit together by construction: their keys are not checked one by one
    _execute("SET session_replication_role = replica")
    version = FormVersion.objects.published().get(form__code="coaching")
    _execute(EVALUATED, {"version": version.pk, "form": version.form_id})
    _execute("SET session_replication_role = origin")
    _execute("VACUUM ANALYZE")
    return version.form_id


def _measure(form: int) -> list[Figure]:
    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from people.models import User
    from qa.models import EvaluationAnswer

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.get(pk=MANAGER))
    address = reverse("qa:agreement")
    client.get(address, {"form": form})  # a server has read its templates before
    times = []
    for _n in range(ROUNDS):
        begun = time.perf_counter()
        page = client.get(address, {"form": form})
        times.append(time.perf_counter() - begun)
        assert page.status_code == 200
        assert f"{DOUBLES:,}" in page.content.decode()
    words = f"{DOUBLES:,} calls scored twice among {EvaluationAnswer.objects.count():,} answers, the whole page for the region; slowest {max(times):.2f} s"
    return [Figure("agreement of scorers: median", median(times), "s", None, words, "under 1 s", median(times) < 1)]
