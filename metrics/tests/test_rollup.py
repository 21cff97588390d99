"""What the rollup must never get wrong; the cases of the definitions, one by one."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from campaigns.models import AgentState, Call, Order, OrderEvent
from core.clock import database_now
from customers.models import Customer, SamePerson
from customers.services import merging, unmerging
from metrics import queries, registry
from metrics.columns import Level
from metrics.models import CancellationDay, DayFigures, HourFigures, Partition, PeriodFigures, Stale
from metrics.services import activity, dirty, periods, rollup
from metrics.tests import factories as f
from metrics.tests.naive import count
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAY = f.DAY


def total(since=DAY, until=DAY, **more):
    return queries.figures(since=since, until=until, **more).total.counts


def rate(key, counts):
    found = registry.indicator(key)
    assert found is not None
    return found.value(counts)


def test_a_customer_called_five_times_and_reached_once_is_one_called_and_one_reached():
    for minute in range(5):
        f.make_call(f.at(DAY, 10, minute), connected=minute == 3)
    f.roll_up()

    counts = total()

    assert (counts["calls"], counts["customers_called"], counts["customers_reached"]) == (5, 1, 1)


def test_a_total_is_counted_at_its_own_level_not_averaged():
    for i in range(400):
        f.make_call(customer_id=i, connected=True, agent_id=1, sale=i < 40)
    for i in range(20):
        f.make_call(customer_id=1000 + i, connected=True, agent_id=2, sale=i < 6)
    f.roll_up()

    figures = queries.figures(since=DAY, until=DAY, by=["agent"])

    assert [rate("success_rate", row.counts) for row in figures.rows] == [10.0, 30.0]
    assert (figures.total.counts["customers_won"], figures.total.counts["customers_reached"]) == (46, 420)
    assert rate("success_rate", figures.total.counts) == pytest.approx(10.952, abs=0.001)


def test_the_worked_week_of_929_reached_29_won_and_20_cancelled():
    monday = date(2026, 3, 2)
    for i in range(929):
        day = monday + timedelta(days=i % 5)
        if i < 29:
            order = f.make_sale(day, customer_id=i)
            if i < 20:
                f.cancel(order, day)
        else:
            f.make_call(day, customer_id=i, connected=True)
    f.roll_up()

    (week,) = queries.figures(since=monday, until=monday + timedelta(days=6), grain="week").rows

    assert week.period.label == "2026-W10"
    assert rate("success_rate", week.counts) == pytest.approx(3.12, abs=0.005)
    assert rate("final_success_rate", week.counts) == pytest.approx(0.97, abs=0.005)
    assert rate("final_deals", week.counts) == 9
    assert rate("cancellation_rate", week.counts) == pytest.approx(68.97, abs=0.005)


def test_a_cancellation_six_weeks_late_touches_the_day_week_month_of_the_sale_and_nothing_else():
    order = f.make_sale(DAY)
    f.make_call(DAY, customer_id=2, city_id=2)
    later = DAY + timedelta(weeks=6)
    f.make_call(later, customer_id=3)
    f.roll_up()
    f.let_time_pass()
    before = {row.pk for row in DayFigures.objects.all()} | {row.pk for row in PeriodFigures.objects.all()}

    f.cancel(order, later)
    built = f.roll_up()

    assert built == [(DAY, 1)]
    after = {row.pk for row in DayFigures.objects.filter(day=later)} | {
        row.pk for row in DayFigures.objects.filter(city_id=2)
    }
    assert after <= before
    assert total()["customers_cancelled"] == 1
    assert total(date(2026, 3, 1), date(2026, 3, 31))["customers_cancelled"] == 1
    assert total(later, later)["customers_cancelled"] == 0
    assert PeriodFigures.objects.get(kind="month", start=date(2026, 3, 1), level=Level.REGION).customers_cancelled == 1
    assert not Stale.objects.exists()


def test_a_cancellation_counts_as_activity_on_the_day_it_came():
    order, later = f.make_sale(DAY), DAY + timedelta(days=9)
    f.cancel(order, later)
    f.roll_up()
    activity.build_activity(day=later, at=database_now())

    assert CancellationDay.objects.get().day == later
    assert total(DAY, later)["cancellations"] == 1
    assert total(later, later)["cancellations"] == 1
    rows = queries.figures(since=DAY, until=later, grain="day").rows
    # a day without calls has no row, in files as on the page; what came on it stands in the total
    assert [(row.period.first, row.counts["cancellations"], row.counts["orders"]) for row in rows] == [(DAY, 0, 1)]


def test_an_agent_signed_in_without_a_call_has_a_row_and_counts_in_the_hours():
    _city, team, idle = f.place()
    f.make_call(customer_id=1, agent_id=idle.pk + 1)
    AgentState.objects.create(agent=idle, team=team, state="waiting", began_at=f.at(DAY, 9), ended_at=f.at(DAY, 11))
    f.roll_up()
    activity.build_activity(day=DAY, at=database_now())

    rows = queries.figures(since=DAY, until=DAY, by=["agent"]).rows

    assert {row.key[0]: (row.counts["calls"], row.counts["signed_in_seconds"]) for row in rows} == {
        idle.pk: (0, 7200),
        idle.pk + 1: (1, 0),
    }


def test_figures_stay_while_everything_waits_to_be_counted_again():
    f.make_call(customer_id=1)
    f.roll_up()

    dirty.mark_all(at=database_now())

    assert total()["calls"] == 1


def test_figures_read_between_the_cities_of_a_day_are_not_kept():
    """Both cities are read in one look, so both carry the same time of building."""
    f.make_call(customer_id=1, city_id=1)
    f.make_call(customer_id=2, city_id=2)
    f.roll_up()
    f.let_time_pass()
    f.make_call(customer_id=3, city_id=1)
    f.make_call(customer_id=4, city_id=2)
    one, other = rollup.count_day(DAY, [1, 2], whole=True)

    rollup.store(one)
    half = total()["calls"]
    rollup.store(other)

    assert (half, total()["calls"]) == (3, 4)


def test_a_reinstated_order_is_not_cancelled():
    order = f.make_sale()
    f.cancel(order, DAY)
    f.reinstate(order, DAY + timedelta(days=2))
    f.roll_up()

    assert (total()["customers_won"], total()["customers_cancelled"]) == (1, 0)


def test_of_two_sales_to_one_customer_one_cancelled_makes_a_customer_who_cancelled():
    f.cancel(f.make_sale(), DAY)
    f.make_sale(f.at(DAY, 16))
    f.roll_up()

    counts = total()

    assert (counts["orders"], counts["orders_cancelled"]) == (2, 1)
    assert (counts["customers_won"], counts["customers_cancelled"]) == (1, 1)


def test_a_week_is_not_the_sum_of_its_days_nor_a_city_of_its_agents():
    f.make_call(DAY, agent_id=1)
    f.make_call(DAY + timedelta(days=1), agent_id=2)
    f.roll_up()
    since, until = date(2026, 3, 2), date(2026, 3, 8)

    days = queries.figures(since=since, until=until, grain="day")
    agents = queries.figures(since=since, until=until, by=["agent"])

    assert [row.counts["customers_called"] for row in days.rows] == [1, 1]
    assert [row.counts["customers_called"] for row in agents.rows] == [1, 1]
    assert days.total.counts["customers_called"] == agents.total.counts["customers_called"] == 1


def test_a_business_day_is_cut_at_the_midnight_of_the_region_from_the_moment_of_dialling():
    f.make_call(f.at(DAY, 23, 59, 59), customer_id=1, talk_seconds=600, connected=True)
    f.make_call(f.at(DAY + timedelta(days=1), 0), customer_id=2)
    f.roll_up()

    rows = queries.figures(since=DAY, until=DAY + timedelta(days=1), grain="day").rows

    assert [(row.period.label, row.counts["calls"], row.counts["talk_seconds"]) for row in rows] == [
        ("2026-03-04", 1, 600),
        ("2026-03-05", 1, 0),
    ]
    assert list(HourFigures.objects.order_by("day").values_list("day", "hour", "calls")) == [
        (DAY, 23, 1),
        (DAY + timedelta(days=1), 0, 1),
    ]


def test_two_persons_merged_are_counted_as_one_after_the_next_rollup():
    city, _team, _agent = f.place()
    one, other = f.customers(city, 2)
    f.make_call(customer_id=one.pk, connected=True)
    f.make_call(customer_id=other.pk, connected=True)
    f.roll_up()
    f.let_time_pass()
    Customer.objects.update(updated_at=database_now() - timedelta(days=1))
    assert total()["customers_called"] == 2

    Customer.objects.filter(pk=other.pk).update(merged_into=one, updated_at=database_now())

    assert f.roll_up() == [(DAY, 1)]
    assert total()["customers_called"] == 1
    assert total()["calls"] == 2


def merged(kept, gone):
    """By the service, as the data team does it."""
    first, second = sorted((kept, gone), key=lambda customer: customer.pk)
    pair = SamePerson.objects.create(first=first, second=second, why="digit", found_at=database_now())
    data = UserFactory(role="data")
    return merging.merge(pair=pair, keep_id=kept.pk, by=data, at=database_now()), data


def test_a_merge_and_its_undo_count_the_days_of_the_merged_anew_and_no_other():
    """By hand: two persons on Wednesday (one call each), one of them again on Thursday, a third on Friday."""
    city, _team, _agent = f.place()
    kept, gone, third = f.customers(city, 3)
    thursday, friday = DAY + timedelta(days=1), DAY + timedelta(days=2)
    f.make_call(customer_id=kept.pk, city_id=city.pk, connected=True)
    f.make_call(customer_id=gone.pk, city_id=city.pk, connected=True)
    f.make_call(thursday, customer_id=gone.pk, city_id=city.pk)
    f.make_call(friday, customer_id=third.pk, city_id=city.pk)
    f.roll_up()
    Customer.objects.update(updated_at=database_now() - timedelta(days=1))
    f.let_time_pass()
    assert total(DAY, friday)["customers_called"] == 3

    made, data = merged(kept, gone)

    assert f.roll_up() == [(DAY, city.pk), (thursday, city.pk)]
    assert total()["customers_called"] == 1
    assert total(DAY, friday)["customers_called"] == 2
    f.let_time_pass()
    Customer.objects.update(updated_at=database_now() - timedelta(days=1))

    unmerging.undo(made=made, by=data, at=database_now())

    assert f.roll_up() == [(DAY, city.pk), (thursday, city.pk)]
    assert (total()["customers_called"], total()["customers_reached"]) == (2, 2)
    assert total(DAY, friday)["customers_called"] == 3
    assert total(DAY, friday)["calls"] == 4


def test_whoever_was_merged_before_is_counted_anew_with_the_one_they_were_merged_into():
    """A into B, counted; then B into C: the day of A's call must follow to C, or the week would count two."""
    city, _team, _agent = f.place()
    a, b, c = f.customers(city, 3)
    thursday = DAY + timedelta(days=1)
    f.make_call(customer_id=a.pk, city_id=city.pk)
    f.make_call(thursday, customer_id=c.pk, city_id=city.pk)
    merged(b, a)
    f.roll_up()
    f.let_time_pass()
    Customer.objects.update(updated_at=database_now() - timedelta(days=1))
    assert total(DAY, thursday)["customers_called"] == 2

    made, data = merged(c, b)

    assert f.roll_up() == [(DAY, city.pk)]
    assert total(DAY, thursday)["customers_called"] == 1
    f.let_time_pass()
    Customer.objects.update(updated_at=database_now() - timedelta(days=1))
    unmerging.undo(made=made, by=data, at=database_now())
    assert f.roll_up() == [(DAY, city.pk)]
    assert total(DAY, thursday)["customers_called"] == 2


