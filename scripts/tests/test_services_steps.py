"""Verbs on a draft."""

from datetime import UTC, datetime

import pytest

from core.models import AuditEvent
from people.tests.factories import UserFactory
from scripts import services_comments, services_drafts, services_questions, services_steps as verbs
from scripts.models import Article, Objection, ScriptBranch, ScriptQuestion, ScriptStep
from scripts.services import VersionIsFixed

from .factories import ScriptVersionFactory, live_version

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def who():
    return {"by": UserFactory(role="campaign_manager"), "at": AT}


@pytest.fixture
def version():
    """Six steps, one a part; each says its part."""
    version = ScriptVersionFactory(six_parts=True)
    for step in version.steps.all():
        ScriptStep.objects.filter(pk=step.pk).update(title=step.part)
    return version


def titles(version):
    rows = version.steps.order_by("position")
    assert [step.position for step in rows] == list(range(1, len(rows) + 1))
    return [step.title for step in rows]


def step_of(version, title):
    return version.steps.get(title=title)


def ask(step, who, *answers, **more):
    question = services_questions.add_question(step=step, **who)
    return services_questions.save_question(
        question=question, **{"text": "Ready?", "kind": "choice", "is_required": False, **more}, answers=answers, **who
    )


def ways(question):
    return dict(question.branches.values_list("choice", "target"))


def test_a_new_step_stands_last_in_its_part(version, who):
    step = verbs.add_step(version=version, part="opening", **who)
    verbs.save_step(step=step, values={"title": "new"}, **who)

    assert titles(version) == ["first_question", "opening", "new", "introduction", "persuasion", "closing", "ending"]
    version.refresh_from_db()
    assert version.changed_by == who["by"]


def test_saving_the_same_text_again_leaves_no_trace(version, who):
    step = step_of(version, "opening")
    verbs.save_step(step=step, values={"text": "Good day"}, **who)
    before = AuditEvent.objects.count()

    verbs.save_step(step=step, values={"text": "Good day"}, **who)

    assert AuditEvent.objects.count() == before


def test_fields_that_were_not_sent_stay(version, who):
    step = step_of(version, "opening")

    verbs.save_step(step=step, values={"hint": "slowly"}, **who)

    step.refresh_from_db()
    assert (step.title, step.hint) == ("opening", "slowly")


@pytest.mark.parametrize(
    "change",
    [
        lambda step, who: verbs.add_step(version=step.version, part="opening", **who),
        lambda step, who: verbs.save_step(step=step, values={"text": "x"}, **who),
        lambda step, who: verbs.delete_step(step=step, **who),
        lambda step, who: verbs.duplicate_step(step=step, **who),
        lambda step, who: verbs.move_step(step=step, part="ending", place=0, **who),
        lambda step, who: services_questions.add_question(step=step, **who),
        lambda step, who: verbs.replace_steps(version=step.version, steps=[], **who),
    ],
)
def test_nothing_of_an_approved_version_changes(change, who):
    step = live_version().steps.first()

    with pytest.raises(VersionIsFixed, match="new version"):
        change(step, who)


def test_a_step_that_is_gone_is_told(version, who):
    step = step_of(version, "opening")
    ScriptStep.objects.filter(pk=step.pk).delete()

    with pytest.raises(services_drafts.StepIsGone):
        verbs.save_step(step=step, values={"text": "x"}, **who)


def test_a_deleted_step_comes_back_where_it_stood_with_all_that_hung_on_it(version, who):
    step = step_of(version, "introduction")
    ask(step, who, ("yes", str(step_of(version, "closing").pk)), ("no", "end"))
    leads_here = ask(step_of(version, "opening"), who, ("tell me", str(step.pk)))
    said = services_comments.comment(version=version, step=step, text="Shorter", **who)

    memento = verbs.delete_step(step=step, **who)
    assert "introduction" not in titles(version)
    assert ways(leads_here) == {}
    said.refresh_from_db()
    assert said.step is None
    back = verbs.restore_step(version=version, memento=memento, **who)

    assert titles(version) == ["first_question", "opening", "introduction", "persuasion", "closing", "ending"]
    assert back.key == step.key
    assert ways(back.questions.get()) == {"yes": step_of(version, "closing").pk, "no": None}
    assert ways(leads_here) == {"tell me": back.pk}
    said.refresh_from_db()
    assert said.step == back


