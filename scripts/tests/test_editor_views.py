"""The editor of a draft, request by request."""

import json
import re

import pytest
from django.urls import reverse

from people.tests.factories import UserFactory
from scripts import services_steps
from scripts.models import Article, Objection, ScriptBranch, ScriptQuestion, ScriptStep, StepComment

from .factories import ScriptVersionFactory, live_version, moved

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(client):
    user = UserFactory(role="campaign_manager", language="en")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    return ScriptVersionFactory(six_parts=True)


def step(version, part="opening"):
    return version.steps.get(part=part)


def post(client, name, *args, **data):
    return client.post(reverse(f"scripts:{name}", args=args), data, headers={"HX-Request": "true"})


def text(answer):
    return answer.content.decode()


def test_the_page_shows_every_step_and_what_is_to_be_mended(client, writer, version):
    step(version, "closing").delete()

    page = text(client.get(reverse("scripts:version_edit", args=[version.pk])))

    assert page.count('<article class="panel step-card"') == 5
    assert "The part “Closing” has no text yet." in page
    assert "{name|customer}" in page


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_of_the_editor_runs_the_same_queries_however_many_steps(
    client, writer, django_assert_num_queries, count
):
    version = ScriptVersionFactory()
    for number in range(1, count + 1):
        one = ScriptStep.objects.create(version=version, part="ending", position=number, text="{name|} bye")
        question = ScriptQuestion.objects.create(step=one, position=1, code="q", text="?", choices=["yes"])
        ScriptBranch.objects.create(question=question, choice="yes", target=one)
        StepComment.objects.create(version=version, step=one, text="Hm", by=writer)

    with django_assert_num_queries(15):
        client.get(reverse("scripts:version_edit", args=[version.pk]))


def test_writing_is_kept_and_the_page_hears_when_and_what_the_checks_say(client, writer, version):
    answer = post(
        client, "step_save", step(version).pk, title="Hello", text="{shoe size|} Good day", hint="", must_say=""
    )

    assert 'id="save-state"' in text(answer)
    assert "Saved at" in text(answer)
    assert "a merge field that the desk does not know: shoe size" in text(answer)
    assert step(version).title == "Hello"


def test_a_title_that_is_too_long_is_refused_in_words(client, writer, version):
    answer = post(client, "step_save", step(version).pk, title="x" * 121)

    assert answer.status_code == 409
    assert "121" in text(answer)


def test_writing_into_what_was_approved_meanwhile_is_refused_in_words(client, writer):
    answer = post(client, "step_save", live_version().steps.first().pk, text="late")

    assert answer.status_code == 409
    assert "no longer a draft" in text(answer)


def test_a_step_is_added_to_a_part_and_the_focus_goes_there(client, writer, version):
    answer = post(client, "steps", version.pk, part="closing")

    added = version.steps.order_by("-pk").first()
    assert added.part == "closing"
    assert json.loads(answer["HX-Trigger-After-Settle"])["script-drawn"]["focus"] == f"step-{added.pk}-text"
    assert post(client, "steps", version.pk, part="middle").status_code == 404


def test_a_deleted_step_can_be_brought_back_by_the_toast(client, writer, version):
    gone = step(version)

    answer = post(client, "step_delete", gone.pk)
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    assert not version.steps.filter(part="opening").exists()
    back = client.post(undo)

    assert back.status_code == 204
    assert "script-changed" in back["HX-Trigger"]
    assert step(version).key == gone.key


def test_an_undo_of_somebody_else_finds_nothing(client, writer, version):
    assert client.post(reverse("scripts:step_restore", args=[version.pk, step(version).key])).status_code == 404


def test_steps_move_by_keys_and_by_dragging(client, writer, version):
    post(client, "step_move", step(version).pk, to="up")
    assert version.steps.filter(part="first_question").count() == 2

    moved = version.steps.order_by("position")[1]
    post(client, "step_move", moved.pk, part="ending", place="0")
    assert version.steps.filter(part="ending").order_by("position").first() == moved
    assert post(client, "step_move", moved.pk).status_code == 400


