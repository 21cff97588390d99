"""Scoring a call on its page, reading what came of it, appeals: what each sees, and what another city does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.tests.factories import agent_of
from customers.models import Customer
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Appeal, Evaluation, EvaluationAnswer
from qa.person_data import facts, forget
from qa.queries_evaluations import overturned
from qa.services import evaluations, forms
from qa.tests.factories import call_of, recording_of
from qa.tests.sheets import GOOD, evaluated, form_of, item

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client, qa):
    client.force_login(qa)
    return client


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def begin(page, call, form, **told) -> Evaluation:
    answer = page.post(url("evaluation-begin", call.pk), {"version": form.pk, "pick": "requested", **told})
    made = Evaluation.objects.get(call_id=call.pk)
    assert answer.url == url("score", made.pk)
    return made


def give(page, made, form, text, answer, **told):
    return page.post(url("score-item", made.pk, item(form, text).pk), {"answer": answer, **told}, headers=HTMX)


# -- begin -------------------------------------------------------------------------------------------------------------


def test_a_call_is_scored_from_its_page_and_from_its_recordings(page, call, form):
    row = recording_of(call)

    assert "Score this call" in page.get(url("call-recordings", call.pk)).content.decode()
    assert "Score this call" in page.get(url("recording", row.pk)).content.decode()
    made = begin(page, call, form)

    assert (made.recording, made.pick) == (row, "requested")
    assert begin(page, call, form) == made  # goes on with what was begun
    text = page.get(url("score", made.pk)).content.decode()
    assert "data-player" in text
    assert "Greets" in text
    assert "0 of 4 answered" in text


@pytest.mark.parametrize(("role", "picks"), [("team_leader", ["coaching"]), ("agent", [])])
def test_a_leader_scores_for_coaching_and_an_agent_not_at_all(client, team, agent, call, form, role, picks):
    user = agent if role == "agent" else UserFactory(role=role, team=team)
    client.force_login(user)

    answers = {
        pick: client.post(url("evaluation-begin", call.pk), {"version": form.pk, "pick": pick}).status_code
        for pick in ("requested", "coaching", "random")
    }

    made = list(Evaluation.objects.values_list("pick", flat=True))
    assert made == picks
    assert ("Score this call" in client.get(url("call-recordings", call.pk)).content.decode()) == bool(picks)
    assert all(status in (302, 403) for status in answers.values())


def test_a_call_of_another_city_and_a_form_not_in_force_are_not_scored(page, call, form, qa):
    draft = forms.new_version(form=form.form, by=UserFactory(role="qa"), at=timezone.now())

    other = page.post(url("evaluation-begin", call_of().pk), {"version": form.pk, "pick": "requested"})
    early = page.post(url("evaluation-begin", call.pk), {"version": draft.pk, "pick": "requested"}, follow=True)

    assert other.status_code == 404
    assert "Choose a form in force" in early.content.decode()
    assert not Evaluation.objects.exists()


# -- answer ------------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_and_comes_back_with_the_score_so_far(page, call, form):
    made = begin(page, call, form)

    give(page, made, form, "Greets", "yes", saves="0")
    text = give(page, made, form, "Insults", "yes", remark="shouted", saves="1").content.decode()

    # of the opening one of two, closing not yet: coverage 60 of 100, 50 of 100
    assert "The call fails whatever the rest is: Insults." in text
    assert '<span class="big">50.0</span>' in text
    assert "Coverage 60 of 100, pass mark 80.0." in text
    assert "2 of 4 answered" in text
    assert 'id="saves" name="saves" value="2"' in text
    assert made.answers.get(answer="yes", remark="shouted").item.text == "Insults"


def test_the_remark_and_the_place_are_kept_without_answering_anew(page, call, form):
    row = recording_of(call)
    made = begin(page, call, form)
    give(page, made, form, "Greets", "no")

    answer = give(page, made, form, "Greets", "", remark="no name", from_ms="500", until_ms="900")

    kept = made.answers.get()
    assert (kept.answer, kept.remark, kept.from_ms, kept.until_ms) == ("no", "no name", 500, 900)
    assert 'data-seek="500"' in answer.content.decode()
    late = give(page, made, form, "Greets", "", from_ms=str(row.seconds * 1000 + 60_000))
    assert (late.status_code, made.answers.get().from_ms) == (422, 500)


def test_what_another_window_saved_is_shown_instead_of_being_overwritten(page, call, form):
    made = begin(page, call, form)
    give(page, made, form, "Greets", "yes", saves="0")

    answer = give(page, made, form, "Thanks", "yes", saves="0")

    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#sheet"
    assert "Another window has saved since." in answer.content.decode()
    assert [kept.item.text for kept in made.answers.all()] == ["Greets"]


@pytest.mark.parametrize(
    "told",
    [
        {"answer": "maybe"}, {"answer": ""}, {"answer": "yes", "from_ms": "-1"}, {"answer": "yes", "from_ms": "soon"},
        {"answer": "yes", "remark": "x" * 501}, {"answer": "yes", "remark": "x\0"}, {"answer": "yes", "saves": "9" * 30},
    ],
)  # fmt: skip
def test_what_makes_no_answer_is_refused_with_a_sentence(page, call, form, told):
    made = begin(page, call, form)

    answer = page.post(url("score-item", made.pk, item(form, "Greets").pk), told, headers=HTMX)

    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.content.decode()
    assert not made.answers.exists()


def test_an_item_of_another_form_is_not_there(page, call, form):
    made = begin(page, call, form)
    other = form_of(UserFactory(role="qa"), "other")

    assert give(page, made, other, "Greets", "yes").status_code == 404


def test_only_its_scorer_sees_what_is_begun(client, page, call, form, city):
    made = begin(page, call, form)

    client.force_login(UserFactory(role="qa", city=city))

    assert [client.get(url(name, made.pk)).status_code for name in ("score", "evaluation")] == [404, 404]
    assert client.post(url("score-submit", made.pk)).status_code == 404


def test_what_is_missing_comes_back_in_sentences_and_a_whole_form_is_submitted(page, call, form):
    made = begin(page, call, form)
    give(page, made, form, "Greets", "no")

    early = page.post(url("score-submit", made.pk))
    assert early.status_code == 422
    assert "3 items have no answer yet" in early.content.decode()
    assert "“Greets”: say in a remark what was wrong." in early.content.decode()

    for text, answer in GOOD.items():
        give(page, made, form, text, answer)
    page.post(url("score-remark", made.pk), {"remark": "Good call"}, headers=HTMX)
    done = page.post(url("score-submit", made.pk), follow=True)

    made.refresh_from_db()
    assert (made.outcome, made.raw, made.remark) == ("pass", Decimal(100), "Good call")
    assert "the agent can read it now" in done.content.decode()
    assert give(page, made, form, "Greets", "no").status_code == 409
    assert page.get(url("score", made.pk)).url == url("evaluation", made.pk)


def test_the_score_is_explained_where_the_weight_went_and_what_one_answer_would_do(page, call, form):
    made = begin(page, call, form)
    for text, answer in {**GOOD, "Asks for the order": "na", "Thanks": "na", "Greets": "no"}.items():
        give(page, made, form, text, answer, remark="so")

    text = page.get(url("score", made.pk)).content.decode()

    assert '<span class="big">50.0</span>' in text
    assert "did not apply" in text
    assert "the others share their weight in proportion" in text
    assert "“Greets” answered Yes: 100.0 (+50.0)." in text
    assert "“Insults” answered Yes: 0.0 (−50.0)." in text


def test_decided_appeals_of_the_same_words_stand_under_the_item(page, call, form, agent, qa, team, city):
    before = evaluated(call_of(team, agent=agent), form, UserFactory(role="qa"), at=timezone.now())
    appealed(before, agent, decided_by=UserFactory(role="qa"), right="yes", ground="asked at 1:20")
    made = begin(page, call, form)

    text = page.get(url("score", made.pk)).content.decode()

    assert "right answer Yes" in text
    assert "asked at 1:20" in text


# -- read --------------------------------------------------------------------------------------------------------------


def appealed(row, agent, *, text="Asks for the order", decided_by=None, right="", ground=""):
    at = timezone.now()
    made = evaluations.appeal(answer=row.answers.get(item__text=text), reason="I did ask", by=agent, at=at)
    if decided_by:
        evaluations.decide(appeal=made, right_answer=right, ground=ground, by=decided_by, at=at)
    return made


@pytest.fixture
def row(call, form, qa):
    recording = recording_of(call)
    return evaluated(call, form, qa, at=timezone.now(), recording=recording)


def test_an_evaluation_is_read_by_whom_it_concerns(client, row, call, agent, team, city, qa):
    people = {
        "scorer": qa,
        "agent": agent,
        "colleague": agent_of(team),
        "leader": UserFactory(role="team_leader", team=team),
        "other leader": UserFactory(role="team_leader", team=TeamFactory(city=city)),
        "trainer": UserFactory(role="trainer", city=city),
        "other qa": UserFactory(role="qa", city=CityFactory()),
        "manager": UserFactory(role="city_manager", city=city),
        "data": UserFactory(role="data", city=city),
    }
    answers = {}
    for kind, user in people.items():
        client.force_login(user)
        listed = client.get(url("evaluations"))
        answers[kind] = (client.get(url("evaluation", row.pk)).status_code, url("evaluation", row.pk) in listed.content.decode())  # fmt: skip

    assert answers == {
        "scorer": (200, True), "agent": (200, True), "colleague": (404, False), "leader": (200, True), "other leader": (404, False),
        "trainer": (200, True), "other qa": (404, False), "manager": (200, True), "data": (403, False),
    }  # fmt: skip


def test_a_stranger_is_sent_to_the_sign_in(client, row):
    assert [client.get(url(*name)).status_code for name in (("evaluation", row.pk), ("evaluations",), ("appeals",))] == [302] * 3  # fmt: skip


def test_the_page_shows_answers_remarks_and_links_that_start_the_sound_there(client, row, agent):
    client.force_login(agent)

    text = client.get(url("evaluation", row.pk)).content.decode()

    assert '<span class="big">80.0</span>' in text
    assert "Passed" in text
    assert "as heard" in text
    assert 'data-seek="1000"' in text
    assert "data-player" in text
    assert "Accept" in text
    assert "Appeal this item" in text


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({}, True), ({"outcome": "pass"}, True), ({"outcome": "fail"}, False), ({"outcome": "draft"}, False), ({"pick": "requested"}, True),
        ({"pick": "random"}, False), ({"appeal": "open"}, False), ({"agent_code": "nobody"}, False), ({"since": "2099-01-01"}, False),
        ({"form": "999999"}, False), ({"since": "never"}, False), ({"team": "x"}, False),
    ],
)  # fmt: skip
def test_the_list_is_filtered(page, row, told, shown):
    text = page.get(url("evaluations"), told).content.decode()

    assert (url("evaluation", row.pk) in text) == shown


@pytest.mark.parametrize("n", [1, 3])
def test_the_list_asks_the_same_however_long_it_is(page, form, qa, team, n, django_assert_num_queries):
    for _ in range(n):
        evaluated(call_of(team), form, qa, at=timezone.now())
    page.get(url("evaluations"))

    with django_assert_num_queries(12):
        page.get(url("evaluations"))


# -- accept, appeal, decide, take back ---------------------------------------------------------------------------------


def test_the_agent_accepts_once_and_appeals_no_more(client, row, agent):
    client.force_login(agent)

    first = client.post(url("evaluation-accept", row.pk), follow=True)
    again = client.post(url("evaluation-accept", row.pk))
    late = client.post(url("appeal-make", row.pk, row.answers.first().pk), {"reason": "no"})

    row.refresh_from_db()
    assert row.accepted_at
    assert "Accepted." in first.content.decode()
    assert (again.status_code, late.status_code) == (302, 409)
    assert "You have accepted this evaluation." in late.content.decode()


def test_an_appeal_is_made_in_the_items_row_and_decided_by_another_of_qa(client, row, agent, qa):
    answer = row.answers.get(item__text="Asks for the order")
    client.force_login(agent)
    nothing = client.post(url("appeal-make", row.pk, answer.pk), {"reason": " "})
    made = client.post(url("appeal-make", row.pk, answer.pk), {"reason": "I asked at 0:40"})
    twice = client.post(url("appeal-make", row.pk, answer.pk), {"reason": "again"})
    assert [nothing.status_code, made.status_code, twice.status_code] == [409, 302, 409]
    appeal = Appeal.objects.get()

    told = {"right_answer": "yes", "ground": "heard at 0:40"}
    client.force_login(qa)  # the scorer
    refused = client.post(url("appeal-decide", row.pk, appeal.pk), told)
    client.force_login(UserFactory(role="qa"))
    empty = client.post(url("appeal-decide", row.pk, appeal.pk), {"right_answer": "yes", "ground": ""})
    done = client.post(url("appeal-decide", row.pk, appeal.pk), told, follow=True)
    again = client.post(url("appeal-decide", row.pk, appeal.pk), told)

    assert [refused.status_code, empty.status_code, again.status_code] == [403, 409, 409]
    text = done.content.decode()
    assert "The agent is right" in text
    assert "heard at 0:40" in text
    row.refresh_from_db()
    assert row.raw == Decimal(80)  # stays as it was submitted


def test_what_qa_upheld_is_taken_further_in_the_items_row_and_decided_by_the_citys_manager(client, row, agent, city):
    answer = row.answers.get(item__text="Asks for the order")
    manager = UserFactory(role="city_manager", city=city)
    client.force_login(agent)
    client.post(url("appeal-make", row.pk, answer.pk), {"reason": "I asked at 0:40"})
    appeal = Appeal.objects.get()
    early = client.post(url("appeal-further", row.pk, appeal.pk), {"reason": "now"})
    client.force_login(UserFactory(role="qa"))
    client.post(url("appeal-decide", row.pk, appeal.pk), {"right_answer": "no", "ground": "not heard"})
    client.force_login(agent)
    offered = client.get(url("evaluation", row.pk)).content.decode()
    taken = client.post(url("appeal-further", row.pk, appeal.pk), {"reason": "louder at 0:40"})

    client.force_login(manager)
    listed = client.get(url("appeals")).content.decode()
    client.post(url("appeal-decide", row.pk, appeal.pk), {"right_answer": "yes", "ground": "heard with the volume up"})

    assert [early.status_code, taken.status_code] == [409, 302]
    assert "Take the appeal further" in offered
    assert "louder at 0:40" in listed
    client.force_login(agent)
    text = client.get(url("evaluation", row.pk)).content.decode()
    assert "Take the appeal further" not in text
    for words in ("I asked at 0:40", "not heard", "louder at 0:40", "The agent is right", "heard with the volume up"):
        assert words in text


def test_a_colleague_and_another_city_reach_neither_accepting_nor_appealing(client, row, team):
    answer = row.answers.first()
    statuses = []
    for user in (agent_of(team), UserFactory(role="qa", city=CityFactory()), UserFactory(role="team_leader", team=team)):  # fmt: skip
        client.force_login(user)
        statuses.append(
            [
                client.post(url("evaluation-accept", row.pk)).status_code,
                client.post(url("appeal-make", row.pk, answer.pk), {"reason": "x"}).status_code,
            ]
        )

    assert statuses == [[404, 404], [404, 404], [403, 403]]
    assert not Appeal.objects.exists()


def test_its_scorer_takes_it_back_with_a_reason(page, row):
    nothing = page.post(url("evaluation-withdraw", row.pk), {"reason": ""})
    done = page.post(url("evaluation-withdraw", row.pk), {"reason": "wrong call"}, follow=True)

    assert nothing.status_code == 409
    assert "it counts in no figure" in done.content.decode()
    assert Evaluation.objects.get(pk=row.pk).withdrawn_at


def test_what_was_begun_by_mistake_is_taken_back_from_its_page(page, call, form):
    made = begin(page, call, form)

    page.post(url("evaluation-withdraw", made.pk), {"reason": "wrong form"})

    made.refresh_from_db()
    assert made.withdrawn_at
    assert page.get(url("score", made.pk)).url == url("evaluation", made.pk)
    assert page.get(url("evaluation", made.pk)).status_code == 200
    assert page.post(url("evaluation-begin", call.pk), {"version": form.pk, "pick": "requested"}).status_code == 302
    assert Evaluation.objects.filter(withdrawn_at=None).count() == 1


def test_appeals_are_listed_by_the_day_they_are_due_and_late_ones_marked(client, row, agent, city):
    client.force_login(UserFactory(role="qa", city=city))
    assert "No appeal waits for a decision" in client.get(url("appeals")).content.decode()
    client.force_login(UserFactory(role="city_manager", city=city))
    assert "No appeal taken further waits for a decision" in client.get(url("appeals")).content.decode()
    client.force_login(UserFactory(role="qa", city=city))
    first = appealed(row, agent)
    second = appealed(row, agent, text="Thanks")
    Appeal.objects.filter(pk=second.pk).update(due_at=timezone.now() - timedelta(hours=1))

    text = client.get(url("appeals")).content.decode()

    assert text.index(f"#item-{second.answer.item_id}") < text.index(f"#item-{first.answer.item_id}")
    assert text.count("overdue") == 1
    assert "2" in client.get(url("appeals-badge")).content.decode()
    client.force_login(UserFactory(role="qa", city=CityFactory()))
    assert "I did ask" not in client.get(url("appeals")).content.decode()


def test_an_overturn_rate_is_shown_from_thirty_decided_appeals_on(client, form, qa, agent, team, city):
    judge = UserFactory(role="qa", city=city)
    for n in range(30):
        row = evaluated(call_of(team, agent=agent), form, qa, at=timezone.now())
        appealed(row, agent, decided_by=judge, right="yes" if n < 6 else "no", ground="heard")
    row = evaluated(call_of(team, agent=agent), form, qa, at=timezone.now())
    appealed(row, agent, text="Thanks", decided_by=judge, right="na", ground="heard")

    by_item, by_scorer = overturned(judge)

    assert [(rate.name, rate.overturned, rate.decided, rate.is_young) for rate in by_item] == [
        ("Asks for the order", 6, 30, False), ("Thanks", 1, 1, True),
    ]  # fmt: skip
    # Wilson's interval of 6 of 30
    assert (round(by_item[0].low, 3), round(by_item[0].high, 3)) == (0.095, 0.373)
    assert [(rate.name, rate.overturned, rate.decided) for rate in by_scorer] == [(str(qa), 7, 31)]
    client.force_login(judge)
    assert "too early" in client.get(url("appeals")).content.decode()


# -- API ---------------------------------------------------------------------------------------------------------------


def test_other_systems_read_evaluations_and_of_one_its_answers(page, client, row, agent):
    appealed(row, agent)

    listed = page.get("/api/v1/evaluations/").json()["results"]
    whole = page.get(f"/api/v1/evaluations/{row.pk}/").json()

    assert [(found["id"], found["form"], found["raw"], found["appeal_state"]) for found in listed] == [
        (row.pk, "own", "80.000", "open")
    ]
    told = {answer["item"]: (answer["answer"], answer["appeal"] and answer["appeal"]["reason"]) for answer in whole["answers"]}  # fmt: skip
    assert told == {"Greets": ("yes", None), "Insults": ("no", None), "Thanks": ("yes", None), "Asks for the order": ("no", "I did ask")}  # fmt: skip
    client.force_login(UserFactory(role="qa", city=CityFactory()))
    assert client.get("/api/v1/evaluations/").json()["results"] == []
    assert client.get(f"/api/v1/evaluations/{row.pk}/").status_code == 404
    client.force_login(UserFactory(role="data"))
    assert client.get("/api/v1/evaluations/").status_code == 403


# -- erasing -----------------------------------------------------------------------------------------------------------


def test_what_was_remarked_of_a_customers_call_goes_with_the_customer(row, agent, call):
    Evaluation.objects.filter(pk=row.pk).update(remark="lives alone")
    appealed(row, agent, decided_by=UserFactory(role="qa"), right="yes", ground="said so")
    customer = Customer.objects.get(pk=call.customer_id)
    sheet = next(sheet for sheet in facts(customer) if str(sheet.title) == "Evaluations of calls")
    assert [line[2] for line in sheet.rows] == ["lives alone", *["as heard"] * 4]

    forget(customer, timezone.now())

    row.refresh_from_db()
    assert (row.remark, row.raw) == ("", Decimal(80))
    assert set(EvaluationAnswer.objects.values_list("remark", flat=True)) == {""}
    assert list(Appeal.objects.values_list("reason", "ground")) == [("", "–")]
