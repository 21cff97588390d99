"""Verbs on a draft: its steps, their questions and where answers lead, what is at hand, what reviewers say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import contents, queries_changes, rules
from scripts.flow import TEXTS, WITH_CHOICES, Question, stamp
from scripts.models import (
    Article,
    Objection,
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
    StepComment,
    StepObjection,
    StepQuote,
)
from scripts.services import VersionIsFixed

STEPS = 200  # of one version
QUESTIONS = 20  # of one step
ANSWERS = 30  # of one question
ORDER = {part: number for number, part in enumerate(ScriptStep.Part.values)}


class TooMuch(DomainError):
    """Nobody can read a script of that size on the phone."""


class StepIsGone(DomainError):
    """Somebody else took it out meanwhile."""


class WrittenMeanwhile(DomainError):
    """Somebody else wrote here since the page was drawn: the last one to save does not win unseen."""


class AnswersClash(DomainError):
    """Two answers of one question that read the same."""


class NotOfThisVersion(DomainError):
    """An answer leads only to a step of its own version."""


class DraftMovedOn(DomainError):
    """Somebody wrote on the draft since the table was taken from it."""


class NothingSaid(DomainError):
    """A comment has words."""


class CommentRefused(DomainError):
    """Comments are for versions that are being written or reviewed."""


# ---------------------------------------------------------------- steps


@transaction.atomic
def add_step(*, version: ScriptVersion, part: str, by: User, at: datetime) -> ScriptStep:
    """An empty step at the end of a part. Raises VersionIsFixed, TooMuch."""
    version = _draft(version)
    _check_room(version)
    step = ScriptStep.objects.create(version=version, part=part, position=_last_position(version) + 1, text="")
    _settle_order(version)
    _touch(version, by, at, "added", step)
    return step


@transaction.atomic
def save_step(
    *, step: ScriptStep, values: dict[str, str], by: User, at: datetime, seen: str | None = None
) -> ScriptStep:
    """Store title, text, hint and must-say points as they stand on the page. Nothing is traced when nothing changed.

    `seen`: the stamp of the step that the writer had before them. Raises VersionIsFixed, StepIsGone, WrittenMeanwhile.
    """
    version, step = _step_of_draft(step)
    changed = [name for name in TEXTS if name in values and getattr(step, name) != values[name]]
    if not changed:
        return step
    if seen is not None and seen != stamp_of(step):
        _written_meanwhile(version, by)
    for name in changed:
        setattr(step, name, values[name])
    step.save(update_fields=changed)
    _touch(version, by, at, "written", step)
    return step


def stamp_of(step: ScriptStep) -> str:
    """As flow.Step has it."""
    return stamp([getattr(step, name) for name in TEXTS])


def stamp_of_question(question: ScriptQuestion) -> str:
    """As flow.Question has it."""
    choices = tuple(map(str, question.choices))
    as_is = (question.code, question.text, question.kind, question.is_required, choices, _branches(question))
    return Question(question.pk, *as_is).stamp


def _written_meanwhile(version: ScriptVersion, by: User) -> None:
    other = version.changed_by
    if other is None or other.pk == by.pk:
        raise WrittenMeanwhile(
            _(
                "Not saved: this was written in another window meanwhile. What you typed stands here still; copy it and load the page anew."
            )
        )
    raise WrittenMeanwhile(
        _(
            "Not saved: %(name)s wrote here meanwhile. What you typed stands here still; copy it and load the page anew to see both."
        )
        % {"name": other}
    )


@transaction.atomic
def delete_step(*, step: ScriptStep, by: User, at: datetime) -> dict[str, Any]:
    """Take a step out; what is handed back brings it back by `restore_step`. Comments on it stay with the version."""
    version, step = _step_of_draft(step)
    memento = {
        "content": contents.take([step])[0],
        "incoming": contents.incoming(step),
        "position": step.position,
        "comments": list(step.comments.values_list("pk", flat=True)),
    }
    step.comments.update(step=None)
    _touch(version, by, at, "deleted", step)
    step.delete()
    _settle_order(version)
    return memento


@transaction.atomic
def restore_step(*, version: ScriptVersion, memento: dict[str, Any], by: User, at: datetime) -> ScriptStep:
    """Bring a deleted step back to where it stood, with the answers that led to it. A second call finds it there."""
    version = _draft(version)
    there = version.steps.filter(key=memento["content"]["key"]).first()
    if there:
        return there
    _check_room(version)
    step = _insert(version, memento["content"], memento["position"])
    contents.lead_in(step, memento["incoming"])
    StepComment.objects.filter(pk__in=memento["comments"], version=version).update(step=step)
    _touch(version, by, at, "restored", step)
    return step


@transaction.atomic
def duplicate_step(*, step: ScriptStep, by: User, at: datetime) -> ScriptStep:
    """The same step once more, right below, with a key of its own. Answers that led to the first still lead there."""
    version, step = _step_of_draft(step)
    _check_room(version)
    twin = _insert(version, contents.take([step])[0] | {"key": str(uuid4())}, step.position + 1)
    _touch(version, by, at, "added", twin)
    return twin


@transaction.atomic
def move_step(*, step: ScriptStep, part: str, place: int, by: User, at: datetime) -> ScriptStep:
    """Put a step into a part, before its step number `place` counted from 0 without the step itself."""
    version, step = _step_of_draft(step)
    others = [one for one in _in_order(version) if one.pk != step.pk]
    step.part = part
    inside = [one for one in others if one.part == part]
    below = [one for one in others if ORDER[one.part] < ORDER[part]]
    at_place = len(below) + max(0, min(place, len(inside)))
    _write_order([*others[:at_place], step, *others[at_place:]])
    _touch(version, by, at, "moved", step)
    return step


def nudge_step(*, step: ScriptStep, up: bool, by: User, at: datetime) -> ScriptStep:
    """One place up or down; from the edge of a part into the next part. At the very edge nothing happens."""
    inside = list(
        ScriptStep.objects.filter(version=step.version_id, part=step.part)
        .order_by("position")
        .values_list("pk", flat=True)
    )
    if step.pk not in inside:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    place = inside.index(step.pk) + (-1 if up else 1)
    if 0 <= place < len(inside):
        return move_step(step=step, part=step.part, place=place, by=by, at=at)
    parts = ScriptStep.Part.values
    neighbour = ORDER[step.part] + (-1 if up else 1)
    if not 0 <= neighbour < len(parts):
        return step
    return move_step(step=step, part=parts[neighbour], place=STEPS if up else 0, by=by, at=at)


def _insert(version: ScriptVersion, content: contents.Content, position: int) -> ScriptStep:
    step = contents.plant(version, [content], first=_last_position(version) + 1)[0]
    others = [one for one in _in_order(version) if one.pk != step.pk]
    place = sum(1 for one in others if one.position < position)
    _write_order([*others[:place], step, *others[place:]])
    return step


def _in_order(version: ScriptVersion) -> list[ScriptStep]:
    return sorted(version.steps.order_by("position"), key=lambda step: ORDER[step.part])


def _settle_order(version: ScriptVersion) -> None:
    _write_order(_in_order(version))


def _write_order(steps: Iterable[ScriptStep]) -> None:
    """Places from 1 on, parts in their order. The constraint on places looks only at the end of the transaction."""
    ordered = sorted(steps, key=lambda step: ORDER[step.part])
    for place, step in enumerate(ordered, start=1):
        step.position = place
    ScriptStep.objects.bulk_update(ordered, ["position", "part"])


def _last_position(version: ScriptVersion) -> int:
    return version.steps.aggregate(last=Max("position"))["last"] or 0


def _check_room(version: ScriptVersion) -> None:
    if version.steps.count() >= STEPS:
        raise TooMuch(_("A script has at most %(most)s steps.") % {"most": STEPS})


# ---------------------------------------------------------------- questions


@transaction.atomic
def add_question(*, step: ScriptStep, by: User, at: datetime) -> ScriptQuestion:
    """An empty question at the end of a step. Raises VersionIsFixed, TooMuch."""
    version, step = _step_of_draft(step)
    taken = set(step.questions.values_list("code", flat=True))
    if len(taken) >= QUESTIONS:
        raise TooMuch(_("A step has at most %(most)s questions.") % {"most": QUESTIONS})
    question = ScriptQuestion.objects.create(
        step=step,
        position=(step.questions.aggregate(last=Max("position"))["last"] or 0) + 1,
        code=free_code(taken),
        text="",
    )
    _touch(version, by, at, "written", step)
    return question


def free_code(taken: set[str]) -> str:
    """ "q1", "q2", ...: the first that is free."""
    number = 1
    while f"q{number}" in taken:
        number += 1
    return f"q{number}"


@transaction.atomic
def save_question(
    *,
    question: ScriptQuestion,
    text: str,
    kind: str,
    is_required: bool,
    answers: Sequence[tuple[str, str]],
    by: User,
    at: datetime,
    seen: str | None = None,
) -> ScriptQuestion:
    """Store a question with its answers: (answer, where it leads), which is "" for the next step, "end", or the number of a step.

    Answers without words are left out. `seen`: the stamp of the question that the writer had before them. Raises VersionIsFixed,
    AnswersClash, NotOfThisVersion, TooMuch, WrittenMeanwhile.
    """
    version, question = _question_of_draft(question)
    ways = _ways(version, answers) if kind in WITH_CHOICES else []
    choices = [answer for answer, _target in ways]
    branches = {answer: None if target == "end" else int(target) for answer, target in ways if target}
    before = (question.text, question.kind, question.is_required, question.choices)
    if before == (text, kind, is_required, choices) and branches == _branches(question):
        return question
    if seen is not None and seen != stamp_of_question(question):
        _written_meanwhile(version, by)
    question.text, question.kind, question.is_required, question.choices = text, kind, is_required, choices
    question.save(update_fields=["text", "kind", "is_required", "choices"])
    question.branches.all().delete()
    ScriptBranch.objects.bulk_create(
        ScriptBranch(question=question, choice=answer, target_id=target) for answer, target in branches.items()
    )
    _touch(version, by, at, "written", question.step)
    return question


def _branches(question: ScriptQuestion) -> dict[str, int | None]:
    return dict(question.branches.values_list("choice", "target_id"))


def _ways(version: ScriptVersion, answers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    ways = [(re.sub(r"\s+", " ", answer).strip(), target) for answer, target in answers]
    ways = [(answer, target) for answer, target in ways if answer]
    if len(ways) > ANSWERS:
        raise TooMuch(_("A question has at most %(most)s answers.") % {"most": ANSWERS})
    if len({answer for answer, _target in ways}) < len(ways):
        raise AnswersClash(_("Two answers of this question read the same. Give each its own words."))
    wanted = {target for _answer, target in ways if target not in ("", "end")}
    if wanted - {str(pk) for pk in version.steps.values_list("pk", flat=True)}:
        raise NotOfThisVersion(_("An answer leads to a step that is no longer there. Choose another."))
    return ways


@transaction.atomic
def delete_question(*, question: ScriptQuestion, by: User, at: datetime) -> None:
    version, question = _question_of_draft(question)
    step = question.step
    question.delete()
    _touch(version, by, at, "written", step)


@transaction.atomic
def move_question(*, question: ScriptQuestion, place: int, by: User, at: datetime) -> ScriptQuestion:
    """Put a question before number `place` of its step's others, counted from 0. Where it stands already, nothing is traced."""
    version, question = _question_of_draft(question)
    before = list(question.step.questions.order_by("position", "pk"))
    others = [one for one in before if one.pk != question.pk]
    at_place = max(0, min(place, len(others)))
    after = [*others[:at_place], question, *others[at_place:]]
    if [one.pk for one in after] == [one.pk for one in before]:
        return question
    for position, one in enumerate(after, start=1):
        one.position = position
    ScriptQuestion.objects.bulk_update(after, ["position"])
    _touch(version, by, at, "moved", question.step)
    return question


