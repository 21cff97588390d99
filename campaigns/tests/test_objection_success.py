"""How answers did after use, on the page of their objection."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from campaigns.models import AnswerUse
from campaigns.queries_guide import success_of_objection
from campaigns.tests.calling import AT
from campaigns.tests.factories import TeamFactory, agent_of, person
from campaigns.tests.guiding import answer_to
from core.clock import database_now
from people.tests.factories import UserFactory
from scripts.models import ObjectionAnswer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def answer():
    return answer_to("太贵了", by=person("qa"))


def used(answer, uses, sold, helped=0, at=AT, days=1):
    last = AnswerUse.objects.count()
    AnswerUse.objects.bulk_create(
        AnswerUse(
            call_id=last + n, call_started_at=at - timedelta(days=days), answer=answer, sale=n < sold, helped=n < helped or None
        )
        for n in range(uses)
    )  # fmt: skip


def other_answer(answer, status) -> ObjectionAnswer:
    return ObjectionAnswer.objects.create(
        objection=answer.objection, text=f"An answer {status}", status=status, written_by=answer.written_by
    )


def test_uses_sales_and_what_agents_said_are_counted_and_a_rate_stands_between_its_bounds(answer):
    used(answer, 40, sold=3, helped=10)
    used(answer, 5, sold=5, days=31)

    [(row, success)] = success_of_objection(answer.objection_id, at=AT)

    assert (row, success.uses, success.sold, success.helped, success.rate) == (answer, 40, 3, 10, 0.075)
    # Wilson's interval of 3 in 40
    assert (round(success.low, 4), round(success.high, 4)) == (0.0258, 0.1986)


@pytest.mark.parametrize(("uses", "more", "rate"), [(0, 30, None), (29, 1, None), (30, 0, 0.1)])
def test_under_thirty_uses_it_is_too_early_for_a_rate(answer, uses, more, rate):
    used(answer, uses, sold=3)

    [(_row, success)] = success_of_objection(answer.objection_id, at=AT)

    assert (success.more, success.rate) == (more, rate)


def test_answers_in_use_stand_first_and_those_never_shown_are_left_out(answer):
    dropped, second = other_answer(answer, "dropped"), other_answer(answer, "in_use")
    other_answer(answer, "draft")
    used(dropped, 9, sold=1)
    used(second, 2, sold=1)

    assert [row for row, _success in success_of_objection(answer.objection_id, at=AT)] == [second, answer, dropped]


def test_the_objections_page_asks_for_it_and_every_role_that_reads_it_gets_it(client, answer):
    used(answer, 30, sold=6, at=database_now())
    used(other_answer(answer, "in_use"), 12, sold=1, at=database_now())
    url = reverse("campaigns:objection-success", args=[answer.objection_id])
    for reader in (person("trainer"), agent_of(TeamFactory())):
        client.force_login(reader)
        assert url in client.get(reverse("scripts:objection", args=[answer.objection_id])).content.decode()
        part = client.get(url).content.decode()
        assert "20.0" in part
        assert "Too early: 18 more uses." in part


def test_an_objection_without_answers_says_that_none_was_shown_and_a_stranger_is_turned_away(client, answer):
    url = reverse("campaigns:objection-success", args=[answer.objection_id])
    assert client.get(url).status_code == 302
    client.force_login(UserFactory())
    assert client.get(url).status_code == 403
    client.force_login(person("qa"))
    ObjectionAnswer.objects.update(status="draft")

    assert "agents have shown none" in client.get(url).content.decode()
    assert client.get(reverse("campaigns:objection-success", args=[answer.objection_id + 1])).status_code == 404
