"""Pages of forms: read by many, written by QA and trainers, published by QA with the difference it makes shown before."""

from __future__ import annotations

import pytest
from django.urls import reverse

from people.tests.factories import TeamFactory, UserFactory
from qa.models import FormItem, FormStage, FormVersion, QualityForm
from qa.services import forms
from qa.tests.factories import AT
from qa.tests.sheets import draft_of, form_of, item

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def page(client, qa):
    client.force_login(qa)
    return client


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def test_the_list_names_the_version_in_force_its_pass_mark_and_its_items(page, qa):
    form_of(qa)

    text = page.get(url("forms")).content.decode()

    row = text[text.index(">Own<") :].split("</tr>")[0]
    assert [part in row for part in ('<td class="num">1</td>', ">80.0<", ">4<", "New version")] == [True] * 4


def test_a_version_is_shown_as_its_scorer_reads_it_in_both_languages(page, qa):
    version = form_of(qa)

    english = page.get(url("form-version", version.pk)).content.decode()
    qa.language = "zh-hans"
    qa.save(update_fields=["language"])
    chinese = page.get(url("form-version", version.pk)).content.decode()

    assert "Opening" in english
    assert "Greets" in english
    assert "Yes fails the call" in english
    assert "自有" in chinese
    assert "自有" not in english


def test_who_reads_forms_does_not_write_them_and_agents_do_neither(client, qa):
    version = draft_of(qa)
    people = {
        "qa": qa,
        "trainer": UserFactory(role="trainer"),
        "leader": UserFactory(role="team_leader", team=TeamFactory()),
        "agent": UserFactory(agent=TeamFactory()),
        "data": UserFactory(role="data"),
    }
    answers = {}
    for kind, user in people.items():
        client.force_login(user)
        answers[kind] = [client.get(url(*name)).status_code for name in (
            ("forms",), ("form-version", version.pk), ("form-edit", version.pk), ("form-new",), ("form-publish", version.pk),
        )]  # fmt: skip

    assert answers == {
        "qa": [200] * 5, "trainer": [200, 200, 200, 200, 403], "leader": [200, 200, 403, 403, 403], "agent": [403] * 5, "data": [403] * 5,
    }  # fmt: skip


def test_a_stranger_is_sent_to_the_sign_in(client, qa):
    assert client.get(url("form-version", draft_of(qa).pk)).status_code == 302


def test_a_form_is_made_written_and_published_on_its_pages(page):
    made = page.post(url("form-new"), {"name": "New", "name_zh": "", "code": "new", "purpose": "calls"})
    version = FormVersion.objects.get(form__code="new")
    assert made.url == url("form-edit", version.pk)
    assert "The form has no stage yet." in page.get(made.url).content.decode()

    page.post(url("stage-add", version.pk), {"name": "Opening", "weight": "60"}, headers=HTMX)
    stage = version.stages.get()
    drawn = page.post(
        url("item-add", version.pk, stage.pk), {"text": "Greets", "weight": "1", "good": "yes"}, headers=HTMX
    )
    assert 'id="draft"' in drawn.content.decode()
    assert "Nothing is missing." in drawn.content.decode()

    seen = {"seen": forms.fingerprint(version)}
    done = page.post(url("form-publish", version.pk), seen, follow=True)
    assert "Calls are scored with this version from now on." in done.content.decode()
    assert FormVersion.objects.get(pk=version.pk).status == "published"


def test_a_code_that_is_taken_is_said_on_the_form(page, qa):
    draft_of(qa)

    answer = page.post(url("form-new"), {"name": "New", "code": "own", "purpose": "calls"})

    assert answer.status_code == 422
    assert QualityForm.objects.filter(name="New").count() == 0


