"""A score in words: what each stage gave, where the weight of what did not apply went, what one other answer would come to.

Everything is counted by qa.scoring; here figures get the names of stages and items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from qa import scoring
from qa.models import FormItem, FormVersion

CHANGES = 3


@dataclass(frozen=True)
class StageLine:
    """One stage: weights in percent of the whole sheet, `share` from 0 to 1 (None: nothing applied), `gives` in points of the score."""

    name: str
    weight: float
    counted: float
    share: float | None
    gives: float | None

    @property
    def moved(self) -> float:
        """How much weight came from what did not apply, or went."""
        return self.counted - self.weight


@dataclass(frozen=True)
class PointsLine:
    """An item that was answered by points: `earned` of its `weight`."""

    item: str
    answer: str
    weight: float
    earned: float


@dataclass(frozen=True)
class ChangeLine:
    item: str
    answer: str
    score: float | None
    difference: float | None


@dataclass(frozen=True)
class Explained:
    """What the answers come to now. Scores and coverage from 0 to 100; `answered` of `items` have an answer."""

    raw: float | None
    reported: float | None
    outcome: str
    coverage: float
    pass_mark: float
    failed_by: list[str]
    stages: list[StageLine]
    points: list[PointsLine]
    changes: list[ChangeLine]
    answered: int
    items: int

    @property
    def has_moved(self) -> bool:
        return self.raw is not None and any(abs(line.moved) >= 0.05 for line in self.stages)


def explain(version: FormVersion, answers: Mapping[str, str]) -> Explained:
    """The version comes with its stages and items (FormVersion.objects.with_items())."""
    sheet = version.sheet()
    found = scoring.score(sheet, answers)
    stages = {str(stage.pk): stage for stage in version.stages.all()}
    items = {str(item.pk): item for stage in stages.values() for item in stage.items.all()}
    shares = {score.code: score.share for score in found.stages}
    lines = [
        StageLine(str(stages[code]), float(weight), float(counted), _number(shares[code]), _given(counted, shares[code]))
        for code, weight, counted in scoring.shares(sheet, answers)
    ]  # fmt: skip
    changes = [] if found.raw is None else scoring.one_change(sheet, answers)[:CHANGES]
    return Explained(
        _number(found.raw), _number(found.reported), found.outcome, float(found.coverage), float(sheet.pass_mark),
        [str(items[code]) for code in found.failed_by], lines, _points(items, answers), [_change(change, items, found.raw) for change in changes],
        sum(1 for code in items if answers.get(code)), len(items),
    )  # fmt: skip


def _points(items: Mapping[str, FormItem], answers: Mapping[str, str]) -> list[PointsLine]:
    """In the order of the form; an item that does not apply earns nothing of nothing and is left out."""
    found = []
    for code, item in items.items():
        share = item.as_item().earned(answers.get(code))
        if item.most_points is not None and share is not None:
            words = item.say(answers[code])
            found.append(PointsLine(str(item), words, float(item.weight), float(Fraction(item.weight) * share)))
    return found


def _change(change: scoring.Change, items: Mapping[str, FormItem], now: Fraction | None) -> ChangeLine:
    then = change.score.raw
    difference = None if then is None or now is None else float(then - now)
    item = items[change.item]
    return ChangeLine(str(item), item.say(change.answer), _number(then), difference)


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _given(counted: Fraction, share: Fraction | None) -> float | None:
    return None if share is None else float(counted * share)
