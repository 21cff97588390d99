"""Checkpoints, bulletins, wrap-ups and surveys over the API: what other systems read, and what they may do by the same rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Lead
from campaigns.tests.factories import AT, CampaignFactory, CustomerFactory, agent_of
from core.clock import database_now
from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Bulletin, GateReview, SurveyAsk, WrapUp
from qa.services import surveys
from qa.tests.test_reviews import answered, closed, first, gate_of, opened, other_version, planner, standing
from qa.tests.test_surveys import TEXTS, asked_many

__all__ = ["first", "planner"]  # fixtures of the reviews

pytestmark = pytest.mark.django_db
Role = Membership.Role
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def stranger():
    """QA of another city."""
    return UserFactory(role=Role.QA, city=CityFactory())


def get(client, path, **asked):
    return client.get(f"/api/v1/{path}", asked)


def post(client, path, **said):
    return client.post(f"/api/v1/{path}", said, content_type="application/json")


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


# -- gates and their reviews --------------------------------------------------------------------------------------------


def test_a_gate_goes_from_the_list_of_those_waiting_to_its_verdict(client, first, qa):
    client.force_login(qa)
    assert ids(get(client, "gates/", waiting="1")) == [first.pk]

    review = post(client, f"gates/{first.pk}/review/").json()
    early = post(client, f"gates/{first.pk}/verdict/", verdict="pass")
    for item in review["items"]:
        if item["kind"] == "qa":
            assert post(client, f"gates/{first.pk}/answer/", item=item["key"], result="ok").status_code == 200
    done = post(client, f"gates/{first.pk}/verdict/", verdict="pass", reason="Read and heard")

    assert (early.status_code, early.json()["code"]) == (409, "NotInOrder")
    assert "The gate is not passed yet" in early.json()["detail"]
    assert (done.status_code, done.json()["verdict"]) == (200, "pass")
    first.refresh_from_db()
    assert (first.status, first.reason) == ("passed", "Read and heard")
    assert ids(get(client, "gates/", waiting="1")) == []
    assert [row["status"] for row in get(client, "gates/", waiting="0").json()["results"] if row["id"] == first.pk] == ["passed"]  # fmt: skip
    one = get(client, f"gate-reviews/{review['id']}/").json()
    assert {item["result"] for item in one["items"]} == {"ok"}
    assert one["items"][0]["label"] == "A script version is chosen and approved"


def test_of_gates_and_reviews_without_an_open_round_there_is_nothing_to_answer(client, first, qa):
    client.force_login(qa)

    assert post(client, f"gates/{first.pk}/answer/", item="request", result="ok").status_code == 404
    assert post(client, f"gates/{first.pk}/verdict/", verdict="back", reason="x").status_code == 404


def test_a_gate_that_is_not_the_next_one_opens_no_round(client, team, planner, qa):
    gate = gate_of(standing(team, planner, "script_review"), "running")
    client.force_login(qa)

    answer = post(client, f"gates/{gate.pk}/review/")

    assert (answer.status_code, "not the next one" in answer.json()["detail"]) == (409, True)


def test_who_only_plans_reads_gates_and_decides_none(client, first, qa, planner):
    opened(first, qa)
    client.force_login(planner)

    assert get(client, f"gates/{first.pk}/").json()["is_opened"] is True
    assert post(client, f"gates/{first.pk}/verdict/", verdict="back", reason="No").status_code == 403
    assert GateReview.objects.get().is_open


def test_a_gate_that_was_passed_for_another_script_version_waits_again(client, first, qa):
    closed(answered(opened(first, qa), qa), qa)
    client.force_login(qa)
    assert get(client, f"gates/{first.pk}/").json()["is_outdated"] is False

    other_version(first.campaign)

    assert ids(get(client, "gates/", waiting="1")) == [first.pk]
    assert get(client, f"gates/{first.pk}/").json()["is_outdated"] is True
    assert "passed for another script version" in client.get(reverse("qa:gates")).content.decode()
    closed(answered(opened(first, qa), qa), qa)
    assert ids(get(client, "gates/", waiting="1")) == []


def test_another_citys_qa_finds_no_gate_and_no_review(client, first, qa, stranger):
    review = opened(first, qa)
    client.force_login(stranger)

    assert ids(get(client, "gates/")) == ids(get(client, "gate-reviews/")) == []
    assert get(client, f"gates/{first.pk}/").status_code == get(client, f"gate-reviews/{review.pk}/").status_code == 404
    assert post(client, f"gates/{first.pk}/verdict/", verdict="back", reason="No").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_gates_asks_as_much_of_three_as_of_one(client, team, planner, qa, django_assert_num_queries, count):
    for stage in ("script_review", "trial", "running")[:count]:
        standing(team, planner, stage)
    client.force_login(qa)
    get(client, "gates/")

    with django_assert_num_queries(6):
        assert len(get(client, "gates/").json()["results"]) == 2 * count


# -- bulletins and wrap-ups ---------------------------------------------------------------------------------------------


@pytest.fixture
def campaign(team):
    return CampaignFactory(city=team.city, stage="running")


def test_bulletins_are_read_with_their_frozen_figures(client, campaign, qa, stranger):
    figures = {"counts": {"calls": 12}}
    sent = Bulletin.objects.create(campaign=campaign, hour=AT, composed_at=AT, sent_at=AT, sent_by=qa, figures=figures, text="Go on")  # fmt: skip
    draft = Bulletin.objects.create(campaign=campaign, hour=AT + HOUR, composed_at=AT + HOUR, figures=figures)
    client.force_login(qa)

    assert ids(get(client, "bulletins/")) == [draft.pk, sent.pk]
    assert ids(get(client, "bulletins/", sent="1")) == [sent.pk]
    one = get(client, f"bulletins/{sent.pk}/").json()
    assert (one["text"], one["figures"], one["seen_count"]) == ("Go on", figures, 0)
    client.force_login(stranger)
    assert ids(get(client, "bulletins/")) == []
    assert get(client, f"bulletins/{sent.pk}/").status_code == 404


def test_wrap_ups_are_read_with_their_frozen_figures(client, campaign, qa, stranger):
    content = {"figures": [{"level": "total", "counts": {"calls": 12}}]}
    row = WrapUp.objects.create(campaign=campaign, made_by=qa, made_at=AT, content=content, keep="Short calls", digest="0" * 64)  # fmt: skip
    client.force_login(qa)

    assert ids(get(client, "wrap-ups/")) == ids(get(client, "wrap-ups/", finished="0")) == [row.pk]
    assert ids(get(client, "wrap-ups/", finished="1")) == []
    assert "content" not in get(client, "wrap-ups/").json()["results"][0]
    one = get(client, f"wrap-ups/{row.pk}/").json()
    assert (one["content"], one["keep"], one["is_finished"]) == (content, "Short calls", False)
    client.force_login(stranger)
    assert ids(get(client, "wrap-ups/")) == []
    assert get(client, f"wrap-ups/{row.pk}/").status_code == 404


# -- surveys ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rule(qa):
    region = UserFactory(role=Role.QA)
    questions = surveys.make_questionnaire(code="after-call", by=region, at=AT - DAY, **TEXTS)
    return surveys.make_rule(questionnaire=questions, by=region, at=AT - DAY, share=100)


def test_results_of_surveys_are_read_with_their_response_rate(client, rule, team, campaign, qa, stranger):
    """20 fives and 20 threes of 50 asked: 80 percent, mean 4."""
    asked_many(rule, team, campaign, agent_of(team), [5] * 20 + [3] * 20, silent=10, refused=3)
    client.force_login(qa)

    told = get(client, "surveys/results/", by="team", since=(AT - DAY).date()).json()

    assert (told["whole"]["asked"], told["whole"]["rate"], told["whole"]["mean"]) == (50, 0.8, pytest.approx(4.0))
    assert [group["label"] for group in told["groups"]] == [str(team)]
    assert len(get(client, "surveys/", page_size=1000).json()["results"]) == 53
    assert {row["score"] for row in get(client, "surveys/", state="answered").json()["results"]} == {3, 5}
    assert get(client, "surveys/results/", by="nonsense", since=AT.date()).status_code == 400
    client.force_login(stranger)
    assert get(client, "surveys/results/", since=(AT - DAY).date()).json() == {"whole": None, "groups": []}
    assert ids(get(client, "surveys/")) == []


def test_an_agent_writes_down_what_the_customer_called_back_said(client, rule, team, campaign):
    asked_many(rule, team, campaign, agent_of(team), [], silent=1)
    caller, now = agent_of(team), database_now()
    lead = Lead.objects.create(
        campaign=campaign, customer=CustomerFactory(city=team.city), city=team.city, due_at=now, ready_at=now,
        state="held", agent=caller, held_at=now, lease_until=now + HOUR,
    )  # fmt: skip
    SurveyAsk.objects.update(state="sent", expires_at=now + DAY, lead_id=lead.pk, channel="callback")
    ask = SurveyAsk.objects.get()
    client.force_login(agent_of(team))
    assert post(client, f"surveys/{ask.pk}/answer/", score=4).status_code == 404
    client.force_login(caller)

    [asked] = get(client, "surveys/mine/").json()
    kept = post(client, f"surveys/{ask.pk}/answer/", score=4, words="Friendly")
    again = post(client, f"surveys/{ask.pk}/answer/", score=1)

    assert (asked["id"], asked["question"]) == (ask.pk, "Were you content?")
    assert (kept.status_code, kept.json()["score"]) == (200, 4)
    assert (again.status_code, again.json()["code"]) == (409, "AnsweredBefore")
    assert post(client, f"surveys/{ask.pk}/answer/", score=6).status_code == 400
    assert get(client, "surveys/").status_code == 403


@pytest.mark.parametrize("path", ["gates/", "gate-reviews/", "bulletins/", "wrap-ups/", "surveys/", "surveys/results/"])
def test_other_roles_and_strangers_are_turned_away(client, path):
    assert get(client, path).status_code in (401, 403)
    client.force_login(UserFactory(role=Role.DATA))
    assert get(client, path).status_code == 403
