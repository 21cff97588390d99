"""A scorer's next call: taken from the queue, its page with form and player, and the waveform; 100,000 recordings, 50,000 evaluations."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from bench.figures import Figure

RECORDINGS = int(os.environ.get("BENCH_RECORDINGS", "100000"))
EVALUATIONS = RECORDINGS // 2
ROUNDS = int(os.environ.get("BENCH_SCORING_ROUNDS", "100"))
DATABASE = "telemkt_bench_scoring"
SOUNDS, AGENTS, CITIES, TEAMS, SCORERS = 1000, 4000, 20, 200, 40
QA = 100_000
DAY = datetime(2026, 3, 20, 1, tzinfo=UTC)
PEOPLE = """
INSERT INTO people_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined, display_name, language, theme)
    SELECT i, 'bench' || i, '!', false, false, true, '', '', '', now(), 'Person ' || i, 'en', 'auto' FROM generate_series(1, {agents}) i
    UNION ALL SELECT {qa} + i, 'qa' || i, '!', false, false, true, '', '', '', now(), 'QA ' || i, 'en', 'auto' FROM generate_series(1, {scorers}) i;
INSERT INTO people_membership (user_id, role, city_id, valid_from) SELECT {qa} + i, 'qa', 1 + i %% {cities}, '2020-01-01' FROM generate_series(1, {scorers}) i;
"""
CALLS = """
INSERT INTO campaigns_call (started_at, direction, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, connected, right_party, sale, recommended,
  refuses_offer, refuses_calls, mid_call, complaint, bad_number, talk_seconds, after_call_seconds, ring_seconds, hold_seconds, attempt, reason, note)
SELECT %(at)s::timestamptz + i * interval '300 milliseconds', 'outbound', i, 1 + a %% {cities}, 1 + a, 1 + a %% {teams}, 1, 1, true, true, i %% 25 = 0, true,
  false, false, false, false, false, 600, 30, 10, 0, 1, '', '' FROM (SELECT i, i * 7 %% {agents} AS a FROM generate_series(1, {recordings}) i) x;
"""
SOUND = """
INSERT INTO qa_recording (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, sale, sound_id, seconds, origin, stored_at, keep_until)
SELECT id, started_at, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, sale, %(first)s + customer_id %% {sounds}, 600, 'telephony', started_at,
  started_at + interval '4000 days' FROM campaigns_call;
"""
# half of the calls are scored by one of the two scorers of its city, the others wait for them
EVALUATED = """
INSERT INTO qa_evaluation (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, recording_id, version_id, scorer_id, pick, probability, remark, saves,
  started_at, submitted_at, definition, raw, reported, outcome, coverage)
SELECT call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, id, %(version)s, {qa} + CASE WHEN city_id = 1 THEN 20 ELSE city_id - 1 END + 20 * (id / 40 %% 2), 'stratified', 0.05, '', 30,
  call_started_at, call_started_at + interval '1 day', 'qa_score.v1', 80, 80, 'pass', 100 FROM qa_recording WHERE id / 20 %% 2 = 0;
INSERT INTO qa_evaluationanswer (evaluation_id, item_id, answer, remark) SELECT e.id, i.id, i.good, CASE WHEN e.id %% 10 = 0 THEN '没有说明合约期。' ELSE '' END
FROM qa_evaluation e, qa_formitem i JOIN qa_formstage s ON s.id = i.stage_id WHERE s.version_id = %(version)s;
INSERT INTO qa_appeal (answer_id, reason, appealed_at, due_at, decision, right_answer, ground, decided_by_id, decided_at)
SELECT id, '再听一遍', now(), now(), 'upheld', answer, '按规范', {qa} + 1, now() FROM qa_evaluationanswer WHERE id %% 300 = 0;
"""
WAITING = """
INSERT INTO qa_scoringtask (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, recording_id, form_id, scorer_id, pick, probability, source, source_id, blind,
  due_at, lot, given_at, dropped_why)
SELECT call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, id, %(form)s, CASE WHEN id %% 19 = 1 THEN NULL ELSE {qa} + CASE WHEN city_id = 1 THEN 20 ELSE city_id - 1 END + 20 * (id / 40 %% 2) END,
  'stratified', 0.05, 'plan', 1, true, call_started_at::date + 7 + (id %% 5)::int, (random() * 2e9)::int, now(), '' FROM qa_recording WHERE id / 20 %% 2 = 1;
