"""Two versions of a script side by side: what came, went, moved, and which words changed. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from uuid import UUID

from scripts.flow import PARTS, Flow, Question, Step

# a Latin word or a number, a run of blanks, or one sign: Chinese is compared sign by sign
WORD = re.compile(r"[A-Za-z0-9_]+|\s+|.", re.S)


class Change(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Run:
    """A stretch of text; `is_changed` when the other version does not have it."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True)
class FieldPair:
    """One field of a step before and after; `name` is the field's."""

    name: str
    before: list[Run]
    after: list[Run]

    @property
    def is_changed(self) -> bool:
        return any(run.is_changed for run in (*self.before, *self.after))


@dataclass(frozen=True)
class StepPair:
    before: Step | None
    after: Step | None
    fields: list[FieldPair]
    is_moved: bool = False

    @property
    def change(self) -> Change:
        if self.before is None:
            return Change.ADDED
        if self.after is None:
            return Change.REMOVED
        return Change.CHANGED if any(one.is_changed for one in self.fields) else Change.SAME

    @property
    def part(self) -> str:
        step = self.after or self.before
        return step.part if step else PARTS[0]


@dataclass(frozen=True)
class Words:
    """How kinds of questions, a required one and the ending are called."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    required: str = "*"
    ending: str = "■"


def compare(before: Flow, after: Flow, words: Words | None = None) -> list[StepPair]:
    """Steps matched by their keys, in the order of the newer version; what was taken out stands where it stood."""
    words = words or Words()
    old = {step.key: _texts(before, step, words) for step in before.steps}
    new = {step.key: _texts(after, step, words) for step in after.steps}
    steps = [{step.key: step for step in flow.steps} for flow in (before, after)]
    moved = _moved(before, after)
    return [
        StepPair(steps[0].get(key), steps[1].get(key), _fields(old.get(key, {}), new.get(key, {})), key in moved)
        for key in _order(before, after)
    ]


def _order(before: Flow, after: Flow) -> list[UUID | None]:
    there = {step.key for step in after.steps}
    order = [step.key for step in after.steps]
    last: UUID | None = None
    for step in before.steps:
        if step.key not in there:
            order.insert(order.index(last) + 1 if last in order else 0, step.key)
        last = step.key
    return order


def _moved(before: Flow, after: Flow) -> set[UUID | None]:
    """Those in another part, and the fewest others whose move explains the new order."""
    parts = {step.key: step.part for step in before.steps}
    places = {step.key: place for place, step in enumerate(before.steps)}
    other_part = {step.key for step in after.steps if step.key in parts and parts[step.key] != step.part}
    stayed = [step.key for step in after.steps if step.key in parts and step.key not in other_part]
    kept = {stayed[index] for index in _longest_rise([places[key] for key in stayed])}
    return other_part | (set(stayed) - kept)


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Indices of a longest rising subsequence."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        tails[place:] = [number, *tails[place + 1 :]]
        at[place:] = [index, *at[place + 1 :]]
        before.append(at[place - 1] if place else -1)
    found, index = [], at[-1] if at else -1
    while index >= 0:
        found.append(index)
        index = before[index]
    return found[::-1]


def _fields(before: Mapping[str, str], after: Mapping[str, str]) -> list[FieldPair]:
    pairs = []
    for name in ("title", "text", "hint", "must_say", "questions", "objections", "articles"):
        one, other = before.get(name, ""), after.get(name, "")
        if one or other:
            pairs.append(FieldPair(name, *marked(one, other)))
    return pairs


def _texts(flow: Flow, step: Step, words: Words) -> dict[str, str]:
    return {
        "title": step.title,
        "text": step.text,
        "hint": step.hint,
        "must_say": step.must_say,
        "questions": "\n".join(_question(flow, question, words) for question in step.questions),
        "objections": "\n".join(text for _pk, text in step.objections),
        "articles": "\n".join(f"{quote.title} ({quote.quoted})" for quote in step.quotes),
    }


def _question(flow: Flow, question: Question, words: Words) -> str:
    marks = [words.kinds.get(question.kind, question.kind), *([words.required] if question.is_required else [])]
    answers = [f"  {choice}{_target(flow, question, choice, words)}" for choice in question.choices]
    return "\n".join([f"{question.text} [{', '.join(marks)}]", *answers])


def _target(flow: Flow, question: Question, choice: str, words: Words) -> str:
    """By title, not by number: a step that only got another number is the same target."""
    if choice not in question.branches:
        return ""
    step = flow.by_pk.get(question.branches[choice] or 0)
    return f" → {(step.title or step.text[:24]) if step else words.ending}"


def marked(before: str, after: str) -> tuple[list[Run], list[Run]]:
    """Both texts in runs; the words that the other does not have are marked."""
    old, new = WORD.findall(before), WORD.findall(after)
    left: list[Run] = []
    right: list[Run] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if i2 > i1:
            left.append(Run("".join(old[i1:i2]), tag != "equal"))
        if j2 > j1:
            right.append(Run("".join(new[j1:j2]), tag != "equal"))
    return left, right