def test_a_chain_of_mergers_ends_at_the_last_person():
    city, _team, _agent = f.place()
    a, b, c = f.customers(city, 3)
    Customer.objects.filter(pk=a.pk).update(merged_into=b)
    Customer.objects.filter(pk=b.pk).update(merged_into=c)
    for customer in (a, b, c):
        f.make_call(customer_id=customer.pk)
    f.roll_up()

    assert total()["customers_called"] == 1


def test_an_agent_who_changes_team_keeps_each_call_with_the_team_it_was_made_in():
    f.make_call(f.at(DAY, 9), customer_id=1, team_id=1)
    f.make_call(f.at(DAY, 15), customer_id=1, team_id=2)
    f.roll_up()

    teams = queries.figures(since=DAY, until=DAY, by=["team"]).rows
    (agent,) = queries.figures(since=DAY, until=DAY, by=["agent"]).rows

    assert [(row.key, row.counts["customers_called"]) for row in teams] == [((1,), 1), ((2,), 1)]
    assert (agent.counts["calls"], agent.counts["customers_called"]) == (2, 1)


def test_plain_names_are_outbound_and_recommendations_are_of_both_directions():
    f.make_call(customer_id=1, connected=True, right_party=True, recommended=True, sale=True)
    f.make_call(customer_id=2, connected=True, direction="inbound", recommended=True, talk_seconds=50)
    f.make_call(customer_id=3, connected=True, direction="inbound", sale=True, talk_seconds=70)
    f.make_call(customer_id=4, connected=True, complaint=True)
    f.roll_up()

    counts = total()

    assert (
        counts["customers_called"],
        counts["customers_won"],
        counts["inbound_customers"],
        counts["inbound_won"],
    ) == (2, 1, 2, 1)
    assert (counts["customers_recommended"], counts["customers_accepted"]) == (2, 1)
    assert (counts["calls_right_party"], counts["customers_complained"]) == (1, 1)
    assert (counts["talk_seconds"], counts["inbound_talk_seconds"]) == (0, 120)
    assert rate("inbound_success_rate", counts) == 50.0