def nudge_question(*, question: ScriptQuestion, up: bool, by: User, at: datetime) -> ScriptQuestion:
    """One place up or down within its step; at the edge nothing happens."""
    questions = ScriptQuestion.objects.filter(step=question.step_id).order_by("position", "pk")
    inside = list(questions.values_list("pk", flat=True))
    if question.pk not in inside:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    place = inside.index(question.pk) + (-1 if up else 1)
    return move_question(question=question, place=max(0, place), by=by, at=at)


# ---------------------------------------------------------------- what is at hand


@transaction.atomic
def link_objection(*, step: ScriptStep, objection: Objection, by: User, at: datetime) -> None:
    version, step = _step_of_draft(step)
    _link, is_new = StepObjection.objects.get_or_create(step=step, objection=objection)
    if is_new:
        _touch(version, by, at, "written", step)


@transaction.atomic
def unlink_objection(*, step: ScriptStep, objection_id: int, by: User, at: datetime) -> None:
    version, step = _step_of_draft(step)
    StepObjection.objects.filter(step=step, objection=objection_id).delete()
    _touch(version, by, at, "written", step)


@transaction.atomic
def quote_article(*, step: ScriptStep, article: Article, by: User, at: datetime) -> None:
    """Quote an article as it stands now; quoting it again says that the step agrees with its newest version."""
    version, step = _step_of_draft(step)
    StepQuote.objects.update_or_create(step=step, article=article, defaults={"article_version": article.number})
    _touch(version, by, at, "written", step)


