"""The content of steps taken out of their rows and put back: for a copy, a duplicate, an undo and a table from Excel.

A content is plain JSON. Branches name their target by the key of the step, so that they can be planted in any version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from scripts import stamps
from scripts.models import (
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
    StepObjection,
    StepQuote,
)

FIELDS = ("part", "title", "text", "hint", "must_say")
Content = dict[str, Any]


def take(steps: Iterable[ScriptStep]) -> list[Content]:
    """The contents of these steps, in their order. Five queries."""
    steps = list(steps)
    questions, objections, quotes = _questions(steps), _objections(steps), _quotes(steps)
    return [
        {
            "key": str(step.key),
            **{name: getattr(step, name) for name in FIELDS},
            "questions": questions[step.pk],
            "objections": objections[step.pk],
            "quotes": quotes[step.pk],
        }
        for step in steps
    ]


def stamp(version: ScriptVersion) -> str:
    """The same for two versions, or twice for one, when their steps say, ask, lead, quote and keep at hand the same."""
    return stamps.stamp(take(version.steps.order_by("position")))


def _questions(steps: Sequence[ScriptStep]) -> dict[int, list[Content]]:
    branches: dict[int, list[list[str | None]]] = defaultdict(list)
    rows = ScriptBranch.objects.filter(question__step__in=steps).order_by("pk")
    for question_id, choice, key in rows.values_list("question_id", "choice", "target__key"):
        branches[question_id].append([choice, str(key) if key else None])
    found: dict[int, list[Content]] = defaultdict(list)
    for row in ScriptQuestion.objects.filter(step__in=steps).order_by("position", "pk"):
        found[row.step_id].append(
            {
                "code": row.code,
                "text": row.text,
                "kind": row.kind,
                "choices": row.choices,
                "is_required": row.is_required,
                "branches": branches[row.pk],
            }
        )
    return found


def _objections(steps: Sequence[ScriptStep]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for step_id, pk in (
        StepObjection.objects.filter(step__in=steps).order_by("pk").values_list("step_id", "objection_id")
    ):
        found[step_id].append(pk)
    return found


def _quotes(steps: Sequence[ScriptStep]) -> dict[int, list[list[int]]]:
    found: dict[int, list[list[int]]] = defaultdict(list)
    rows = StepQuote.objects.agreed().filter(step__in=steps).order_by("pk")
    for step_id, article, number in rows.values_list("step_id", "article_id", "agreed_version"):
        found[step_id].append([article, number])
    return found


def plant(version: ScriptVersion, contents: Sequence[Content], *, first: int = 1) -> list[ScriptStep]:
    """Make steps of these contents, at places from `first` on. A branch whose target is neither among them nor in the version is left out."""
    steps = ScriptStep.objects.bulk_create(
        ScriptStep(
            version=version,
            key=UUID(content["key"]) if content.get("key") else uuid4(),
            position=first + number,
            **{name: content.get(name, "") for name in FIELDS},
        )
        for number, content in enumerate(contents)
    )
    rows = list(zip(steps, contents, strict=True))
    questions = ScriptQuestion.objects.bulk_create(
        ScriptQuestion(
            step=step,
            position=place,
            **{name: question[name] for name in ("code", "text", "kind", "choices", "is_required")},
        )
        for step, content in rows
        for place, question in enumerate(content.get("questions", []), start=1)
    )
    _plant_branches(version, questions, [q for _step, content in rows for q in content.get("questions", [])])
    StepObjection.objects.bulk_create(
        StepObjection(step=step, objection_id=pk) for step, content in rows for pk in content.get("objections", [])
    )
    StepQuote.objects.bulk_create(
        StepQuote(step=step, article_id=article, article_version=number)
        for step, content in rows
        for article, number in content.get("quotes", [])
    )
    return steps


def _plant_branches(version: ScriptVersion, questions: list[ScriptQuestion], contents: list[Content]) -> None:
    places = {str(key): pk for key, pk in version.steps.values_list("key", "pk")}
    ScriptBranch.objects.bulk_create(
        ScriptBranch(question=question, choice=choice, target_id=places[key] if key else None)
        for question, content in zip(questions, contents, strict=True)
        for choice, key in content["branches"]
        if key is None or key in places
    )


def incoming(step: ScriptStep) -> list[list[str]]:
    """(key of the step, code of the question, answer) of every branch that leads here from another step."""
    rows = ScriptBranch.objects.filter(target=step).exclude(question__step=step)
    return [
        [str(key), code, choice]
        for key, code, choice in rows.values_list("question__step__key", "question__code", "choice")
    ]


def lead_in(step: ScriptStep, ways: Iterable[Sequence[str]]) -> None:
    """Let the answers lead here again, unless they lead elsewhere by now."""
    for key, code, choice in ways:
        question = ScriptQuestion.objects.filter(step__version=step.version_id, step__key=key, code=code).first()
        if question and choice in question.choices:
            ScriptBranch.objects.get_or_create(question=question, choice=choice, defaults={"target": step})
