"""The score of one evaluation, `qa_score.v1`: what was answered, what it comes to, and why.

An answer is Yes, No or does not apply; of an item in points it is their number or does not apply, and earns the share of full points. It
is one word whatever the item, so that answers, decided appeals and agreed answers are compared alike. Of each stage the weighted share of what was done well among what applied; of the sheet the
weighted share of its stages, those without any answer left out, so that "does not apply" neither helps nor harms. Items whose wrong
answer fails the call are told apart: the sheet fails, its raw score stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

VERSION = "qa_score.v1"
YES, NO, NOT_APPLICABLE = "yes", "no", "na"
ANSWERS = (YES, NO, NOT_APPLICABLE)
LEAST_POINTS, MOST_POINTS = 2, 10  # full points of an item: with one it would be Yes or No
LEAST_COVERAGE = Fraction(1, 2)  # under it too little applied: no score


@dataclass(frozen=True)
class Item:
    """One thing to look at. `good` is the answer that earns the weight (a grave error earns it by No); `fails_on` fails the call.

    With `most` it is answered by 0 to so many points instead; so many or fewer than `fails_up_to` fail the call.
    """

    code: str
    weight: Fraction = Fraction(1)
    good: str = YES
    fails_on: str = ""
    competency: str = ""
    most: int | None = None
    fails_up_to: int | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """What may be answered, as one word each."""
        return ANSWERS if self.most is None else (*map(str, range(self.most + 1)), NOT_APPLICABLE)

    @property
    def best(self) -> str:
        """The answer that earns the whole weight."""
        return self.good if self.most is None else str(self.most)

    def earned(self, answer: str | None) -> Fraction | None:
        """The share of the weight from 0 to 1; None when the item does not apply, was not answered, or not so that it could be."""
        if answer is None or answer == NOT_APPLICABLE or answer not in self.answers:
            return None
        return Fraction(int(answer == self.good)) if self.most is None else Fraction(int(answer), self.most)

    def is_fatal(self, answer: str | None) -> bool:
        """Whether the answer fails the call."""
        if answer is None or self.earned(answer) is None:
            return False
        if self.most is None:
            return answer == self.fails_on
        return self.fails_up_to is not None and int(answer) <= self.fails_up_to


@dataclass(frozen=True)
class Stage:
    code: str
    weight: Fraction
    items: Sequence[Item]


@dataclass(frozen=True)
class Sheet:
    """A form: stages with their items, and what its version says of passing and failing."""

    stages: Sequence[Stage]
    pass_mark: Fraction = Fraction(80)
    fail_reports_zero: bool = False


@dataclass(frozen=True)
class StageScore:
    """`share`: earned weight of applicable weight, None when nothing applied; `applied`: applicable weight of the whole weight."""

    code: str
    weight: Fraction
    share: Fraction | None
    applied: Fraction


@dataclass(frozen=True)
class Score:
    """All from 0 to 100. `raw` and `reported` are None when nothing, or too little, applied; `outcome` is "pass", "fail" or ""."""

    raw: Fraction | None
    reported: Fraction | None
    outcome: str
    coverage: Fraction
    failed_by: Sequence[str]
    stages: Sequence[StageScore]


def score(sheet: Sheet, answers: Mapping[str, str]) -> Score:
    """The score of these answers (item code: yes, no, points, na; what is not answered does not apply).

    raw = sum(W_s S_s) / sum(W_s) over the stages with an answer, S_s = sum(w_i a_i) / sum(w_i) over the items that apply, a_i 1 or 0, or points / full points; coverage =
    sum(W_s x applicable weight of s / whole weight of s) / sum(W_s). A fatal answer is FAIL whatever the rest is, and stands also
    where too little applied for a score.
    """
    stages = [_stage(stage, answers) for stage in sheet.stages]
    whole = sum((stage.weight for stage in stages), Fraction(0))
    covered = sum((stage.weight * stage.applied for stage in stages), Fraction(0))
    coverage = covered / whole if whole else Fraction(0)
    failed_by = [item.code for stage in sheet.stages for item in stage.items if item.is_fatal(answers.get(item.code))]
    weighed = [(stage.weight, stage.share) for stage in stages if stage.share is not None]
    weight = sum((w for w, _share in weighed), Fraction(0))
    raw = 100 * sum((w * share for w, share in weighed), Fraction(0)) / weight if weight else None
    if coverage < LEAST_COVERAGE:
        raw = None
    passed = "" if raw is None else "pass" if raw >= sheet.pass_mark else "fail"
    outcome = "fail" if failed_by else passed
    reported = Fraction(0) if failed_by and sheet.fail_reports_zero and raw is not None else raw
    return Score(raw, reported, outcome, 100 * coverage, failed_by, stages)


def _stage(stage: Stage, answers: Mapping[str, str]) -> StageScore:
    shares = [(item.weight, item.earned(answers.get(item.code))) for item in stage.items]
    applied = [(weight, share) for weight, share in shares if share is not None]
    weight = sum((w for w, _share in applied), Fraction(0))
    whole = sum((item.weight for item in stage.items), Fraction(0))
    earned = sum((w * share for w, share in applied), Fraction(0))
    return StageScore(
        stage.code, stage.weight, earned / weight if weight else None, weight / whole if whole else Fraction(0)
    )


def by_competency(sheet: Sheet, answers: Mapping[str, str]) -> dict[str, Fraction]:
    """{competency: 0 to 100}: the weighted share of what was done well among its items that applied, whatever their stage."""
    weights: dict[str, Fraction] = {}
    earned: dict[str, Fraction] = {}
    for stage in sheet.stages:
        for item in stage.items:
            share = item.earned(answers.get(item.code))
            if item.competency and share is not None:
                weights[item.competency] = weights.get(item.competency, Fraction(0)) + item.weight
                earned[item.competency] = earned.get(item.competency, Fraction(0)) + item.weight * share
    return {name: 100 * earned[name] / weight for name, weight in weights.items() if weight}


@dataclass(frozen=True)
class Change:
    """What the sheet would come to with one answer changed."""

    item: str
    answer: str
    score: Score


def one_change(sheet: Sheet, answers: Mapping[str, str]) -> list[Change]:
    """For each answered item the other of Yes and No, or full points (where it has them, none); the greatest gain first: what one answer is
    worth on this sheet."""
    now = score(sheet, answers).raw
    changes = []
    for stage in sheet.stages:
        for item in stage.items:
            given = answers.get(item.code)
            if item.earned(given) is not None:
                other = _other(item, given)
                changes.append(Change(item.code, other, score(sheet, {**answers, item.code: other})))
    return sorted(changes, key=lambda change: (now or Fraction(0)) - (change.score.raw or Fraction(0)))


def _other(item: Item, given: str | None) -> str:
    if given != item.best:
        return item.best
    return "0" if item.most is not None else NO if given == YES else YES


def shares(sheet: Sheet, answers: Mapping[str, str]) -> list[tuple[str, Fraction, Fraction]]:
    """(stage, its weight as the form says, its weight on this sheet) in percent: where the weight of what did not apply has gone."""
    stages = score(sheet, answers).stages
    whole = sum((stage.weight for stage in stages), Fraction(0))
    counted = sum((stage.weight for stage in stages if stage.share is not None), Fraction(0))
    return [
        (stage.code, 100 * stage.weight / whole if whole else Fraction(0),
         100 * stage.weight / counted if counted and stage.share is not None else Fraction(0))
        for stage in stages
    ]  # fmt: skip


def reweighed(sheet: Sheet, weights: Mapping[str, Fraction]) -> Sheet:
    """The same sheet with other weights of stages, for the preview of a form before it is published."""
    return replace(
        sheet, stages=[replace(stage, weight=weights.get(stage.code, stage.weight)) for stage in sheet.stages]
    )


def in_thousandths(value: Fraction) -> Decimal:
    """As scores are stored: three places, half to even."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.001"))