def test_what_was_removed_from_the_facts_leaves_the_figures_too():
    call = f.make_call()
    f.make_call(customer_id=2)
    f.roll_up()
    Call.objects.filter(pk=call.pk).delete()

    rollup.build(DAY, 1)

    assert total()["customers_called"] == 1
    Call.objects.all().delete()
    rollup.build(DAY, 1)
    assert total()["calls"] == 0
    assert not DayFigures.objects.filter(level__gte=Level.CITY).exists()


def test_a_second_rollup_of_the_same_facts_writes_nothing():
    f.make_sale()
    f.roll_up()
    before = list(DayFigures.objects.order_by("pk").values_list("pk", flat=True))

    f.roll_up()

    assert list(DayFigures.objects.order_by("pk").values_list("pk", flat=True)) == before


def test_a_count_made_of_older_facts_never_replaces_a_newer_one():
    f.make_call(customer_id=1)
    (older,) = rollup.count_day(DAY, [1], whole=True)
    f.make_call(customer_id=2)
    rollup.build(DAY, 1)

    rollup.store(older)

    assert total()["customers_called"] == 2


def test_what_was_recorded_within_fifteen_minutes_of_the_last_build_is_built_again():
    f.make_call()
    f.roll_up()
    f.let_time_pass()
    built_at = Partition.objects.get().built_at
    call = f.make_call(customer_id=2)
    Call.objects.filter(pk=call.pk).update(recorded_at=built_at - timedelta(minutes=14))

    assert f.roll_up() == [(DAY, 1)]
    assert total()["customers_called"] == 2