"""


def run() -> list[Figure]:
    """The figure; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        _prepare()
        return _measure()


def _execute(sql: str, params: Any = None) -> None:
    from django.db import connection

    names = {
        "agents": AGENTS,
        "cities": CITIES,
        "teams": TEAMS,
        "scorers": SCORERS,
        "recordings": RECORDINGS,
        "sounds": SOUNDS,
        "qa": QA,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names), params or {})


def _prepare() -> None:
    from bench import rollup
    from bench.sampling import one_sound
    from core.partitions import ensure_partitions
    from qa.models import FormVersion

    product = rollup._places()
    _campaign(product)
    ensure_partitions("campaigns_call", DAY.date(), 1)
    _execute(PEOPLE)
    _execute(CALLS, {"at": DAY})
    sounds = [one_sound(bytes(range(240)) * 20, number).pk for number in range(SOUNDS)]  # 2,400 parts of two channels
    _execute(SOUND, {"first": sounds[0]})
    version = FormVersion.objects.published().get(form__code="coaching")
    _execute(EVALUATED, {"version": version.pk})
    _execute(WAITING, {"form": version.form_id})
    _execute("VACUUM ANALYZE")


def _campaign(product: int) -> None:
    from campaigns.models import Campaign

    Campaign.objects.create(pk=1, code="B1", name="Bench", product_id=product)


def _measure() -> list[Figure]:
    from django.conf import settings
    from django.test import Client

    from people.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    clients = []
    for number in (1, 2, 21, 22):
        client = Client(raise_request_exception=True)
        client.force_login(User.objects.get(pk=QA + number))
        clients.append((QA + number, client))
    for user, client in clients:
        _next_call(user, client)  # a server has read its templates before
    times = [_next_call(*clients[n % len(clients)]) for n in range(ROUNDS)]
    whole = [sum(parts) for parts in times]
    p95 = quantiles(whole, n=20)[-1] * 1000
    parts = ", ".join(f"{name} {quantiles(column, n=20)[-1] * 1000:.0f}" for name, column in zip(("taken", "page", "waveform"), zip(*times, strict=True), strict=True))  # fmt: skip
    words = f"{RECORDINGS:,} recordings, {EVALUATIONS:,} evaluations; p95 of each in ms: {parts}; {_index_of(QA + 1)}"
    return [Figure("a scorer's next call: p95", p95, "ms", None, words, "under 300 ms", p95 < 300)]


def _next_call(user: int, client: Any) -> tuple[float, float, float]:
    """Seconds to take it, to draw its page, and to give its waveform; afterwards it is out of the queue."""
    from django.urls import reverse

    from core.clock import database_now
    from qa.models import Evaluation, ScoringTask

    begun = time.perf_counter()
    answer = client.post(reverse("qa:work-next"))
    taken = time.perf_counter()
    assert answer.url.endswith("/score/"), answer.url
    page = client.get(answer.url)
    drawn = time.perf_counter()
    assert page.status_code == 200
    made = Evaluation.objects.filter(scorer=user, submitted_at=None, withdrawn_at=None).latest("pk")
    asked = time.perf_counter()
    assert client.get(reverse("qa:recording-peaks", args=[made.recording_id])).status_code == 200
    heard = time.perf_counter()
    Evaluation.objects.filter(pk=made.pk).update(withdrawn_at=database_now())
    ScoringTask.objects.open().filter(call_id=made.call_id).update(dropped_at=database_now(), dropped_why="bench")
    return taken - begun, drawn - taken, heard - asked


def _index_of(user: int) -> str:
    """What finds the next call."""
    from people.models import User
    from qa.models import ScoringTask

    person = User.objects.get(pk=user)
    plans = [rows.in_order()[:1].explain() for rows in (ScoringTask.objects.open_of(person), ScoringTask.objects.open_to_anybody(person))]  # fmt: skip
    by = [name for name, plan in zip(("scoring_task_next", "scoring_task_anybody"), plans, strict=True) if name in plan]
    return "found by " + " and ".join(by) if by else "NOT found by its indexes"
