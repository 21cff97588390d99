"""Competency growth, counted: the weighted share of what was done well in a stage or skill, at several dates, with how sure it is.

Answers of one call hang together, so calls are what is counted: the interval is Wilson's for as many independent observations as
the spread between calls allows. A call chosen with probability p weighs 1/p, as in every published score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.means import clustered_size
from core.stats import newcombe, wilson

TOP = 4  # the scale of practice: 4 x the share
LEAST_CALLS = 5  # under it a figure says nothing of the one who was scored


@dataclass(frozen=True)
class Part:
    """Of one call, in one stage or skill: weight of the items that applied, and of those done well."""

    weight: float  # of the call
    possible: float
    earned: float
    answers: int


@dataclass(frozen=True)
class Point:
    """`share`, `low`, `high` of 1 (95 %); `share` is None when nothing with a weight applied. `size`: independent observations."""

    share: float | None
    low: float
    high: float
    calls: int
    answers: int
    size: float

    @property
    def score(self) -> float | None:
        return None if self.share is None else TOP * self.share

    @property
    def low_score(self) -> float:
        return TOP * self.low

    @property
    def high_score(self) -> float:
        return TOP * self.high

    @property
    def is_small(self) -> bool:
        return self.calls < LEAST_CALLS


NOTHING = Point(None, 0.0, 1.0, 0, 0, 0.0)


def point_of(parts: Iterable[Part]) -> Point:
    """share = sum(w earned) / sum(w possible) over calls; its variance as of a ratio, by calls."""
    counted = [part for part in parts if part.possible > 0]
    if not counted:
        return NOTHING
    whole = sum(part.weight * part.possible for part in counted)
    share = sum(part.weight * part.earned for part in counted) / whole
    answers = sum(part.answers for part in counted)
    size = _size(counted, share, whole, answers)
    low, high = wilson(share * size, size)
    return Point(share, min(low, share), max(high, share), len(counted), answers, size)


def _size(parts: Sequence[Part], share: float, whole: float, answers: int) -> float:
    """Never more than there are answers; where all calls are alike, as many as there are calls."""
    off = sum((part.weight * (part.earned - share * part.possible)) ** 2 for part in parts)
    return clustered_size(share, len(parts), off, whole, float(answers))


def moved(first: Point, last: Point) -> str:
    """From the first date to the last: "up", "down", "" when it cannot be told from chance, "few" when too few calls were scored."""
    if first.share is None or last.share is None or first.is_small or last.is_small:
        return "few"
    low, high = newcombe(last.share * last.size, last.size, first.share * first.size, first.size)
    return "up" if low > 0 else "down" if high < 0 else ""


# -- drawn on the server: a page carries no script of its own ---------------------------------------------------------

ROW, LEFT, WIDTH, PAD = 34, 190, 640, 24


@dataclass(frozen=True)
class Dot:
    """A date on a dumbbell, in units of the drawing."""

    x: float
    low: float
    high: float
    y: float
    kind: str  # "first", "middle", "last"


def x_of(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - PAD), 1)


def dots(points: Sequence[Point], row: int) -> list[Dot]:
    """The dates of one row, one a little under the other so that whiskers do not hide each other."""
    last = len(points) - 1
    found = []
    for number, point in enumerate(points):
        if point.share is not None:
            kind = "last" if number == last else "first" if number == 0 else "middle"
            y = PAD + row * ROW + ROW / 2 + (number - last / 2) * 5
            found.append(Dot(x_of(point.share), x_of(point.low), x_of(point.high), y, kind))
    return found


RADIUS, CENTRE_X, CENTRE_Y = 130, 320, 175


def spoke(number: int, of: int, share: float) -> tuple[float, float]:
    """Where a share lies on the axis of this number, the first upwards, on with the clock."""
    angle = 2 * math.pi * number / of - math.pi / 2
    return (
        round(CENTRE_X + RADIUS * share * math.cos(angle), 1),
        round(CENTRE_Y + RADIUS * share * math.sin(angle), 1),
    )


def outline(points: Sequence[Point]) -> str:
    """The points of one date as of a polygon; "" unless every axis has a figure: a gap would be drawn as a nought."""
    shares = [point.share for point in points]
    if len(shares) < 3 or None in shares:
        return ""
    return " ".join("{},{}".format(*spoke(n, len(shares), share or 0.0)) for n, share in enumerate(shares))