def test_sums_that_wait_to_be_built_are_read_from_their_days():
    f.make_call(date(2026, 3, 1), customer_id=1)
    f.roll_up()
    f.make_call(date(2026, 3, 31), customer_id=2)
    dirty.mark_dirty(at=database_now())
    rollup.build(date(2026, 3, 31), 1)
    assert Stale.objects.filter(kind="month", city_id=None).exists()

    counts = total(date(2026, 3, 1), date(2026, 3, 31))

    assert counts["customers_called"] == 2
    assert PeriodFigures.objects.get(kind="month", level=Level.REGION).customers_called == 1


def test_a_week_of_the_region_waits_for_a_day_of_the_region_that_came_after_the_look():
    """Another rollup looks for marks before the day is stored, and comes to the week before the region's day is built."""
    f.make_call(customer_id=1)
    f.roll_up()
    f.make_call(customer_id=2)
    rollup.build(DAY, 1)
    marks = {(mark.kind, mark.city_id): mark.pk for mark in Stale.objects.all()}

    for mark in [("week", None), ("month", None), ("day", None), ("week", None), ("month", None)]:
        periods.settle(marks[mark])

    sums = PeriodFigures.objects.filter(level=Level.REGION).values_list("kind", "customers_called")
    assert sorted(sums) == [("month", 2), ("week", 2)]
    assert not Stale.objects.filter(city_id=None).exists()


