"""Calls counted by list and source: distinct customers of all days, from the calls' own columns."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from campaigns.models import Call
from core.clock import database_now
from customers.models import Customer
from metrics.models import ListFigures, Partition
from metrics.services import dirty, lists
from metrics.tests import factories as f

pytestmark = pytest.mark.django_db
DAY, NEXT = f.DAY, f.DAY + timedelta(days=1)


def count() -> list[tuple[date, list[int]]]:
    """Count what waits; returns it."""
    dirty.mark_dirty(at=database_now())
    days = lists.days_waiting()
    for day, cities in days:
        lists.count_day(day=day, cities=cities)
    return days


def let_time_pass() -> None:
    f.let_time_pass()
    Partition.objects.update(lists_counted_at=database_now() - timedelta(hours=1))


def of(lead_list: int | None, **more) -> dict:
    """What is stored of a list over all days, as the registry divides it."""
    return lists.tally_of(ListFigures.objects.get(day=None, list_id=lead_list, **more)).measures()


def test_customers_are_counted_once_over_all_days_and_calls_added():
    f.make_call(DAY, customer_id=1, list_id=7, source_id=3)
    f.make_call(NEXT, customer_id=1, list_id=7, source_id=3, connected=True)
    f.make_sale(NEXT, customer_id=2, list_id=7, source_id=3)
    f.make_call(NEXT, customer_id=9, list_id=8, source_id=3)

    count()

    assert of(7) == {
        "calls": 3, "calls_connected": 2, "orders": 1, "orders_cancelled": 0,
        "customers_called": 2, "customers_reached": 2, "customers_won": 1, "customers_cancelled": 0,
    }  # fmt: skip
    assert of(8)["customers_called"] == 1
    assert ListFigures.objects.filter(list_id=7, day__isnull=False).count() == 2


def test_calls_of_no_list_are_counted_apart_and_inbound_calls_not_at_all():
    f.make_call(customer_id=1)
    f.make_call(customer_id=2, direction="inbound", list_id=7)

    count()

    assert of(None)["customers_called"] == 1
    assert not ListFigures.objects.filter(list_id=7).exists()


def test_cities_and_campaigns_have_rows_of_their_own():
    for city, campaign in ((1, 1), (1, 2), (2, 1)):
        f.make_call(customer_id=city, city_id=city, campaign_id=campaign, list_id=7, source_id=3)

    count()

    found = ListFigures.objects.filter(day=None).values_list("city_id", "campaign_id", "calls")
    assert sorted(found) == [(1, 1, 1), (1, 2, 1), (2, 1, 1)]


def test_a_late_cancellation_counts_its_day_again_and_nothing_else():
    order = f.make_sale(DAY, customer_id=1, list_id=7, source_id=3)
    f.make_call(NEXT, customer_id=2, list_id=7, source_id=3)
    count()
    let_time_pass()
    assert count() == []

    f.cancel(order, date(2026, 4, 20))

    assert count() == [(DAY, [1])]
    figures = of(7)
    assert (figures["orders"], figures["orders_cancelled"], figures["customers_cancelled"]) == (1, 1, 1)
    assert figures["customers_called"] == 2


def test_counting_again_changes_nothing_and_a_call_that_is_gone_leaves_no_row():
    f.make_call(customer_id=1, list_id=7)
    f.make_call(customer_id=2, list_id=8)
    count()
    before = of(7)

    Call.objects.filter(list_id=8).delete()
    lists.count_day(day=DAY, cities=[1])

    assert of(7) == before
    assert not ListFigures.objects.filter(list_id=8).exists()


def test_merged_persons_are_one():
    city, _team, _agent = f.place()
    one, other = f.customers(city, 2)
    for customer in (one, other):
        f.make_call(customer_id=customer.pk, city_id=city.pk, list_id=7)
    Customer.objects.filter(pk=other.pk).update(merged_into=one)

    count()

    assert (of(7)["calls"], of(7)["customers_called"]) == (2, 1)


def test_a_rebuild_asked_for_counts_the_lists_again_too():
    f.make_call(customer_id=1, list_id=7)
    count()
    let_time_pass()

    dirty.mark_range(since=DAY, until=DAY, at=database_now())

    assert [day for day, _cities in lists.days_waiting()] == [DAY]


def test_the_job_counts_what_waits():
    from core.jobs import enqueue, run_inline

    f.make_call(customer_id=1, list_id=7)
    dirty.mark_dirty(at=database_now())

    job = enqueue(kind="metrics.count_lists", key="x")
    run_inline(job.pk)

    assert of(7)["calls"] == 1


def test_what_a_running_day_gains_is_put_to_the_sum_without_reading_the_other_days(monkeypatch):
    f.make_call(DAY, customer_id=1, list_id=7)
    f.make_call(NEXT, customer_id=2, list_id=7)
    count()
    monkeypatch.setattr(lists, "_all_days", lambda key: pytest.fail("all days were read"))

    f.make_call(NEXT, customer_id=1, list_id=7, connected=True)
    f.make_call(NEXT, customer_id=3, list_id=7)
    count()

    figures = of(7)
    assert (figures["calls"], figures["customers_called"], figures["customers_reached"]) == (4, 3, 1)


def test_a_customer_whom_a_day_has_lost_stays_when_another_day_has_the_customer():
    f.make_call(DAY, customer_id=1, list_id=7)
    for customer in (1, 2):
        f.make_call(NEXT, customer_id=customer, list_id=7)
    count()

    Call.objects.filter(started_at__gte=f.at(NEXT)).delete()
    lists.count_day(day=NEXT, cities=[1])

    assert (of(7)["calls"], of(7)["customers_called"]) == (1, 1)
