"""Drawing the calls of 4,200 agents to be scored, from a day of 3,500,000 calls with the recordings of those that were answered."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any

from bench.figures import Figure

CALLS = int(os.environ.get("BENCH_SAMPLING_CALLS", os.environ.get("BENCH_CALLS", "3500000")))
DATABASE = "telemkt_bench_sampling"
QA = 100_000  # the first scorer; each city has one
RECORDINGS = """
INSERT INTO qa_recording (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, sale, sound_id, seconds, origin, stored_at, keep_until)
SELECT id, started_at, customer_id, city_id, agent_id, team_id, campaign_id, disposition_id, sale, %s, talk_seconds, 'telephony', started_at, started_at + interval '400 days'
FROM campaigns_call WHERE connected"""
PEOPLE = """
INSERT INTO people_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined, display_name, language, theme)
    SELECT i, 'bench' || i, '!', false, false, true, '', '', '', now(), 'Person ' || i, 'en', 'auto' FROM generate_series(1, {agents}) i
    UNION ALL SELECT {qa} + i, 'qa' || i, '!', false, false, true, '', '', '', now(), 'QA ' || i, 'en', 'auto' FROM generate_series(1, {cities}) i;
INSERT INTO people_membership (user_id, role, team_id, valid_from) SELECT i, 'agent', 1 + (i - 1) %% {teams}, '2020-01-01' FROM generate_series(1, {agents}) i;
INSERT INTO people_membership (user_id, role, city_id, valid_from) SELECT {qa} + i, 'qa', i, '2020-01-01' FROM generate_series(1, {cities}) i;
INSERT INTO people_membership (user_id, role, valid_from) VALUES ({qa} + 1, 'qa', '2020-01-01');
"""


def run() -> list[Figure]:
    """The figure; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        return _measure()


def _measure() -> list[Figure]:
    from bench import rollup
    from core.partitions import ensure_partitions

    rollup.CALLS = CALLS
    ensure_partitions("campaigns_call", rollup.DAY, 1)
    product = rollup._places()
    rollup._make_day(rollup.DAY, product, keys=False)
    rollup._execute(PEOPLE.format(agents=rollup.AGENTS, teams=rollup.TEAMS, cities=rollup.CITIES, qa=QA), [])
    rollup._execute(RECORDINGS, [one_sound().pk])
    rollup._execute("VACUUM ANALYZE")
    took, made = _draw(product)
    words = f"{made.agents:,} agents, {made.calls:,} calls that can be heard, {made.picks.count():,} picks, {made.gaps.count():,} gaps"
    return [Figure(f"a day of {CALLS:,} calls, drawn and given", took, "s", None, words, "under 30 seconds", took < 30)]


def _draw(product: int) -> tuple[float, Any]:
    from bench.rollup import DAY
    from core.calendar import midnight
    from people.models import User
    from qa.models import FormVersion
    from qa.services import sampling

    at = midnight(DAY + timedelta(days=1)) + timedelta(hours=1)
    version = FormVersion.objects.published().select_related("form").order_by("pk")[0]
    plan = sampling.make_plan(
        by=User.objects.get(pk=QA + 1), at=at, name="Bench", form=version.form, city=None, period="day", picks=3,
        strata=["campaign", "result", "length", "hour"],
    )  # fmt: skip
    began = time.perf_counter()
    made = sampling.draw_period(plan=plan, start=DAY, at=at)
    return time.perf_counter() - began, made


def one_sound(peaks: bytes = b"\x40" * 4000, number: int = 0) -> Any:
    """A sound without bytes on the disk: what pages read of it."""
    import uuid

    from core.clock import database_now
    from core.models import PrivateFile
    from qa.models import Sound

    at = database_now()
    file = PrivateFile.objects.create(
        kind="qa.recording", name="b.mp3", path=f"bench/{uuid.uuid4()}", size=1, ready_at=at, keep_until=at + timedelta(days=400)
    )  # fmt: skip
    return Sound.objects.create(
        sha256=f"{number:064x}", file=file, format="mp3", channels=2, milliseconds=600_000, size_bytes=1, state="ready", peaks=peaks
    )  # fmt: skip