@transaction.atomic
def unquote_article(*, step: ScriptStep, article_id: int, by: User, at: datetime) -> None:
    version, step = _step_of_draft(step)
    StepQuote.objects.filter(step=step, article=article_id).delete()
    _touch(version, by, at, "written", step)


# ---------------------------------------------------------------- the whole at once


@transaction.atomic
def replace_steps(
    *,
    version: ScriptVersion,
    steps: Sequence[contents.Content],
    by: User,
    at: datetime,
    seen: Collection[str] | None = None,
) -> ScriptVersion:
    """Put these steps in place of all that the draft has. Comments stay with the steps whose key is still there.

    `seen`: the stamps of what the writer had before them. When the draft is another by now, and not just as it was begun, nothing is
    stored. Raises VersionIsFixed, DraftMovedOn.
    """
    version = _draft(version)
    if seen is not None and set(seen) != {contents.stamp(version)}:
        _check_unwritten(version)
    said = dict(version.comments.exclude(step=None).values_list("pk", "step__key"))
    version.comments.update(step=None)
    version.steps.all().delete()
    planted = contents.plant(version, sorted(steps, key=lambda content: ORDER[content["part"]]))
    by_key = {step.key: step for step in planted}
    for pk, key in said.items():
        if key in by_key:
            StepComment.objects.filter(pk=pk).update(step=by_key[key])
    _touch(version, by, at, "replaced", None)
    return version


