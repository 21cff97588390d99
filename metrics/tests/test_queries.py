"""Who sees which figures, and which stored sums are read."""

from datetime import date

import pytest
from django.utils.connection import ConnectionDoesNotExist

from metrics import queries, registry
from metrics.pieces import cover
from metrics.questions import MOST_DAYS, NotAGrouping, Period, RangeIsEmpty, RangeTooLong, ask, before, periods
from metrics.tests import factories as f
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = f.DAY


@pytest.fixture
def two_cities():
    """Foshan: 3 customers by its team, 1 by a regional team. Zhuhai: 2."""
    foshan, zhuhai = f.place("Foshan"), f.place("Zhuhai")
    regional = TeamFactory(code="R1", city=None)
    for customer in range(3):
        f.make_call(customer_id=customer, city_id=foshan[0].pk, team_id=foshan[1].pk, agent_id=foshan[2].pk)
    f.make_call(customer_id=3, city_id=foshan[0].pk, team_id=regional.pk, agent_id=900)
    for customer in (4, 5):
        f.make_call(customer_id=customer, city_id=zhuhai[0].pk, team_id=zhuhai[1].pk, agent_id=zhuhai[2].pk)
    f.roll_up()
    return foshan, zhuhai, regional


def called(user, **more):
    return queries.figures(since=DAY, until=DAY, user=user, **more).total.counts["customers_called"]


def test_the_region_sees_all_and_nobody_in_particular_sees_all(two_cities):
    assert called(UserFactory(role="regional_manager")) == called(None) == 6


def test_a_city_sees_its_own_customers_whoever_called_them(two_cities):
    foshan, zhuhai, _regional = two_cities

    assert called(UserFactory(role="city_manager", city=foshan[0])) == 4
    assert called(UserFactory(role="city_manager", city=zhuhai[0])) == 2


def test_a_city_that_asks_for_another_gets_nothing(two_cities):
    foshan, zhuhai, _regional = two_cities

    figures = queries.figures(
        since=DAY,
        until=DAY,
        by=["city"],
        filters={"city": [zhuhai[0].pk]},
        user=UserFactory(role="city_manager", city=foshan[0]),
    )

    assert figures.rows == []
    assert figures.total.counts["calls"] == 0


def test_a_team_leader_sees_the_team_and_an_agent_the_own_calls(two_cities):
    foshan, _zhuhai, regional = two_cities

    assert called(UserFactory(leader=foshan[1])) == 3
    assert called(UserFactory(leader=regional)) == 1
    assert called(foshan[2]) == 3
    assert called(UserFactory(agent=foshan[1])) == 0


def test_somebody_without_a_role_sees_nothing(two_cities):
    assert called(UserFactory()) == 0


def test_a_role_in_a_city_and_another_in_a_team_add_up(two_cities):
    _foshan, zhuhai, regional = two_cities
    user = UserFactory(role="city_manager", city=zhuhai[0])
    Membership.objects.create(user=user, role="team_leader", team=regional, valid_from=date(2020, 1, 1))

    assert called(user) == 3


def test_filters_hold_together(two_cities):
    foshan, _zhuhai, regional = two_cities

    assert called(None, filters={"city": [foshan[0].pk], "team": [regional.pk]}) == 1


def test_rows_come_ascending_by_period_and_group(two_cities):
    foshan, zhuhai, _regional = two_cities
    f.make_call(date(2026, 3, 3), customer_id=9, city_id=zhuhai[0].pk)
    f.roll_up()

    rows = queries.figures(since=date(2026, 3, 1), until=DAY, grain="day", by=["city"]).rows

    assert [(row.period.label, row.key) for row in rows] == [
        ("2026-03-03", (zhuhai[0].pk,)),
        ("2026-03-04", (foshan[0].pk,)),
        ("2026-03-04", (zhuhai[0].pk,)),
    ]


