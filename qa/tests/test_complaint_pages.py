"""Pages of complaints: whoever hears one takes it, QA works it off, and nobody of another city sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from campaigns.tests.factories import add_phone
from core.clock import database_now
from customers.models import Customer, Suppression
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Complaint, ComplaintCategory
from qa.services import complaints as services
from qa.tests.factories import call_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(client, team):
    user = UserFactory(role="qa", city=team.city)
    client.force_login(user)
    return user


@pytest.fixture
def call(team):
    return call_of(team)


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def manner():
    return ComplaintCategory.objects.get(code="manner")


def taken_of(call, by, **fields):
    return services.take_complaint(
        **{"category": manner(), "severity": "normal", "words": "Rude.", "by": by, "at": database_now(), "call": call}
        | fields
    )


def said(**fields):
    return {"category": manner().pk, "severity": "normal", "words": "Pressed me."} | fields


# -- taking one --------------------------------------------------------------------------------------------------------


def test_the_page_of_a_call_leads_to_a_complaint_of_it(client, qa, call):
    assert f"{url('complaint-new')}?call={call.pk}" in client.get(url("call-recordings", call.pk)).content.decode()
    assert client.get(url("complaint-new"), {"call": call.pk}).status_code == 200

    answer = client.post(url("complaint-new"), said(call=call.pk))

    row = Complaint.objects.get()
    assert answer["Location"] == url("complaint", row.pk)
    assert (row.call_id, row.customer_id, row.words) == (call.pk, call.customer_id, "Pressed me.")
    assert url("complaint", row.pk) in client.get(url("call-recordings", call.pk)).content.decode()


def test_taken_before_the_page_says_so_and_a_serious_one_is_decided_there(client, qa, call):
    row = taken_of(call, qa)

    again = client.post(url("complaint-new"), said(call=call.pk), follow=True)
    serious = client.post(url("complaint-new"), said(call=call.pk, severity="serious"))

    assert "It was taken before; write what is new into its log." in again.content.decode()
    assert serious.status_code == 422
    assert f"Complaint {row.pk} is about this call already." in serious.content.decode()


def test_an_agent_takes_one_of_the_own_call_and_of_nobody_elses(client, team, call):
    agent = UserFactory(agent=team)
    client.force_login(agent)

    assert client.get(url("complaint-new"), {"call": call.pk}).status_code == 404
    assert client.post(url("complaint-new"), said(call=call.pk)).status_code == 404
    own = call_of(team, agent=agent)
    client.post(url("complaint-new"), said(call=own.pk, severity="serious"))

    assert Complaint.objects.get().call_id == own.pk
    assert Campaign.objects.get(pk=own.campaign_id).is_on
    assert "to be confirmed" in client.get(url("complaints")).content.decode()


def test_without_a_call_the_city_is_named_or_the_customer_by_number(client, team):
    client.force_login(UserFactory(role="supervisor", city=team.city))
    customer = Customer.objects.get(pk=call_of(team).customer_id)
    add_phone(customer, "13900007548")

    assert client.post(url("complaint-new"), said()).status_code == 422
    assert client.post(url("complaint-new"), said(number="13900000001")).status_code == 422
    assert client.post(url("complaint-new"), said(number="12")).status_code == 422
    client.post(url("complaint-new"), said(city=team.city_id))
    client.post(url("complaint-new"), said(number="139 0000 7548"))

    first, second = Complaint.objects.order_by("pk")
    assert (first.customer_id, first.city_id) == (None, team.city_id)
    assert second.customer_id == customer.pk


def test_a_city_or_a_customer_of_elsewhere_is_not_to_be_chosen(client, team):
    client.force_login(UserFactory(role="supervisor", city=TeamFactory().city))
    customer = Customer.objects.get(pk=call_of(team).customer_id)
    add_phone(customer, "13900007548")

    assert client.post(url("complaint-new"), said(city=team.city_id)).status_code == 422
    assert client.post(url("complaint-new"), said(number="13900007548")).status_code == 422
    assert not Complaint.objects.exists()


# -- one ---------------------------------------------------------------------------------------------------------------


def test_qa_works_one_off_on_its_page(client, qa, call, team):
    row = taken_of(call, qa)
    leader = UserFactory(leader=TeamFactory(city=team.city))
    other = UserFactory(role="qa", city=team.city)
    steps = [
        ("complaint-give", {"give-to": other.pk}),
        ("complaint-note", {"note-words": "Listened to the call."}),
        ("complaint-trace", {"trace-cause": "agent", "trace-words": "Raised the voice."}),
        ("complaint-answer", {"answer-answer": "We are sorry."}),
        ("complaint-close", {}),
        ("complaint-reopen", {"reopen-reason": "Called again."}),
    ]
    for name, fields in steps:
        assert client.post(url(name, row.pk), fields).status_code == 302, name

    row.refresh_from_db()
    assert (row.state, row.in_charge, row.cause) == ("in_work", other, "agent")
    page = client.get(url("complaint", row.pk)).content.decode()
    assert all(
        words in page for words in ("Listened to the call.", "Raised the voice.", "We are sorry.", "Called again.")
    )
    assert client.post(url("complaint-give", row.pk), {"give-to": leader.pk}).status_code == 409


def test_a_refusal_stays_on_the_page_with_what_was_written(client, qa, call):
    row = taken_of(call, qa)

    answer = client.post(url("complaint-trace", row.pk), {"trace-cause": "article", "trace-words": "Old price."})

    assert answer.status_code == 409
    assert "Old price." in answer.content.decode()
    assert client.post(url("complaint-close", row.pk)).status_code == 409
    assert client.post(url("complaint-answer", row.pk), {"answer-answer": " "}).status_code == 409


def test_a_supervisor_confirms_what_an_agent_called_serious(client, team, call):
    row = taken_of(call, UserFactory(agent=team), severity="serious")
    supervisor = UserFactory(role="supervisor", city=team.city)
    client.force_login(supervisor)
    assert "An agent calls it serious" in client.get(url("complaint", row.pk)).content.decode()

    client.post(url("complaint-weigh", row.pk), {"weigh-severity": "serious", "weigh-reason": "Heard it."})

    assert not Campaign.objects.get(pk=call.campaign_id).is_on
    # a supervisor who is not in charge works no further on it
    assert client.post(url("complaint-note", row.pk), {"note-words": "Mine."}).status_code == 403


def test_who_said_do_not_call_is_kept_from_calls_and_it_is_not_offered_again(client, qa, call):
    row = taken_of(call, qa)
    assert url("complaint-no-calls", row.pk) in client.get(url("complaint", row.pk)).content.decode()

    client.post(url("complaint-no-calls", row.pk))

    assert Suppression.objects.get(customer=call.customer_id).kind == "refusal"
    assert url("complaint-no-calls", row.pk) not in client.get(url("complaint", row.pk)).content.decode()


def test_the_complaint_of_a_locked_person_is_read_and_not_written_to(client, qa, call):
    row = taken_of(call, qa)
    Customer.objects.filter(pk=call.customer_id).update(is_locked=True)

    page = client.get(url("complaint", row.pk)).content.decode()

    assert "until the lock ends" in page
    assert "<textarea" not in page
    assert client.post(url("complaint-note", row.pk), {"note-words": "No."}).status_code == 409


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_is_cut_by_what_is_asked(client, qa, call, team):
    at = database_now()
    late = taken_of(call, qa, severity="minor", at=at - timedelta(days=9), in_charge=qa)
    serious = taken_of(None, UserFactory(agent=team), severity="serious", city=team.city)

    def shown(**query):
        page = client.get(url("complaints"), query).content.decode()
        return {row.pk for row in (late, serious) if url("complaint", row.pk) in page}

    assert shown() == {late.pk, serious.pk}
    assert shown(due="overdue") == shown(severity="minor") == shown(state="in_work") == {late.pk}
    assert shown(in_charge=qa.pk) == shown(campaign=call.campaign_id) == shown(call=call.pk) == {late.pk}
    assert shown(due="confirm") == shown(in_charge="null") == {serious.pk}
    assert shown(state="open", category=manner().pk) == {late.pk, serious.pk}
    assert shown(state="closed") == set()
    assert shown(since="nonsense") == set()


def test_the_count_in_the_navigation_is_of_the_own_overdue_ones(client, qa, call, team):
    assert client.get(url("complaints-badge")).content.decode().strip() == ""
    taken_of(call, qa, at=database_now() - timedelta(days=9), in_charge=qa)
    taken_of(None, qa, city=team.city, at=database_now() - timedelta(days=9))

    assert ">1<" in client.get(url("complaints-badge")).content.decode()


def test_another_city_sees_nothing_and_a_stranger_is_turned_away(client, qa, call, team):
    row = taken_of(call, qa)
    client.force_login(UserFactory(role="qa", city=TeamFactory().city))

    assert "No complaints." in client.get(url("complaints")).content.decode()
    assert client.get(url("complaint", row.pk)).status_code == 404
    for name in ("give", "note", "weigh", "trace", "answer", "close", "reopen", "no-calls"):
        assert client.post(url(f"complaint-{name}", row.pk)).status_code == 404, name
    client.force_login(UserFactory(role="data"))
    assert client.get(url("complaints")).status_code == 403
    assert client.get(url("complaint-new")).status_code == 403
    client.logout()
    assert client.get(url("complaint", row.pk))["Location"].startswith("/login/")
