"""What the page asks each second, and what going on to the next customer leaves behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from campaigns.models import AgentState, Call, LiveCall
from campaigns.services import desk
from campaigns.services.pulse import pulse_of
from campaigns.tests.calling import Floor
from core.clock import database_now
from core.models import RoomChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return Floor.of_now()


def handed(floor):
    floor.lead(due_at=floor.due, ready_at=floor.due)
    return desk.next_lead(agent=floor.agent, at=database_now())


def talking(floor):
    lead = handed(floor)
    desk.dial(lead=lead, agent=floor.agent, at=database_now())
    at = database_now()
    LiveCall.objects.filter(lead=lead).update(
        outcome="answered", placed_at=at - timedelta(seconds=30), answered_at=at - timedelta(seconds=20), ends_at=at + timedelta(hours=1),
    )  # fmt: skip
    type(lead).objects.filter(pk=lead.pk).update(
        held_at=at - timedelta(minutes=1), dialled_at=at - timedelta(seconds=30)
    )
    return lead


def test_of_an_empty_desk_it_tells_the_clock_alone(floor):
    now = pulse_of(floor.agent)

    assert (now.state, now.lead_id, now.withdrawn, now.status, now.phase) == ("", None, "", None, "preview")
    assert timedelta() <= database_now() - now.at < timedelta(minutes=1)


def test_before_the_dial_it_tells_the_lead_and_the_state(floor):
    lead = handed(floor)

    now = pulse_of(floor.agent)

    assert (now.state, now.lead_id, now.status, now.is_in_step) == ("preview", lead.pk, None, True)


def test_in_a_call_it_tells_its_phase_and_whether_the_log_has_followed(floor):
    lead = talking(floor)

    before = pulse_of(floor.agent)
    assert (before.phase, before.state, before.is_in_step) == ("talking", "dialling", False)

    lead.refresh_from_db()
    assert desk.follow_call(lead=lead, agent=floor.agent, at=database_now()).phase == before.phase
    assert pulse_of(floor.agent).is_in_step


def test_a_call_that_nobody_followed_has_its_talking_in_the_log(floor):
    lead = talking(floor)
    at = database_now()
    LiveCall.objects.filter(lead=lead).update(ends_at=at - timedelta(seconds=5))
    lead.refresh_from_db()

    assert pulse_of(floor.agent).phase == "over"
    desk.follow_call(lead=lead, agent=floor.agent, at=at)

    log = list(AgentState.objects.filter(agent=floor.agent).order_by("pk").values_list("state", flat=True))
    assert log == ["preview", "dialling", "talking", "after_call"]


def test_another_agents_call_is_not_told(floor):
    talking(floor)

    assert pulse_of(Floor().agent).lead_id is None


def test_a_result_and_the_next_customer_change_nothing_that_is_kept(client, floor):
    """Both take what was set up from memory: had they changed it themselves, they would keep what is not committed yet."""
    lead = talking(floor)
    client.force_login(floor.agent)
    before = list(RoomChange.objects.order_by("pk").values_list("pk", "weight"))

    answer = client.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "considering"})
    client.post(reverse("campaigns:desk_next"))

    assert (answer.status_code, Call.objects.count()) == (200, 1), answer.content
    assert list(RoomChange.objects.order_by("pk").values_list("pk", "weight")) == before


def test_the_number_of_no_lead_is_refused_with_a_sentence(client, floor):
    client.force_login(floor.agent)

    answer = client.post(reverse("campaigns:desk_result"), {"lead": 10**30, "disposition": "sold"})

    assert (answer.status_code, answer.json()["code"]) == (409, "LeadNotYours")


@pytest.mark.django_db(transaction=True)
def test_what_follows_a_hand_out_waits_for_the_disk_again(floor):
    assert handed(floor) is not None

    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "on"
