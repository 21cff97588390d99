"""Pages of coaching: whose they are, the agent's view before the coach's words, and what each may do on them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from metrics.own_day import own_day
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of
from staffing.models import CoachingSession
from staffing.queries_coaching import next_coaching
from staffing.services import coaching

pytestmark = pytest.mark.django_db
WORDS = {"good": "Warm opening", "improve": "Ask more", "expected": "Two open questions", "what_1": "Listen to two calls", "due_1": "2030-01-15", "next_on": "2030-01-20"}  # fmt: skip


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
    now = timezone.now()
    return coaching.plan_session(agent=agent, coach=coach, planned_at=now + timedelta(days=1), at=now)


def url(name, session):
    return reverse(f"staffing:coaching-{name}", args=[session.pk])


def page(client, user, session):
    client.force_login(user)
    return client.get(url("session", session))


def post(client, user, name, session, **data):
    client.force_login(user)
    return client.post(url(name, session), data)


def test_a_leader_plans_a_session_with_an_evaluation_of_the_agent(client, agent, coach, team):
    sheet = evaluated(call_of(team, agent=agent), form_of(UserFactory(role="qa")), UserFactory(role="qa"))
    client.force_login(coach)
    address = f"{reverse('staffing:coaching-new')}?agent={agent.pk}"
    assert "Own · 80.0" in client.get(address).content.decode()
    when = timezone.localtime(timezone.now() + timedelta(days=2))

    answer = client.post(address, {"planned_at": f"{when:%Y-%m-%dT%H:%M}", "evaluations": [sheet.pk]})

    made = CoachingSession.objects.get()
    assert answer.url == url("session", made)
    assert (made.agent, made.coach, list(made.evaluations.all())) == (agent, coach, [sheet])


def test_a_trainer_plans_in_the_own_city_alone(client, agent, team):
    trainer = UserFactory(role="trainer", city=team.city)
    stranger = UserFactory(agent=TeamFactory())
    client.force_login(trainer)

    new = reverse("staffing:coaching-new")

    assert str(agent) in client.get(new).content.decode()
    assert client.get(f"{new}?agent={agent.pk}").status_code == 200
    assert client.get(f"{new}?agent={stranger.pk}").status_code == 404


@pytest.mark.parametrize("when", ["", "soon", "2090-01-01T10:00"])
def test_a_time_that_no_session_can_have_is_refused(client, agent, coach, when):
    client.force_login(coach)

    answer = client.post(f"{reverse('staffing:coaching-new')}?agent={agent.pk}", {"planned_at": when})

    assert (answer.status_code, CoachingSession.objects.count()) == (422, 0)


def test_the_agent_sees_the_coachs_words_and_steps_only_after_the_own_view(client, session, agent, coach):
    assert post(client, coach, "words", session, **WORDS).status_code == 302
    before = page(client, agent, session).content.decode()
    assert "Ask more" not in before
    assert "Listen to two calls" not in before

    assert post(client, agent, "view", session, text="I hurried").status_code == 302

    after = page(client, agent, session).content.decode()
    assert "Ask more" in after
    assert "Listen to two calls" in after


def test_both_sign_and_the_page_has_nothing_left_to_write(client, session, agent, coach):
    post(client, coach, "words", session, **WORDS)
    post(client, agent, "view", session, text="I hurried")
    for user in (agent, coach):
        assert post(client, user, "sign", session).status_code == 302

    session.refresh_from_db()
    shown = page(client, coach, session).content.decode()

    assert session.state == "signed"
    assert url("words", session) not in shown
    assert url("sign", session) not in shown
    assert post(client, coach, "words", session, **WORDS).status_code == 422


def test_the_coach_says_at_the_next_session_whether_a_step_was_done(client, session, agent, coach):
    post(client, coach, "words", session, **WORDS)
    post(client, agent, "view", session, text="I hurried")
    for user in (agent, coach):
        post(client, user, "sign", session)
    step = session.steps.get()
    later = coaching.plan_session(agent=agent, coach=coach, planned_at=session.planned_at + timedelta(days=9), at=timezone.now())  # fmt: skip
    assert "Listen to two calls" in page(client, coach, later).content.decode()

    answer = client.post(reverse("staffing:coaching-step", args=[step.pk]), {"done": "no", "back": later.pk})

    step.refresh_from_db()
    assert (answer.url, step.is_done) == (url("session", later), False)


def test_words_that_are_missing_and_steps_without_a_date_are_said_beside_the_form(client, session, coach):
    answer = post(client, coach, "words", session, **{**WORDS, "due_1": ""})

    assert answer.status_code == 422
    assert "Each step has words and a date." in answer.content.decode()
    assert not session.steps.exists()


def test_a_session_is_moved_and_cancelled_with_a_reason(client, session, coach):
    when = timezone.localtime(timezone.now() + timedelta(days=5))
    moved = {"planned_at": f"{when:%Y-%m-%dT%H:%M}"}
    assert post(client, coach, "move", session, **moved, why="").status_code == 422
    assert post(client, coach, "move", session, **moved, why="Ill").status_code == 302
    assert post(client, coach, "cancel", session, why="Left").status_code == 302

    session.refresh_from_db()

    assert (session.state, session.change_why) == ("cancelled", "Left")


def test_who_is_not_part_of_it_finds_nothing(client, session, team):
    for user in (UserFactory(leader=TeamFactory(city=team.city)), UserFactory(agent=team), UserFactory(role="trainer", city=team.city)):  # fmt: skip
        assert page(client, user, session).status_code == 404
        assert post(client, user, "cancel", session, why="x").status_code == 404
        assert url("session", session) not in client.get(reverse("staffing:coaching")).content.decode()
    client.logout()
    assert client.get(reverse("staffing:coaching")).status_code == 302


def test_a_manager_reads_and_changes_nothing(client, session, team):
    manager = UserFactory(role="city_manager", city=team.city)

    assert page(client, manager, session).status_code == 200
    assert post(client, manager, "cancel", session, why="x").status_code == 403
    assert post(client, manager, "words", session, **WORDS).status_code == 403
    assert post(client, manager, "sign", session).status_code == 403


def test_a_session_leads_to_growth_only_where_the_reader_may_see_it(client, session, agent, coach, team):
    growth = f"{reverse('staffing:growth')}?agent={agent.pk}"
    for user in (agent, coach):
        assert growth in page(client, user, session).content.decode()
        assert client.get(growth).status_code == 200

    Membership.objects.filter(user=agent).update(team=TeamFactory())

    assert growth not in page(client, coach, session).content.decode()
    assert client.get(growth).status_code == 404


def test_the_list_keeps_to_a_state(client, session, coach):
    client.force_login(coach)
    listed = url("session", session)

    assert listed in client.get(reverse("staffing:coaching"), {"state": "to_come"}).content.decode()
    assert listed not in client.get(reverse("staffing:coaching"), {"state": "signed"}).content.decode()


# -- the agent's own day -----------------------------------------------------------------------------------------------


def test_the_own_day_shows_the_next_session_and_no_cancelled_one(session, agent, coach):
    assert own_day(agent, timezone.now()).coaching_at == session.planned_at

    coaching.cancel_session(session=session, by=coach, why="Ill", at=timezone.now())

    assert own_day(agent, timezone.now()).coaching_at is None


def test_with_nothing_planned_the_day_agreed_at_the_last_session_shows(client, session, agent, coach):
    on = timezone.localdate() + timedelta(days=9)
    post(client, coach, "words", session, **{**WORDS, "next_on": on.isoformat()})
    post(client, agent, "view", session, text="I hurried")
    for user in (agent, coach):
        post(client, user, "sign", session)

    shown = next_coaching(agent, timezone.now())

    assert shown is not None
    assert timezone.localdate(shown) == on
    assert next_coaching(agent, timezone.now() + timedelta(days=30)) is None
    assert next_coaching(coach, timezone.now()) is None
