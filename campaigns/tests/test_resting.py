"""The other leads of a person: untouched while the customer is only looked at, at the back of their queues from the call on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Lead
from campaigns.services import calls, claim, desk, leases
from campaigns.services.resting import others_rest
from campaigns.tests.calling import AT, Floor, calling_campaign
from campaigns.tests.factories import TeamFactory, agent_of
from customers.models import Customer

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class Wanted:
    """A person whom two campaigns of two teams want; `lead` is in the hand of the first one's agent."""

    def __init__(self) -> None:
        self.floor = Floor()
        lead = self.floor.lead()
        self.other_team = TeamFactory(city=self.floor.city)
        self.other_agent = agent_of(self.other_team)
        self.other = self.floor.lead(campaign=calling_campaign(self.other_team), customer=lead.customer)
        self.before = self.ready_at()
        self.lead = desk.next_lead(agent=self.floor.agent, at=AT)
        assert self.lead == lead
        assert self.ready_at() == self.before

    def ready_at(self):
        return Lead.objects.values_list("ready_at", flat=True).get(pk=self.other.pk)

    def free_at(self):
        return Customer.objects.values_list("callable_from", flat=True).get(pk=self.lead.customer_id)


@pytest.fixture
def wanted():
    return Wanted()


def test_a_hand_out_keeps_the_other_campaign_off_and_moves_nothing(wanted):
    assert claim.claim_next_lead(agent=wanted.other_agent, at=AT + MINUTE) is None

    claim.give_back(lead=wanted.lead, agent=wanted.floor.agent, at=AT + 2 * MINUTE)

    assert wanted.ready_at() == wanted.before
    assert claim.claim_next_lead(agent=wanted.other_agent, at=AT + 3 * MINUTE) == wanted.other


def test_what_a_claim_meets_of_a_person_in_hand_is_looked_at_again_in_five_minutes(wanted):
    """Were it moved for as long as the gap, a lead given back in the same moment would leave it there."""
    claim.claim_next_lead(agent=wanted.other_agent, at=AT + MINUTE)

    assert wanted.ready_at() == AT + 6 * MINUTE


@pytest.mark.parametrize(("before", "is_moved"), [(5, False), (6, True)])
def test_what_is_blocked_is_moved_back_when_a_claim_passes_over_more_than_five(before, is_moved):
    floor = Floor()
    blocked = [floor.lead(priority=9) for _n in range(before)]
    Customer.objects.update(answered_at=AT - MINUTE)
    free = floor.lead(priority=1)

    for _turn in range(150):  # one claim in ten looks
        assert claim.claim_next_lead(agent=floor.agent, at=AT) == free
        claim.give_back(lead=free, agent=floor.agent, at=AT)

    ready = Lead.objects.filter(pk__in=[lead.pk for lead in blocked], ready_at__lte=AT)
    assert ready.count() == (0 if is_moved else before)


def test_others_wait_from_the_dial_on(wanted):
    desk.dial(lead=wanted.lead, agent=wanted.floor.agent, at=AT)

    assert wanted.ready_at() == wanted.free_at() == wanted.lead.held_at + timedelta(hours=2)
    assert claim.claim_next_lead(agent=wanted.other_agent, at=AT + MINUTE) is None


def test_others_wait_after_a_result_from_another_telephone(wanted):
    calls.record_call(
        lead=wanted.lead, agent=wanted.floor.agent, disposition_code="no_answer", started_at=AT + MINUTE, ring_seconds=20, talk_seconds=0,
        at=AT + 2 * MINUTE,
    )  # fmt: skip

    assert wanted.ready_at() == wanted.free_at() == wanted.lead.held_at + timedelta(hours=2)


def test_what_an_agent_who_went_silent_did_not_dial_moves_nothing(wanted):
    leases.release_stale_claims(at=AT + timedelta(days=1))

    assert Lead.objects.get(pk=wanted.lead.pk).state == "open"
    assert wanted.ready_at() == wanted.before


def test_a_promise_stays_as_promised(wanted):
    Lead.objects.filter(pk=wanted.other.pk).update(callback_agent=wanted.other_agent)

    desk.dial(lead=wanted.lead, agent=wanted.floor.agent, at=AT)

    assert wanted.ready_at() == wanted.before


def test_a_lead_that_waits_longer_already_is_not_called_earlier_for_it(wanted):
    later = AT + timedelta(days=3)
    Lead.objects.filter(pk=wanted.other.pk).update(ready_at=later, due_at=later)

    others_rest(Customer.objects.get(pk=wanted.lead.customer_id))

    assert wanted.ready_at() == later
