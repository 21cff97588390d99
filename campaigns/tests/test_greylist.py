"""The greylist: a customer or a number is called only under its conditions, in claim and dial, and the funnel and the bench say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from campaigns import queries_bench
from campaigns.funnel import counting
from campaigns.funnel.counting import cut
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Lead
from campaigns.services import claim, desk
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CustomerFactory, UserFactory, add_phone
from customers.models import Customer, GreyEntry
from customers.services.greylist import add_grey_entry, entries_of, lift_grey_entry

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def floor():
    return Floor(purpose="cross_sell")


def grey(customer=None, *, purposes=(), callback_only=False, **more):
    return add_grey_entry(
        customer=customer, purposes=purposes, callback_only=callback_only, reason="complained once", source="by hand", by=UserFactory(),
        at=AT - HOUR, **more,
    )  # fmt: skip


def is_handed_out(floor, at=AT) -> bool:
    return claim.claim_next_lead(agent=floor.agent, at=at) is not None


@pytest.mark.parametrize(
    ("conditions", "is_promised", "may_be_called"),
    [
        ({"purposes": ["service"]}, False, False),
        ({"purposes": ["service"]}, True, False),
        ({"purposes": ["service", "cross_sell"]}, False, True),
        ({"callback_only": True}, False, False),
        ({"callback_only": True}, True, True),
        ({"purposes": ["cross_sell"], "callback_only": True}, False, False),
        ({"purposes": ["cross_sell"], "callback_only": True}, True, True),
        ({"purposes": ["service"], "valid_to": AT}, False, True),
        ({"purposes": ["service"], "valid_to": AT + HOUR}, False, False),
    ],
)
def test_claim_and_bench_keep_to_the_conditions(floor, conditions, is_promised, may_be_called):
    lead = floor.lead(ready_at=AT - HOUR, **({"callback_agent": floor.agent} if is_promised else {}))
    grey(lead.customer, **conditions)
    lead.customer.refresh_from_db()

    answer = queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT)

    assert answer.is_handed_out is may_be_called
    assert is_handed_out(floor) is may_be_called


def test_all_entries_must_allow_the_call(floor):
    lead = floor.lead()
    grey(lead.customer, purposes=["cross_sell"])
    assert is_handed_out(floor)
    claim.give_back(lead=Lead.objects.get(pk=lead.pk), agent=floor.agent, at=AT)

    grey(lead.customer, purposes=["cross_sell", "service"], callback_only=True)

    assert not is_handed_out(floor)


def test_a_number_on_the_list_holds_for_whoever_has_it(floor):
    lead = floor.lead()
    add_phone(lead.customer, "19100007541")

    grey(number="19100007541", purposes=["service"])

    assert Customer.objects.get(pk=lead.customer_id).is_greylisted
    assert not is_handed_out(floor)


def test_a_lifted_entry_stops_nothing_any_more(floor):
    lead = floor.lead()
    row = grey(lead.customer, purposes=["service"])

    lift_grey_entry(entry=row, by=UserFactory(), at=AT, reason="settled")

    assert not Customer.objects.get(pk=lead.customer_id).is_greylisted
    assert is_handed_out(floor)


def test_the_dial_asks_again_and_a_promise_in_hand_may_be_dialled(floor):
    floor.lead()
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    grey(lead.customer, callback_only=True)

    with pytest.raises(desk.DialRefused, match="only under conditions") as refused:
        desk.dial(lead=lead, agent=floor.agent, at=AT)
    assert refused.value.code == "grey"

    Lead.objects.update(callback_agent=floor.agent)
    desk.dial(lead=claim.claim_next_lead(agent=floor.agent, at=AT), agent=floor.agent, at=AT)
    assert GreyEntry.objects.count() == 1


def test_a_blocked_front_of_the_queue_moves_back_for_two_hours_and_no_other(floor):
    lead, free = floor.lead(), floor.lead(ready_at=AT + HOUR)
    grey(lead.customer, purposes=["service"])
    grey(free.customer, purposes=["cross_sell"])

    assert not is_handed_out(floor)

    assert Lead.objects.get(pk=lead.pk).ready_at == AT + 2 * HOUR
    assert Lead.objects.get(pk=free.pk).ready_at == AT + HOUR


def test_the_funnel_has_a_class_for_it_and_says_the_condition(floor):
    lead = floor.lead()
    grey(lead.customer, purposes=["service"], callback_only=True)
    where = places([floor.campaign], AT)

    [why] = why_of([Lead.objects.get(pk=lead.pk)], where, AT)

    assert cut(counting.count([floor.campaign], AT).values()).counts == {"grey": 1}
    assert why.name == "grey"
    assert why.reasons[0].sentence == "On the greylist: only for Service; only when the customer asked for a call."


def test_nothing_is_asked_of_who_is_not_on_the_list(django_assert_num_queries):
    customer = CustomerFactory()
    with django_assert_num_queries(0):
        assert entries_of(customer, AT) == []
