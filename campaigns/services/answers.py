"""Answers to the script's questions, judged before they are kept: of the version that was spoken, and of the kind that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _, ngettext

from campaigns import queries_set_up
from campaigns.guide import fitting
from scripts.models import ScriptQuestion


@dataclass(frozen=True)
class Judged:
    """`kept`: what becomes an answer. `words`: what fits no answer, for the note, so that it is not lost. `notices`: what is told of it."""

    kept: Mapping[int, Any]
    words: Sequence[str]
    notices: Sequence[str]


def judge(*, version_id: int | None, answers: Mapping[int, Any]) -> Judged:
    """Answers of another version are left out, those that do not fit their question stand in the note: neither holds up a result."""
    if not answers:
        return Judged({}, (), ())
    questions = queries_set_up.questions(version_id) if version_id is not None else {}
    known = {pk: questions[pk] for pk in sorted(answers) if pk in questions}
    fits = {pk: fitting(known[pk].kind, known[pk].choices, answers[pk]) for pk in known}
    misfits = [known[pk] for pk, value in fits.items() if value is None]
    return Judged(
        kept={pk: value for pk, value in fits.items() if value is not None},
        words=[f"{question.text}: {_in_words(answers[question.pk])}" for question in misfits],
        notices=[*_told_strange(len(answers) - len(known)), *map(_told_misfit, misfits)],
    )


def _told_strange(count: int) -> list[str]:
    if not count:
        return []
    told = ngettext(
        "%(count)s answer belongs to a script that is not the one of this call and was left out.",
        "%(count)s answers belong to a script that is not the one of this call and were left out.",
        count,
    )
    return [told % {"count": count}]


def _told_misfit(question: ScriptQuestion) -> str:
    return _("What was answered to “%(question)s” does not fit the question. It stands in the note of the call.") % {
        "question": question.text
    }


def how_to_answer(question: ScriptQuestion) -> str:
    """What an answer to this question looks like."""
    kinds = ScriptQuestion.Kind
    if question.kind == kinds.NUMBER:
        return _("Write a number, like 199 or 199.50.")
    return _("Choose a day.") if question.kind == kinds.DATE else _("Choose among the answers.")


def _in_words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
