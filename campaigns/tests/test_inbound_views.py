"""A call that comes in, at the desk's page and at the API."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Call, Callback, InboundCall, Lead, LiveCall, Order
from campaigns.services import calls
from campaigns.services.orders import Sale
from campaigns.tests.calling import Floor, calling_campaign
from campaigns.tests.factories import CustomerFactory, hold, person
from core.clock import database_now
from customers.models import Suppression
from customers.services.suppress import suppress

pytestmark = pytest.mark.django_db
NUMBER = "13900007548"


@pytest.fixture
def floor():
    return Floor.of_now()


@pytest.fixture
def at_desk(client, floor):
    client.force_login(floor.agent)
    return client


def lead_of(floor, **fields) -> Lead:
    return floor.lead(due_at=floor.due, ready_at=floor.due, **fields)


def post(client, name, **data):
    return client.post(reverse(f"campaigns:{name}"), data, headers={"HX-Request": "true"})


def caller(floor, **fields):
    return CustomerFactory(city=floor.city, phone=NUMBER, name="王小明", **fields)


def test_typing_the_number_opens_the_customer_masked_with_orders_and_promises(at_desk, floor):
    customer = caller(floor)
    bought = hold(floor.lead(customer=customer), floor.agent, database_now())
    sold = calls.record_call(
        lead=bought, agent=floor.agent, disposition_code="sold", started_at=database_now(), talk_seconds=0, order=Sale(),
        at=database_now(),
    )  # fmt: skip
    other = calling_campaign(floor.team)
    lead = lead_of(floor, customer=customer, campaign=other)
    number = Order.objects.get(call_id=sold.pk).number

    page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()

    assert Lead.objects.held_by(floor.agent).get().pk == lead.pk
    assert "王小明" in page
    assert "139****7548" in page
    assert NUMBER not in page
    assert number in page
    assert 'data-result="sold"' in page
    assert 'data-result="no_answer"' not in page


def test_a_promise_in_another_campaign_is_told(at_desk, floor):
    customer = caller(floor)
    elsewhere = calling_campaign(floor.team, stage="wrap_up")
    promised = lead_of(floor, customer=customer, campaign=elsewhere)
    Callback.objects.create(lead=promised, agent=person("agent", team=floor.team), due_at=database_now())
    lead_of(floor, customer=customer)

    page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()

    assert elsewhere.name in page


def test_a_suppressed_caller_is_served_with_a_notice(at_desk, floor):
    customer = caller(floor)
    suppress(customer=customer, kind=Suppression.Kind.REFUSAL, by=floor.agent, at=database_now())
    lead_of(floor, customer=customer, state="done", outcome="suppressed")

    page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()

    assert "promise no call" in page
    assert 'data-result="considering"' in page


def test_a_customer_without_an_open_lead_is_asked_for_the_campaign_by_a_masked_name(at_desk, floor):
    caller(floor)
    second = calling_campaign(floor.team)

    page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()
    assert "王**" in page
    assert "王小明" not in page
    post(at_desk, "desk_inbound_take", person="known", campaign=second.pk)

    assert Lead.objects.held_by(floor.agent).get().campaign_id == second.pk


@pytest.mark.parametrize("campaign", ["", "²", "9" * 30, "-1"])
def test_a_campaign_that_is_none_is_refused_in_words(at_desk, floor, campaign):
    post(at_desk, "desk_inbound", number=NUMBER)

    answer = post(at_desk, "desk_inbound_take", person="new", campaign=campaign)

    assert answer.status_code == 200
    assert b"Choose one of the campaigns" in answer.content


def test_a_number_of_another_city_looks_like_one_that_nobody_has(at_desk, floor):
    def shown() -> str:
        page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()
        post(at_desk, "desk_inbound_drop", reason="nobody")
        return page.split('class="desk-cols')[1]

    unknown = shown()
    CustomerFactory(phone=NUMBER, name="李四")

    assert shown() == unknown


def test_a_ring_shows_itself_is_answered_and_recorded_as_inbound(at_desk, floor):
    post(at_desk, "desk_start")
    ringing = post(at_desk, "desk_inbound_ring").content.decode()
    assert "A customer calls" in ringing
    same = at_desk.get(reverse("campaigns:desk_phase"), {"lead": "", "phase": "in-ringing"})
    assert same.status_code == 204

    post(at_desk, "desk_inbound_answer")
    if not Lead.objects.held_by(floor.agent).exists():
        post(at_desk, "desk_inbound_take", person="new", campaign=floor.campaign.pk)
    lead = Lead.objects.held_by(floor.agent).get()
    answer = post(at_desk, "desk_result", lead=lead.pk, disposition="considering")

    assert answer.status_code == 200
    assert Call.objects.get().direction == "inbound"


def test_the_page_notices_a_ring_that_began_elsewhere(at_desk, floor):
    post(at_desk, "desk_start")
    post(at_desk, "desk_inbound_ring")

    found = at_desk.get(reverse("campaigns:desk_phase"), {"lead": "", "phase": ""})

    assert found.status_code == 200
    assert b"A customer calls" in found.content


def test_with_a_handset_the_callers_digits_are_not_shown(at_desk, floor):
    type(floor.campaign).objects.update(telephony="handset")
    customer = caller(floor)
    lead = lead_of(floor, customer=customer)
    page = post(at_desk, "desk_inbound", number=NUMBER).content.decode()
    assert "Show the number to dial" not in page

    assert post(at_desk, "desk_number", lead=lead.pk, reason="dial").status_code == 409


def test_strangers_have_no_calls_that_come_in(client, floor):
    client.force_login(person("campaign_manager"))

    assert post(client, "desk_inbound", number=NUMBER).status_code == 403
    assert not InboundCall.objects.exists()


# ---------------------------------------------------------------- the API


def api(client, name, **data):
    return client.post(reverse(f"api:{name}"), data, content_type="application/json")


def test_the_api_opens_the_customer_and_takes_the_result(at_desk, floor):
    lead = lead_of(floor, customer=caller(floor))

    opened = api(at_desk, "inbound-begin", number=NUMBER)
    result = at_desk.post(
        reverse("api:lead-result", args=[lead.pk]), {"result": "considering"}, content_type="application/json"
    )

    assert opened.status_code == 201
    assert opened.json()["lead"]["id"] == lead.pk
    assert NUMBER not in opened.content.decode()
    assert result.status_code == 201
    assert Call.objects.get().direction == "inbound"


def test_the_api_asks_chooses_and_drops(at_desk, floor):
    calling_campaign(floor.team)
    opened = api(at_desk, "inbound-begin", number=NUMBER).json()
    assert (opened["lead"], opened["is_known"], len(opened["campaigns_of_new"])) == (None, False, 2)

    refused = api(at_desk, "inbound-take", campaign=floor.campaign.code)
    dropped = api(at_desk, "inbound-drop", reason="wrong_number")

    assert refused.status_code == 409
    assert dropped.status_code == 204
    assert not LiveCall.objects.exists()