def test_signed_in_time_is_known_by_team_and_agent_and_divides_orders(two_cities):
    from campaigns.models import AgentState
    from core.clock import database_now
    from metrics.services import activity

    foshan, _zhuhai, _regional = two_cities
    city, team, agent = foshan
    for state, begin, end in (("waiting", 9, 10), ("talking", 10, 12), ("away", 12, 13)):
        AgentState.objects.create(
            agent=agent, team=team, state=state, began_at=f.at(DAY, begin), ended_at=f.at(DAY, end)
        )
    f.make_sale(f.at(DAY, 11), customer_id=1, city_id=city.pk, team_id=team.pk, agent_id=agent.pk)
    f.roll_up()
    activity.build_activity(day=DAY, at=database_now())
    per_hour, occupancy = registry.indicator("orders_per_agent_hour"), registry.indicator("occupancy")

    for by in ([], ["city"], ["team"], ["agent"]):
        row = next(row for row in queries.figures(since=DAY, until=DAY, by=by).rows if row.counts["orders"])
        assert row.counts["signed_in_seconds"] == 4 * 3600
        assert row.value(per_hour) == pytest.approx(0.25)
        assert row.value(occupancy) == pytest.approx(66.667, abs=0.001)


def test_impossible_questions_are_refused_in_words():
    with pytest.raises(RangeIsEmpty, match="before the first"):
        queries.figures(since=DAY, until=date(2026, 3, 3))
    with pytest.raises(NotAGrouping, match="colour"):
        queries.figures(since=DAY, until=DAY, by=["colour"])
    with pytest.raises(NotAGrouping, match="fortnight"):
        queries.figures(since=DAY, until=DAY, grain="fortnight")
    with pytest.raises(RangeTooLong):
        queries.figures(since=date(1990, 1, 1), until=date(1990 + MOST_DAYS // 365 + 2, 1, 1))


def test_periods_are_clipped_to_the_range():
    weeks = list(periods(date(2008, 12, 30), date(2009, 1, 6), "week"))

    assert weeks == [
        Period("2009-W01", date(2008, 12, 30), date(2009, 1, 4)),
        Period("2009-W02", date(2009, 1, 5), date(2009, 1, 6)),
    ]


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 1, 1), date(2026, 3, 31), date(2025, 10, 1), date(2025, 12, 31)),
        (date(2026, 3, 4), date(2026, 3, 6), date(2026, 3, 1), date(2026, 3, 3)),
    ],
)
def test_the_period_before_is_as_long_and_of_whole_months_if_they_are(since, until, first, last):
    assert before(since, until) == (first, last)


def test_a_range_is_covered_by_whole_months_and_weeks_and_days_at_the_edges():
    found = cover(Period("total", date(2026, 1, 29), date(2026, 4, 15)), set())

    assert found == [
        ("day", date(2026, 1, 29)),
        ("day", date(2026, 1, 30)),
        ("day", date(2026, 1, 31)),
        ("month", date(2026, 2, 1)),
        ("month", date(2026, 3, 1)),
        *(("day", date(2026, 4, day)) for day in range(1, 6)),
        ("week", date(2026, 4, 6)),
        *(("day", date(2026, 4, day)) for day in (13, 14, 15)),
    ]


def test_a_stale_month_is_read_from_its_weeks_and_days():
    found = cover(
        Period("total", date(2026, 6, 1), date(2026, 6, 30)), {("month", date(2026, 6, 1)), ("week", date(2026, 6, 8))}
    )

    assert found[0] == ("week", date(2026, 6, 1))
    assert found[1:8] == [("day", date(2026, 6, day)) for day in range(8, 15)]
    assert found[8:] == [
        ("week", date(2026, 6, 15)),
        ("week", date(2026, 6, 22)),
        ("day", date(2026, 6, 29)),
        ("day", date(2026, 6, 30)),
    ]


@pytest.mark.parametrize("measure", ["calls", "customers_called", "cancellations", "signed_in_seconds"])
@pytest.mark.parametrize("keep", [True, False])
def test_figures_are_read_from_the_database_of_reports(db, settings, measure, keep):
    question = ask(since=DAY, until=DAY)
    settings.REPORTS_DATABASE = "nowhere"

    with pytest.raises(ConnectionDoesNotExist):
        queries.rows_of(question, [measure], keep=keep)
