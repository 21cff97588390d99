"""Calls that come in: who is found, whose lead it becomes, what counts and what does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import AgentState, Call, Callback, InboundCall, Lead, LiveCall, Order
from campaigns.services import claim, desk, inbound, leases, results
from campaigns.services.orders import Sale
from campaigns.tests.calling import AT, Floor, calling_campaign
from campaigns.tests.factories import CityFactory, CustomerFactory, TeamFactory, agent_of
from core.models import AuditEvent
from core.phones import BadPhone
from customers.models import Contact, Customer, NumberUse, Phone, Suppression
from customers.services.persons import PER_DAY, QuotaUsedUp
from customers.services.suppress import suppress

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(seconds=90)
NUMBER = "13900007548"


@pytest.fixture
def floor():
    return Floor()


def caller(floor, **fields) -> Customer:
    return CustomerFactory(city=floor.city, phone=NUMBER, **fields)


def begun(floor, number=NUMBER, at=AT) -> InboundCall:
    return inbound.begin(agent=floor.agent, number=number, at=at)


def recorded(floor, code="considering", at=LATER, **fields) -> Call:
    lead = Lead.objects.held_by(floor.agent).get()
    return results.record_result(lead=lead, agent=floor.agent, at=at, disposition_code=code, **fields)


def test_the_number_opens_the_customer_whose_lead_waits(floor):
    lead = floor.lead(customer=caller(floor))

    begun(floor, "139 0000 7548")

    held = Lead.objects.held_by(floor.agent).get()
    assert held.pk == lead.pk
    call = LiveCall.objects.get(lead=lead)
    assert call.is_inbound
    assert call.phone_id == lead.customer.phones.get().pk
    assert desk.status(call, LATER).talk_seconds == 90
    assert AgentState.objects.get(agent=floor.agent, ended_at=None).state == "talking"


def test_an_inbound_call_is_an_answered_conversation_and_no_attempt(floor):
    lead = floor.lead(customer=caller(floor), attempts_made=2)
    begun(floor)

    call = recorded(floor)

    assert (call.direction, call.attempt, call.talk_seconds) == ("inbound", 2, 90)
    customer = Customer.objects.get(pk=lead.customer_id)
    assert customer.attempts == []
    assert customer.answered_at == AT
    contact = Contact.objects.get(customer_id=customer.pk)
    assert (contact.is_inbound, contact.state, contact.call_id) == (True, "made", call.pk)
    lead.refresh_from_db()
    assert (lead.state, lead.attempts_made) == ("open", 2)
    assert not InboundCall.objects.exists()  # the number is gone with the call


def test_an_inbound_sale_makes_its_order(floor):
    floor.lead(customer=caller(floor))
    begun(floor)

    call = recorded(floor, "sold", order=Sale())

    assert Order.objects.get(call_id=call.pk).customer_id == call.customer_id
    assert Lead.objects.get().outcome == "won"


def test_the_same_number_typed_twice_is_one_call_and_one_search(floor):
    floor.lead(customer=caller(floor))

    first, second = begun(floor), begun(floor)

    assert first.pk == second.pk
    assert LiveCall.objects.count() == 1
    assert NumberUse.objects.get(user=floor.agent).count == 1
    assert AuditEvent.objects.filter(action="campaigns.inbound.begun").count() == 1


def test_another_number_waits_until_the_open_call_is_over(floor):
    begun(floor)

    with pytest.raises(inbound.CallOpen):
        begun(floor, "13900007549")


def test_a_call_whose_lead_went_another_way_does_not_block_the_next(floor):
    lead = floor.lead(customer=caller(floor))
    begun(floor)
    Lead.objects.filter(pk=lead.pk).update(
        state="done", outcome="merged", agent=None, held_at=None, lease_until=None, dialled_at=None
    )

    assert begun(floor, "13900007549").lead_id is None


def test_what_is_no_number_is_told_and_nothing_begins(floor):
    with pytest.raises(BadPhone):
        begun(floor, "12")

    assert not InboundCall.objects.exists()


def test_searches_of_callers_count_against_the_quota_of_the_day(floor):
    NumberUse.objects.create(user=floor.agent, day=AT.date(), kind="search", count=PER_DAY[NumberUse.Kind.SEARCH])

    with pytest.raises(QuotaUsedUp):
        begun(floor)

    assert not InboundCall.objects.exists()


def test_a_customer_in_hand_who_was_not_dialled_goes_back(floor):
    lead = floor.lead()
    desk.next_lead(agent=floor.agent, at=AT)

    begun(floor)

    lead.refresh_from_db()
    assert lead.state == "open"


def test_a_dialled_customer_needs_a_result_first(floor):
    lead = floor.lead()
    held = desk.next_lead(agent=floor.agent, at=AT)
    desk.dial(lead=held, agent=floor.agent, at=AT)

    with pytest.raises(desk.LeadInHand):
        begun(floor)

    assert Lead.objects.get(pk=lead.pk).agent_id == floor.agent.pk


def test_while_a_call_is_open_no_lead_is_handed_out_and_nobody_leaves(floor):
    floor.lead()
    begun(floor)

    assert desk.next_lead(agent=floor.agent, at=AT) is None
    with pytest.raises(desk.LeadInHand):
        desk.take_break(agent=floor.agent, reason="meal", at=AT)


def test_without_an_open_lead_the_agent_chooses_among_the_teams_campaigns(floor):
    other = calling_campaign(floor.team)
    customer = caller(floor)
    call = begun(floor)
    choice = inbound.choice_of(call, agent=floor.agent, at=AT)
    assert [c.pk for c in choice.campaigns] == [c.pk for c in sorted([floor.campaign, other], key=lambda c: c.name)]

    lead = inbound.take(agent=floor.agent, campaign_id=other.pk, at=AT)

    assert (lead.customer_id, lead.campaign_id, lead.agent_id) == (customer.pk, other.pk, floor.agent.pk)
    assert inbound.take(agent=floor.agent, campaign_id=other.pk, at=AT).pk == lead.pk  # the repeat


def test_only_campaigns_with_an_open_lead_are_offered_when_there_is_one(floor):
    calling_campaign(floor.team)
    customer = caller(floor)
    lead = floor.lead(customer=customer)

    begun(floor)

    assert Lead.objects.held_by(floor.agent).get().pk == lead.pk


def test_a_campaign_of_other_teams_cannot_be_chosen(floor):
    caller(floor)
    calling_campaign(floor.team)
    foreign = Floor().campaign
    begun(floor)

    with pytest.raises(inbound.NotYourCampaign):
        inbound.take(agent=floor.agent, campaign_id=foreign.pk, at=AT)


def test_somebody_new_becomes_a_customer_of_the_teams_city_with_the_number(floor):
    begun(floor)

    lead = inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, is_new=True, name=" 王芳 ", at=AT)

    assert (lead.customer.name, lead.customer.city_id, lead.customer.name_sort) == ("王芳", floor.city.pk, "wang fang")
    assert lead.customer.phones.get().mask == "139****7548"


def test_an_agent_of_the_region_says_the_city_of_somebody_new():
    team = TeamFactory(city=None)
    agent, city = agent_of(team), CityFactory()
    campaign = calling_campaign(team)
    inbound.begin(agent=agent, number=NUMBER, at=AT)

    with pytest.raises(inbound.CityUnknown):
        inbound.take(agent=agent, campaign_id=campaign.pk, is_new=True, at=AT)
    lead = inbound.take(agent=agent, campaign_id=campaign.pk, is_new=True, city_id=city.pk, at=AT)

    assert lead.city_id == city.pk


def test_a_person_of_another_city_is_a_caller_who_is_not_known(floor):
    elsewhere = CustomerFactory(phone=NUMBER)
    call = begun(floor)

    choice = inbound.choice_of(call, agent=floor.agent, at=AT)
    assert (choice.known, choice.name, choice.campaigns) == (False, "", [])
    with pytest.raises(inbound.NobodyKnown):
        inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, at=AT)
    lead = inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, is_new=True, at=AT)

    assert lead.customer_id != elsewhere.pk
    assert Phone.objects.get().customer_id == elsewhere.pk  # and stays theirs
    assert recorded(floor).city_id == floor.city.pk


def test_a_locked_person_is_not_found(floor):
    caller(floor, is_locked=True)

    assert begun(floor).customer is None


def test_whoever_has_the_customer_at_the_desk_is_named(floor):
    lead = floor.lead(customer=caller(floor))
    other = agent_of(floor.team, display_name="Li Na")
    claim.claim_next_lead(agent=other, at=AT)

    call = begun(floor)

    assert inbound.choice_of(call, agent=floor.agent, at=AT).with_agent == other
    with pytest.raises(inbound.InOtherHand, match="Li Na"):
        inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, at=AT)
    assert Lead.objects.get(pk=lead.pk).agent_id == other.pk


def test_an_unanswered_call_cannot_be_taken(floor):
    floor.agent.refresh_from_db()
    call = inbound.ring(agent=floor.agent, at=AT)
    assert call is not None

    with pytest.raises(inbound.NotAnswered):
        inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, is_new=True, at=AT)


def test_a_suppressed_customer_may_call_in_and_stays_suppressed(floor):
    lead = floor.lead(customer=caller(floor))
    suppress(customer=lead.customer, kind=Suppression.Kind.REFUSAL, by=floor.agent, at=AT - timedelta(days=1))
    begun(floor)
    assert Lead.objects.get().state == "held"

    recorded(floor)

    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "suppressed")


def test_a_buyer_who_only_asks_something_stays_won(floor):
    lead = floor.lead(customer=caller(floor), state="done", outcome="won")
    begun(floor)

    recorded(floor)

    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "won")


def test_a_lead_made_for_the_call_is_called_again_as_its_result_says(floor):
    begun(floor)
    inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, is_new=True, at=AT)

    recorded(floor, "callback", callback_at=AT + timedelta(days=2))

    promise = Callback.objects.get()
    assert (promise.agent_id, promise.lead.state) == (floor.agent.pk, "open")


def test_a_call_without_a_matter_ends_for_a_reason_and_its_number_is_forgotten(floor):
    begun(floor)

    with pytest.raises(inbound.EndingUnknown):
        inbound.drop(agent=floor.agent, reason="because", at=AT)
    inbound.drop(agent=floor.agent, reason="nobody", at=AT)

    assert not InboundCall.objects.exists()
    with pytest.raises(inbound.NoCallOpen):
        inbound.drop(agent=floor.agent, reason="nobody", at=AT)


def test_a_lead_whose_agent_went_silent_is_as_before_the_call(floor):
    lead = floor.lead(customer=caller(floor), state="done", outcome="exhausted", attempts_made=6)
    begun(floor)
    gone = AT + timedelta(hours=1)

    leases.release_stale_claims(at=gone)

    lead.refresh_from_db()
    assert (lead.state, lead.outcome, lead.attempts_made) == ("done", "exhausted", 6)
    assert not InboundCall.objects.exists()


def test_a_result_that_waited_in_the_browser_still_finds_its_inbound_lead(floor):
    lead = floor.lead(customer=caller(floor), state="done", outcome="exhausted", attempts_made=6)
    begun(floor)
    leases.release_stale_claims(at=AT + timedelta(hours=1))

    call = results.record_result(
        lead=lead, agent=floor.agent, at=AT + timedelta(hours=1), waited=timedelta(minutes=55), disposition_code="sold",
        order=Sale(),
    )  # fmt: skip

    assert call.direction == "inbound"
    lead.refresh_from_db()
    assert (lead.outcome, lead.attempts_made) == ("won", 6)


# ---------------------------------------------------------------- the simulated telephone


def test_a_call_rings_is_answered_and_the_customer_hangs_up(floor):
    call = inbound.ring(agent=floor.agent, at=AT)
    assert inbound.status(call, AT + timedelta(seconds=5)).phase == "ringing"

    inbound.answer(agent=floor.agent, at=AT + timedelta(seconds=5))
    inbound.take(agent=floor.agent, campaign_id=floor.campaign.pk, is_new=True, at=AT + timedelta(seconds=9))

    live = LiveCall.objects.get()
    assert desk.status(live, AT + timedelta(seconds=15)).talk_seconds == 10
    assert desk.status(live, AT + timedelta(hours=1)).is_over
    assert recorded(floor, at=AT + timedelta(seconds=30)).ring_seconds == 5


def test_who_waits_too_long_gives_up_and_leaves_no_number(floor):
    inbound.ring(agent=floor.agent, at=AT)
    late = AT + timedelta(seconds=60)

    with pytest.raises(inbound.NoCallOpen):
        inbound.answer(agent=floor.agent, at=late)
    assert inbound.follow(agent=floor.agent, at=late) == (None, None)

    assert not InboundCall.objects.exists()
    assert AuditEvent.objects.filter(action="campaigns.inbound.missed").count() == 1


def test_it_rings_only_for_who_is_free(floor):
    lead = floor.lead()
    desk.next_lead(agent=floor.agent, at=AT)

    assert inbound.ring(agent=floor.agent, at=AT) is None
    assert Lead.objects.get(pk=lead.pk).agent_id == floor.agent.pk


def test_an_agent_who_asks_for_a_ring_lets_an_undialled_customer_go(floor):
    lead = floor.lead()
    held = desk.next_lead(agent=floor.agent, at=AT)

    assert inbound.ring(agent=floor.agent, at=AT, is_asked=True) is not None

    assert Lead.objects.get(pk=lead.pk).state == "open"
    inbound.hang_up(agent=floor.agent, at=AT)
    held = desk.next_lead(agent=floor.agent, at=AT)
    assert held is not None
    desk.dial(lead=held, agent=floor.agent, at=AT)
    with pytest.raises(desk.LeadInHand):
        inbound.ring(agent=floor.agent, at=AT, is_asked=True)


def test_with_an_own_handset_nothing_rings_by_itself():
    floor = Floor(telephony="handset")

    assert inbound.ring(agent=floor.agent, at=AT) is None


def test_customers_called_before_call_back(floor, settings):
    settings.SIMULATOR_INBOUND_PERCENT = 100
    floor.lead()

    assert inbound.next_lead(agent=floor.agent, at=AT) is None

    assert InboundCall.objects.get(agent=floor.agent).answered_at is None
    inbound.hang_up(agent=floor.agent, at=AT)
    assert not InboundCall.objects.exists()


def test_a_result_leaves_no_trace_of_who_typed_what(floor):
    floor.lead(customer=caller(floor))
    begun(floor)
    recorded(floor)

    trail = AuditEvent.objects.filter(action__startswith="campaigns.").values_list("action", "detail")

    assert {"campaigns.inbound.begun", "campaigns.inbound.taken"} <= {action for action, _detail in trail}
    assert not any("7548" in str(detail) for _action, detail in trail)
