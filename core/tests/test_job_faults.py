"""Workers that die or come back late: nothing lost, nothing doubled; and the broken twins, which these tests must catch."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from core.jobs import claims, enqueue, handler, registry, run_inline
from core.models import Job
from core.tests.worker import count_up

pytestmark = [pytest.mark.django_db(transaction=True)]

ROWS = 60
CONNECTION = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")


@pytest.fixture
def effects():
    """What the jobs wrote, without any constraint that could hide a doubled row."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE core_test_effect (number int)")

    def read():
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM core_test_effect ORDER BY number")
            return [row[0] for row in cursor.fetchall()]

    yield read
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE core_test_effect")


@pytest.fixture
def job(monkeypatch):
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    handler("test.count_up")(count_up)
    return enqueue(kind="test.count_up", key="1", args={"rows": ROWS})


@pytest.fixture
def start_worker(job, tmp_path):
    """Starts a real worker process on the test's database; whatever is left of it ends with the test."""
    started = []

    def start(**environment):
        database = {name: connection.settings_dict[name] for name in CONNECTION}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "core.tests.worker", str(job.pk)],
            env={
                **os.environ,
                "WORKER_DATABASE": json.dumps(database),
                "WORKER_HERE": str(tmp_path / "here"),
                "WORKER_GO": str(tmp_path / "go"),
                **environment,
            },
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(condition, seconds=15):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


def let_lease_run_out(job):
    Job.objects.filter(pk=job.pk, state="running").update(lease_until=timezone.now() - timedelta(seconds=1))


def done(job):
    return Job.objects.values_list("done", flat=True).get(pk=job.pk)


def kill_in_mid_chunk(job, start_worker, here: Path, **environment):
    process = start_worker(WORKER_PAUSE_AT="30", **environment)
    wait_for(here.exists)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    let_lease_run_out(job)


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(job, effects, start_worker):
    for _kill in range(2):
        before = done(job)
        process = start_worker(WORKER_SLEEP="0.02")
        wait_for(lambda before=before: done(job) > before)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        let_lease_run_out(job)

    run_inline(job.pk)

    job.refresh_from_db()
    assert effects() == list(range(ROWS))
    assert (job.state, job.done, job.total) == ("done", ROWS, ROWS)


def test_a_worker_killed_between_effect_and_commit_doubles_nothing(job, effects, start_worker, tmp_path):
    kill_in_mid_chunk(job, start_worker, tmp_path / "here")

    run_inline(job.pk)

    assert effects() == list(range(ROWS))


def test_the_twin_that_commits_its_cursor_apart_is_caught(job, effects, start_worker, tmp_path):
    kill_in_mid_chunk(job, start_worker, tmp_path / "here", WORKER_TWIN="without_transaction")

    run_inline(job.pk)

    assert effects() != list(range(ROWS))


def late_worker(job, start_worker, tmp_path, **environment):
    """A worker that stalls in the middle of a chunk until another has finished its job, and then goes on."""
    process = start_worker(WORKER_PAUSE_AT="30", **environment)
    wait_for((tmp_path / "here").exists)
    let_lease_run_out(job)
    assert run_inline(job.pk) is True
    (tmp_path / "go").touch()
    process.wait(timeout=15)


def test_a_worker_that_comes_back_late_is_fenced_off(job, effects, start_worker, tmp_path):
    late_worker(job, start_worker, tmp_path)

    job.refresh_from_db()
    assert effects() == list(range(ROWS))
    assert (job.state, job.done) == ("done", ROWS)


def test_the_twin_without_a_fence_is_caught(job, effects, start_worker, tmp_path):
    late_worker(job, start_worker, tmp_path, WORKER_TWIN="without_fence")

    assert effects() != list(range(ROWS))


def test_of_many_workers_one_gets_the_job(job):
    won, barrier = [], threading.Barrier(6)

    def work():
        barrier.wait()
        try:
            won.append(claims.claim(job.pk) is not None)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 5 + [True]