def test_a_duplicate_appears_below(client, writer, version):
    post(client, "step_duplicate", step(version).pk)

    assert version.steps.filter(part="opening").count() == 2


def test_a_question_gets_answers_that_lead_somewhere(client, writer, version):
    post(client, "question_add", step(version).pk)
    question = step(version).questions.get()

    answer = post(
        client,
        "question_save",
        question.pk,
        text="Ready?",
        kind="choice",
        is_required="1",
        answer=["yes", "no", "later"],
        target=[str(step(version, "closing").pk), "end", ""],
    )

    question.refresh_from_db()
    assert answer.status_code == 200
    assert (question.text, question.choices, question.is_required) == ("Ready?", ["yes", "no", "later"], True)
    assert dict(question.branches.values_list("choice", "target")) == {"yes": step(version, "closing").pk, "no": None}
    post(client, "question_delete", question.pk)
    assert not step(version).questions.exists()


def test_answers_that_read_the_same_are_told_beside_the_state(client, writer, version):
    post(client, "question_add", step(version).pk)
    question = step(version).questions.get()

    answer = post(client, "question_save", question.pk, text="?", kind="choice", answer=["a", "a"], target=["", ""])

    assert answer.status_code == 409
    assert "read the same" in text(answer)


def test_objections_and_articles_are_taken_by_their_words(client, writer, version):
    Objection.objects.create(text="too dear", created_by=writer)
    Article.objects.create(title="Prices", owner=writer)

    assert "too dear" in text(post(client, "step_objection", step(version).pk, objection="too dear"))
    assert "Prices, version 1" in text(post(client, "step_quote", step(version).pk, article="Prices"))
    assert post(client, "step_quote", step(version).pk, article="Other").status_code == 409

    article = step(version).quotes.get().article
    Article.objects.filter(pk=article.pk).update(number=2)
    post(client, "step_quote", step(version).pk, again=article.pk)
    assert step(version).quotes.get().article_version == 2
    post(client, "step_quote", step(version).pk, off=article.pk)
    assert not step(version).quotes.exists()


def test_open_comments_stand_at_their_step_while_it_is_written(client, writer, version):
    StepComment.objects.create(version=version, step=step(version), text="Make it shorter", by=writer)

    assert "Make it shorter" in text(client.get(reverse("scripts:version_edit", args=[version.pk])))


@pytest.mark.parametrize("name", ["version_edit", "steps"])
def test_who_may_not_write_does_not_open_the_editor(client, name, version):
    client.force_login(UserFactory(role="trainer"))

    assert client.get(reverse(f"scripts:{name}", args=[version.pk])).status_code == 403


def test_who_may_not_write_changes_nothing(client, version):
    client.force_login(UserFactory(role="trainer"))

    assert post(client, "step_save", step(version).pk, text="x").status_code == 403
    assert post(client, "step_delete", step(version).pk).status_code == 403
    assert version.steps.count() == 6


def test_the_editor_of_an_approved_version_leads_to_its_page(client, writer):
    version = live_version()

    answer = client.get(reverse("scripts:version_edit", args=[version.pk]))

    assert answer.status_code == 302
    assert answer["Location"].endswith("?version=1")


@pytest.mark.parametrize("answer", ["a\x00b", "x" * 201])
def test_an_answer_that_cannot_be_kept_is_refused_in_words(client, writer, version, answer):
    question = step(version).questions.create(position=1, code="q1", text="Ready?")

    told = client.post(
        reverse("scripts:question_save", args=[question.pk]),
        {"text": "Ready?", "kind": "choice", "answer": [answer], "target": [""]},
    )

    question.refresh_from_db()
    assert told.status_code in (400, 409)
    assert question.choices == []


