"""Words about a customer go when the customer's own data have gone; the facts of the calls stay."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.models import Answer, Call, Callback, LeadSkip
from campaigns.retention import forget_answers, forget_call_notes, forget_promise_notes, forget_skips
from campaigns.tests.calling import AT, Floor
from core.partitions import ensure_partitions
from core.retention import RETENTION
from customers.models import Customer
from customers.retention import forget_customers
from scripts.models import ScriptQuestion, ScriptStep
from scripts.tests.factories import ScriptVersionFactory

pytestmark = pytest.mark.django_db
LONG_AGO = AT - timedelta(days=4 * 365)


def spoken_with(floor: Floor, *, called_at: datetime) -> Customer:
    """A customer with a call, an answer and a promise, each with words about the person."""
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[called_at], created_at=LONG_AGO)
    call = Call.objects.create(
        started_at=called_at, customer_id=lead.customer_id, city_id=floor.city.pk, agent_id=floor.agent.pk, team_id=floor.team.pk,
        campaign_id=floor.campaign.pk, disposition_id=1, connected=True, note="has a sick mother",
    )  # fmt: skip
    version = ScriptVersionFactory()
    step = ScriptStep.objects.create(version=version, part="opening", position=1, text="Hello")
    question = ScriptQuestion.objects.create(step=step, position=1, code="children", text="Children?")
    Answer.objects.create(call_id=call.pk, call_started_at=called_at, question=question, value="two children")
    Callback.objects.create(lead=lead, agent=floor.agent, due_at=called_at, note="after the operation", state="kept")
    return lead.customer


def words() -> list[tuple[str, object, str]]:
    return list(
        zip(
            Call.objects.order_by("pk").values_list("note", flat=True),
            Answer.objects.order_by("pk").values_list("value", flat=True),
            Callback.objects.order_by("pk").values_list("note", flat=True),
            strict=True,
        )
    )


def forgotten() -> tuple[int, ...]:
    return forget_call_notes(AT), forget_answers(AT), forget_promise_notes(AT)


@pytest.fixture
def floor():
    return Floor()


def test_notes_answers_and_promises_of_a_forgotten_customer_are_blanked_and_those_of_others_stay(floor):
    kept = ("has a sick mother", "two children", "after the operation")
    ensure_partitions("campaigns_call", LONG_AGO.date(), 1)
    gone = spoken_with(floor, called_at=LONG_AGO)
    spoken_with(floor, called_at=AT - timedelta(days=300))
    assert forgotten() == (0, 0, 0)

    assert forget_customers(AT) == 1
    assert forgotten() == (1, 1, 1)

    assert words() == [("", "", ""), kept]
    call = Call.objects.get(customer_id=gone.pk)
    assert (call.started_at, call.connected) == (LONG_AGO, True)
    assert forgotten() == (0, 0, 0)


def test_skips_go_after_two_years(floor):
    for days in (731, 729):
        LeadSkip.objects.create(
            agent=floor.agent, team=floor.team, lead=floor.lead(), campaign=floor.campaign, reason="my neighbour",
            at=AT - timedelta(days=days),
        )  # fmt: skip

    assert forget_skips(AT) == 1
    assert LeadSkip.objects.get().at == AT - timedelta(days=729)
    assert forget_skips(AT) == 0


def test_the_night_does_it():
    assert {"campaigns.call", "campaigns.answer", "campaigns.callback", "campaigns.leadskip"} <= {
        label for label, policy in RETENTION.items() if policy.apply
    }
