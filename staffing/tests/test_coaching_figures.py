"""Coaching coverage and what came of a session, counted by hand. Calls are of March 2026."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from metrics import queries as figures, registry
from metrics.pieces import pieces_of
from metrics.tests import factories as f
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Evaluation
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of, item
from staffing.models import CoachingSession
from staffing.queries_effect import effect

pytestmark = pytest.mark.django_db
DAY = f.DAY


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    return form_of(qa)


def session_of(agent, team, day=DAY, *, is_signed=True, **fields):
    at = f.at(day)
    signed = {"coach_signed_at": at, "agent_signed_at": at} if is_signed else {}
    return CoachingSession.objects.create(
        agent=agent, coach=UserFactory(), team=team, city=team.city, planned_at=at, own_view="I hurried", own_view_at=at,
        good="Warm", improve="Ask", expected="Two questions", written_at=at, **signed, **fields,
    )  # fmt: skip


def coverage(until=DAY, **more):
    found = figures.figures(since=DAY, until=until, **more)
    indicator = registry.indicator("coaching_coverage")
    return {row.key: row.value(indicator) for row in [*found.rows, found.total]}


def test_coverage_is_the_share_of_those_who_called_that_had_a_signed_session(team):
    """Of four agents with calls one signed, one has not signed yet, one signed a week later: 1 of 4, with the week 2 of 4."""
    first, second, third, fourth = (UserFactory(agent=team) for _n in range(4))
    for agent in (first, second, third, fourth):
        call_of(team, agent=agent, at=f.at(DAY))
    session_of(first, team)
    session_of(first, team)
    session_of(second, team, is_signed=False)
    session_of(third, team, DAY + timedelta(days=7))
    session_of(UserFactory(agent=team), team)
    f.roll_up()

    assert coverage()[()] == pytest.approx(25.0)
    assert coverage(DAY + timedelta(days=7))[()] == pytest.approx(50.0)


def test_coverage_is_cut_by_team_city_and_agent(team):
    other = TeamFactory()
    coached = UserFactory(agent=team)
    plain, far = UserFactory(agent=team), UserFactory(agent=other)
    for agent, where in ((coached, team), (plain, team), (far, other)):
        call_of(where, agent=agent, at=f.at(DAY))
    session_of(coached, team)
    f.roll_up()

    assert coverage(by=["team"])[(team.pk,)] == pytest.approx(50.0)
    assert coverage(by=["city"])[(other.city_id,)] == pytest.approx(0.0)
    assert coverage(by=["agent"])[(coached.pk,)] == pytest.approx(100.0)
    assert coverage(filters={"team": [other.pk]})[()] == pytest.approx(0.0)
    assert coverage(user=UserFactory(leader=team))[()] == pytest.approx(50.0)


def test_a_whole_month_and_its_days_count_an_agent_once(team):
    """Calls on two days of March and one of April; coached in March alone: 1 of 2 in March, 0 of 1 in April, 1 of 2 in both."""
    first, second, later = f.DAY.replace(day=2), f.DAY.replace(day=20), date(2026, 4, 7)
    coached, plain = UserFactory(agent=team), UserFactory(agent=team)
    for agent, day in ((coached, first), (coached, second), (plain, second), (plain, later)):
        call_of(team, agent=agent, at=f.at(day))
    session_of(coached, team, second)
    f.roll_up()
    whole = {"since": date(2026, 3, 1), "until": date(2026, 4, 30)}
    assert pieces_of(figures.ask(**whole, by=("agent",))).months

    months = figures.figures(**whole, grain="month", by=("team",))
    both = figures.figures(**whole).total
    days = figures.figures(**whole, grain="day")

    counts = [(row.period.label, row.counts["agents_coached"], row.counts["agents_worked"]) for row in months.rows]
    assert counts == [("2026-03", 1, 2), ("2026-04", 0, 1)]
    assert (both.counts["agents_coached"], both.counts["agents_worked"]) == (1, 2)
    by_day = {row.period.first: (row.counts["agents_coached"], row.counts["agents_worked"]) for row in days.rows}
    assert by_day == {first: (0, 1), second: (1, 2), later: (0, 1)}


def test_without_a_call_there_is_no_coverage(team):
    session_of(UserFactory(agent=team), team)

    assert coverage()[()] is None


@pytest.fixture
def asked(version, qa, team):
    """So many calls of an agent before or after the session, the order asked for in `good` of them."""

    def ask(agent, good, n, *, after=False, pick="random"):
        for number in range(n):
            day = DAY + timedelta(days=10 if after else -10)
            made = evaluated(call_of(team, agent=agent, at=f.at(day)), version, qa, told={"Asks for the order": "yes" if number < good else "no"})  # fmt: skip
            Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=0.5 if pick == "random" else None)

    return ask


def test_the_agreed_item_before_and_after_is_judged_beside_uncoached_peers(team, version, asked):
    """3 of 10 before and 9 of 10 after; five peers went from 3 to 4 of 10: bounce 0.1, beyond it 0.9 - 0.3 - 0.1 = 0.5."""
    agent = UserFactory(agent=team)
    row = session_of(agent, team, aim=item(version, "Asks for the order"))
    asked(agent, 3, 10)
    asked(agent, 9, 10, after=True)
    asked(agent, 0, 3, after=True, pick="coaching")
    coached = UserFactory(agent=team)
    session_of(coached, team, DAY + timedelta(days=20))
    for peer in [coached, *(UserFactory(agent=team) for _n in range(5))]:
        asked(peer, 3, 10)
        asked(peer, 10 if peer == coached else 4, 10, after=True)

    found = effect(row, f.at(DAY + timedelta(days=40)))

    assert (found.own.before_yes, found.own.before_n, found.own.after_yes, found.own.after_n) == (3, 10, 9, 10)
    assert (found.judged.state, found.judged.peers) == ("helped", 5)
    assert (found.judged.expected, found.judged.value) == (pytest.approx(0.4), pytest.approx(0.5))


def test_with_few_calls_it_cannot_be_told_and_the_page_says_so(client, team, version, asked):
    agent = UserFactory(agent=team)
    row = session_of(agent, team, aim=item(version, "Asks for the order"))
    asked(agent, 1, 2)
    client.force_login(agent)

    shown = client.get(reverse("staffing:coaching-session", args=[row.pk])).content.decode()

    assert "Cannot tell yet." in shown
    assert "18 more calls are needed." in shown


def test_without_an_item_it_is_the_success_rate(team):
    """One won of two reached before, none of one after; the day of the session counts on neither side."""
    agent = UserFactory(agent=team)
    row = session_of(agent, team)
    for day, result in ((-5, "sold"), (-5, "considering"), (0, "sold"), (5, "considering")):
        call_of(team, agent=agent, at=f.at(DAY + timedelta(days=day)), result=result, right_party=True)
    f.roll_up()

    found = effect(row, f.at(DAY + timedelta(days=30)))

    assert (found.own.before_yes, found.own.before_n, found.own.after_yes, found.own.after_n) == (1, 2, 0, 1)
    assert found.judged.cannot_tell_yet