@pytest.mark.parametrize("target", ["²", "9" * 5000, "x"])
def test_an_answer_that_leads_to_no_number_leads_to_the_next_step(client, writer, version, target):
    question = step(version).questions.create(position=1, code="q1", text="Ready?")

    answer = client.post(
        reverse("scripts:question_save", args=[question.pk]),
        {"text": "Ready?", "kind": "choice", "answer": ["yes"], "target": [target]},
    )

    question.refresh_from_db()
    assert answer.status_code == 200
    assert (question.choices, question.branches.count()) == (["yes"], 0)


def test_a_question_is_moved_by_its_buttons_and_by_its_place(client, writer, version):
    opening = step(version)
    one, two = (opening.questions.create(position=n, code=f"q{n}", text=f"Question {n}") for n in (1, 2))

    answer = post(client, "question_move", two.pk, to="up")

    drawn = text(answer)
    assert drawn.index("Question 2") < drawn.index("Question 1")
    assert json.loads(answer["HX-Trigger-After-Settle"]) == {"script-drawn": {"focus": f"question-{two.pk}-text"}}
    post(client, "question_move", two.pk, place=1)
    assert list(opening.questions.order_by("position")) == [one, two]
    assert post(client, "question_move", two.pk).status_code == 400
    assert post(client, "question_move", two.pk, place="²").status_code == 400


def test_questions_of_what_was_approved_stay_where_they_are(client, writer):
    version = ScriptVersionFactory(six_parts=True)
    question = step(version).questions.create(position=1, code="q1", text="?")
    moved(version, "live")

    assert post(client, "question_move", question.pk, to="up").status_code == 409


# ---------------------------------------------------------------- two writers


def seen_of(client, version, name):
    page = text(client.get(reverse("scripts:version_edit", args=[version.pk])))
    return re.search(rf'id="{name}-seen" value="([0-9a-f]+)"', page)[1]


def test_the_second_writer_of_a_step_is_told_and_does_not_win_unseen(client, writer, version):
    one = step(version)
    seen = seen_of(client, version, f"step-{one.pk}")
    other = UserFactory(role="qa", display_name="Li Na")
    services_steps.save_step(step=one, values={"text": "from the other"}, by=other, at=one.version.created_at)

    answer = post(client, "step_save", one.pk, title="", text="mine", hint="", must_say="", seen=seen)

    assert answer.status_code == 409
    assert "Not saved: Li Na wrote here meanwhile." in text(answer)
    assert step(version).text == "from the other"


def test_who_goes_on_writing_has_the_stamp_of_what_was_saved_last(client, writer, version):
    one = step(version)
    seen = seen_of(client, version, f"step-{one.pk}")
    first = post(client, "step_save", one.pk, text="one", seen=seen)
    next_seen = re.search(rf'id="step-{one.pk}-seen" value="([0-9a-f]+)" hx-swap-oob="true"', text(first))[1]

    assert next_seen != seen
    assert post(client, "step_save", one.pk, text="two", seen=next_seen).status_code == 200
    assert post(client, "step_save", one.pk, text="three", seen=next_seen).status_code == 409
    assert post(client, "step_save", one.pk, text="two", seen=next_seen).status_code == 200  # it stands so already


def test_the_second_writer_of_a_question_is_told(client, writer, version):
    one, end = step(version), step(version, "ending")
    asked = ScriptQuestion.objects.create(step=one, position=1, code="q1", text="?", choices=["yes", "no"])
    ScriptBranch.objects.create(question=asked, choice="yes", target=end)
    seen = seen_of(client, version, f"question-{asked.pk}")
    fields = {"text": "?", "kind": "choice", "answer": ["yes", "no"], "target": [end.pk, "end"]}

    first = post(client, "question_save", asked.pk, **fields, seen=seen)
    second = post(client, "question_save", asked.pk, **fields | {"text": "Other?"}, seen=seen)

    assert (first.status_code, second.status_code) == (200, 409)
    assert "in another window" in text(second)
    next_seen = seen_of(client, version, f"question-{asked.pk}")
    assert next_seen in text(first)
    assert post(client, "question_save", asked.pk, **fields | {"text": "Other?"}, seen=next_seen).status_code == 200
