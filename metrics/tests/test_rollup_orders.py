"""A late cancellation counts the orders of its day again, and the calls only when some of them are new too."""

from datetime import date, timedelta

import pytest

from campaigns.models import Call
from core.clock import database_now
from metrics import queries
from metrics.models import DayFigures, HourFigures, Partition, Watermark
from metrics.services import dirty, rollup
from metrics.tests import factories as f

pytestmark = pytest.mark.django_db
DAY = f.DAY
LATER = date(2026, 4, 20)


def total(**more):
    return queries.figures(since=DAY, until=DAY, **more).total.counts


def all_rows():
    """Every stored figure of the city, by its key."""
    rows = DayFigures.objects.exclude(city_id=None).values()
    key = ("level", "city_id", "team_id", "agent_id", "campaign_id")
    return {
        tuple(row[name] for name in key): {
            name: bytes(value) if isinstance(value, memoryview) else value
            for name, value in row.items()
            if name != "id"
        }
        for row in rows
    }


def a_day_with_two_teams():
    """Three calls and two sales by two agents of two teams; returns the orders."""
    f.make_call(customer_id=1, talk_seconds=40, connected=True)
    orders = [f.make_sale(customer_id=2), f.make_sale(customer_id=3, agent_id=2, team_id=2, campaign_id=2)]
    f.roll_up()
    f.let_time_pass()
    return orders


def test_a_late_cancellation_gives_the_same_rows_as_counting_the_whole_day_again():
    first, _second = a_day_with_two_teams()
    f.cancel(first, LATER)
    assert f.roll_up() == [(DAY, 1)]
    after = all_rows()

    rollup.store(next(rollup.count_day(DAY, [1], whole=True)))
    Partition.objects.update(built_at=None, calls_counted_at=None)
    rollup.build(DAY, 1)

    assert all_rows() == after
    counts = total()
    assert (counts["calls"], counts["customers_called"], counts["talk_seconds"]) == (3, 3, 40)
    assert (counts["orders"], counts["orders_cancelled"], counts["customers_cancelled"]) == (2, 1, 1)


def test_a_late_cancellation_reads_no_call_and_writes_only_the_rows_it_changes(monkeypatch):
    first, _second = a_day_with_two_teams()
    before = dict(DayFigures.objects.values_list("pk", "agent_id"))
    hours = list(HourFigures.objects.values_list("pk", flat=True))
    monkeypatch.setattr(rollup.facts, "read_facts", lambda *args: pytest.fail("the calls were read"))
    f.cancel(first, LATER)

    f.roll_up()

    kept = set(DayFigures.objects.values_list("pk", flat=True)) & set(before)
    # of team 2, agent 2 and campaign 2: city and campaign, team, team and campaign, agent, agent and campaign; of the region: campaign 2
    assert len(kept) == 6
    assert list(HourFigures.objects.values_list("pk", flat=True)) == hours


def test_calls_that_came_with_the_cancellation_are_counted_too():
    first, _second = a_day_with_two_teams()
    f.cancel(first, LATER)
    f.make_call(customer_id=9)

    f.roll_up()

    counts = total()
    assert (counts["calls"], counts["customers_called"], counts["customers_cancelled"]) == (4, 4, 1)


def test_a_call_recorded_before_the_orders_were_counted_again_but_not_yet_looked_through_is_not_lost():
    first, _second = a_day_with_two_teams()
    f.cancel(first, LATER)
    dirty.mark_dirty(at=database_now())
    late = f.make_call(customer_id=9)
    rollup.build(DAY, 1)
    # the rollup took long: the call came 40 minutes ago, after the look, and the orders were counted a minute ago
    now = database_now()
    Call.objects.filter(pk=late.pk).update(recorded_at=now - timedelta(minutes=40))
    Watermark.objects.update(scanned_until=now - timedelta(minutes=41))
    Partition.objects.update(
        recorded_until=now - timedelta(minutes=42),
        built_at=now - timedelta(minutes=1),
        calls_recorded_until=now - timedelta(hours=3),
        calls_counted_at=now - timedelta(hours=2),
    )

    f.roll_up()

    assert total()["customers_called"] == 4


def test_an_order_of_an_inbound_call_stays_out_when_orders_are_counted_again():
    f.make_sale(customer_id=2, direction="inbound")
    sold = f.make_sale(customer_id=3)
    f.roll_up()
    f.let_time_pass()
    f.cancel(sold, LATER)

    f.roll_up()

    counts = total()
    assert (counts["orders"], counts["orders_cancelled"], counts["inbound_won"]) == (1, 1, 1)


def test_a_group_that_was_there_for_an_order_alone_goes_when_its_order_goes_to_another_agent():
    order = f.make_sale(customer_id=2)
    Call.objects.all().delete()
    f.roll_up()
    f.let_time_pass()
    type(order).objects.update(agent_id=7, recorded_at=database_now())

    f.roll_up()

    assert set(DayFigures.objects.exclude(agent_id=None).values_list("agent_id", flat=True)) == {7}
