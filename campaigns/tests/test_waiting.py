"""Why an empty desk has nothing: counted by hand, and counted once for all agents of a team."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import queries_waiting
from campaigns.models import Lead
from campaigns.services.desk_page import why_nothing
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import agent_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def floor():
    queries_waiting.forget()
    return Floor()


def wait(floor: Floor, *hours: int, **fields) -> list[Lead]:
    return [floor.lead(due_at=AT + n * HOUR, ready_at=AT + n * HOUR, **fields) for n in hours]


def told(agent, at=AT) -> list[tuple[int, object, bool]]:
    return [(why.count, why.until, why.is_capped) for why in why_nothing(agent=agent, at=at)]


def test_leads_of_every_priority_are_counted_with_the_next_time(floor):
    wait(floor, 5, priority=9)
    wait(floor, 3, 4, priority=2)

    assert told(floor.agent) == [(3, AT + 3 * HOUR, False)]


def test_a_promise_counts_for_the_agent_who_made_it_alone(floor):
    wait(floor, 2, callback_agent=floor.agent)
    wait(floor, 6)

    assert told(floor.agent) == [(1, AT + 6 * HOUR, False), (1, AT + 2 * HOUR, False)]
    assert told(agent_of(floor.team)) == [(1, AT + 6 * HOUR, False)]


def test_no_more_than_the_cap_is_counted(floor, monkeypatch):
    monkeypatch.setattr(queries_waiting, "MOST", 2)
    wait(floor, 1, 2, 3)

    assert told(floor.agent) == [(2, AT + HOUR, True)]


def test_leads_are_counted_once_a_minute_for_the_whole_team(floor):
    wait(floor, 1)
    told(floor.agent)
    other = agent_of(floor.team)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        told(other, AT + timedelta(seconds=59))
    wait(floor, 2)

    assert not [
        query for query in asked.captured_queries if "generate_series" in query["sql"] or "contactrule" in query["sql"]
    ]
    assert told(other, AT + timedelta(seconds=59)) == [(1, AT + HOUR, False)]
    assert told(other, AT + timedelta(seconds=60)) == [(2, AT + HOUR, False)]
