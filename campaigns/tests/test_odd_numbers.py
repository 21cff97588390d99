"""Addresses and forms whose numbers are none: a page answers, and nothing breaks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.api_desk import ResultSerializer
from campaigns.forms_desk import ResultForm
from campaigns.services.results import LONGEST_WAIT, waited_for
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import person

pytestmark = pytest.mark.django_db
ODD = ["²", "٣", "9" * 19, "1" * 5000, "-1", "1.5", "seven"]
LISTS = [
    ("campaigns:callbacks", "agent"),
    ("campaigns:callbacks", "team"),
    ("campaigns:callbacks", "page"),
    ("campaigns:promises-kept", "team"),
    ("campaigns:skips", "team"),
    ("campaigns:refusals", "campaign"),
    ("campaigns:refusals", "days"),
    ("campaigns:bench", "customer"),
    ("campaigns:bench", "campaign"),
    ("campaigns:campaigns", "page"),
    ("campaigns:calls", "team"),
    ("campaigns:calls", "agent"),
    ("campaigns:orders", "campaign"),
    ("campaigns:data-requests", "page"),
    ("campaigns:list_allocate", "list"),
    ("campaigns:segment_allocate", "segment"),
    ("campaigns:data-request-new", "campaign"),
]


@pytest.mark.parametrize(("name", "field"), LISTS)
def test_a_number_that_is_none_breaks_no_list(client, name, field):
    is_of_leaders = name in ("campaigns:callbacks", "campaigns:promises-kept", "campaigns:skips")
    client.force_login(person("supervisor" if is_of_leaders else "campaign_manager"))

    assert {client.get(reverse(name), {field: value}).status_code for value in ODD} == {200}


@pytest.mark.parametrize("value", ODD)
def test_a_promise_is_handed_to_nobody_whose_number_is_none(client, value):
    floor = Floor()
    row = floor.lead().callbacks.create(agent=floor.agent, due_at=AT)
    client.force_login(person("supervisor"))

    page = client.post(reverse("campaigns:callback_hand_over", args=[row.pk]), {"to": value})

    assert "Choose the agent who keeps this promise." in page.content.decode()


@pytest.mark.parametrize(("seconds", "believed"), [(0, 0), (90, 90), (10**15, 12 * 3600)])
def test_a_result_has_waited_half_a_day_at_most(seconds, believed):
    assert waited_for(seconds) == timedelta(seconds=believed) <= LONGEST_WAIT


def test_the_desk_reads_an_answer_of_a_question_with_a_number_alone():
    asked = {"lead": "1", "disposition": "sold", "answer-²": "Yes", "answer-7": "No", "waited": str(10**15)}
    form = ResultForm(asked)

    assert form.is_valid(), form.errors
    told = form.for_service(at=AT)
    assert (told["answers"], told["waited"]) == ({7: "No"}, LONGEST_WAIT)


@pytest.mark.parametrize(("key", "is_read"), [("7", True), ("²", False), ("9" * 30, False), ("seven", False)])
def test_the_api_reads_answers_by_the_number_of_their_question(key, is_read):
    asked = ResultSerializer(data={"result": "sold", "answers": {key: "Yes"}, "waited_seconds": 10**15})

    assert asked.is_valid() is is_read
    assert ("answers" in asked.errors) is not is_read
    if is_read:
        told = asked.for_service(at=AT)
        assert (told["answers"], told["waited"]) == ({7: "Yes"}, LONGEST_WAIT)
