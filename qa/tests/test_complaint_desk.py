"""A complaint taken at the desk while the call goes on, or right after it, without losing the call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Lead, LiveCall
from campaigns.tests.factories import agent_of
from campaigns.tests.test_desk_views import at_desk, dialled, floor
from core.clock import database_now
from people.tests.factories import UserFactory
from qa.models import Complaint, ComplaintCategory
from qa.services import complaint_calls, complaints
from qa.tests.factories import call_of

__all__ = ["at_desk", "floor"]  # fixtures of the desk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def sheet(client):
    return client.get(reverse("qa:complaint-desk"))


def take(client, about, **said):
    category = ComplaintCategory.objects.get(code=said.pop("category", "manner"))
    fields = {"about": about, "category": category.pk, "severity": "normal", "words": "Rude.", **said}
    return client.post(reverse("qa:complaint-desk"), fields, headers={"HX-Request": "true"})


def live_key(lead):
    return f"live-{LiveCall.objects.get(lead=lead).pk}"


def record(client, lead):
    """The agent saves the result of the call."""
    live = LiveCall.objects.get(lead=lead)
    return call_of(
        live.agent.team_at(live.placed_at), agent=live.agent, campaign=lead.campaign, customer=lead.customer, lead_id=lead.pk, at=live.placed_at
    )  # fmt: skip


def name_calls():
    return [complaint_calls.name_recorded_call(pk=pk) for pk in complaint_calls.calls_to_name(database_now())]


def test_a_complaint_is_taken_while_the_call_goes_on_and_names_the_call_when_that_is_recorded(at_desk, floor):
    lead = dialled(at_desk, floor)
    assert lead.customer.name in sheet(at_desk).content.decode()

    done = take(at_desk, live_key(lead))

    assert (done.status_code, "Taken." in done.content.decode()) == (200, True)
    row = Complaint.objects.get()
    assert (row.customer_id, row.city_id, row.campaign_id) == (lead.customer_id, lead.city_id, lead.campaign_id)
    assert (row.agent_id, row.team_id, row.call_id) == (floor.agent.pk, floor.team.pk, None)
    assert Lead.objects.get(pk=lead.pk).agent == floor.agent  # the call is still in hand
    assert name_calls() == [False]

    call = record(at_desk, lead)

    assert name_calls() == [True]
    row.refresh_from_db()
    assert (row.call_id, row.call_started_at, row.live_since) == (call.pk, call.started_at, None)
    assert name_calls() == []


def test_taken_twice_during_the_call_it_is_one(at_desk, floor):
    lead = dialled(at_desk, floor)
    take(at_desk, live_key(lead))

    again = take(at_desk, live_key(lead), words="Very rude.")

    assert "taken before" in again.content.decode()
    assert Complaint.objects.get().words == "Rude."


def test_saved_while_the_sheet_stands_open_it_is_taken_of_the_recorded_call(at_desk, floor):
    lead = dialled(at_desk, floor)
    key = live_key(lead)
    call = record(at_desk, lead)

    take(at_desk, key)

    row = Complaint.objects.get()
    assert (row.call_id, row.live_since) == (call.pk, None)


@pytest.mark.parametrize("is_named_by_the_job_before", [True, False])
def test_taken_again_of_the_recorded_call_it_is_one_and_names_that_call(at_desk, floor, is_named_by_the_job_before):
    lead = dialled(at_desk, floor)
    take(at_desk, live_key(lead))
    call = record(at_desk, lead)
    if is_named_by_the_job_before:
        name_calls()
    category = ComplaintCategory.objects.get(code="manner")

    again = complaints.take_complaint(
        call=call, by=UserFactory(role="qa"), category=category, severity="normal", words="By mail.", at=database_now()
    )

    row = Complaint.objects.get()
    assert (again.pk, row.words) == (row.pk, "Rude.")
    assert (row.call_id, row.live_since) == (call.pk, None)


def test_of_another_category_it_is_another_complaint(at_desk, floor):
    lead = dialled(at_desk, floor)
    take(at_desk, live_key(lead))
    call = record(at_desk, lead)
    category = ComplaintCategory.objects.exclude(code="manner").first()

    complaints.take_complaint(
        call=call, by=UserFactory(role="qa"), category=category, severity="normal", words="By mail.", at=database_now()
    )

    assert Complaint.objects.count() == 2


def test_right_after_a_call_it_is_taken_of_that_call_beside_the_next_customer(at_desk, floor):
    before = call_of(floor.team, agent=floor.agent, campaign=floor.campaign, at=database_now() - 5 * MINUTE)
    lead = dialled(at_desk, floor)

    page = sheet(at_desk).content.decode()
    take(at_desk, f"call-{before.pk}")

    assert page.count('name="about"') == 2
    assert lead.customer.name in page
    assert Complaint.objects.get().call_id == before.pk


@pytest.mark.parametrize(("talked", "is_there"), [(25, True), (15, False)])
def test_half_an_hour_counts_from_the_end_of_the_call(at_desk, floor, talked, is_there):
    """Begun fifty minutes ago: it ended 25 or 35 minutes ago."""
    begun = database_now() - 50 * MINUTE
    call = call_of(floor.team, agent=floor.agent, campaign=floor.campaign, at=begun, talk_seconds=60 * talked)

    assert (f"call-{call.pk}" in sheet(at_desk).content.decode()) == is_there


def test_calls_of_others_and_of_long_ago_are_not_taken_here(at_desk, floor):
    now = database_now()
    other = call_of(floor.team, agent=agent_of(floor.team), campaign=floor.campaign, at=now - MINUTE)
    old = call_of(floor.team, agent=floor.agent, campaign=floor.campaign, at=now - 61 * MINUTE)

    assert "No call to complain of" in sheet(at_desk).content.decode()
    for key in (f"call-{other.pk}", f"call-{old.pk}", "live-1", "call-", "nonsense", ""):
        refused = take(at_desk, key)
        assert refused.status_code == 422, key
    assert not Complaint.objects.exists()


def test_what_was_written_stays_when_it_is_refused(at_desk, floor):
    lead = dialled(at_desk, floor)

    refused = take(at_desk, live_key(lead), words="")

    page = refused.content.decode()
    assert (refused.status_code, live_key(lead) in page) == (422, True)


def test_the_desk_has_a_key_for_it(at_desk, floor):
    dialled(at_desk, floor)

    page = at_desk.get(reverse("campaigns:desk")).content.decode()

    assert 'data-key="F10"' in page
    assert 'id="complaint-sheet"' in page


def test_who_works_at_no_desk_is_turned_away(client):
    client.force_login(UserFactory(role="qa"))

    assert sheet(client).status_code == 403
