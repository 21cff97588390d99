"""What was approved stays as it was, whoever asks the database: every row of the text, and the row of the version itself."""

import pytest
from django.db import IntegrityError, transaction

from people.tests.factories import UserFactory
from scripts.models import (
    Article,
    Objection,
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
    StepObjection,
    StepQuote,
)

from .factories import ScriptVersionFactory, moved

pytestmark = pytest.mark.django_db


class Text:
    """One row of each kind in a version."""

    def __init__(self, version: ScriptVersion) -> None:
        by = UserFactory()
        self.version = version
        self.step = ScriptStep.objects.create(version=version, part="opening", position=1, text="Hello")
        self.question = ScriptQuestion.objects.create(step=self.step, position=1, code="q1", text="?", choices=["y"])
        self.branch = ScriptBranch.objects.create(question=self.question, choice="y", target=None)
        self.objection = StepObjection.objects.create(
            step=self.step, objection=Objection.objects.create(text="dear", created_by=by)
        )
        self.quote = StepQuote.objects.create(
            step=self.step, article=Article.objects.create(title="Prices", owner=by), article_version=1
        )


# kind of row: (its place in the text, a field of its own with another value)
ROWS = {
    "step": ("version", {"text": "other"}),
    "question": ("step", {"text": "other"}),
    "branch": ("question", {"choice": "other"}),
    "objection": ("step", None),
    "quote": ("step", {"article_version": 2}),
}


def inserted(kind: str, approved: Text, draft: Text) -> None:
    """The draft's row once more, in the approved version."""
    row = getattr(draft, kind)
    row.pk = None
    setattr(row, ROWS[kind][0], getattr(approved, ROWS[kind][0]))
    if kind == "step":
        row.key, row.position = "7d1b2f6e-2f4b-4a35-9b58-0d3d7f6a1c11", 9
    if kind == "question":
        row.code = "q9"
    if kind == "branch":
        row.choice = "other"
    row.save(force_insert=True)


def updated(kind: str, approved: Text, draft: Text) -> None:
    change = ROWS[kind][1] or {"objection": draft.objection.objection}
    row = getattr(approved, kind)
    type(row).objects.filter(pk=row.pk).update(**change)


def deleted(kind: str, approved: Text, draft: Text) -> None:
    row = getattr(approved, kind)
    type(row).objects.filter(pk=row.pk)._raw_delete("default")


def moved_in(kind: str, approved: Text, draft: Text) -> None:
    row, place = getattr(draft, kind), ROWS[kind][0]
    fields = {"position": 9} if kind == "step" else {"code": "q9"} if kind == "question" else {}
    if kind == "branch":
        fields = {"choice": "other"}
    type(row).objects.filter(pk=row.pk).update(**{place: getattr(approved, place)}, **fields)


def moved_out(kind: str, approved: Text, draft: Text) -> None:
    moved_in(kind, draft, approved)


@pytest.mark.parametrize("way", [inserted, updated, deleted, moved_in, moved_out])
@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("status", ["approved", "trial", "live", "retired"])
def test_no_row_of_an_approved_text_changes_comes_or_goes(status, kind, way):
    approved, draft = Text(ScriptVersionFactory()), Text(ScriptVersionFactory())
    moved(approved.version, status)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        way(kind, approved, draft)


@pytest.mark.parametrize("way", [inserted, updated, deleted, moved_in])
@pytest.mark.parametrize("kind", ROWS)
def test_a_draft_takes_every_change(kind, way):
    one, other = Text(ScriptVersionFactory()), Text(ScriptVersionFactory())
    if way is deleted:
        ScriptBranch.objects.filter(pk=one.branch.pk).delete() if kind == "question" else None
        if kind == "step":
            one.step.questions.all().delete()
            one.step.objection_links.all().delete()
            one.step.quotes.all().delete()

    way(kind, one, other)


LAWFUL = {
    ("draft", "in_review"),
    ("in_review", "draft"),
    ("in_review", "approved"),
    ("approved", "trial"),
    ("approved", "live"),
    ("approved", "retired"),
    ("trial", "live"),
    ("trial", "retired"),
    ("live", "retired"),
}
STATUSES = ScriptVersion.Status.values


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in STATUSES for b in STATUSES if a != b])
def test_a_version_moves_only_as_the_work_does(before, after):
    version = ScriptVersionFactory(status=before)
    at = None if after in ("draft", "in_review") else moved(ScriptVersionFactory(), "approved").approved_at
    change = ScriptVersion.objects.filter(pk=version.pk)

    if (before, after) in LAWFUL:
        assert change.update(status=after, approved_at=at) == 1
    else:
        with pytest.raises(IntegrityError, match="does not go from"), transaction.atomic():
            change.update(status=after, approved_at=at)


@pytest.mark.parametrize(
    "change",
    [
        lambda version: {"approved_by": UserFactory()},
        lambda version: {"approved_at": version.created_at},
        lambda version: {"number": 9},
        lambda version: {"script": ScriptVersionFactory().script, "number": 9},
        lambda version: {"created_by": UserFactory()},
        lambda version: {"based_on": ScriptVersionFactory()},
    ],
)
def test_who_approved_and_what_it_is_stays(change):
    version = ScriptVersionFactory(status="approved")

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        ScriptVersion.objects.filter(pk=version.pk).update(**change(version))


def test_a_version_begins_as_a_draft_and_is_kept_once_approved():
    version = ScriptVersionFactory(status="approved")

    with pytest.raises(IntegrityError, match="begins as a draft"), transaction.atomic():
        ScriptVersion.objects.create(script=version.script, number=9, status="live", approved_at=version.approved_at)
    with pytest.raises(IntegrityError, match="is kept"), transaction.atomic():
        ScriptVersion.objects.filter(pk=version.pk)._raw_delete("default")
