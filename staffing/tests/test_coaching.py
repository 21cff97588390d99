"""Coaching sessions: who plans, who sees, who writes first, and what stays as it was signed."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.tests.factories import AT
from core.errors import PermissionRefused
from people.tests.factories import TeamFactory, UserFactory
from staffing.models import CoachingSession, CoachingStep
from staffing.services import coaching
from staffing.services.coaching import ReasonMissing, SessionFixed, ViewMissing

pytestmark = pytest.mark.django_db
DUE = date(2030, 1, 15)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def coach(team):
    return UserFactory(leader=team)


@pytest.fixture
def agent(team):
    return UserFactory(agent=team)


@pytest.fixture
def session(agent, coach):
    return coaching.plan_session(agent=agent, coach=coach, planned_at=AT + timedelta(days=1), at=AT)


def words(session, by, **other):
    told = {"good": "Warm opening", "improve": "Ask more", "expected": "Two open questions", "steps": [("Listen to two calls", DUE)], "next_on": DUE}  # fmt: skip
    return coaching.write_words(session=session, by=by, at=AT, **{**told, **other})


def signed(session, agent, coach):
    coaching.write_own_view(session=session, by=agent, text="I hurried", at=AT)
    words(session, coach)
    coaching.sign(session=session, by=agent, at=AT)
    return coaching.sign(session=session, by=coach, at=AT)


def test_a_session_goes_from_plan_to_both_signatures(session, agent, coach, team):
    done = signed(session, agent, coach)

    assert (done.team, done.city_id, done.own_view, done.good) == (team, team.city_id, "I hurried", "Warm opening")
    assert (done.agent_signed_at, done.coach_signed_at, done.next_on) == (AT, AT, DUE)
    assert [step.what for step in done.steps.all()] == ["Listen to two calls"]


@pytest.mark.parametrize("of", ["other team", "agent", "manager"])
def test_only_the_leader_of_the_agents_team_plans(agent, team, of):
    by = {
        "other team": lambda: UserFactory(leader=TeamFactory(city=team.city)),
        "agent": lambda: UserFactory(agent=team),
        "manager": lambda: UserFactory(role="city_manager", city=team.city),
    }[of]()

    with pytest.raises(PermissionRefused):
        coaching.plan_session(agent=agent, coach=by, planned_at=AT, at=AT)


def test_the_coachs_words_are_shown_to_the_agent_only_after_the_agents_own(session, agent, coach):
    written = words(session, coach)
    assert (written.shows_coach_words_to(agent), written.shows_coach_words_to(coach)) == (False, True)

    viewed = coaching.write_own_view(session=session, by=agent, text="I hurried", at=AT)

    assert viewed.shows_coach_words_to(agent)


def test_each_writes_the_own_part_alone(session, agent, coach):
    with pytest.raises(PermissionRefused):
        coaching.write_own_view(session=session, by=coach, text="He hurried", at=AT)
    with pytest.raises(PermissionRefused):
        words(session, agent)


def test_empty_words_are_no_words(session, agent, coach):
    with pytest.raises(ViewMissing):
        coaching.write_own_view(session=session, by=agent, text="  ", at=AT)
    with pytest.raises(ViewMissing):
        words(session, coach, improve=" ")


def test_nobody_signs_for_another_nor_before_both_have_written(session, agent, coach, team):
    with pytest.raises(ViewMissing):
        coaching.sign(session=session, by=agent, at=AT)
    with pytest.raises(PermissionRefused):
        coaching.sign(session=session, by=UserFactory(role="city_manager", city=team.city), at=AT)


def test_what_was_signed_stays_and_signing_again_changes_nothing(session, agent, coach):
    signed(session, agent, coach)

    again = coaching.sign(session=session, by=agent, at=AT + timedelta(hours=1))

    assert again.agent_signed_at == AT
    with pytest.raises(SessionFixed):
        words(session, coach)
    with pytest.raises(SessionFixed):
        coaching.write_own_view(session=session, by=agent, text="Other", at=AT)
    with pytest.raises(SessionFixed):
        coaching.cancel_session(session=session, by=coach, why="Ill", at=AT)


def test_a_session_is_moved_and_cancelled_with_a_reason_by_its_coach(session, agent, coach):
    later = AT + timedelta(days=3)
    with pytest.raises(ReasonMissing):
        coaching.move_session(session=session, by=coach, planned_at=later, why=" ", at=AT)
    with pytest.raises(PermissionRefused):
        coaching.cancel_session(session=session, by=agent, why="Ill", at=AT)

    moved = coaching.move_session(session=session, by=coach, planned_at=later, why="Ill", at=AT)
    cancelled = coaching.cancel_session(session=session, by=coach, why="Left", at=AT)

    assert (moved.planned_at, cancelled.cancelled_at, cancelled.change_why) == (later, AT, "Left")
    assert not CoachingSession.objects.to_come().exists()


def test_the_next_session_says_whether_a_step_was_done(session, agent, coach):
    words(session, coach)
    step = session.steps.get()
    with pytest.raises(ViewMissing):
        coaching.look_at_step(step=step, by=coach, is_done=True, at=AT)
    signed(session, agent, coach)
    step = session.steps.get()

    with pytest.raises(PermissionRefused):
        coaching.look_at_step(step=step, by=agent, is_done=True, at=AT)

    assert coaching.look_at_step(step=step, by=coach, is_done=False, at=AT).is_done is False


def test_the_two_the_teams_leader_and_the_citys_manager_read_and_nobody_else(session, agent, coach, team):
    readers = [agent, coach, UserFactory(leader=team), UserFactory(role="city_manager", city=team.city)]
    others = [
        UserFactory(leader=TeamFactory(city=team.city)),
        UserFactory(agent=team),
        UserFactory(role="qa", city=team.city),
        UserFactory(role="city_manager", city=TeamFactory().city),
    ]

    assert [CoachingSession.objects.visible_to(user).count() for user in readers] == [1, 1, 1, 1]
    assert [CoachingSession.objects.visible_to(user).count() for user in others] == [0, 0, 0, 0]


@pytest.mark.parametrize("change", ["word", "unsign", "delete", "step", "new step", "drop step"])
def test_the_database_itself_keeps_what_was_signed(session, agent, coach, change):
    signed(session, agent, coach)
    one, step = CoachingSession.objects.filter(pk=session.pk), CoachingStep.objects.filter(session=session)
    deeds = {
        "word": lambda: one.update(good="Other"),
        "unsign": lambda: one.update(agent_signed_at=None),
        "delete": lambda: one._raw_delete("default"),
        "step": lambda: step.update(what="Other"),
        "new step": lambda: CoachingStep.objects.create(session=session, what="More", due_on=DUE),
        "drop step": lambda: step.delete(),
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        deeds[change]()


def test_a_trainer_coaches_in_the_own_city_alone(agent, team):
    own, other = UserFactory(role="trainer", city=team.city), UserFactory(role="trainer", city=TeamFactory().city)

    made = coaching.plan_session(agent=agent, coach=own, planned_at=AT, at=AT)

    assert made.coach == own
    with pytest.raises(PermissionRefused):
        coaching.plan_session(agent=agent, coach=other, planned_at=AT, at=AT)
