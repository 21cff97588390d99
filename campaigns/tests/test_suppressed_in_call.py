"""The person is suppressed elsewhere while an agent has the lead: before the dial it is taken away, after it the call still counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Call, Callback, Lead, Order
from campaigns.services import desk, leases, results
from campaigns.services.held import LeadNotYours
from campaigns.services.orders import Sale
from campaigns.tests.calling import AT, Floor, drawn
from campaigns.tests.factories import CampaignFactory, LeadFactory, person
from customers.models import Contact, Customer, Suppression
from customers.services.suppress import suppress

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
KINDS = ["complaint", "manual", "refusal"]


@pytest.fixture
def floor():
    return Floor()


def in_hand(floor: Floor) -> Lead:
    floor.lead()
    return desk.next_lead(agent=floor.agent, at=AT)


def talking(floor: Floor) -> Lead:
    lead = in_hand(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "answered", at=AT, rings=5, talks=60)
    return Lead.objects.get(pk=lead.pk)


def elsewhere(lead: Lead, kind: str, **more) -> None:
    suppress(customer=lead.customer, kind=kind, by=person("qa"), at=AT + 20 * timedelta(seconds=1), **more)


def save(lead: Lead, floor: Floor, code: str, *, at=AT + 2 * MINUTE, **more) -> Lead:
    results.record_result(lead=lead, agent=floor.agent, at=at, disposition_code=code, **more)
    return Lead.objects.get(pk=lead.pk)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sale_made_while_the_person_is_suppressed_elsewhere_is_kept(floor, kind):
    lead = talking(floor)
    elsewhere(lead, kind)

    lead = save(lead, floor, "sold", order=Sale(number="A1"))

    customer = Customer.objects.get(pk=lead.customer_id)
    assert (Call.objects.get().talk_seconds, Order.objects.get().number) == (60, "A1")
    assert (lead.state, lead.outcome, lead.agent) == ("done", "won", None)
    assert (customer.is_suppressed, customer.held_lead_id, customer.attempts) == (True, None, [AT])


@pytest.mark.parametrize(
    ("kind", "state", "outcome"),
    [("manual", "done", "suppressed"), ("refusal", "done", "suppressed"), ("complaint", "open", "")],
)
def test_a_lead_that_would_be_called_again_ends_or_waits_like_the_persons_others(floor, kind, state, outcome):
    lead = talking(floor)
    other = LeadFactory(customer=lead.customer, campaign=CampaignFactory())
    elsewhere(lead, kind)

    lead = save(lead, floor, "considering", callback_at=AT + timedelta(days=1))

    other.refresh_from_db()
    assert (lead.state, lead.outcome) == (other.state, other.outcome) == (state, outcome)
    assert Callback.objects.get().state == ("dropped" if state == "done" else "promised")
    assert Call.objects.count() == 1


def test_a_product_refused_elsewhere_rests_the_lead_after_its_call(floor):
    lead = talking(floor)
    until = AT + timedelta(days=90)
    elsewhere(lead, "offer_refused", product_id=lead.campaign.product_id, valid_to=until)

    lead = save(lead, floor, "considering")

    assert (lead.state, lead.due_at, lead.ready_at) == ("open", until, until)


def test_a_suppression_for_another_campaign_does_not_end_the_lead(floor):
    lead = talking(floor)
    elsewhere(lead, "manual", campaign_id=CampaignFactory().pk)

    assert save(lead, floor, "considering").state == "open"


def test_a_result_that_comes_after_the_lease_is_kept_too(floor):
    lead = talking(floor)
    elsewhere(lead, "manual")
    leases.release_stale_claims(at=AT + 16 * MINUTE)
    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "suppressed")

    lead = save(lead, floor, "sold", at=AT + 30 * MINUTE, waited=28 * MINUTE, order=Sale())

    assert (lead.outcome, Order.objects.count()) == ("won", 1)
    with pytest.raises(LeadNotYours):
        save(lead, floor, "sold", at=AT + 31 * MINUTE, order=Sale())


@pytest.mark.parametrize(("kind", "state"), [("complaint", "open"), ("manual", "done")])
def test_an_undialled_lead_is_taken_back_and_the_budget_is_as_before(floor, kind, state):
    before = AT - timedelta(days=3)
    lead = in_hand(floor)
    other = LeadFactory(
        customer=lead.customer, campaign=CampaignFactory(), due_at=before, ready_at=AT + timedelta(days=1)
    )
    Lead.objects.filter(pk=lead.pk).update(callable_before=before)

    elsewhere(lead, kind)

    lead.refresh_from_db()
    customer = Customer.objects.get(pk=lead.customer_id)
    assert (lead.state, lead.agent, lead.held_at) == (state, None, None)
    assert (customer.attempts, customer.callable_from, customer.held_lead_id) == ([], before, None)
    assert Contact.objects.get(lead_id=lead.pk).state == "void"
    other.refresh_from_db()
    assert other.ready_at == (before if kind == "complaint" else other.ready_at)
    assert Suppression.objects.get().kind == kind
