"""Messages and calls share one budget of contacts: asked before a message is sent, under the rules of a call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from campaigns.models import Lead
from campaigns.services import claim, messages
from campaigns.services.messages import MessageRefused, NoSuchMessage
from campaigns.tests.factories import CityFactory, CustomerFactory, TeamFactory, agent_of
from campaigns.tests.test_claim import AT, calling, lead_in, pack
from customers.models import Contact, Customer, Suppression
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def campaign(team):
    return calling(team, pack(hours=("09:00", "20:00"), cap=(2, 24), gap=120))


@pytest.fixture
def planner():
    return UserFactory(role="campaign_manager")


@pytest.fixture
def customer(city):
    return CustomerFactory(city=city)


def reserve(customer, campaign, by, at=AT):
    return messages.reserve_message(customer=customer, campaign=campaign, by=by, at=at)


def ready_at(lead):
    return Lead.objects.values_list("ready_at", flat=True).get(pk=lead.pk)


def test_a_message_takes_one_contact_and_calls_wait_for_the_gap(campaign, planner, customer, city, team):
    lead = lead_in(campaign, city, customer=customer)

    taken = reserve(customer, campaign, planner)

    assert (taken.channel, taken.state, taken.campaign_id) == ("message", "made", campaign.pk)
    customer.refresh_from_db()
    assert (customer.attempts, customer.callable_from) == ([AT], AT + 2 * HOUR)
    assert ready_at(lead) == AT + 2 * HOUR
    assert claim.claim_next_lead(agent=agent_of(team), at=AT + HOUR) is None
    assert claim.claim_next_lead(agent=agent_of(team), at=AT + 2 * HOUR) == lead


def test_a_call_takes_the_contact_that_a_message_would_have_had(campaign, planner, customer):
    Customer.objects.update(attempts=[AT - 3 * HOUR, AT - 6 * HOUR])

    with pytest.raises(MessageRefused, match="2 attempts in 24 hours are used up"):
        reserve(customer, campaign, planner)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("what", ["suppressed", "night", "held", "switch"])
def test_what_forbids_a_call_forbids_a_message(campaign, planner, customer, city, team, what):
    at = AT
    if what == "suppressed":
        Suppression.objects.create(customer=customer, kind="refusal", valid_from=AT - HOUR)
    if what == "night":
        at = AT + 12 * HOUR
    if what == "held":
        lead_in(campaign, city, customer=customer)
        assert claim.claim_next_lead(agent=agent_of(team), at=AT)
    if what == "switch":
        campaign.is_on = False
        campaign.save()

    with pytest.raises(MessageRefused):
        reserve(customer, campaign, planner, at)
    assert not Contact.objects.filter(channel="message").exists()


def test_a_promise_to_call_stays_at_its_time(campaign, planner, customer, city, team):
    lead = lead_in(campaign, city, customer=customer)
    Lead.objects.filter(pk=lead.pk).update(callback_agent=agent_of(team), due_at=AT + HOUR, ready_at=AT + HOUR)

    reserve(customer, campaign, planner)

    assert ready_at(lead) == AT + HOUR


def test_a_message_that_was_not_sent_gives_its_contact_back_once(campaign, planner, customer, city):
    lead = lead_in(campaign, city, customer=customer)
    Customer.objects.update(attempts=[AT - 20 * HOUR])
    taken = reserve(customer, campaign, planner)
    customer.refresh_from_db()
    assert customer.callable_from == AT + 4 * HOUR  # two in 24 hours: the older of them leaves the window then

    messages.give_message_back(contact=taken, by=planner, at=AT + timedelta(minutes=1))

    customer.refresh_from_db()
    assert (customer.attempts, customer.callable_from) == ([AT - 20 * HOUR], AT - 18 * HOUR)
    assert ready_at(lead) <= AT
    assert Contact.objects.get().state == "void"
    with pytest.raises(NoSuchMessage):
        messages.give_message_back(contact=taken, by=planner, at=AT)


def test_who_rests_for_another_reason_goes_on_resting_when_the_contact_comes_back(campaign, planner, customer):
    taken = reserve(customer, campaign, planner)
    Customer.objects.update(callable_from=AT + 30 * HOUR)

    messages.give_message_back(contact=taken, by=planner, at=AT)

    customer.refresh_from_db()
    assert customer.callable_from == AT + 30 * HOUR


@pytest.mark.parametrize("rests_longer", [False, True])
def test_a_promised_call_in_hand_does_not_put_the_rest_of_a_returned_message_back(
    campaign, planner, customer, city, team, rests_longer
):
    agent = agent_of(team)
    lead = lead_in(campaign, city, customer=customer)
    taken = reserve(customer, campaign, planner)
    longer = AT + 30 * HOUR
    if rests_longer:
        Customer.objects.update(callable_from=longer)
    Lead.objects.update(callback_agent=agent, due_at=AT + HOUR, ready_at=AT + HOUR)
    assert claim.claim_next_lead(agent=agent, at=AT + HOUR) == lead

    messages.give_message_back(contact=taken, by=planner, at=AT + HOUR)
    lead.refresh_from_db()
    claim.give_back(lead=lead, agent=agent, at=AT + HOUR)

    customer.refresh_from_db()
    assert (customer.attempts, customer.callable_from) == ([], longer if rests_longer else AT)


# ---------------------------------------------------------------- the API


def client_of(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(client, customer, campaign, key="k1"):
    body = {"customer": customer.pk, "campaign": campaign.code}
    return client.post("/api/v1/messages/", body, format="json", headers={"Idempotency-Key": key})


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr("campaigns.api_messages.database_now", lambda: AT)


def test_a_system_asks_before_it_sends_and_the_same_key_takes_nothing_twice(now, planner, customer, campaign):
    client = client_of(planner)

    first, again = post(client, customer, campaign), post(client, customer, campaign)
    other = post(client, customer, campaign, key="k2")

    assert (first.status_code, again.json()) == (201, first.json())
    assert other.status_code == 409  # the gap of two hours
    assert "possible from" in other.json()["detail"] or "again from" in other.json()["detail"]
    assert Contact.objects.count() == 1
    back = client.post(f"/api/v1/messages/{first.json()['id']}/not-sent/")
    assert back.json()["state"] == "void"
    assert client.post(f"/api/v1/messages/{first.json()['id']}/not-sent/").status_code == 409


def test_customers_and_campaigns_of_another_city_are_not_known(now, customer, campaign):
    elsewhere = UserFactory(role="campaign_manager", city=CityFactory())

    assert post(client_of(elsewhere), customer, campaign).status_code == 400
    assert not Contact.objects.exists()


def test_an_agent_takes_no_contacts_for_messages(now, customer, campaign, team):
    assert post(client_of(agent_of(team)), customer, campaign).status_code == 403


def test_a_contact_of_a_call_is_no_message(now, planner, customer, campaign, city, team):
    lead_in(campaign, city, customer=customer)
    claim.claim_next_lead(agent=agent_of(team), at=AT)

    assert client_of(planner).post(f"/api/v1/messages/{Contact.objects.get().pk}/not-sent/").status_code == 404


def test_a_promise_to_call_opens_nothing_for_messages(campaign, planner, customer, city, team):
    lead = lead_in(campaign, city, customer=customer)
    Lead.objects.filter(pk=lead.pk).update(callback_agent=agent_of(team), due_at=AT + HOUR, ready_at=AT + HOUR)
    reserve(customer, campaign, planner)

    with pytest.raises(MessageRefused):
        reserve(customer, campaign, planner, AT + timedelta(minutes=1))


def test_a_campaign_of_another_city_takes_no_contact(campaign, planner, team):
    campaign.city = CityFactory()
    campaign.save()

    with pytest.raises(MessageRefused, match="does not call in"):
        reserve(CustomerFactory(city=team.city), campaign, planner)


def test_leads_that_wait_for_longer_are_not_pulled_forward(campaign, planner, customer, city):
    lead = lead_in(campaign, city, customer=customer)
    Lead.objects.filter(pk=lead.pk).update(ready_at=AT + 90 * HOUR)

    reserve(customer, campaign, planner)

    assert ready_at(lead) == AT + 90 * HOUR


def test_who_repeats_a_request_whose_contact_was_given_back_is_not_told_to_send(now, planner, customer, campaign):
    client = client_of(planner)
    taken = post(client, customer, campaign)
    client.post(f"/api/v1/messages/{taken.json()['id']}/not-sent/")

    assert post(client, customer, campaign).status_code == 409