def test_bringing_a_step_back_twice_finds_it_there(version, who):
    memento = verbs.delete_step(step=step_of(version, "opening"), **who)

    first = verbs.restore_step(version=version, memento=memento, **who)

    assert verbs.restore_step(version=version, memento=memento, **who) == first
    assert version.steps.count() == 6


def test_a_duplicate_stands_below_with_a_key_of_its_own_and_leads_to_the_same_steps(version, who):
    step = step_of(version, "opening")
    ask(step, who, ("no", "end"))

    twin = verbs.duplicate_step(step=step, **who)

    assert titles(version)[:4] == ["first_question", "opening", "opening", "introduction"]
    assert twin.position == 3
    assert twin.key != step.key
    assert ways(twin.questions.get()) == {"no": None}


def test_a_step_moves_within_its_part_and_over_its_edge_into_the_next_part(version, who):
    other = verbs.add_step(version=version, part="opening", **who)
    verbs.save_step(step=other, values={"title": "other"}, **who)

    verbs.nudge_step(step=other, up=True, **who)
    assert titles(version)[:4] == ["first_question", "other", "opening", "introduction"]

    other.refresh_from_db()
    verbs.nudge_step(step=other, up=True, **who)
    other.refresh_from_db()
    assert titles(version)[:3] == ["first_question", "other", "opening"]
    assert other.part == "first_question"


def test_at_the_very_edge_nothing_moves(version, who):
    verbs.nudge_step(step=step_of(version, "first_question"), up=True, **who)
    verbs.nudge_step(step=step_of(version, "ending"), up=False, **who)

    assert titles(version) == ["first_question", "opening", "introduction", "persuasion", "closing", "ending"]


def test_a_step_is_dropped_at_a_place_of_another_part(version, who):
    verbs.move_step(step=step_of(version, "opening"), part="closing", place=0, **who)

    assert titles(version) == ["first_question", "introduction", "persuasion", "opening", "closing", "ending"]
    assert step_of(version, "opening").part == "closing"


def test_answers_lead_on_to_a_step_to_the_ending_or_simply_on(version, who):
    target = step_of(version, "closing")
    question = ask(
        step_of(version, "opening"), who, (" yes ", str(target.pk)), ("no", "end"), ("later", ""), ("", "end")
    )

    assert question.choices == ["yes", "no", "later"]
    assert ways(question) == {"yes": target.pk, "no": None}


def test_a_renamed_answer_takes_its_branch_along(version, who):
    step = step_of(version, "opening")
    question = ask(step, who, ("no", "end"))

    services_questions.save_question(
        question=question, text="Ready?", kind="choice", is_required=True, answers=[("not now", "end")], **who
    )

    assert ways(question) == {"not now": None}


def test_a_question_that_is_answered_freely_has_no_answers(version, who):
    question = ask(step_of(version, "opening"), who, ("no", "end"), kind="date")

    assert (question.choices, ways(question)) == ([], {})


def test_two_answers_that_read_the_same_are_refused(version, who):
    with pytest.raises(services_questions.AnswersClash):
        ask(step_of(version, "opening"), who, ("no", ""), ("no ", "end"))


def test_an_answer_cannot_lead_into_another_version(version, who):
    stranger = ScriptVersionFactory(six_parts=True).steps.first()

    with pytest.raises(services_drafts.NotOfThisVersion):
        ask(step_of(version, "opening"), who, ("yes", str(stranger.pk)))


def test_a_code_of_a_question_that_was_deleted_is_given_again_only_when_free(version, who):
    step = step_of(version, "opening")
    first, second = ask(step, who), ask(step, who)
    services_questions.delete_question(question=first, **who)

    assert (second.code, services_questions.add_question(step=step, **who).code) == ("q2", "q1")


