"""The nightly checks find what does not agree, and say when it agrees again."""

from datetime import timedelta

import pytest

from core.clock import database_now
from metrics.columns import Level
from metrics.models import Alert, DayFigures
from metrics.services.checks import check_figures
from metrics.tests import factories as f

pytestmark = pytest.mark.django_db
DAY = f.DAY


@pytest.fixture
def built():
    f.make_sale(customer_id=1)
    f.make_call(customer_id=2, agent_id=2)
    f.roll_up()
    f.let_time_pass()


def test_figures_that_agree_raise_nothing(built):
    assert check_figures(day=DAY, at=database_now()) == 0


def test_a_figure_that_was_changed_is_found_by_both_checks_and_settled_when_it_is_right_again(built):
    DayFigures.objects.filter(level=Level.AGENT, agent_id=1).update(calls=7)

    assert check_figures(day=DAY, at=database_now()) == 2
    alerts = {alert.kind: alert for alert in Alert.objects.all()}
    assert alerts["sums_differ"].detail == {"calls: agent / team": [8, 2], "calls: agent and campaign / agent": [2, 8]}
    assert alerts["day_differs"].detail == {"1": [1]}
    assert check_figures(day=DAY, at=database_now()) == 2

    DayFigures.objects.filter(level=Level.AGENT, agent_id=1).update(calls=1)
    assert check_figures(day=DAY, at=database_now()) == 0
    assert not Alert.objects.filter(settled_at=None).exists()


def test_the_days_of_open_alerts_are_checked_with_whatever_day_is_taken(built):
    other = DAY + timedelta(days=1)
    f.make_call(other, customer_id=3)
    f.roll_up()
    f.let_time_pass()
    DayFigures.objects.filter(day=DAY, level=Level.AGENT, agent_id=1).update(calls=7)
    check_figures(day=DAY, at=database_now())
    DayFigures.objects.filter(day=DAY, level=Level.AGENT, agent_id=1).update(calls=1)

    assert check_figures(day=other, at=database_now()) == 0


def test_a_call_that_came_after_the_last_look_makes_no_alert(built):
    f.make_call(customer_id=9)

    assert check_figures(day=DAY, at=database_now()) == 0


def test_a_call_outside_of_every_month_raises_an_alert(built):
    from datetime import UTC, datetime

    from campaigns.models import Call

    Call.objects.create(
        started_at=datetime(1999, 1, 1, tzinfo=UTC),
        customer_id=1,
        city_id=1,
        agent_id=1,
        team_id=1,
        campaign_id=1,
        disposition_id=1,
        connected=False,
    )

    check_figures(day=DAY, at=database_now())

    assert Alert.objects.get(kind="default_partition").detail == {"rows": 1}


def test_a_random_past_day_is_taken_without_being_told(built):
    assert check_figures(day=None, at=database_now()) == 0
