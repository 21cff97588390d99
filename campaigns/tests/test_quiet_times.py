"""A person's do-not-disturb times: kept by claim, dial and promise, by the clock of the person's city, and said in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection

from campaigns import queries_bench
from campaigns.funnel import counting
from campaigns.funnel.counting import cut
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Lead
from campaigns.services import calls, claim, desk
from campaigns.services.desk_page import context_of
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CustomerFactory, UserFactory, zone
from campaigns.tests.test_calls import held_lead, record
from core.partitions import ensure_partitions
from customers.models import Customer
from customers.services.quiet_times import add_quiet_time, end_quiet_time, quiet_spans, quiet_until

pytestmark = pytest.mark.django_db

# AT is a Thursday, 11:00 in China
# so is the moment at which test_calls records
CALL = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
THURSDAY, ALL_WEEK = 4, [1, 2, 3, 4, 5, 6, 7]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 10, 1), 3)


@pytest.fixture
def floor():
    return Floor()


def quiet(customer, begins, ends, *, days=ALL_WEEK, at=AT - 30 * HOUR, **more):
    row = add_quiet_time(
        customer=customer, days=days, begins=begins, ends=ends, stated_on=date(2026, 11, 1), way="phone", stated_by="the customer",
        by=UserFactory(), at=at, **more,
    )  # fmt: skip
    customer.refresh_from_db()
    return row


def is_handed_out(floor, at=AT) -> bool:
    return claim.claim_next_lead(agent=floor.agent, at=at) is not None


@pytest.mark.parametrize(
    ("begins", "ends", "days", "may_be_called"),
    [
        ("10:00", "12:00", ALL_WEEK, False),
        ("11:00", "12:00", ALL_WEEK, False),  # from its first minute on
        ("11:01", "12:00", ALL_WEEK, True),
        ("09:00", "11:00", ALL_WEEK, True),  # up to and without its last
        ("09:00", "11:01", ALL_WEEK, False),
        ("10:00", "12:00", [1, 2, 3, 5, 6, 7], True),
        ("00:00", "24:00", [THURSDAY], False),
        ("00:00", "24:00", [3], True),
        ("22:00", "12:00", [3], False),  # Wednesday evening, over midnight
        ("22:00", "11:00", [3], True),
        ("22:00", "12:00", [THURSDAY], True),
    ],
)
def test_the_claim_keeps_to_the_time_to_the_minute(floor, begins, ends, days, may_be_called):
    lead = floor.lead()
    quiet(lead.customer, begins, ends, days=days)

    answer = queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT)

    assert answer.is_handed_out is may_be_called
    assert is_handed_out(floor) is may_be_called


def test_the_time_is_that_of_the_customers_city(floor):
    floor.city.zone = zone("America/New_York")  # 22:00 on Wednesday there
    floor.city.save()
    lead = floor.lead()
    quiet(lead.customer, "10:00", "12:00")
    assert is_handed_out(floor)
    claim.give_back(lead=Lead.objects.get(pk=lead.pk), agent=floor.agent, at=AT)

    quiet(lead.customer, "21:30", "22:30", days=[3])

    assert not is_handed_out(floor)


def test_several_wishes_hold_together_and_touch_without_a_gap(floor):
    lead = floor.lead()
    quiet(lead.customer, "09:00", "11:30")
    quiet(lead.customer, "11:30", "13:00")

    [reason] = queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT).reasons

    assert (reason.code, reason.until) == ("quiet", AT + 2 * HOUR)


def test_a_wish_that_was_ended_or_whose_last_day_has_passed_stops_nothing(floor):
    lead = floor.lead()
    row = quiet(lead.customer, "10:00", "12:00", last_day=date(2099, 11, 19))
    assert not is_handed_out(floor)

    assert is_handed_out(floor, AT + 24 * HOUR)
    claim.give_back(lead=Lead.objects.get(pk=lead.pk), agent=floor.agent, at=AT + 24 * HOUR)
    Lead.objects.update(ready_at=AT - HOUR)
    end_quiet_time(quiet_time=row, by=UserFactory(), at=AT)

    assert not Customer.objects.get(pk=lead.customer_id).has_quiet_times
    assert is_handed_out(floor)


def test_on_its_last_day_a_wish_over_midnight_ends_at_midnight(floor):
    lead = floor.lead()
    quiet(lead.customer, "22:00", "12:00", days=[3], last_day=date(2099, 11, 18))

    assert is_handed_out(floor)


def test_a_promise_that_the_customer_agreed_to_does_not_override_it(floor):
    lead = floor.lead(callback_agent=floor.agent, ready_at=AT - HOUR)
    quiet(lead.customer, "10:00", "12:00")
    assert not is_handed_out(floor)

    assert is_handed_out(floor, AT + HOUR)


def test_the_dial_asks_again_and_gives_the_lead_back(floor):
    floor.lead()
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    quiet(lead.customer, "10:00", "12:00")

    with pytest.raises(desk.DialRefused, match="not to be disturbed") as refused:
        desk.dial(lead=lead, agent=floor.agent, at=AT)

    assert refused.value.code == "quiet"
    assert Lead.objects.get(pk=lead.pk).state == "open"
    assert not is_handed_out(floor)


def test_a_blocked_front_of_the_queue_moves_back_until_the_time_is_over(floor):
    lead = floor.lead()
    quiet(lead.customer, "10:00", "12:00")

    assert not is_handed_out(floor)

    assert Lead.objects.get(pk=lead.pk).ready_at == AT + HOUR


def test_a_callback_is_not_promised_inside_the_time_and_the_first_permitted_one_is_said():
    lead = held_lead()  # calling hours from 09:00 to 20:00
    quiet(lead.customer, "18:00", "20:00")

    with pytest.raises(calls.PromiseForbidden) as refusal:
        record(lead, "callback", callback_at=CALL + 7 * HOUR + 30 * MINUTE)

    assert "20 Nov, 09:00" in str(refusal.value)
    record(lead, "callback", callback_at=CALL + 7 * HOUR - MINUTE)


def test_who_may_never_be_called_is_promised_nothing():
    lead = held_lead()
    quiet(lead.customer, "00:00", "24:00")

    with pytest.raises(calls.PromiseForbidden, match="allow no callback"):
        record(lead, "callback", callback_at=CALL + HOUR)


def test_the_funnel_has_a_class_for_it_with_the_time_when_it_ends(floor):
    lead = floor.lead()
    quiet(lead.customer, "10:00", "12:00")
    where = places([floor.campaign], AT)

    funnel = cut(counting.count([floor.campaign], AT).values())
    [why] = why_of([Lead.objects.get(pk=lead.pk)], where, AT)

    assert funnel.counts == {"quiet": 1}
    assert funnel.frees == {"quiet": AT + HOUR}
    assert why.name == "quiet"
    assert [(reason.code, reason.until) for reason in why.reasons] == [("quiet", AT + HOUR)]


def test_who_comes_free_of_a_rest_inside_such_a_time_is_expected_after_it(floor):
    lead = floor.lead(ready_at=AT + 2 * HOUR)
    quiet(lead.customer, "12:30", "14:00")

    assert cut(counting.count([floor.campaign], AT).values()).frees == {"cooling": AT + 3 * HOUR}


def test_the_desk_shows_the_wish_and_offers_no_slot_inside_it(floor):
    floor.lead()
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    quiet(lead.customer, "14:00", "15:00")

    shown = context_of(agent=floor.agent, at=AT)

    assert shown["quiet_times"] == ["every day from 14:00 to 15:00"]
    slots = {slot.at: slot.is_open for day in shown["slot_days"] for slot in day.slots}
    two = datetime(2099, 11, 19, 6, 0, tzinfo=UTC)
    assert [slots[two + n * 30 * MINUTE] for n in (-1, 0, 1, 2)] == [True, False, False, True]


def test_nothing_is_asked_of_a_person_without_a_wish(django_assert_num_queries):
    customer = CustomerFactory()

    with django_assert_num_queries(0):
        assert quiet_until(customer, AT) is None
        assert quiet_spans(customer, start=AT, days=3) == []


def test_a_day_on_which_the_clocks_change_has_its_times_all_the_same():
    customer = CustomerFactory()
    customer.city.zone = zone("America/New_York")
    customer.city.save()
    quiet(customer, "01:30", "03:30")

    with connection.cursor() as cursor:
        # 8 March 2026: two becomes three; the time lasts one hour
        cursor.execute("SELECT begins, ends FROM customers_quiet_spans(%s, '2026-03-08 05:00+00', 0)", [customer.pk])
        spans = cursor.fetchall()

    assert (datetime(2026, 3, 8, 6, 30, tzinfo=UTC), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)) in spans
