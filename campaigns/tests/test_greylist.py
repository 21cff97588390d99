"""The greylist: a customer or a number is called only under its conditions, in claim and dial, and the funnel and the bench say so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache

from campaigns import queries_bench
from campaigns.funnel import counting, statement
from campaigns.funnel.counting import cut
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Lead
from campaigns.services import calls, claim, desk, messages
from campaigns.services.desk_page import context_of
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CustomerFactory, UserFactory, add_phone, zone
from campaigns.tests.test_calls import held_lead, record
from core.partitions import ensure_partitions
from customers.models import ContactRule, Customer, GreyEntry
from customers.services.greylist import add_grey_entry, entries_of, lift_grey_entry

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()
    for day in (date(2026, 10, 1), date(2099, 10, 1)):
        for parent in ("campaigns_call", "customers_contact"):
            ensure_partitions(parent, day, 3)


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


# ---------------------------------------------------------------- hours and attempts


def classed(lead, at=AT):
    """The class by the statement and by the lead's own reasons, which must be one."""
    where = places([lead.campaign], at)
    [why] = why_of([Lead.objects.get(pk=lead.pk)], where, at)
    assert statement.class_of(lead, where, at) == why.name
    return why


@pytest.mark.parametrize(
    ("zone_name", "opens", "closes", "may_be_called"),
    [
        # 11:00 on Thursday
        ("Asia/Shanghai", "10:00", "12:00", True),
        ("Asia/Shanghai", "11:00", "12:00", True),
        ("Asia/Shanghai", "11:01", "12:00", False),
        ("Asia/Shanghai", "09:00", "11:00", False),
        ("Asia/Shanghai", "09:00", "11:01", True),
        # 22:00 on Wednesday
        ("America/New_York", "22:00", "24:00", True),
        ("America/New_York", "20:00", "22:00", False),
        ("America/New_York", "20:00", "22:01", True),
        ("America/New_York", "10:00", "12:00", False),
    ],
)
def test_only_in_hours_of_the_persons_clock_to_the_minute(floor, zone_name, opens, closes, may_be_called):
    floor.city.zone = zone(zone_name)
    floor.city.save()
    lead = floor.lead()
    grey(lead.customer, opens=opens, closes=closes)
    lead.customer.refresh_from_db()

    answer = queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT)

    assert classed(lead).name == ("callable" if may_be_called else "quiet")
    assert answer.is_handed_out is may_be_called
    assert is_handed_out(floor) is may_be_called


@pytest.mark.parametrize(
    ("attempts", "most", "days", "may_be_called"),
    [
        ([], 1, 3, True),
        ([72 * HOUR - MINUTE], 1, 3, False),
        ([72 * HOUR], 1, 3, True),
        ([71 * HOUR], 2, 3, True),
        ([30 * HOUR, 71 * HOUR], 2, 3, False),
        ([30 * HOUR, 72 * HOUR], 2, 3, True),
    ],
)
def test_only_so_many_attempts_in_so_many_days(floor, attempts, most, days, may_be_called):
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - ago for ago in attempts])
    grey(lead.customer, most_attempts=most, in_days=days)
    lead.customer.refresh_from_db()

    answer = queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT)

    assert classed(lead).name == ("callable" if may_be_called else "cap")
    assert answer.is_handed_out is may_be_called
    assert is_handed_out(floor) is may_be_called


def test_a_promise_opens_neither_other_hours_nor_another_attempt(floor):
    lead = floor.lead(callback_agent=floor.agent, ready_at=AT - MINUTE)
    row = grey(lead.customer, callback_only=True, opens="12:00", closes="13:00")
    assert not is_handed_out(floor)
    lift_grey_entry(entry=row, by=UserFactory(), at=AT, reason="settled")

    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - 30 * HOUR])
    grey(lead.customer, callback_only=True, most_attempts=1, in_days=2)

    assert not is_handed_out(floor)
    assert is_handed_out(floor, AT + 18 * HOUR)


def test_the_reason_says_the_conditions_and_when_the_call_is_possible(floor):
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - 30 * HOUR])
    grey(lead.customer, opens="12:30", closes="14:00", most_attempts=1, in_days=2)

    why = classed(lead)

    assert [(reason.code, reason.until) for reason in why.reasons] == [
        ("grey_cap", AT + 18 * HOUR),
        ("grey_hours", AT + 90 * MINUTE),
    ]
    assert why.reasons[0].sentence.startswith(
        "On the greylist: only from 12:30 to 14:00; at most 1 attempt in 2 days. The next is possible from"
    )
    assert "only from 12:30 to 14:00 of the customer's clock" in why.reasons[1].sentence
    funnel = cut(counting.count([floor.campaign], AT).values())
    assert (funnel.counts, funnel.frees) == ({"cap": 1}, {"cap": AT + 18 * HOUR})


