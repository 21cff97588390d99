"""Verbs on the questions of a draft's steps, and where their answers lead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.errors import DomainError
from people.models import User
from scripts.flow import WITH_CHOICES, Question
from scripts.models import ScriptBranch, ScriptQuestion, ScriptStep, ScriptVersion
from scripts.services_drafts import (
    NotOfThisVersion,
    StepIsGone,
    TooMuch,
    locked_draft,
    refuse_unseen,
    step_of_draft,
    touch,
)

QUESTIONS = 20  # of one step
ANSWERS = 30  # of one question


class AnswersClash(DomainError):
    """Two answers of one question that read the same."""


@transaction.atomic
def add_question(*, step: ScriptStep, by: User, at: datetime) -> ScriptQuestion:
    """An empty question at the end of a step. Raises VersionIsFixed, TooMuch."""
    version, step = step_of_draft(step)
    taken = set(step.questions.values_list("code", flat=True))
    if len(taken) >= QUESTIONS:
        raise TooMuch(_("A step has at most %(most)s questions.") % {"most": QUESTIONS})
    question = ScriptQuestion.objects.create(
        step=step,
        position=(step.questions.aggregate(last=Max("position"))["last"] or 0) + 1,
        code=free_code(taken),
        text="",
    )
    touch(version, by, at, "written", step)
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
        refuse_unseen(version, by)
    question.text, question.kind, question.is_required, question.choices = text, kind, is_required, choices
    question.save(update_fields=["text", "kind", "is_required", "choices"])
    question.branches.all().delete()
    ScriptBranch.objects.bulk_create(
        ScriptBranch(question=question, choice=answer, target_id=target) for answer, target in branches.items()
    )
    touch(version, by, at, "written", question.step)
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
    touch(version, by, at, "written", step)


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
    touch(version, by, at, "moved", question.step)
    return question


def nudge_question(*, question: ScriptQuestion, up: bool, by: User, at: datetime) -> ScriptQuestion:
    """One place up or down within its step; at the edge nothing happens."""
    questions = ScriptQuestion.objects.filter(step=question.step_id).order_by("position", "pk")
    inside = list(questions.values_list("pk", flat=True))
    if question.pk not in inside:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    place = inside.index(question.pk) + (-1 if up else 1)
    return move_question(question=question, place=max(0, place), by=by, at=at)


def stamp_of_question(question: ScriptQuestion) -> str:
    """As flow.Question has it."""
    choices = tuple(map(str, question.choices))
    as_is = (question.code, question.text, question.kind, question.is_required, choices, _branches(question))
    return Question(question.pk, *as_is).stamp


def _question_of_draft(question: ScriptQuestion) -> tuple[ScriptVersion, ScriptQuestion]:
    version = locked_draft(question.step.version)
    fresh = ScriptQuestion.objects.select_related("step").filter(pk=question.pk).first()
    if fresh is None:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    return version, fresh