def test_fields_of_a_draft_are_saved_in_place_and_only_what_is_said_of_it_is_drawn(page, qa):
    version = draft_of(qa)
    stage, greets = version.stages.get(name="Closing"), item(version, "Greets")

    first = page.post(url("stage-edit", version.pk, stage.pk), {"name": "End", "weight": "12.5"}, headers=HTMX)
    page.post(url("item-edit", version.pk, greets.pk), {"text": "Says hello", "weight": "2", "good": "yes"}, headers=HTMX)  # fmt: skip
    page.post(url("form-marks", version.pk), {"pass_mark": "75", "fail_reports_zero": "on"}, headers=HTMX)

    stage.refresh_from_db()
    greets.refresh_from_db()
    version.refresh_from_db()
    assert (stage.name, stage.weight, greets.text, greets.weight) == ("End", 12.5, "Says hello", 2)
    assert (version.pass_mark, version.fail_reports_zero) == (75, True)
    assert first["HX-Reswap"] == "none"
    assert 'id="draft-state" hx-swap-oob="true"' in first.content.decode()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"text": "", "weight": "1", "good": "yes"}, "This field is required."),
        ({"text": "x", "weight": "-1", "good": "yes"}, "greater than or equal to 0"),
        ({"text": "x", "weight": "many", "good": "yes"}, "Enter a number."),
        ({"text": "x", "weight": "1", "good": "yes", "fails_on": "yes"}, "The good answer cannot be the one"),
        ({"text": "x" * 201, "weight": "1", "good": "yes"}, "at most 200 characters"),
        ({"text": "x\0", "weight": "1", "good": "yes"}, "Null characters"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_drawn_anew(page, qa, told, sentence):
    version = draft_of(qa)

    answer = page.post(url("item-edit", version.pk, item(version, "Greets").pk), told, headers=HTMX)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert FormItem.objects.filter(stage__version=version, text="Greets", weight=1).exists()


def test_stages_and_items_move_and_go(page, qa):
    version = draft_of(qa)
    opening, closing = version.stages.all()

    page.post(url("stage-move", version.pk, closing.pk), {"to": "up"}, headers=HTMX)
    page.post(url("item-move", version.pk, item(version, "Greets").pk), {"to": "down"}, headers=HTMX)
    page.post(url("item-drop", version.pk, item(version, "Thanks").pk))  # without a script

    assert [stage.name for stage in version.stages.all()] == ["Closing", "Opening"]
    assert [found.text for found in opening.items.all()] == ["Insults", "Greets"]
    page.post(url("stage-drop", version.pk, opening.pk), headers=HTMX)
    assert list(FormItem.objects.filter(stage__version=version).values_list("text", flat=True)) == ["Asks for the order"]  # fmt: skip


def test_a_published_version_refuses_every_change_and_leads_to_itself(page, qa):
    version = form_of(qa)
    stage = version.stages.get(name="Opening")

    answer = page.post(url("stage-edit", version.pk, stage.pk), {"name": "Other", "weight": "1"}, headers=HTMX)

    assert answer.status_code == 409
    assert "published and stays as it is" in answer.content.decode()
    assert FormStage.objects.get(pk=stage.pk).name == "Opening"
    assert page.get(url("form-edit", version.pk)).url == url("form-version", version.pk)


def test_rows_of_another_version_are_not_reached_through_this_one(page, qa):
    version, other = draft_of(qa), draft_of(qa, "other")

    answers = [
        page.post(url("stage-drop", version.pk, other.stages.first().pk)).status_code,
        page.post(url("item-drop", version.pk, item(other, "Greets").pk)).status_code,
    ]

    assert answers == [404, 404]


def test_a_draft_that_is_not_ready_is_not_published(page, qa):
    version = forms.create_form(form=QualityForm(code="empty", name="Empty"), by=qa, at=AT)

    answer = page.post(url("form-publish", version.pk), {"seen": forms.fingerprint(version)})

    assert answer.status_code == 409
    assert "The form has no stage yet." in answer.content.decode()


def test_a_new_version_begins_as_the_newest_and_goes_on_when_there_is_one(page, qa):
    version = form_of(qa)

    first = page.post(url("form-draft", version.form_id))
    again = page.post(url("form-draft", version.form_id))

    assert first.url == again.url
    assert version.form.versions.get(number=2).stages.count() == 2


def test_an_archived_version_is_left_to_be_read(page, qa):
    version = form_of(qa)

    page.post(url("form-archive", version.pk))

    assert FormVersion.objects.get(pk=version.pk).status == "archived"
    assert page.get(url("form-version", version.pk)).status_code == 200
