"""Coaching sessions over the API: by the same rules as on the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.tests.factories import AT
from core.clock import database_now
from people.tests.factories import TeamFactory, UserFactory
from staffing.models import CoachingSession
from staffing.services import coaching
from staffing.tests.test_coaching import agent, coach, session, team, words

__all__ = ["agent", "coach", "session", "team"]  # fixtures of the verbs

pytestmark = pytest.mark.django_db
PATH = "/api/v1/coaching-sessions/"


def post(client, path="", **said):
    return client.post(f"{PATH}{path}", said, content_type="application/json")


def tomorrow():
    return (database_now() + timedelta(days=1)).isoformat()


def test_a_session_goes_from_plan_to_both_signatures(client, agent, coach):
    client.force_login(coach)
    made = post(client, agent=agent.pk, planned_at=tomorrow())
    assert (made.status_code, made.json()["state"]) == (201, "planned")
    row = CoachingSession.objects.get(pk=made.json()["id"])
    early = post(client, f"{row.pk}/signature/")
    assert (early.status_code, early.json()["code"]) == (409, "ViewMissing")

    client.force_login(agent)
    assert post(client, f"{row.pk}/own-view/", text="I hurried").json()["own_view"] == "I hurried"
    words(row, coach)
    assert post(client, f"{row.pk}/signature/").json()["state"] == "half"
    client.force_login(coach)
    done = post(client, f"{row.pk}/signature/").json()

    assert (done["state"], [step["what"] for step in done["steps"]]) == ("signed", ["Listen to two calls"])
    assert [found["id"] for found in client.get(PATH, {"state": "signed"}).json()["results"]] == [row.pk]
    assert client.get(PATH, {"state": "to_come"}).json()["results"] == []


def test_the_coachs_words_come_after_the_agents_own(client, session, agent, coach):
    words(session, coach)
    client.force_login(agent)
    before = client.get(f"{PATH}{session.pk}/").json()
    [listed_before] = client.get(PATH).json()["results"]

    coaching.write_own_view(session=session, by=agent, text="I hurried", at=AT)
    after = client.get(f"{PATH}{session.pk}/").json()
    [listed_after] = client.get(PATH).json()["results"]

    assert (before["good"], before["steps"], before["next_on"]) == ("", [], None)
    assert (after["good"], len(after["steps"])) == ("Warm opening", 1)
    assert after["next_on"] is not None
    assert (listed_before["next_on"], listed_after["next_on"]) == (None, after["next_on"])


@pytest.mark.parametrize("days", [-32, 367])
def test_a_time_that_the_page_refuses_is_refused_here_too(client, agent, coach, days):
    client.force_login(coach)

    refused = post(client, agent=agent.pk, planned_at=(database_now() + timedelta(days=days)).isoformat())

    assert (refused.status_code, refused.json()["code"]) == (409, "NoSuchTime")
    assert not CoachingSession.objects.exists()


def test_a_plan_sent_twice_with_one_key_is_one_session(client, agent, coach):
    client.force_login(coach)
    wish = {"agent": agent.pk, "planned_at": tomorrow()}

    first, again = (
        client.post(PATH, wish, content_type="application/json", headers={"Idempotency-Key": "plan-1"})
        for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert [first.json()["id"], again.json()["id"]] == [CoachingSession.objects.get().pk] * 2


def test_nobody_plans_with_an_agent_of_another_team(client, coach):
    other = UserFactory(agent=TeamFactory())
    client.force_login(coach)

    assert post(client, agent=other.pk, planned_at=AT.isoformat()).status_code == 400
    assert not CoachingSession.objects.exists()


def test_sessions_of_others_are_found_by_nobody_else(client, session, team):
    for user in (UserFactory(leader=TeamFactory(city=team.city)), UserFactory(agent=team)):
        client.force_login(user)
        assert client.get(PATH).json()["results"] == []
        assert client.get(f"{PATH}{session.pk}/").status_code == 404
        assert post(client, f"{session.pk}/signature/").status_code == 404
    client.force_login(UserFactory(role="data"))
    assert client.get(PATH).status_code == 403
    client.logout()
    assert client.get(PATH).status_code in (401, 403)