def test_hours_of_two_entries_narrow_one_another(floor):
    lead = floor.lead()
    grey(lead.customer, opens="09:00", closes="11:30")
    grey(lead.customer, opens="11:10", closes="20:00")

    assert classed(lead).reasons[0].until == AT + 10 * MINUTE
    assert cut(counting.count([floor.campaign], AT).values()).frees == {"quiet": AT + 10 * MINUTE}
    assert not is_handed_out(floor, AT + 9 * MINUTE)
    assert is_handed_out(floor, AT + 10 * MINUTE)


def test_hours_that_leave_none_are_said_so_and_the_person_is_never_called(floor):
    lead = floor.lead()
    grey(lead.customer, opens="09:00", closes="11:00")
    grey(lead.customer, opens="11:00", closes="20:00")

    why = classed(lead)

    assert (why.name, why.reasons[0].sentence) == (
        "quiet",
        "The hours of the greylist leave none in which this customer may be called.",
    )
    assert not any(is_handed_out(floor, AT + n * 12 * HOUR) for n in range(3))


@pytest.mark.parametrize(
    ("conditions", "moved_to"),
    [
        ({"opens": "11:20", "closes": "12:00"}, AT + 20 * MINUTE),
        ({"opens": "15:00", "closes": "16:00"}, AT + 2 * HOUR),
        ({"opens": "09:00", "closes": "10:00"}, AT + 2 * HOUR),
        ({"most_attempts": 1, "in_days": 1}, AT + 30 * MINUTE),
    ],
)
def test_who_is_blocked_by_the_hour_leaves_the_front_of_the_queue_until_then(floor, conditions, moved_to):
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - 23 * HOUR - 30 * MINUTE])
    grey(lead.customer, **conditions)

    assert not is_handed_out(floor)

    assert Lead.objects.get(pk=lead.pk).ready_at == moved_to


@pytest.mark.parametrize(
    ("conditions", "is_refused"),
    [
        ({"opens": "12:00", "closes": "13:00"}, True),
        ({"opens": "11:00", "closes": "13:00"}, False),
        ({"most_attempts": 1, "in_days": 5}, True),
        # the attempt reserved for this call does not count against itself
        ({"most_attempts": 2, "in_days": 5}, False),
        ({"most_attempts": 1, "in_days": 4}, False),
    ],
)
def test_the_dial_asks_for_hours_and_attempts_again(floor, conditions, is_refused):
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - 100 * HOUR])
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    grey(lead.customer, **conditions)

    if is_refused:
        with pytest.raises(desk.DialRefused) as refused:
            desk.dial(lead=lead, agent=floor.agent, at=AT)
        assert refused.value.code == "grey"
    else:
        desk.dial(lead=lead, agent=floor.agent, at=AT)


def test_a_message_keeps_to_them(floor):
    lead = floor.lead()
    grey(lead.customer, opens="12:00", closes="13:00")

    with pytest.raises(messages.MessageRefused, match="only from 12:00 to 13:00"):
        messages.reserve_message(customer=lead.customer, campaign=floor.campaign, by=UserFactory(), at=AT)


def test_no_callback_is_promised_outside_them():
    call = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
    lead = held_lead()
    grey(lead.customer, opens="18:00", closes="19:00")

    with pytest.raises(calls.PromiseForbidden, match="first permitted time"):
        record(lead, "callback", callback_at=call + 3 * HOUR)

    record(lead, "callback", callback_at=call + 7 * HOUR)
    assert Lead.objects.get(pk=lead.pk).due_at == call + 7 * HOUR


def test_the_desk_offers_no_slot_outside_them(floor):
    floor.lead()
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    grey(lead.customer, opens="14:00", closes="15:00")

    slots = {slot.at: slot.is_open for day in context_of(agent=floor.agent, at=AT)["slot_days"] for slot in day.slots}

    two = datetime(2099, 11, 19, 6, 0, tzinfo=UTC)
    assert [slots.get(two + n * 30 * MINUTE, False) for n in (-1, 0, 1, 2)] == [False, True, True, False]


def test_on_the_day_on_which_the_clocks_change_the_hours_begin_by_the_new_clock():
    floor = Floor(purpose="cross_sell")
    floor.city.zone = zone("America/New_York")
    floor.city.save()
    lead = floor.lead()
    before = datetime(2098, 3, 9, 5, 0, tzinfo=UTC)  # midnight there; at two the clocks go on to three
    grey(lead.customer, opens="08:00", closes="09:00")

    assert classed(lead, before).reasons[-1].until == datetime(2098, 3, 9, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("says", ["grey", "rule"])
def test_the_most_attempts_that_can_be_said_are_judged_at_the_dial_as_at_the_claim(floor, says):
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - (30 + n) * HOUR for n in range(19)])
    held = claim.claim_next_lead(agent=floor.agent, at=AT)
    if says == "grey":
        grey(lead.customer, most_attempts=19, in_days=5)
    else:
        pack = floor.campaign.packs.get()
        ContactRule.objects.create(pack=pack, key="cap", value={"most": 19, "hours": 120}, valid_from="2020-01-01")

    with pytest.raises(desk.DialRefused) as refused:
        desk.dial(lead=held, agent=floor.agent, at=AT)

    assert refused.value.code == ("grey" if says == "grey" else "cap")
    assert not is_handed_out(floor)
