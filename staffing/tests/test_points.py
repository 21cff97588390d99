"""Items in points in the work on people: growth, common problems, what coaching did, grave calls. Counted by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from metrics.tests import factories as f
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Evaluation
from qa.services import forms
from qa.tests.factories import AT, call_of
from qa.tests.sheets import draft_in_points, item, scored_in_points
from staffing import queries_growth
from staffing.models import CoachingSession
from staffing.queries_effect import effect
from staffing.queries_problems import problems
from staffing.queries_queue import _failed

pytestmark = pytest.mark.django_db
DAY = f.DAY
MONTH = DAY.replace(day=1)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    return forms.publish(version=draft_in_points(qa), by=qa, at=AT)


def drawn(version, qa, team, day=DAY, agent=None, **told):
    made = scored_in_points(call_of(team, at=f.at(day), agent=agent), version, qa, at=f.at(day), told=told)
    Evaluation.objects.filter(pk=made.pk).update(pick="random", probability=0.5)
    return made


def test_growth_adds_the_share_of_points_by_weight(version, qa, team):
    """Two calls: (1 + 2 x 3/5) and (0 + 2 x 5/5) of 3 each: 4.2 / 6 = 0.7, in the stage as in the skill."""
    drawn(version, qa, team)
    drawn(version, qa, team, Explains="5", Greets="no")

    rows = queries_growth.scored(qa, [MONTH], team_id=team.pk)
    found = queries_growth.growth(rows, version.form_id, [MONTH])

    assert [row.points[0].share for row in found.stages] == [pytest.approx(0.7)]
    assert [(row.name, row.points[0].share) for row in found.skills] == [("Voice", pytest.approx(0.7))]


def test_a_stage_whose_item_got_other_points_is_marked_as_changed(version, qa, team):
    later = MONTH.replace(month=MONTH.month + 2)
    drawn(version, qa, team)
    draft = forms.new_version(form=version.form, by=qa, at=AT)
    explains = item(draft, "Explains")
    explains.most_points = 4
    forms.save_item(version=draft, item=explains, by=qa)
    newer = forms.publish(version=draft, by=qa, at=AT)
    drawn(newer, qa, team, later)

    rows = queries_growth.scored(qa, [MONTH, later], team_id=team.pk)
    found = queries_growth.growth(rows, version.form_id, [MONTH, later])

    assert [row.is_changed for row in found.stages] == [True]


def test_a_problem_of_the_team_counts_the_points_that_are_missing(client, version, qa, team):
    """Five calls with 3 of 5 points each, one of them of another agent: 5 x 0.4 = 2 of 5 missed by two; full points are nobody's."""
    agent, other, third = (UserFactory(agent=team) for _n in range(3))
    for who in (agent, agent, agent, agent, other):
        drawn(version, qa, team, agent=who)
    drawn(version, qa, team, agent=third, Explains="5")

    found = problems(qa, team, 30, f.at(DAY + timedelta(days=1)))

    assert [(one.text, one.missed, one.heard, one.agents) for one in found] == [("Explains", pytest.approx(2.0), 6, 2)]
    assert found[0].share == pytest.approx(1 / 3)


def test_coaching_is_judged_by_the_share_of_points(version, qa, team):
    agent = UserFactory(agent=team)
    row = CoachingSession.objects.create(
        agent=agent, coach=UserFactory(), team=team, city=team.city, planned_at=f.at(DAY), aim=item(version, "Explains")
    )
    for day, points in ((-10, "2"), (-9, "3"), (10, "4"), (11, "5"), (12, "na")):
        drawn(version, qa, team, DAY + timedelta(days=day), agent=agent, Explains=points)

    own = effect(row, f.at(DAY + timedelta(days=40))).own

    assert (own.before_yes, own.before_n) == (pytest.approx(1.0), 2)  # 2/5 + 3/5
    assert (own.after_yes, own.after_n) == (pytest.approx(1.8), 2)  # 4/5 + 5/5
    assert own.change == pytest.approx(0.4)


def test_an_agent_whose_points_failed_a_call_is_among_those_to_be_talked_to(version, qa, team):
    failed, fine = UserFactory(agent=team), UserFactory(agent=team)
    drawn(version, qa, team, agent=failed, Explains="1")
    drawn(version, qa, team, agent=fine, Explains="2")

    assert _failed(qa, [failed.pk, fine.pk], f.at(DAY + timedelta(days=1))) == {failed.pk}


def test_the_page_of_problems_tells_how_points_count(client, version, qa, team):
    now_day = AT.date()
    for _n in range(5):
        drawn(version, qa, team, now_day)
    client.force_login(UserFactory(leader=team))

    page = client.get(reverse("staffing:team-problems"), {"team": team.pk, "days": 90}).content.decode()

    assert "3 of 5 points are 0.4" in page