def _check_unwritten(version: ScriptVersion) -> None:
    """A draft on which nobody wrote yet says what the version says that it was made from: nothing is lost with it."""
    last = queries_changes.last_deed(version, rules.WRITTEN)
    if last is not None:
        raise DraftMovedOn(
            _("%(who)s changed this draft on %(when)s, after the table was taken from it, or from another version.")
            % queries_changes.who_and_when(last)
        )


# ---------------------------------------------------------------- comments


@transaction.atomic
def comment(*, version: ScriptVersion, step: ScriptStep | None, text: str, by: User, at: datetime) -> StepComment:
    """Say something about a step, or about the whole version. Raises CommentRefused, NothingSaid, NotOfThisVersion."""
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if not rules.can_comment(by, version):
        raise CommentRefused(_("Comments are made while a version is written or in review."))
    if step and step.version_id != version.pk:
        raise NotOfThisVersion(_("This step belongs to another version."))
    if not text.strip():
        raise NothingSaid(_("Write what should change."))
    said = StepComment.objects.create(version=version, step=step, text=text.strip()[:2000], by=by, at=at)
    audit("scripts.comment.made", version, by=by, at=at, number=version.number, comment=said.pk)
    return said


@transaction.atomic
def settle_comment(*, said: StepComment, by: User, at: datetime) -> StepComment:
    """Say that a comment is dealt with; a second time changes nothing."""
    said = StepComment.objects.select_for_update(of=("self",)).select_related("version").get(pk=said.pk)
    if said.settled_at:
        return said
    if not rules.can_comment(by, said.version):
        raise CommentRefused(_("Comments are made while a version is written or in review."))
    said.settled_by, said.settled_at = by, at
    said.save(update_fields=["settled_by", "settled_at"])
    audit("scripts.comment.settled", said.version, by=by, at=at, number=said.version.number, comment=said.pk)
    return said


# ---------------------------------------------------------------- drafts only


def _draft(version: ScriptVersion) -> ScriptVersion:
    """The version, locked. Raises VersionIsFixed when it is no draft."""
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if version.status != ScriptVersion.Status.DRAFT:
        raise VersionIsFixed(
            _("Version %(number)s is no longer a draft. Make a new version to change its text.")
            % {"number": version.number}
        )
    return version


def _step_of_draft(step: ScriptStep) -> tuple[ScriptVersion, ScriptStep]:
    version = _draft(step.version)
    fresh = ScriptStep.objects.filter(pk=step.pk).first()
    if fresh is None:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    return version, fresh


def _question_of_draft(question: ScriptQuestion) -> tuple[ScriptVersion, ScriptQuestion]:
    version = _draft(question.step.version)
    fresh = ScriptQuestion.objects.select_related("step").filter(pk=question.pk).first()
    if fresh is None:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    return version, fresh


def _touch(version: ScriptVersion, by: User, at: datetime, what: str, step: ScriptStep | None) -> None:
    """Who changed a draft last may not approve it."""
    version.changed_by = by
    version.save(update_fields=["changed_by"])
    audit(
        "scripts.version.written",
        version,
        by=by,
        at=at,
        number=version.number,
        what=what,
        step=str(step.key) if step else None,
    )
