"""A script as a flow: which step leads to which, for editor, preview, map, checks and desk alike. Pure: knows no database, so that it can be tried by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from scripts.stamps import stamp

PARTS = ("first_question", "opening", "introduction", "persuasion", "closing", "ending")
ENDING = "ending"
WITH_CHOICES = ("choice", "several")
TEXTS = ("title", "text", "hint", "must_say")  # what is written at a step itself


@dataclass(frozen=True)
class Question:
    """`branches`: answer to the number of the step it leads to, None for the ending. An answer that is not named goes on to the next step."""

    pk: int
    code: str
    text: str
    kind: str = "choice"
    is_required: bool = False
    choices: tuple[str, ...] = ()
    branches: dict[str, int | None] = field(default_factory=dict)

    @property
    def has_choices(self) -> bool:
        return self.kind in WITH_CHOICES

    @property
    def ref(self) -> str:
        """The number as addresses and ids write it, in every language."""
        return str(self.pk)

    @property
    def stamp(self) -> str:
        """Tells this question as it is written from any other wording of it."""
        return stamp([self.text, self.kind, self.is_required, self.choices, sorted(self.branches.items())])

    @property
    def rows(self) -> list[tuple[str, str]]:
        """(answer, "" for the next step, "end", or the number of the step it leads to)."""
        return [
            (choice, str(self.branches[choice] or "end") if choice in self.branches else "") for choice in self.choices
        ]

    @property
    def lost(self) -> list[str]:
        """Answers that lead somewhere but can no longer be given."""
        return [answer for answer in self.branches if not self.has_choices or answer not in self.choices]

    @property
    def leaves_nothing_over(self) -> bool:
        """Whoever answers it is led away: the next step is not reached from here."""
        return (
            self.has_choices
            and self.is_required
            and bool(self.choices)
            and all(choice in self.branches for choice in self.choices)
        )


@dataclass(frozen=True)
class Quote:
    """An article as it was quoted, and as it is now."""

    article: int
    title: str
    quoted: int
    current: int
    is_retired: bool = False

    @property
    def is_out_of_date(self) -> bool:
        return self.is_retired or self.current > self.quoted


@dataclass(frozen=True)
class Step:
    pk: int
    part: str
    text: str = ""
    title: str = ""
    hint: str = ""
    must_say: str = ""
    key: UUID | None = None
    number: str = ""
    questions: tuple[Question, ...] = ()
    objections: tuple[tuple[int, str], ...] = ()
    quotes: tuple[Quote, ...] = ()

    @property
    def ref(self) -> str:
        return str(self.pk)

    @property
    def stamp(self) -> str:
        """Tells the texts of this step from any other wording of them."""
        return stamp([getattr(self, name) for name in TEXTS])

    @property
    def label(self) -> str:
        """How others name it: number, and title or the first words."""
        words = self.title or self.text.strip().replace("\n", " ")
        return f"{self.number} {words[:24]}{'…' if len(words) > 24 else ''}".strip()

    @property
    def points(self) -> list[str]:
        return lines(self.must_say)


@dataclass(frozen=True)
class Way:
    """One way out of a step. `answer` empty: simply the next one; `to` None: the call is over."""

    answer: str
    to: Step | None
    question: Question | None = None


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class Flow:
    """The steps in the order of the desk: by part, then by place."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = sorted(steps, key=lambda step: PARTS.index(step.part))
        self.by_pk = {step.pk: step for step in self.steps}

    @cached_property
    def _next(self) -> dict[int, Step | None]:
        following = [*self.steps[1:], None]
        return {step.pk: after for step, after in zip(self.steps, following, strict=True)}

    @cached_property
    def ending(self) -> Step | None:
        return next((step for step in self.steps if step.part == ENDING), None)

    def after(self, step: Step) -> Step | None:
        return self._next[step.pk]

    def of_part(self, part: str) -> list[Step]:
        return [step for step in self.steps if step.part == part]

    def ways(self, step: Step) -> list[Way]:
        """Every way on from a step, the next one last; no way at all means that the call is over here."""
        found = [
            Way(choice, self.target(step, question.branches[choice]), question)
            for question in step.questions
            if question.has_choices
            for choice in question.choices
            if choice in question.branches
        ]
        following = self.after(step)
        if following and not any(question.leaves_nothing_over for question in step.questions):
            found.append(Way("", following))
        return found

    def target(self, step: Step, to: int | None) -> Step | None:
        """Where a branch of this step leads. None is the ending part; from within it, or when there is none, the end of the call."""
        if to is None:
            return self.ending if step.part != ENDING else None
        return self.by_pk.get(to)

    def reachable(self) -> set[int]:
        """Numbers of the steps that a call can come to from the first one."""
        seen: set[int] = set()
        waiting = self.steps[:1]
        while waiting:
            step = waiting.pop()
            if step.pk not in seen:
                seen.add(step.pk)
                waiting += [way.to for way in self.ways(step) if way.to]
        return seen

    def ends(self) -> set[int]:
        """Numbers of the steps from which the ending part can be reached."""
        found = {step.pk for step in self.steps if step.part == ENDING}
        grown = True
        while grown:
            more = {
                step.pk
                for step in self.steps
                if step.pk not in found and any(way.to and way.to.pk in found for way in self.ways(step))
            }
            found |= more
            grown = bool(more)
        return found
