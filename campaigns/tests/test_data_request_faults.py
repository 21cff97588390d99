"""A worker killed while it makes the leads of a data request: nobody is lost, nobody counted twice; and the broken twin, which the test must catch."""

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

from campaigns.models import DataRequest, DataRequestDraw, Lead
from campaigns.services import data_requests_filling as filling
from campaigns.tests.factories import CampaignFactory, CityFactory, CustomerFactory
from campaigns.tests.request_worker import PIECE
from campaigns.tests.requesting import approved, asked_for
from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent, Job

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTION = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
CUSTOMERS, WANTED = 35, 30


@pytest.fixture
def request_at_work(monkeypatch) -> DataRequest:
    """30 of 35 customers are to become leads, 10 in each piece."""
    monkeypatch.setattr(filling, "LEADS_AT_ONCE", PIECE)
    city = CityFactory()
    for _n in range(CUSTOMERS):
        CustomerFactory(city=city, age=70)
    return approved(asked_for(CampaignFactory(city=city), city, wanted=WANTED))


@pytest.fixture
def kill_worker(tmp_path):
    """Starts a real worker on the job and kills it behind its second piece, before that is committed."""

    def kill(job_id: int, twin: str = "") -> None:
        here = tmp_path / f"here-{twin}"
        database = {name: connection.settings_dict[name] for name in CONNECTION}
        told = {"WORKER_DATABASE": json.dumps(database), "WORKER_HERE": str(here), "WORKER_TWIN": twin}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "campaigns.tests.request_worker", str(job_id)],
            env={**os.environ, **told},
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


def test_a_worker_killed_while_it_makes_leads_makes_none_twice_and_loses_none(request_at_work, kill_worker):
    row = request_at_work
    kill_worker(row.job_id)
    row.refresh_from_db()
    drawn = set(DataRequestDraw.objects.get().ids)
    assert (row.state, row.lead_count, Lead.objects.count()) == ("approved", PIECE, PIECE)

    assert run_inline(row.job_id)

    row.refresh_from_db()
    assert (row.state, row.lead_count, row.left_out) == ("fulfilled", WANTED, {})
    assert set(Lead.objects.values_list("customer_id", flat=True)) == drawn
    assert (len(drawn), Lead.objects.count()) == (WANTED, WANTED)
    assert AuditEvent.objects.filter(action="campaigns.data_request.fulfilled").count() == 1


def test_the_test_catches_pieces_that_do_not_commit_whole(request_at_work, kill_worker):
    row = request_at_work
    kill_worker(row.job_id, "commits_in_pieces")

    run_inline(row.job_id)

    row.refresh_from_db()
    # the second piece was stored, and nothing said so to whoever went on
    assert row.left_out == {"there_already": PIECE}
