"""Complaints: taken once, answered in time, and a serious one stops the campaign in the same transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Campaign
from campaigns.tests.factories import AT, agent_of
from core.errors import PermissionRefused
from core.models import AuditEvent
from customers.models import Customer
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa import person_data
from qa.models import Complaint, ComplaintCategory
from qa.services import complaints
from qa.tests.factories import call_of

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def qa():
    return UserFactory(role=Role.QA)


@pytest.fixture
def call(team, agent):
    return call_of(team, agent=agent)


def take(call, by, **fields):
    facts = {
        "category": ComplaintCategory.objects.get(code="manner"),
        "severity": "normal",
        "words": " Rude. ",
        "at": AT,
    }
    return complaints.take_complaint(call=call, by=by, **{**facts, **fields})


def test_a_complaint_of_a_call_keeps_what_it_was_about_and_is_due_in_48_hours(call, agent):
    taken = take(call, agent)

    assert (taken.customer_id, taken.city_id, taken.agent_id) == (call.customer_id, call.city_id, agent.pk)
    assert (taken.campaign_id, taken.script_version_id) == (call.campaign_id, call.script_version_id)
    assert (taken.words, taken.state, taken.due_at) == ("Rude.", "received", AT + timedelta(hours=48))
    assert Campaign.objects.get(pk=call.campaign_id).is_on


def test_the_same_call_and_category_again_is_the_same_complaint(call, agent):
    assert take(call, agent) == take(call, agent, words="Again.")
    assert Complaint.objects.get().steps.count() == 1


def test_a_serious_complaint_stops_the_campaign_and_says_why(call, agent):
    taken = take(call, agent, severity="serious")

    assert not Campaign.objects.get(pk=call.campaign_id).is_on
    assert taken.stopped_campaign
    assert taken.due_at == AT + timedelta(hours=24)
    switched = AuditEvent.objects.get(action="campaigns.campaign.switched")
    assert str(taken.pk) in switched.detail["reason"]


def test_a_complaint_belongs_somewhere_and_says_something(call, agent, team):
    with pytest.raises(complaints.ComplaintWithoutPlace):
        take(None, agent)
    with pytest.raises(complaints.ComplaintSaysNothing):
        take(call, agent, words="  ")
    with pytest.raises(PermissionRefused):
        take(call, UserFactory(role=Role.DATA))
    assert take(None, agent, city=team.city).customer_id is None


def test_from_taken_to_closed_and_open_again(call, agent, qa):
    taken = take(call, agent, in_charge=qa)
    complaints.note_step(complaint=taken, words="Listened.", by=qa, at=AT)
    with pytest.raises(complaints.ComplaintNotThere):
        complaints.close_complaint(complaint=taken, by=qa, at=AT)
    complaints.answer_complaint(complaint=taken, answer="We are sorry.", by=qa, at=AT)
    with pytest.raises(complaints.ComplaintNotThere):
        complaints.answer_complaint(complaint=taken, answer="Twice.", by=qa, at=AT)
    complaints.close_complaint(complaint=taken, by=qa, at=AT)
    with pytest.raises(complaints.ComplaintSaysNothing):
        complaints.reopen_complaint(complaint=taken, reason="", by=qa, at=AT)
    late = AT + timedelta(days=9)
    again = complaints.reopen_complaint(complaint=taken, reason="Still angry.", by=qa, at=late)

    assert (again.state, again.due_at) == ("in_work", late + timedelta(hours=48))
    assert list(again.steps.order_by("pk").values_list("kind", flat=True)) == ["taken", "given", "noted", "answered", "closed", "reopened"]  # fmt: skip
    assert not Complaint.objects.overdue(late).exists()
    assert Complaint.objects.overdue(late + timedelta(hours=49)).get() == again


def test_the_agent_of_the_call_settles_nothing_and_is_not_put_in_charge_by_a_stranger(call, agent, qa):
    taken = take(call, agent)

    with pytest.raises(PermissionRefused):
        complaints.note_step(complaint=taken, words="Not my fault.", by=agent, at=AT)
    with pytest.raises(complaints.CannotBeInCharge):
        complaints.give_complaint(
            complaint=taken, to=UserFactory(role=Role.CITY_MANAGER, city=TeamFactory().city), by=qa, at=AT
        )


def test_another_city_sees_none(call, agent, team, qa):
    taken = take(call, agent)

    assert Complaint.objects.visible_to(qa).get() == taken
    assert not Complaint.objects.visible_to(UserFactory(agent=TeamFactory())).exists()


def test_an_erased_person_leaves_no_words_and_the_copy_has_had_them(call, agent, qa):
    taken = take(call, agent, in_charge=qa)
    complaints.note_step(complaint=taken, words="Called back.", by=qa, at=AT)
    customer = Customer.objects.get(pk=call.customer_id)
    sheet = person_data.facts(customer)[-1]
    assert sheet.rows == [[AT, "Rude.", "", "Called back."]]

    person_data.forget(customer, AT)

    taken.refresh_from_db()
    assert taken.words == ""
    assert set(taken.steps.values_list("words", flat=True)) == {""}
