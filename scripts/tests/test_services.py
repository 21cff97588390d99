from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from core.models import AuditEvent
from people.models import Membership, User
from scripts import queries_versions, services, services_comments, services_steps
from scripts.models import (
    Article,
    Objection,
    Product,
    ProhibitedWord,
    Script,
    ScriptBranch,
    ScriptQuestion,
    StepObjection,
    StepQuote,
)

from .factories import ProductFactory, ScriptFactory, ScriptVersionFactory, live_version, moved, write_six_parts

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def user(name, role):
    person = User.objects.create(username=name)
    Membership.objects.create(user=person, role=role, valid_from=date(2020, 1, 1))
    return person


@pytest.fixture
def writer():
    return user("writer", "campaign_manager")


@pytest.fixture
def approver():
    return user("approver", "qa")


def draft(writer, **product):
    """A draft with all six parts, written by `writer`."""
    version = services.new_version(script=ScriptFactory(product=ProductFactory(**product)), by=writer, at=AT)
    write_six_parts(version)
    return version


def in_review(writer):
    return services.submit_version(version=draft(writer), by=writer, at=AT)


def test_review_names_the_parts_that_are_missing(writer):
    version = draft(writer)
    version.steps.filter(part__in=["closing", "ending"]).delete()

    with pytest.raises(services.PartsMissing, match="Closing, Ending"):
        services.submit_version(version=version, by=writer, at=AT)


def test_review_is_refused_when_a_must_say_point_of_the_product_is_not_said(writer):
    version = draft(writer, mandatory_statements="24 months\n149 a month")
    version.steps.filter(part="closing").update(must_say="24 months")

    with pytest.raises(services.ChecksFailed, match="“149 a month” must be said"):
        services.submit_version(version=version, by=writer, at=AT)


def test_review_is_refused_when_a_prohibited_word_is_said(writer):
    ProhibitedWord.objects.create(word="cheapest", why="not proven")
    version = draft(writer)
    version.steps.filter(part="persuasion").update(text="The cheapest plan")

    with pytest.raises(services.ChecksFailed, match=r"cheapest \(not proven\)"):
        services.submit_version(version=version, by=writer, at=AT)


def test_a_quote_that_is_out_of_date_does_not_hinder_the_review(writer):
    version = draft(writer)
    article = Article.objects.create(title="Prices", owner=writer, number=2)
    StepQuote.objects.create(step=version.steps.first(), article=article, article_version=1)

    assert [finding.kind for finding in queries_versions.findings(version)] == ["out_of_date"]
    assert services.submit_version(version=version, by=writer, at=AT).status == "in_review"


def test_the_writer_cannot_approve(writer):
    with pytest.raises(services.ApprovalRefused):
        services.approve_version(version=in_review(writer), by=writer, at=AT)


def test_whoever_rewrote_the_draft_cannot_approve_it_either(writer, approver):
    version = draft(writer)
    services_steps.save_step(step=version.steps.first(), values={"text": "other"}, by=approver, at=AT)
    services.submit_version(version=version, by=writer, at=AT)

    with pytest.raises(services.ApprovalRefused):
        services.approve_version(version=version, by=approver, at=AT)


def test_who_wrote_before_somebody_else_did_cannot_approve_it_either(writer, approver):
    version = draft(writer)
    step = version.steps.first()
    services_steps.save_step(step=step, values={"text": "other"}, by=approver, at=AT)
    services_steps.save_step(step=step, values={"text": "another"}, by=user("third", "qa"), at=AT)
    services.submit_version(version=version, by=writer, at=AT)

    with pytest.raises(services.ApprovalRefused):
        services.approve_version(version=version, by=approver, at=AT)


def test_an_open_comment_hinders_approval_until_it_is_settled(writer, approver):
    version = in_review(writer)
    said = services_comments.comment(version=version, step=version.steps.first(), text="Too long", by=approver, at=AT)

    with pytest.raises(services.CommentsOpen, match="1 comment"):
        services.approve_version(version=version, by=approver, at=AT)
    services_comments.settle_comment(said=said, by=writer, at=AT)

    assert services.approve_version(version=version, by=approver, at=AT).status == "approved"


def prohibits(version):
    ProhibitedWord.objects.create(word="Persuasion", why="not proven")


def demands(version):
    Product.objects.filter(pk=version.script.product_id).update(mandatory_statements="24 months")


@pytest.mark.parametrize(
    ("status", "verb", "outcome"),
    [
        ("in_review", services.approve_version, "Not approved"),
        ("approved", services.start_trial, "Not tried"),
        ("approved", services.make_live, "Not put in force"),
        ("trial", services.make_live, "Not put in force"),
    ],
)
@pytest.mark.parametrize("change", [prohibits, demands])
def test_what_became_wrong_since_the_text_was_written_stops_it(writer, approver, status, verb, outcome, change):
    version = moved(draft(writer), status)
    change(version)

    with pytest.raises(services.ChecksFailed, match=outcome):
        verb(version=version, by=approver, at=AT)

    version.refresh_from_db()
    assert version.status == status


def test_what_was_sent_back_can_be_written_again(writer):
    version = services.send_back(version=in_review(writer), by=writer, at=AT)

    services_steps.save_step(step=version.steps.first(), values={"text": "better"}, by=writer, at=AT)

    assert version.steps.first().text == "better"


def test_an_approved_version_is_tried_then_comes_into_force(writer, approver):
    version = services.approve_version(version=in_review(writer), by=approver, at=AT)

    tried = services.start_trial(version=version, by=approver, at=AT)
    live = services.make_live(version=tried, by=approver, at=AT)

    assert (tried.status, live.status) == ("trial", "live")
    with pytest.raises(services.WrongMoment):
        services.start_trial(version=live, by=approver, at=AT)


