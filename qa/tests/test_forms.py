"""Forms: written as drafts, published once, never changed; the three that come with the house."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from core.errors import PermissionRefused
from core.models import AuditEvent
from people.models import Membership
from people.tests.factories import UserFactory
from qa.models import FormItem, FormStage, FormVersion, QualityForm
from qa.services import forms

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)


@pytest.fixture
def qa():
    return UserFactory(role=Membership.Role.QA)


@pytest.fixture
def draft(qa):
    return forms.create_form(form=QualityForm(code="own", name="Own"), by=qa, at=AT)


def stage_of(version, by, *texts, weight=10, name="Opening") -> FormStage:
    stage = forms.save_stage(version=version, stage=FormStage(name=name, weight=weight), by=by)
    for text in texts:
        forms.save_item(version=version, item=FormItem(stage=stage, text=text), by=by)
    return stage


def texts(version) -> list[list[str]]:
    return [[item.text for item in stage.items.all()] for stage in version.stages.all()]


def test_the_coaching_form_has_seven_stages_with_their_weights():
    version = FormVersion.objects.published().get(form__code="coaching")

    assert [int(stage.weight) for stage in version.stages.all()] == [10, 20, 20, 15, 20, 10, 5]
    assert [stage.items.count() for stage in version.stages.all()][:4] == [3, 7, 2, 2]


@pytest.mark.parametrize("code", ["coaching", "full-run", "recruiting"])
def test_what_comes_with_the_house_is_in_force_and_in_both_languages(code):
    version = FormVersion.objects.published().get(form__code=code)
    items = FormItem.objects.filter(stage__version=version)

    assert sum(stage.weight for stage in version.stages.all()) == 100
    with translation.override("zh-hans"):
        shown = [str(version.form), *map(str, version.stages.all()), *map(str, items)]
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in shown)
    assert forms.findings(version) == []


def test_grave_errors_of_the_full_run_fail_the_call_on_yes():
    grave = FormItem.objects.filter(stage__version__form__code="full-run", fails_on="yes")

    assert grave.count() == 5
    assert {item.good for item in grave} == {"no"}


def test_stages_and_items_stand_in_the_order_they_were_written_and_can_be_moved(qa, draft):
    first = stage_of(draft, qa, "Greets", "Says who")
    stage_of(draft, qa, "Thanks", name="End")

    forms.move(version=draft, thing=first, up=False, by=qa)
    forms.move(version=draft, thing=FormItem.objects.get(text="Says who"), up=True, by=qa)
    forms.move(version=draft, thing=FormItem.objects.get(text="Says who"), up=True, by=qa)

    assert texts(draft) == [["Thanks"], ["Says who", "Greets"]]


def test_publishing_archives_the_version_before(qa, draft):
    stage_of(draft, qa, "Greets")
    forms.publish(version=draft, by=qa, at=AT)
    second = forms.new_version(form=draft.form, by=qa, at=AT)
    forms.publish(version=second, by=qa, at=AT)

    assert [v.status for v in draft.form.versions.order_by("number")] == ["archived", "published"]
    assert texts(second) == [["Greets"]]
    assert AuditEvent.objects.filter(action="qa.form.published").count() == 2


def test_a_form_has_one_draft(qa, draft):
    stage_of(draft, qa, "Greets")
    forms.publish(version=draft, by=qa, at=AT)

    assert forms.new_version(form=draft.form, by=qa, at=AT) == forms.new_version(form=draft.form, by=qa, at=AT)


def test_what_is_missing_is_said_in_sentences(qa, draft):
    assert forms.findings(draft) == ["The form has no stage yet."]
    empty = stage_of(draft, qa, weight=0)
    assert forms.findings(draft) == [
        "The stage “Opening” has no item.",
        "No stage has a weight, so that no call would have a score.",
    ]
    forms.save_item(version=draft, item=FormItem(stage=empty, text="Greets", weight=0), by=qa)
    empty.weight = 1
    forms.save_stage(version=draft, stage=empty, by=qa)
    with pytest.raises(forms.FormNotReady, match="No item of the stage “Opening” has a weight"):
        forms.publish(version=draft, by=qa, at=AT)


def test_the_good_answer_cannot_fail_the_call(qa, draft):
    stage = stage_of(draft, qa)

    with pytest.raises(forms.FieldFault):
        forms.save_item(version=draft, item=FormItem(stage=stage, text="x", good="yes", fails_on="yes"), by=qa)


@pytest.mark.parametrize("weight", [-1, "x", 10**9])
def test_a_weight_that_is_none_is_refused_in_words(qa, draft, weight):
    with pytest.raises(forms.FieldFault, match="weight"):
        forms.save_stage(version=draft, stage=FormStage(name="x", weight=weight), by=qa)


def test_a_code_is_used_once(qa, draft):
    with pytest.raises(forms.CodeTaken):
        forms.create_form(form=QualityForm(code="own", name="Other"), by=qa, at=AT)


def test_agents_write_no_forms_and_trainers_publish_none(qa, draft):
    stage_of(draft, qa, "Greets")

    with pytest.raises(PermissionRefused):
        forms.new_version(form=draft.form, by=UserFactory(), at=AT)
    with pytest.raises(PermissionRefused):
        forms.publish(version=draft, by=UserFactory(role=Membership.Role.TRAINER), at=AT)


CHANGES = {
    "stage changed": "UPDATE qa_formstage SET weight = 1 WHERE version_id = {v}",
    "stage added": "INSERT INTO qa_formstage (version_id, position, name, name_zh, weight) VALUES ({v}, 99, 'x', '', 1)",
    "stage deleted": "DELETE FROM qa_formstage WHERE version_id = {v}",
    "stage moved in": "UPDATE qa_formstage SET version_id = {v}, position = 98 WHERE version_id = {d}",
    "item changed": "UPDATE qa_formitem SET weight = 2 WHERE stage_id IN (SELECT id FROM qa_formstage WHERE version_id = {v})",
    "item deleted": "DELETE FROM qa_formitem WHERE stage_id IN (SELECT id FROM qa_formstage WHERE version_id = {v})",
    "item moved in": "UPDATE qa_formitem SET position = 98, stage_id = (SELECT min(id) FROM qa_formstage WHERE version_id = {v})"
    " WHERE stage_id IN (SELECT id FROM qa_formstage WHERE version_id = {d})",
    "pass mark": "UPDATE qa_formversion SET pass_mark = 1 WHERE id = {v}",
    "back to draft": "UPDATE qa_formversion SET status = 'draft', published_at = NULL WHERE id = {v}",
    "version deleted": "DELETE FROM qa_formversion WHERE id = {v}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_itself_keeps_a_published_form_as_it_was(qa, draft, change):
    stage_of(draft, qa, "Greets")
    published = FormVersion.objects.published().get(form__code="coaching")

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CHANGES[change].format(v=published.pk, d=draft.pk))


def test_the_service_says_that_a_published_form_is_fixed(qa):
    published = FormVersion.objects.published().get(form__code="coaching")

    with pytest.raises(forms.FormIsFixed):
        forms.set_marks(version=published, pass_mark=50, fail_reports_zero=True, by=qa, at=AT)
    with pytest.raises(forms.FormIsFixed):
        stage_of(published, qa)


def test_what_a_colleague_took_out_does_not_come_back_and_what_was_moved_stays_moved(qa, draft):
    stage = stage_of(draft, qa, "Greets", "Says who")
    gone, moved = FormItem.objects.get(text="Greets"), FormItem.objects.get(text="Says who")
    forms.move(version=draft, thing=FormItem.objects.get(text="Says who"), up=True, by=qa)
    forms.drop(version=draft, thing=FormItem.objects.get(text="Greets"), by=qa)

    with pytest.raises(forms.FieldFault, match="taken this out"):
        forms.save_item(version=draft, item=gone, by=qa)
    moved.text = "Says who calls"
    forms.save_item(version=draft, item=moved, by=qa)

    assert [(row.text, row.position) for row in stage.items.all()] == [("Says who calls", 1)]
