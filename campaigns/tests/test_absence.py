"""Promises of agents who are not at the desk go to somebody who is, before their time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import jobs
from campaigns.models import AgentState, Callback, CampaignTeam
from campaigns.services import absence, callbacks, claim, desk
from campaigns.services.absence import hand_over_promises
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import TeamFactory, agent_of, hold, person
from campaigns.tests.test_jobs import Nightly
from core.clock import database_now
from core.models import AuditEvent
from people.models import Membership

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def floor():
    return Floor()


def at_desk(floor, agent=None, state="waiting", team=None):
    agent = agent or agent_of(floor.team)
    AgentState.objects.create(agent=agent, team=team or floor.team, state=state, began_at=AT - 60 * MINUTE)
    return agent


def promise(floor, due_at=AT + 10 * MINUTE, agent=None) -> Callback:
    agent = agent or floor.agent
    lead = floor.lead(due_at=due_at, ready_at=due_at, callback_agent=agent)
    return lead.callbacks.create(agent=agent, due_at=due_at)


def keeper(row):
    row.refresh_from_db()
    return row.agent


def test_a_promise_due_soon_goes_to_somebody_who_is_there(floor):
    row, other = promise(floor), at_desk(floor)

    assert hand_over_promises(at=AT) == {"handed": 1, "nobody": 0}

    assert keeper(row) == other
    assert (row.handed_from, row.handed_at, row.handed_why) == (floor.agent, AT, "absent")
    assert claim.claim_next_lead(agent=other, at=AT + 10 * MINUTE) == row.lead
    told = AuditEvent.objects.get(action="campaigns.callback.handed_over")
    assert (told.actor_id, told.detail["why"], told.detail["to_agent"]) == (None, "absent", other.pk)


def test_a_second_run_changes_nothing(floor):
    row, other = promise(floor), at_desk(floor)
    hand_over_promises(at=AT)

    assert hand_over_promises(at=AT + 3 * MINUTE) == {"handed": 0, "nobody": 0}
    assert keeper(row) == other


@pytest.mark.parametrize("state", ["waiting", "talking", "away"])
def test_who_is_at_the_desk_or_on_a_break_keeps_the_promise(floor, state):
    row = promise(floor)
    at_desk(floor)
    at_desk(floor, floor.agent, state)

    assert hand_over_promises(at=AT) == {"handed": 0, "nobody": 0}
    assert keeper(row) == floor.agent


def test_the_end_of_a_shift_lets_go_of_what_comes_later_when_its_time_nears(floor):
    row, other = promise(floor, AT + 60 * MINUTE), at_desk(floor)
    at_desk(floor, floor.agent)
    desk.sign_out(agent=floor.agent, at=AT)

    assert hand_over_promises(at=AT + 44 * MINUTE)["handed"] == 0
    assert hand_over_promises(at=AT + 45 * MINUTE)["handed"] == 1
    assert keeper(row) == other


def test_what_anybody_may_take_already_is_left_alone(floor):
    at_desk(floor)
    promise(floor, AT - 30 * MINUTE)
    just_late = promise(floor, AT - 29 * MINUTE)

    assert hand_over_promises(at=AT) == {"handed": 1, "nobody": 0}
    assert keeper(just_late) != floor.agent


def test_it_goes_to_the_one_with_the_least_around_that_time(floor):
    busy, free = at_desk(floor), at_desk(floor)
    promise(floor, AT + 40 * MINUTE, agent=busy)
    for hours in (3, 4, 5):
        promise(floor, AT + timedelta(hours=hours), agent=free)
    rows = [promise(floor), promise(floor, AT + 11 * MINUTE)]

    hand_over_promises(at=AT)

    assert [keeper(row) for row in rows] == [free, busy]  # with one each around the time, the one with less in all


@pytest.mark.parametrize("where", ["other team", "other campaign", "on a break", "not there"])
def test_nobody_of_the_team_who_is_there_means_that_it_stays(floor, where):
    row = promise(floor)
    if where == "other team":
        team = TeamFactory(city=floor.city)
        CampaignTeam.objects.create(campaign=floor.campaign, team=team)
        at_desk(floor, agent_of(team), team=team)
    elif where == "other campaign":
        at_desk(Floor())
    elif where == "on a break":
        at_desk(floor, state="away")
    else:
        agent_of(floor.team)

    assert hand_over_promises(at=AT) == {"handed": 0, "nobody": 1}
    assert keeper(row) == floor.agent


def test_promises_of_somebody_who_left_the_team_go_to_the_team_left_behind(floor):
    row, other = promise(floor), at_desk(floor)
    Membership.objects.filter(user=floor.agent).update(valid_to=AT.date())

    assert hand_over_promises(at=AT)["handed"] == 1
    assert keeper(row) == other


def test_a_customer_on_somebodys_desk_is_not_moved(floor):
    row, other = promise(floor), at_desk(floor)
    hold(row.lead, other)

    assert hand_over_promises(at=AT) == {"handed": 0, "nobody": 0}
    assert keeper(row) == floor.agent


def test_the_lead_is_locked_before_it_moves_and_one_that_somebody_works_on_is_not_waited_for(floor):
    promise(floor)
    at_desk(floor)

    with CaptureQueriesContext(connection) as asked:
        hand_over_promises(at=AT)

    locked = [row["sql"] for row in asked if "FOR UPDATE" in row["sql"]]
    assert '"campaigns_lead"' in locked[0]
    assert "SKIP LOCKED" in locked[0]


def test_one_promise_at_fault_does_not_hold_up_the_others(floor, monkeypatch):
    first, second = promise(floor), promise(floor, AT + 11 * MINUTE)
    other = at_desk(floor)
    real = callbacks.hand_over

    def faulty(*, callback, **more):
        if callback == first:
            raise RuntimeError("fault")
        return real(callback=callback, **more)

    monkeypatch.setattr(callbacks, "hand_over", faulty)

    assert hand_over_promises(at=AT) == {"handed": 1, "nobody": 0}
    assert [keeper(first), keeper(second)] == [floor.agent, other]


def test_a_team_that_is_away_altogether_keeps_no_other_team_waiting(floor, monkeypatch):
    monkeypatch.setattr(absence, "PAGE", 2)
    monkeypatch.setattr(absence, "AT_ONCE", 2)
    for minutes in range(5):
        promise(floor, AT + minutes * MINUTE)
    there = Floor()
    rows, other = [promise(there), promise(there, AT + 11 * MINUTE), promise(there, AT + 12 * MINUTE)], at_desk(there)

    assert hand_over_promises(at=AT) == {"handed": 2, "nobody": 5}

    assert [keeper(row) for row in rows] == [other, other, there.agent]  # the third in the next run
    assert hand_over_promises(at=AT) == {"handed": 1, "nobody": 5}


def test_what_nobody_can_take_is_asked_for_once_a_team(floor):
    def asked(count):
        for _number in range(count):
            promise(floor)
        with CaptureQueriesContext(connection) as queries:
            hand_over_promises(at=AT)
        return len(queries)

    assert asked(1) == asked(4)


def test_the_job_hands_over_at_its_own_time(floor):
    row, other = promise(floor), at_desk(floor)

    assert jobs.hand_over_promises(Nightly(AT)) == {"handed": 1, "nobody": 0}
    assert keeper(row) == other


def test_a_hand_over_is_stored_whole(floor):
    row = promise(floor)

    with pytest.raises(IntegrityError), transaction.atomic():
        Callback.objects.filter(pk=row.pk).update(handed_at=AT)


# ---------------------------------------------------------------- told on both desks


def test_both_desks_tell_of_it_and_a_third_does_not(client, floor):
    at = database_now()
    other = agent_of(floor.team)
    row = promise(floor, at + 10 * MINUTE)
    callbacks.hand_over(callback=row, to=other, by=None, at=at, why="absent")

    def desk_of(agent):
        client.force_login(agent)
        return client.get(reverse("campaigns:desk_promises")).content.decode()

    assert f"You keep the promise of {floor.agent}, who is not at the desk." in desk_of(other)
    page = desk_of(floor.agent)
    assert f"{other} keeps your promise, as you were not at the desk." in page
    assert row.lead.customer.name not in page
    assert "promise of" not in desk_of(agent_of(floor.team))


def test_a_hand_over_by_hand_is_told_too_until_the_next_day(floor):
    other, row = agent_of(floor.team), promise(floor, AT + timedelta(days=2))
    callbacks.hand_over(callback=row, to=other, by=person("supervisor"), at=AT)

    assert [one.handed_why for one in callbacks.handed_today(floor.agent, AT)] == ["by_hand"]
    assert callbacks.handed_today(other, AT) == [row]
    assert callbacks.handed_today(other, AT + timedelta(days=1)) == []
