"""A worker killed in the middle of reading, committing or taking back a list: nothing lost, nothing doubled; and the broken twin, which these tests must catch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Consent, Customer, LeadList, Phone, RowVerdict, StagedRow
from customers.services import list_check, list_receiving, lists
from customers.tests import list_files
from customers.tests.factories import SourceFactory
from customers.tests.list_worker import BATCH
from people.tests.factories import CityFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True)]

ROWS = 2_500
CONNECTION = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def lead_list(data, monkeypatch):
    """A list of 2,500 rows, received and not yet checked; a worker takes and judges 1,000 rows at a time."""
    monkeypatch.setattr(list_check, "BATCH_ROWS", BATCH)
    monkeypatch.setattr(list_check, "PART_ROWS", BATCH)
    CityFactory(name="Foshan")
    rows = [[f"E{n}", "张国", f"191{n:08d}", "Foshan", 30, ""] for n in range(ROWS)]
    return list_receiving.receive_list(
        file=list_files.workbook(rows), file_name="list.xlsx", name="", source=SourceFactory(), city=None, consent_basis="contract", by=data,
        at=database_now(),
    )  # fmt: skip


@pytest.fixture
def kill_worker(tmp_path):
    """Starts a real worker on the job, waits until it is in the middle, and kills it as no program can prevent."""

    def kill(job_id: int, pause: str, twin: str = "") -> None:
        here = tmp_path / f"here-{pause}-{twin}"
        database = {name: connection.settings_dict[name] for name in CONNECTION}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "customers.tests.list_worker", str(job_id)],
            env={
                **os.environ,
                "WORKER_DATABASE": json.dumps(database),
                "WORKER_HERE": str(here),
                "WORKER_PAUSE": pause,
                "WORKER_TWIN": twin,
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 60
            while not here.exists():
                assert process.poll() is None, "the worker ended before it could be killed"
                assert time.monotonic() < until, "waited too long"
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        Job.objects.filter(pk=job_id, state="running").update(lease_until=database_now() - timedelta(seconds=1))

    return kill


def outcome(lead_list: LeadList) -> tuple[str, int, int]:
    """Status, staged rows and verdicts new."""
    lead_list.refresh_from_db()
    staged = StagedRow.objects.filter(lead_list=lead_list).count()
    return lead_list.status, staged, RowVerdict.objects.filter(lead_list=lead_list, verdict="new").count()


def test_a_worker_killed_while_it_reads_a_list_loses_and_doubles_no_row(lead_list, kill_worker):
    kill_worker(lead_list.job_id, "copy")
    assert StagedRow.objects.count() == BATCH  # the first batch is kept, the second was not committed

    run_inline(lead_list.job_id)

    assert outcome(lead_list) == ("checked", ROWS, ROWS)
    assert sorted(StagedRow.objects.values_list("row_no", flat=True)) == list(range(2, ROWS + 2))
    assert Job.objects.get(pk=lead_list.job_id).done == ROWS


def test_a_worker_killed_while_it_judges_leaves_no_verdict_out_and_none_twice(lead_list, kill_worker):
    kill_worker(lead_list.job_id, "judge")
    assert RowVerdict.objects.count() == BATCH  # the first part is kept, the second was not committed

    run_inline(lead_list.job_id)

    assert outcome(lead_list) == ("checked", ROWS, ROWS)
    ids = list(RowVerdict.objects.order_by("row_no").values_list("customer_id", flat=True))
    assert ids == sorted(set(ids))


def test_the_twin_that_keeps_rows_apart_from_its_cursor_is_caught(lead_list, kill_worker):
    kill_worker(lead_list.job_id, "copy", twin="without_transaction")

    run_inline(lead_list.job_id)

    assert outcome(lead_list) != ("checked", ROWS, ROWS)


def test_a_worker_killed_while_it_commits_a_list_stores_every_customer_once(lead_list, data, kill_worker):
    run_inline(lead_list.job_id)
    job = lists.commit_list(lead_list=lead_list, by=data, at=database_now())
    kill_worker(job.pk, "store")
    assert not Customer.objects.exists()

    run_inline(job.pk)

    assert outcome(lead_list) == ("committed", ROWS, ROWS)
    assert (Customer.objects.count(), Phone.objects.count(), Consent.objects.count()) == (ROWS, ROWS, ROWS)


def test_the_twin_that_commits_in_pieces_is_caught(lead_list, data, kill_worker):
    run_inline(lead_list.job_id)
    job = lists.commit_list(lead_list=lead_list, by=data, at=database_now())
    kill_worker(job.pk, "store", twin="commits_in_pieces")

    assert Customer.objects.exists()  # half done
    run_inline(job.pk)
    assert outcome(lead_list) != ("committed", ROWS, ROWS)


# ---------------------------------------------------------------- taken back


@pytest.fixture
def undo_job(lead_list, data):
    """The list is committed, its last customer was called, and it is to be taken back."""
    run_inline(lead_list.job_id)
    run_inline(lists.commit_list(lead_list=lead_list, by=data, at=database_now()).pk)
    called = Customer.objects.order_by("-pk").first()
    Customer.objects.filter(pk=called.pk).update(attempts=[database_now()])
    return lists.undo_list(lead_list=lead_list, by=data, reason="wrong file", at=database_now())


def left() -> tuple[int, int, int]:
    return Customer.objects.count(), Phone.objects.count(), Consent.objects.count()


def test_a_worker_killed_while_it_takes_a_list_back_leaves_it_whole_and_the_next_goes_on(
    lead_list, undo_job, kill_worker
):
    kill_worker(undo_job.pk, "delete")
    assert (
        left() == (ROWS - BATCH + 1,) * 3
    )  # the first chunk is done, but for who was called; the second was not committed
    lead_list.refresh_from_db()
    assert lead_list.status == "undoing"

    run_inline(undo_job.pk)

    lead_list.refresh_from_db()
    assert (lead_list.status, left()) == ("undone", (1, 1, 1))
    assert list(lead_list.verdicts.filter(stays__isnull=False).values_list("row_no", "stays")) == [(ROWS + 1, "called")]
    undo_job.refresh_from_db()
    assert (undo_job.done, undo_job.total) == (ROWS, ROWS)


def test_the_twin_that_takes_back_in_pieces_is_caught(lead_list, undo_job, kill_worker):
    kill_worker(undo_job.pk, "delete", twin="takes_back_in_pieces")

    customers, phones, _consents = left()
    assert customers != phones  # customers without their numbers