def test_every_level_of_a_period_is_kept_with_and_without_campaign():
    f.make_call(campaign_id=1)
    f.make_call(campaign_id=2)
    f.roll_up()

    for rows in (
        DayFigures.objects.all(),
        PeriodFigures.objects.filter(kind="week"),
        PeriodFigures.objects.filter(kind="month"),
    ):
        by_level = {level: rows.filter(level=level).count() for level in range(8)}
        assert by_level == {0: 1, 1: 2, 2: 1, 3: 2, 4: 1, 5: 2, 6: 1, 7: 2}


FACT = st.tuples(
    st.integers(0, 20),
    st.integers(1, 6),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 2),
    st.sampled_from(["outbound", "outbound", "inbound"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACT, min_size=1, max_size=40))
def test_distinct_counts_equal_a_naive_count_at_every_level_and_range(facts):
    for model in (OrderEvent, Order, Call, DayFigures, PeriodFigures, HourFigures, Partition, Stale):
        model.objects.all().delete()
    rows = [_fact(*fact) for fact in facts]
    f.roll_up()
    since, until = date(2026, 2, 25), date(2026, 3, 17)

    for grain, by in (
        ("total", ()),
        ("week", ()),
        ("month", ("city",)),
        ("day", ("agent",)),
        ("week", ("team", "campaign")),
        ("total", ("city", "agent")),
    ):
        expected = count(rows, grain, by)
        for row in queries.figures(since=since, until=until, grain=grain, by=by).rows:
            key = " ".join([row.period.label, *map(str, row.key)])
            wanted = expected.pop(key)
            assert {name: row.counts[name] for name in wanted if name in row.counts} == {
                n: v for n, v in wanted.items() if n in row.counts
            }
        assert not expected


def _fact(offset, customer, city, team, agent, campaign, direction, connected, sold, cancelled) -> dict:
    day = date(2026, 2, 25) + timedelta(days=offset)
    sale = connected and sold
    call = f.make_call(
        datetime.combine(day, datetime.min.time(), f.at(day).tzinfo),
        customer_id=customer,
        city_id=city,
        team_id=team,
        agent_id=agent,
        campaign_id=campaign,
        direction=direction,
        connected=connected,
        sale=sale,
        talk_seconds=60 if connected else 0,
    )
    if sale:
        order = f.make_order(call)
        if cancelled:
            f.cancel(order, day)
    return {
        "day": day,
        "customer": customer,
        "city": city,
        "team": team,
        "agent": agent,
        "campaign": campaign,
        "direction": direction,
        "connected": connected,
        "sale": sale,
        "cancelled": sale and cancelled,
        "talk": call.talk_seconds,
        "after": 0,
    }
