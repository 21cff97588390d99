"""Second scorers: drawn by lot, of the place, never the first, never of the own team, never told; and a repeat gives nothing new."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from django.urls import reverse

from campaigns.tests.factories import AT, agent_of
from core.calendar import business_date
from core.errors import PermissionRefused
from metrics.queries import figures
from metrics.tests.factories import roll_up
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import DoubleDraw, DoubleShare, Evaluation, ScoringTask
from qa.services import doubles, evaluations, queue
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of

pytestmark = pytest.mark.django_db
Role = Membership.Role
DAY = business_date(AT)
NIGHT = AT + timedelta(days=1)


class Always(random.Random):
    """Rounds every share up."""

    def random(self) -> float:
        return 0.999


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def first(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def second(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def form():
    return form_of(UserFactory(role=Role.QA, city=TeamFactory().city))


def drawn(team, form, scorer, *, pick="random", at=AT) -> Evaluation:
    made = evaluated(call_of(team, agent=agent_of(team)), form, scorer, at=at)
    Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=0.5)
    return made


def draw(**fields):
    return doubles.draw_day(day=DAY, at=NIGHT, **{"chance": Always(1), **fields})


def test_the_second_scorer_is_another_of_the_place_and_is_not_told(client, team, form, first, second):
    made = drawn(team, form, first)
    UserFactory(role=Role.QA, city=TeamFactory().city)  # of elsewhere

    told = draw()

    task = ScoringTask.objects.get(source="double")
    assert (told.evaluations, told.picked, told.without) == (1, 1, 0)
    assert (task.scorer_id, task.source_id, task.pick, task.blind) == (second.pk, made.pk, "calibration", True)
    client.force_login(second)
    page = client.get(reverse("qa:work")).content.decode()
    assert "Drawn" in page
    assert "Second scorer" not in page
    assert "Calibration</td>" not in page
    assert client.get(reverse("qa:evaluation", args=[made.pk])).status_code == 404
    assert not Evaluation.objects.visible_to(second).exists()


def test_afterwards_neither_of_the_two_reads_that_it_was_a_second_answer(client, team, form, first, second):
    drawn(team, form, first)
    draw()
    begun = queue.begin(task=ScoringTask.objects.get(source="double"), by=second, at=NIGHT)
    again = evaluated(_call(begun), form, second, at=NIGHT)

    assert again.pick == "calibration"
    assert not Evaluation.objects.visible_to(first).filter(pk=again.pk).exists()
    client.force_login(second)
    for address in (reverse("qa:evaluation", args=[again.pk]), reverse("qa:evaluations")):
        page = client.get(address).content.decode()
        assert "<td>Calibration</td>" not in page
        assert "<dd>Calibration</dd>" not in page
    listed = client.get(reverse("qa:evaluations"), {"pick": "calibration"}).content.decode()
    assert reverse("qa:evaluation", args=[again.pk]) not in listed
    told = client.get(f"/api/v1/evaluations/{again.pk}/")
    assert told.status_code == 403 or told.json()["pick"] == "drawn"


def test_the_figures_of_a_second_scorer_leave_the_call_out_until_it_is_scored(team, form, first, second):
    """One of two calls is drawn; everybody else reads both, by agent and in all."""
    agents = {drawn(team, form, first).agent_id for _n in range(2)}
    draw()
    roll_up()
    task = ScoringTask.objects.get(source="double")
    others = agents - {Evaluation.objects.get(pk=task.source_id).agent_id}

    def told(user):
        found = figures(since=DAY, until=DAY, by=["agent"], user=user, measures=["calls", "qa_evaluations"])
        return {row.key[0] for row in found.rows if row.counts["qa_evaluations"]}, found.total.counts["qa_evaluations"]

    before = [told(user) for user in (second, first, None)]
    begun = queue.begin(task=task, by=second, at=NIGHT)
    evaluated(_call(begun), form, second, at=NIGHT)

    assert before == [(others, 1), (agents, 2), (agents, 2)]
    assert told(second) == (agents, 2)


def _call(row):
    from campaigns.models import Call

    return Call.objects.get(pk=row.call_id, started_at=row.call_started_at)


def test_the_repeat_of_a_day_gives_nothing_new(team, form, first, second):
    drawn(team, form, first)
    one = draw()

    again = draw(chance=Always(2))

    assert again.pk == one.pk
    assert ScoringTask.objects.filter(source="double").count() == 1
    assert DAY not in doubles.days_due(NIGHT)


def test_only_drawn_calls_are_scored_twice(team, form, first, second):
    evaluated(call_of(team, agent=agent_of(team)), form, first)  # on request
    taken_back = drawn(team, form, first)
    evaluations.withdraw(evaluation=taken_back, reason="wrong", by=first, at=AT)

    assert draw().evaluations == 0


def test_nobody_gets_an_own_call_or_one_of_the_own_team(team, form, first):
    made = drawn(team, form, first)
    agent = made.agent_id
    Membership.objects.create(user_id=agent, role=Role.QA, city=team.city, valid_from=date(2020, 1, 1))
    leader = UserFactory(role=Role.TEAM_LEADER, team=team)
    Membership.objects.create(user=leader, role=Role.QA, city=team.city, valid_from=date(2020, 1, 1))

    told = draw()

    assert (told.picked, told.without) == (0, 1)
    assert not ScoringTask.objects.filter(source="double").exists()


def test_five_of_a_hundred_are_drawn_and_the_rest_by_lot(team, form, first, second):
    for _n in range(12):
        drawn(team, form, first, pick="stratified")

    class Never(random.Random):
        def random(self) -> float:
            return 0.0

    doubles.set_share(percent=10, by=UserFactory(role=Role.REGIONAL_MANAGER), at=AT)

    assert draw(chance=Never(1)).picked == 1  # 1.2, rounded down by lot


def test_the_share_stays_within_its_bounds_and_is_the_regions(first):
    manager = UserFactory(role=Role.REGIONAL_MANAGER)
    assert doubles.share() == 5
    for percent in (4, 11):
        with pytest.raises(doubles.NotAShare):
            doubles.set_share(percent=percent, by=manager, at=AT)
    with pytest.raises(PermissionRefused):
        doubles.set_share(percent=8, by=first, at=AT)

    doubles.set_share(percent=8, by=manager, at=AT)
    doubles.set_share(percent=8, by=manager, at=AT)

    assert (doubles.share(), DoubleShare.objects.count()) == (8, 1)


def test_a_day_that_is_not_over_is_not_drawn(team):
    with pytest.raises(doubles.DayNotOver):
        doubles.draw_day(day=DAY, at=AT)
    assert not DoubleDraw.objects.exists()


def test_a_second_scorer_who_left_and_a_first_answer_taken_back_wait_no_longer(team, form, first, second):
    made = drawn(team, form, first)
    draw()
    assert doubles.settle(at=NIGHT) == 0

    evaluations.withdraw(evaluation=made, reason="wrong", by=first, at=NIGHT)

    assert doubles.settle(at=NIGHT) == 1
    other = drawn(team, form, first, at=NIGHT)
    doubles.draw_day(day=business_date(NIGHT), at=NIGHT + timedelta(days=1), chance=Always(1))
    assert ScoringTask.objects.open().get(source="double").source_id == other.pk
    second.memberships.update(valid_to=date(2026, 1, 2))
    assert doubles.settle(at=NIGHT) == 1
