"""Versions: preview, map, side by side, table, comments, life."""

import io
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from people.tests.factories import CityFactory, TeamFactory, UserFactory
from scripts import services, services_steps
from scripts.models import ProhibitedWord, ScriptBranch, ScriptQuestion, ScriptVersion, StepComment

from .factories import ScriptVersionFactory, live_version, moved

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(client):
    user = UserFactory(role="campaign_manager", language="en")
    client.force_login(user)
    return user


@pytest.fixture
def version():
    """Six steps; in the opening "no" leads to the ending."""
    version = ScriptVersionFactory(six_parts=True)
    question = ScriptQuestion.objects.create(
        step=step(version), position=1, code="q1", text="Go on?", choices=["yes", "no"]
    )
    ScriptBranch.objects.create(question=question, choice="no", target=step(version, "ending"))
    return version


def step(version, part="opening"):
    return version.steps.get(part=part)


def page(client, name, *args, **query):
    answer = client.get(reverse(f"scripts:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_preview_begins_at_the_first_step_with_a_customer_who_does_not_exist(client, writer, version):
    shown = page(client, "version_preview", version.pk)

    assert "First question: <mark>Ms Wang</mark>" in shown
    assert f"?step={step(version).pk}&amp;path={step(version, 'first_question').pk}" in shown


def test_the_preview_shows_the_fallback_for_a_customer_nothing_is_known_of(client, writer, version):
    assert "First question: customer" in page(client, "version_preview", version.pk, sample="unknown")


def test_every_branch_can_be_clicked(client, writer, version):
    opening, ending = step(version), step(version, "ending")

    shown = page(client, "version_preview", version.pk, step=opening.pk)
    assert f"?step={ending.pk}&amp;path={opening.pk}" in shown
    shown = page(client, "version_preview", version.pk, step=ending.pk, path=opening.pk)

    assert f"?step={opening.pk}&amp;path=" in shown  # the way back
    assert f"?step=over&amp;path={opening.pk},{ending.pk}" in shown
    assert "The call is over." in page(client, "version_preview", version.pk, step="over")


def test_an_empty_draft_says_what_to_do(client, writer):
    empty = ScriptVersionFactory()

    assert "Write the first step" in page(client, "version_preview", empty.pk)
    assert "Write the first step" in page(client, "version_map", empty.pk)


def test_the_map_tells_where_answers_lead_and_what_is_never_reached(client, writer, version):
    ScriptQuestion.objects.update(is_required=True)
    ScriptBranch.objects.create(question=ScriptQuestion.objects.get(), choice="yes", target=step(version, "closing"))

    shown = page(client, "version_map", version.pk)

    assert "reached by an answer at" in shown
    assert shown.count("is never reached") == 2  # introduction and persuasion


def test_two_versions_stand_side_by_side_with_changed_words_marked(client, writer):
    old = live_version()
    new = services.new_version(script=old.script, by=writer, at=old.created_at)
    new.steps.filter(part="closing").update(text="Closing: agreed")

    shown = page(client, "compare", old.script_id)

    assert "1 step differs." in shown
    assert "<ins>agreed</ins>" in shown
    assert "These versions say the same" in page(client, "compare", old.script_id, before=1, after=1)


def test_a_script_of_one_version_has_nothing_to_compare(client, writer):
    assert "There is only one version" in page(client, "compare", live_version().script_id)


def exported(client, version):
    answer = client.get(reverse("scripts:version_table", args=[version.pk]))
    assert answer["Content-Disposition"].startswith("attachment")
    return b"".join(answer.streaming_content)


def read_in(client, version, content, name="s.xlsx"):
    return client.post(
        reverse("scripts:version_table_import", args=[version.pk]), {"file": SimpleUploadedFile(name, content)}
    )


def test_a_table_goes_out_and_what_was_changed_in_it_comes_back(client, writer, version):
    keys = set(version.steps.values_list("key", flat=True))
    book = load_workbook(io.BytesIO(exported(client, version)))
    sheet = book.worksheets[0]
    assert sheet["G3"].value == "[choice, q1] Go on?\n- yes\n- no → 6.1"
    sheet["D3"] = "A better opening"
    file = io.BytesIO()
    book.save(file)

    answer = read_in(client, version, file.getvalue())

    assert answer.status_code == 302
    assert step(version).text == "A better opening"
    assert set(version.steps.values_list("key", flat=True)) == keys
    assert ScriptBranch.objects.get().target == step(version, "ending")


def test_one_bad_row_and_nothing_is_stored(client, writer, version):
    book = load_workbook(io.BytesIO(exported(client, version)))
    sheet = book.worksheets[0]
    sheet["D2"] = "changed"
    sheet["B5"] = "Middle"
    file = io.BytesIO()
    book.save(file)

    answer = read_in(client, version, file.getvalue())

    assert answer.status_code == 422
    assert [(fault.row, fault.sentence) for fault in answer.context["faults"]] == [
        (5, "“Middle” is none of the six parts.")
    ]
    assert not version.steps.filter(text="changed").exists()


@pytest.mark.parametrize("content", [b"", b"part,text\nOpening,Hello\n", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_workbook_is_refused_in_words(client, writer, version, content):
    answer = read_in(client, version, content)

    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert version.steps.count() == 6


def test_a_table_is_read_into_drafts_only(client, writer):
    live = live_version()

    assert read_in(client, live, b"x").status_code == 302
    assert live.steps.count() == 6


def test_a_comment_stands_at_its_step_and_is_settled(client, writer, version):
    client.post(reverse("scripts:comment_add", args=[version.pk]), {"step": step(version).pk, "text": "Too long"})
    said = version.comments.get()
    assert said.step == step(version)
    shown = page(client, "script", version.script_id)
    assert "Too long" in shown
    assert "1 open" in shown

    client.post(reverse("scripts:comment_settle", args=[said.pk]))

    assert version.comments.get().settled_by == writer


def test_the_life_of_a_version_goes_on_by_its_buttons(client, writer, version):
    def press(name):
        client.post(reverse(f"scripts:{name}", args=[version.pk]))
        version.refresh_from_db()
        return version.status

    assert press("version_submit") == "in_review"
    assert press("version_send_back") == "draft"
    assert press("version_submit") == "in_review"
    assert press("version_approve") == "approved"
    assert press("version_trial") == "trial"
    assert press("version_live") == "live"
    assert press("version_retire") == "live"


def test_what_is_only_to_be_looked_at_is_told_when_a_version_goes_to_review(client, writer, version):
    version.steps.filter(part="opening").update(text="{shoe size|} Good day")

    answer = client.post(reverse("scripts:version_submit", args=[version.pk]), follow=True)

    version.refresh_from_db()
    assert version.status == "in_review"
    assert "does not know: shoe size" in answer.content.decode()


def test_an_error_keeps_a_version_from_review_and_is_told(client, writer, version):
    version.steps.filter(part="opening").update(text="")

    answer = client.post(reverse("scripts:version_submit", args=[version.pk]), follow=True)

    version.refresh_from_db()
    assert version.status == "draft"
    assert "Not sent to review. Step 2.1 has no text." in answer.content.decode()


def test_going_back_to_an_older_version_opens_a_draft_of_it(client, writer):
    old = live_version()
    ScriptVersionFactory(script=old.script, status="retired")

    answer = client.post(reverse("scripts:version_new", args=[old.script_id]), {"based_on": "1"})

    draft = ScriptVersion.objects.get(script=old.script, status="draft")
    assert draft.based_on == old
    assert answer["Location"] == reverse("scripts:version_edit", args=[draft.pk])


def test_a_draft_is_thrown_away(client, writer):
    old = live_version()
    draft = ScriptVersionFactory(script=old.script)

    client.post(reverse("scripts:version_discard", args=[draft.pk]))

    assert list(old.script.versions.all()) == [old]


def test_a_trainer_reads_a_script_but_has_no_hand_in_its_life(client, version):
    client.force_login(UserFactory(role="trainer"))

    assert client.get(reverse("scripts:version_preview", args=[version.pk])).status_code == 200
    for name in ("version_submit", "version_approve", "version_live", "version_discard", "comment_add"):
        assert client.post(reverse(f"scripts:{name}", args=[version.pk])).status_code == 403
    assert client.get(reverse("scripts:version_table", args=[version.pk])).status_code == 403


def changed(content, **cells):
    book = load_workbook(io.BytesIO(content))
    for cell, text in cells.items():
        book.worksheets[0][cell] = text
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def write_on(version, by, text):
    services_steps.save_step(step=step(version), values={"text": text}, by=by, at=datetime(2026, 3, 2, 4, tzinfo=UTC))


def test_a_table_is_not_read_over_what_a_colleague_wrote_since_without_a_word(client, writer, version):
    table = changed(exported(client, version), D3="from the table")
    write_on(version, UserFactory(role="qa", display_name="Li Na"), "of a colleague")

    asked = read_in(client, version, table)

    assert asked.status_code == 409
    assert "Li Na changed this draft on" in asked.content.decode()
    assert step(version).text == "of a colleague"

    url = reverse("scripts:version_table_import", args=[version.pk])
    assert client.post(url, {"anyway": asked.context["now_reads"]}).status_code == 302
    assert step(version).text == "from the table"
    assert client.post(url, {"anyway": asked.context["now_reads"]}).url == url, "what waited is used once"


def test_who_is_asked_is_asked_again_when_the_draft_moves_on_once_more(client, writer, version):
    table = changed(exported(client, version), D3="from the table")
    write_on(version, UserFactory(role="qa"), "once")
    asked = read_in(client, version, table)
    write_on(version, UserFactory(role="qa", display_name="Wang"), "twice")

    again = client.post(
        reverse("scripts:version_table_import", args=[version.pk]), {"anyway": asked.context["now_reads"]}
    )

    assert again.status_code == 409
    assert "Wang changed" in again.content.decode()
    assert step(version).text == "twice"


def test_what_waits_for_one_draft_is_not_read_into_another(client, writer, version):
    other = ScriptVersionFactory(six_parts=True)
    write_on(version, writer, "newer")
    assert read_in(client, version, changed(exported(client, other), D3="x")).status_code == 409

    client.post(reverse("scripts:version_table_import", args=[other.pk]), {"anyway": "x"})

    assert not other.steps.filter(text="x").exists()


def test_a_table_by_hand_is_asked_about_once_somebody_wrote_on_the_draft(client, writer, version):
    table = changed(exported(client, version), **{f"J{row}": None for row in range(2, 8)})

    assert read_in(client, version, table).status_code == 302
    assert read_in(client, version, table).status_code == 409


def test_a_step_that_does_not_fit_a_cell_is_told_instead_of_exported(client, writer, version):
    for number in range(6):
        step(version).questions.create(
            position=number, code=f"long{number}", text="?", choices=[f"{n}{'x' * 190}" for n in range(30)]
        )

    answer = client.get(reverse("scripts:version_table", args=[version.pk]), follow=True)

    assert "is too long for a cell of Excel" in answer.content.decode()


# ---------------------------------------------------------------- who reads what

READ = ("version_preview", "version_map")


def reader(role):
    """Somebody in that role, in the place that it has."""
    if role == "city_manager":
        return UserFactory(role=role, city=CityFactory(), language="en")
    team = TeamFactory() if role in ("agent", "team_leader") else None
    return UserFactory(role=role, team=team, language="en")


@pytest.mark.parametrize(
    ("status", "role"),
    [("draft", "agent"), ("in_review", "team_leader"), ("retired", "supervisor"), ("draft", "city_manager")],
)
def test_a_version_that_calls_do_not_use_is_not_there_for_those_who_neither_write_nor_teach(client, status, role):
    used = live_version()
    hidden = ScriptVersionFactory(script=used.script, six_parts=True)
    StepComment.objects.create(version=hidden, text="Too long", by=UserFactory())
    hidden.steps.update(text="secret words")
    moved(hidden, status)
    client.force_login(reader(role))

    for name in READ:
        assert client.get(reverse(f"scripts:{name}", args=[hidden.pk])).status_code == 404
        assert client.get(reverse(f"scripts:{name}", args=[used.pk])).status_code == 200
    page = client.get(reverse("scripts:script", args=[used.script_id]), {"version": hidden.number}).content.decode()
    assert "Version 1, In force" in page
    assert not any(words in page for words in ("secret words", "Too long", f'href="?version={hidden.number}"'))
    compared = client.get(reverse("scripts:compare", args=[used.script_id]), {"before": 1, "after": 2})
    assert "secret words" not in compared.content.decode()
    assert "In review" not in client.get(reverse("scripts:scripts")).content.decode()


@pytest.mark.parametrize("status", ["approved", "trial", "live"])
def test_an_agent_reads_what_calls_may_use_without_what_reviewers_said(client, status):
    version = ScriptVersionFactory(six_parts=True)
    StepComment.objects.create(version=version, step=version.steps.first(), text="Too long", by=UserFactory())
    moved(version, status)
    ProhibitedWord.objects.create(word="Closing", why="never say it")
    client.force_login(reader("agent"))

    page = client.get(reverse("scripts:script", args=[version.script_id])).content.decode()

    assert "First question: {name|customer}" in page
    assert "Too long" not in page
    assert "never say it" not in page
    assert "never say it" not in client.get(reverse("scripts:version_map", args=[version.pk])).content.decode()


def test_a_script_without_a_version_in_use_says_so_to_an_agent(client):
    version = ScriptVersionFactory(six_parts=True)
    client.force_login(reader("agent"))

    page = client.get(reverse("scripts:script", args=[version.script_id]))

    assert page.status_code == 200
    assert "No version of this script is in use yet" in page.content.decode()


@pytest.mark.parametrize("role", ["trainer", "qa", "campaign_manager"])
def test_those_who_write_approve_or_teach_read_drafts_and_comments(client, role):
    version = ScriptVersionFactory(six_parts=True)
    StepComment.objects.create(version=version, text="Too long", by=UserFactory())
    client.force_login(UserFactory(role=role, language="en"))

    page = client.get(reverse("scripts:script", args=[version.script_id])).content.decode()

    assert all(words in page for words in ("Version 1, Draft", "Too long"))
    assert client.get(reverse("scripts:version_preview", args=[version.pk])).status_code == 200
