"""What is wrong with a script while it is written. Pure, like the flow it looks at; submitting refuses on errors and warns of the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from scripts import blanks
from scripts.flow import ENDING, PARTS, Flow, Step, lines


class Kind(StrEnum):
    MISSING_PART = "missing_part"
    EMPTY_STEP = "empty_step"
    DEAD_END = "dead_end"
    UNREACHABLE = "unreachable"
    MUST_SAY = "must_say"
    PROHIBITED = "prohibited"
    OUT_OF_DATE = "out_of_date"
    UNKNOWN_BLANK = "unknown_blank"
    LOST_BRANCH = "lost_branch"


ERRORS = frozenset(
    {Kind.MISSING_PART, Kind.EMPTY_STEP, Kind.DEAD_END, Kind.UNREACHABLE, Kind.MUST_SAY, Kind.PROHIBITED}
)
SENTENCES: dict[Kind, Any] = {
    Kind.MISSING_PART: _("The part “%(what)s” has no text yet."),
    Kind.EMPTY_STEP: _("Step %(step)s has no text."),
    Kind.DEAD_END: _("Dead end: nothing leads from step %(step)s to the ending."),
    Kind.UNREACHABLE: _("Step %(step)s is never reached: no answer leads there."),
    Kind.MUST_SAY: _("“%(what)s” must be said of this product, and no step says it."),
    Kind.PROHIBITED: _("Step %(step)s contains a prohibited word: %(what)s."),
    Kind.OUT_OF_DATE: _("Step %(step)s quotes “%(what)s”, which has changed or was retired since."),
    Kind.UNKNOWN_BLANK: _("Step %(step)s has a merge field that the desk does not know: %(what)s."),
    Kind.LOST_BRANCH: _("Step %(step)s has a branch for an answer that no longer exists: %(what)s."),
}


@dataclass(frozen=True)
class Finding:
    kind: Kind
    step: Step | None = None
    what: str = ""

    @property
    def is_error(self) -> bool:
        return self.kind in ERRORS

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self.kind]) % {"step": self.step.label if self.step else "", "what": self.what}


@dataclass(frozen=True)
class Ground:
    """What a script is held against. `prohibited`: word to the reason why; `blanks`: names the desk can fill in;
    `part_names`: how the parts are called."""

    mandatory: tuple[str, ...] = ()
    prohibited: dict[str, str] = field(default_factory=dict)
    blanks: frozenset[str] = frozenset(blanks.KNOWN)
    part_names: dict[str, str] = field(default_factory=dict)


def check(flow: Flow, ground: Ground) -> list[Finding]:
    """Everything that is wrong, errors first, then in the order of the steps."""
    found = [finding for look in LOOKS for finding in look(flow, ground)]
    place = {step.pk: number for number, step in enumerate(flow.steps)}
    return sorted(found, key=lambda one: (not one.is_error, place.get(one.step.pk, -1) if one.step else -1))


def _missing_parts(flow: Flow, ground: Ground) -> Iterator[Finding]:
    there = {step.part for step in flow.steps}
    for part in PARTS:
        if part not in there:
            yield Finding(Kind.MISSING_PART, what=ground.part_names.get(part, part))


def _empty_steps(flow: Flow, ground: Ground) -> Iterator[Finding]:
    yield from (Finding(Kind.EMPTY_STEP, step) for step in flow.steps if not step.text.strip())


def _dead_ends(flow: Flow, ground: Ground) -> Iterator[Finding]:
    ends = flow.ends()
    yield from (Finding(Kind.DEAD_END, step) for step in flow.steps if step.pk not in ends and step.part != ENDING)


def _unreachable(flow: Flow, ground: Ground) -> Iterator[Finding]:
    reached = flow.reachable()
    yield from (Finding(Kind.UNREACHABLE, step) for step in flow.steps if step.pk not in reached)


def _must_say(flow: Flow, ground: Ground) -> Iterator[Finding]:
    said = [bare(words) for step in flow.steps for words in (step.text, *step.points)]
    for statement in ground.mandatory:
        if bare(statement) and not any(bare(statement) in words for words in said):
            yield Finding(Kind.MUST_SAY, what=statement)


def _prohibited(flow: Flow, ground: Ground) -> Iterator[Finding]:
    """In what the customer hears; a hint may name the word that is not to be said."""
    for step in flow.steps:
        heard = "\n".join([step.text, step.must_say, *_questions(step)])
        for said in prohibited_in(heard, ground.prohibited):
            yield Finding(Kind.PROHIBITED, step, said)


def prohibited_in(heard: str, prohibited: Mapping[str, str]) -> Iterator[str]:
    """The words of a text that must not be said to customers, each with its reason in brackets where there is one."""
    small = heard.casefold()
    for word, why in prohibited.items():
        if word.casefold() in small:
            yield f"{word} ({why})" if why else word


def _questions(step: Step) -> Iterator[str]:
    for question in step.questions:
        yield question.text
        yield from question.choices


def _out_of_date(flow: Flow, ground: Ground) -> Iterator[Finding]:
    for step in flow.steps:
        yield from (Finding(Kind.OUT_OF_DATE, step, quote.title) for quote in step.quotes if quote.is_out_of_date)


def _unknown_blanks(flow: Flow, ground: Ground) -> Iterator[Finding]:
    for step in flow.steps:
        unknown = dict.fromkeys(name for name in blanks.names(step.text) if name not in ground.blanks)
        yield from (Finding(Kind.UNKNOWN_BLANK, step, name) for name in unknown)


def _lost_branches(flow: Flow, ground: Ground) -> Iterator[Finding]:
    for step in flow.steps:
        for question in step.questions:
            yield from (Finding(Kind.LOST_BRANCH, step, answer) for answer in question.lost)


def bare(text: str) -> str:
    """The words alone: a must-say point is said, whatever stands between its words."""
    return re.sub(r"[\W_]+", "", text).casefold()


def statements(text: str) -> tuple[str, ...]:
    return tuple(lines(text))


LOOKS: tuple[Callable[[Flow, Ground], Iterable[Finding]], ...] = (
    _missing_parts,
    _empty_steps,
    _dead_ends,
    _unreachable,
    _must_say,
    _prohibited,
    _out_of_date,
    _unknown_blanks,
    _lost_branches,
)