def test_a_trial_that_does_not_hold_is_retired_and_the_one_in_force_stays(writer, approver):
    before = live_version()
    version = services.new_version(script=before.script, by=writer, at=AT)
    services.submit_version(version=version, by=writer, at=AT)
    services.approve_version(version=version, by=approver, at=AT)
    services.start_trial(version=version, by=approver, at=AT)

    assert services.retire_version(version=version, by=approver, at=AT).status == "retired"
    before.refresh_from_db()
    assert before.status == "live"
    with pytest.raises(services.WrongMoment):
        services.retire_version(version=before, by=approver, at=AT)


def test_an_approved_version_goes_live_and_the_one_before_retires(writer, approver):
    before = live_version()
    version = services.new_version(script=before.script, by=writer, at=AT)
    services.submit_version(version=version, by=writer, at=AT)
    services.approve_version(version=version, by=approver, at=AT)

    services.make_live(version=version, by=approver, at=AT)

    before.refresh_from_db()
    version.refresh_from_db()
    assert (before.status, version.status) == ("retired", "live")
    told = AuditEvent.objects.filter(subject_id=str(before.pk), action="scripts.version.moved").get()
    assert (told.detail["status"], told.actor_id) == ("retired", approver.pk)
    assert version.number == 2
    assert version.steps.count() == 6


def test_a_second_request_for_a_new_version_finds_the_open_draft(writer):
    script = live_version().script

    first = services.new_version(script=script, by=writer, at=AT)
    second = services.new_version(script=script, by=writer, at=AT)

    assert first == second


def test_a_new_version_copies_everything_and_its_answers_lead_to_its_own_steps(writer):
    old = ScriptVersionFactory(six_parts=True)
    first, second = old.steps.order_by("position")[:2]
    question = ScriptQuestion.objects.create(step=first, position=1, code="q1", text="You?", choices=["yes", "no", "?"])
    ScriptBranch.objects.create(question=question, choice="yes", target=second)
    ScriptBranch.objects.create(question=question, choice="no", target=None)
    objection = Objection.objects.create(text="too dear", created_by=writer)
    article = Article.objects.create(title="Prices", owner=writer, number=3)
    StepObjection.objects.create(step=first, objection=objection)
    StepQuote.objects.create(step=first, article=article, article_version=2)
    moved(old, "live")

    new = services.new_version(script=old.script, by=writer, at=AT)

    assert new.based_on == old
    assert list(new.steps.order_by("position").values_list("key", flat=True)) == list(
        old.steps.order_by("position").values_list("key", flat=True)
    )
    copy = new.steps.get(key=first.key)
    branches = dict(copy.questions.get().branches.values_list("choice", "target"))
    assert branches == {"yes": new.steps.get(key=second.key).pk, "no": None}
    assert copy.objection_links.get().objection == objection
    assert copy.quotes.get().article_version == 2


def test_going_back_makes_a_new_draft_of_the_old_version(writer):
    first = live_version()
    second = ScriptVersionFactory(script=first.script, six_parts=True)
    second.steps.update(text="newer")
    moved(second, "approved")

    back = services.new_version(script=first.script, based_on=first, by=writer, at=AT)

    assert (back.number, back.based_on, back.status) == (3, first, "draft")
    assert back.steps.first().text == first.steps.first().text


def test_going_back_does_not_overwrite_a_draft(writer):
    first = live_version()
    ScriptVersionFactory(script=first.script, status="retired")
    services.new_version(script=first.script, by=writer, at=AT)

    with pytest.raises(services.DraftIsOpen, match="Version 3 is a draft already"):
        services.new_version(script=first.script, based_on=first, by=writer, at=AT)


def test_no_new_version_is_begun_while_one_is_in_review(writer):
    version = in_review(writer)

    with pytest.raises(services.DraftIsOpen, match="Version 1 is in review"):
        services.new_version(script=version.script, by=writer, at=AT)
    services.send_back(version=version, by=writer, at=AT)

    assert services.new_version(script=version.script, by=writer, at=AT) == version


def test_nothing_is_sent_back_while_another_draft_is_open(writer):
    version = in_review(writer)
    ScriptVersionFactory(script=version.script)

    with pytest.raises(services.DraftIsOpen, match="Version 2 is a draft already"):
        services.send_back(version=version, by=writer, at=AT)

    version.refresh_from_db()
    assert version.status == "in_review"


def test_the_database_knows_one_draft_of_a_script():
    version = ScriptVersionFactory()

    with pytest.raises(IntegrityError, match="script_one_draft"), transaction.atomic():
        ScriptVersionFactory(script=version.script)


def test_a_code_that_is_taken_is_told_in_a_sentence(writer):
    taken = ScriptFactory(code="S-1")

    with pytest.raises(services.CodeTaken, match="S-1"):
        services.create_script(script=Script(code="S-1", name="x", product=taken.product), by=writer, at=AT)


def test_a_draft_is_thrown_away_but_never_the_only_version(writer):
    live = live_version()
    version = services.new_version(script=live.script, by=writer, at=AT)

    services.discard_draft(version=version, by=writer, at=AT)

    assert list(live.script.versions.all()) == [live]
    with pytest.raises(services.LastVersion):
        services.discard_draft(version=ScriptVersionFactory(), by=writer, at=AT)
    with pytest.raises(services.WrongMoment):
        services.discard_draft(version=live, by=writer, at=AT)


def test_only_one_version_of_a_script_is_live():
    live = live_version()

    with pytest.raises(IntegrityError), transaction.atomic():
        ScriptVersionFactory(script=live.script, status="live")
