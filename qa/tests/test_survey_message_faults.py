"""A worker killed while a message is with the sender: it is not sent again, and its row says that nobody knows; and the broken twin."""

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
from django.db.models import F

from campaigns.tests.factories import AT, CustomerFactory
from campaigns.tests.test_claim import calling, pack
from core.clock import database_now
from core.jobs import enqueue, run_inline
from core.models import Job
from customers.models import Contact, Customer
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import SurveyAsk, SurveyMessage
from qa.services import survey_messages, surveys
from qa.tests.test_surveys import TEXTS

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTION = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
HOUR = timedelta(hours=1)


@pytest.fixture
def job():
    """One message waits for the sender."""
    team, qa = TeamFactory(), UserFactory(role=Membership.Role.QA)
    campaign = calling(team, pack(hours=("00:00", "24:00"), cap=(1, 24)))
    customer = CustomerFactory(city=team.city)
    questions = surveys.make_questionnaire(code="after-call", by=qa, at=AT - 24 * HOUR, **TEXTS)
    rule = surveys.make_rule(questionnaire=questions, by=qa, at=AT - 24 * HOUR, share=100)
    # its call needs no row of its own here
    ask = SurveyAsk.objects.create(
        rule=rule, call_id=1, call_started_at=AT - HOUR, customer_id=customer.pk, city_id=team.city_id, team_id=team.pk, agent_id=1,
        campaign_id=campaign.pk, channel="sms", probability=1, chosen_at=AT, try_at=AT,
    )  # fmt: skip
    surveys.send(ask=ask, at=AT)
    at = database_now()
    Contact.objects.update(at=at)
    Customer.objects.update(attempts=[at])
    SurveyMessage.objects.update(booked_at=at)
    return enqueue(kind="qa.hand_over_messages", key="1", args={})


@pytest.fixture
def sent(tmp_path, settings, monkeypatch):
    """How many messages came to the sender, in whichever process."""
    settings.SURVEY_SENDER = "qa.tests.message_worker.Sender"
    monkeypatch.setenv("WORKER_SENT", str(tmp_path / "sent"))
    monkeypatch.setenv("WORKER_HERE", str(tmp_path / "here"))
    return lambda: (tmp_path / "sent").read_text().count("came")


@pytest.fixture
def kill_worker(job, sent, tmp_path, monkeypatch):
    """Starts a real worker and kills it while the sender has the message."""

    def kill(twin: str = "") -> None:
        database = {name: connection.settings_dict[name] for name in CONNECTION}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "qa.tests.message_worker", str(job.pk)],
            env={**os.environ, "WORKER_DATABASE": json.dumps(database), "WORKER_TWIN": twin},
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 60
            while not (tmp_path / "here").exists():
                assert process.poll() is None, "the worker ended before it could be killed"
                assert time.monotonic() < until, "waited too long"
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        let_lease_run_out(job)
        monkeypatch.setenv("WORKER_SLEEP", "0")

    return kill


def let_lease_run_out(job):
    Job.objects.filter(pk=job.pk, state="running").update(lease_until=database_now() - timedelta(seconds=1))


def test_a_message_is_not_sent_again_when_its_worker_was_killed(job, sent, kill_worker):
    kill_worker()
    run_inline(job.pk)
    assert (SurveyMessage.objects.get().state, sent()) == ("handed", 1)

    SurveyMessage.objects.update(handed_at=F("handed_at") - survey_messages.ANSWERS_WITHIN)
    again = enqueue(kind="qa.hand_over_messages", key="2", args={})
    run_inline(again.pk)

    again.refresh_from_db()
    assert again.result == {"unknown": 1}
    assert (SurveyMessage.objects.get().state, sent()) == ("unknown", 1)
    # who got it can answer, and the contact was spent
    assert SurveyAsk.objects.get().state == "sent"
    assert Contact.objects.get().state == "made"


def test_the_test_catches_a_message_handed_over_before_its_row_says_so(job, sent, kill_worker):
    kill_worker("inside")

    run_inline(job.pk)

    assert sent() == 2
