"""A worker killed in the middle of a rollup loses and doubles nothing; and a broken twin that this must catch."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from unittest.mock import Mock

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import DomainError
from core.jobs import enqueue, run_inline
from core.models import Job
from metrics import queries
from metrics.models import CancellationDay, DayFigures, Watermark
from metrics.services import activity
from metrics.tests import factories as f

pytestmark = [pytest.mark.django_db(transaction=True)]
CONNECTION = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
FIRST, LAST = date(2026, 3, 2), date(2026, 3, 6)


@pytest.fixture
def job():
    for offset in range(5):
        for customer in range(6):
            f.make_call(
                FIRST + timedelta(days=offset), customer_id=customer, city_id=1 + customer % 2, connected=customer < 3
            )
    return enqueue(kind="metrics.rollup", key="faults", args={})


def work_and_die(job, **environment):
    database = {name: connection.settings_dict[name] for name in CONNECTION}
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "metrics.tests.worker", str(job.pk)],
        env={**os.environ, "WORKER_DATABASE": json.dumps(database), **environment},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert process.returncode == -9
    Job.objects.filter(pk=job.pk, state="running").update(lease_until=timezone.now() - timedelta(seconds=1))


def figures():
    counts = queries.figures(since=FIRST, until=LAST).total.counts
    days = [row.counts["calls"] for row in queries.figures(since=FIRST, until=LAST, grain="day").rows]
    return counts["calls"], counts["customers_called"], counts["customers_reached"], days


WHOLE = (30, 6, 3, [6] * 5)


@pytest.mark.parametrize("partitions", [1, 4, 10])
def test_a_rollup_killed_anywhere_is_finished_by_the_next_worker(job, partitions):
    work_and_die(job, WORKER_DIES_AFTER=str(partitions))
    stored = DayFigures.objects.values("day", "city_id").distinct().count()
    assert stored == partitions - 1

    run_inline(job.pk)

    assert Job.objects.get(pk=job.pk).state == "done"
    assert figures() == WHOLE


def test_the_twin_that_marks_a_partition_built_before_its_rows_are_there_is_caught(job):
    work_and_die(job, WORKER_TWIN="1")

    run_inline(job.pk)

    assert figures() != WHOLE


def test_cancellations_that_a_failed_rollup_left_are_built_by_the_next(monkeypatch):
    """The order event was looked through by the job that failed; only the mark of activity knows that its day waits."""
    f.cancel(f.make_sale(FIRST), LAST)
    broken = Mock(side_effect=DomainError("The disk is full."))
    with monkeypatch.context() as patched:
        patched.setattr(activity, "build_activity", broken)
        failed = enqueue(kind="metrics.rollup", key="fails", args={})
        run_inline(failed.pk)
    Job.objects.filter(pk=failed.pk).update(state="failed")
    f.let_time_pass()

    run_inline(enqueue(kind="metrics.rollup", key="next", args={}).pk)

    assert list(CancellationDay.objects.values_list("day", "cancellations")) == [(LAST, 1)]
    assert Watermark.objects.get().activity_until is not None