def test_an_article_is_quoted_as_it_stands_and_again_when_it_has_changed(version, who):
    step = step_of(version, "opening")
    article = Article.objects.create(title="Prices", owner=who["by"], number=4)
    verbs.quote_article(step=step, article=article, **who)
    article.number = 5

    assert step.quotes.get().article_version == 4
    verbs.quote_article(step=step, article=article, **who)
    assert step.quotes.get().article_version == 5
    verbs.unquote_article(step=step, article_id=article.pk, **who)
    assert not step.quotes.exists()


def test_an_objection_is_at_hand_once_however_often_it_is_taken(version, who):
    step = step_of(version, "opening")
    objection = Objection.objects.create(text="too dear", created_by=who["by"])

    verbs.link_objection(step=step, objection=objection, **who)
    verbs.link_objection(step=step, objection=objection, **who)
    assert step.objection_links.count() == 1

    verbs.unlink_objection(step=step, objection_id=objection.pk, **who)
    assert step.objection_links.count() == 0


def test_a_table_takes_the_place_of_all_steps_and_comments_stay_with_theirs(version, who):
    kept, gone = step_of(version, "opening"), step_of(version, "closing")
    first = services_comments.comment(version=version, step=kept, text="good", **who)
    second = services_comments.comment(version=version, step=gone, text="bad", **who)
    contents = [
        {"key": "", "part": "ending", "title": "bye", "text": "Bye"},
        {
            "key": str(kept.key),
            "part": "opening",
            "title": "hello",
            "text": "Hello",
            "questions": [
                {
                    "code": "q1",
                    "text": "?",
                    "kind": "choice",
                    "choices": ["no"],
                    "is_required": False,
                    "branches": [["no", None]],
                }
            ],
        },
    ]

    verbs.replace_steps(version=version, steps=contents, **who)

    assert titles(version) == ["hello", "bye"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.step == step_of(version, "hello")
    assert second.step is None
    assert ScriptBranch.objects.get(question__step=first.step).target is None


def test_comments_are_for_versions_not_yet_approved_and_have_words(version, who):
    with pytest.raises(services_comments.CommentRefused):
        services_comments.comment(version=live_version(), step=None, text="late", **who)
    with pytest.raises(services_comments.NothingSaid):
        services_comments.comment(version=version, step=None, text="  ", **who)
    with pytest.raises(services_drafts.NotOfThisVersion):
        services_comments.comment(version=version, step=live_version().steps.first(), text="x", **who)


def test_a_comment_is_settled_once(version, who):
    said = services_comments.comment(version=version, step=None, text="x", **who)

    services_comments.settle_comment(said=said, **who)
    again = services_comments.settle_comment(said=said, by=UserFactory(role="qa"), at=AT)

    assert again.settled_by == who["by"]


def test_questions_of_a_step_are_put_in_another_order(version, who):
    step = step_of(version, "opening")
    first, second, third = (ask(step, who) for _ in range(3))

    def order():
        return list(step.questions.order_by("position", "pk").values_list("code", flat=True))

    services_questions.move_question(question=third, place=0, **who)
    assert order() == ["q3", "q1", "q2"]
    services_questions.nudge_question(question=third, up=False, **who)
    assert order() == ["q1", "q3", "q2"]
    services_questions.nudge_question(question=second, up=False, **who)
    services_questions.nudge_question(question=first, up=True, **who)
    assert order() == ["q1", "q3", "q2"], "at the edge nothing happens"
    services_questions.move_question(question=first, place=99, **who)
    assert order() == ["q3", "q2", "q1"]


def test_a_question_that_stays_where_it_is_leaves_no_trace(version, who):
    question = ask(step_of(version, "opening"), who)
    before = AuditEvent.objects.count()

    services_questions.move_question(question=question, place=0, **who)

    assert AuditEvent.objects.count() == before


def test_a_question_that_is_gone_is_not_moved(version, who):
    question = ask(step_of(version, "opening"), who)
    stale = ScriptQuestion.objects.select_related("step__version").get(pk=question.pk)
    services_questions.delete_question(question=question, **who)

    for move in (
        lambda: services_questions.move_question(question=stale, place=0, **who),
        lambda: services_questions.nudge_question(question=stale, up=True, **who),
    ):
        with pytest.raises(services_drafts.StepIsGone):
            move()
