"""Means of weighted observations and how sure they are; a trend of such means. The judging of plain shares stands in core.stats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.stats import Z95, Trend

# Sums of weights come rounded to thousandths and those of their squares to millionths. With weights of 1 and more that is off by less than
# this times (1 + value)²: so little spread is none.
ROUNDING = 1e-6
NORMAL_FROM = 30  # observations; under it the tails of Student's t are told from those of the normal curve


@dataclass(frozen=True)
class Mean:
    """`value` of `count` observations that say as much as `size` with one weight; `variance`: that of one observation."""

    value: float
    count: int
    size: float
    variance: float

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval; without a second observation nothing is known."""
        if self.count < 2 or self.size <= 0:
            return math.inf
        return _quantile(self.count) * math.sqrt(self.variance / self.size)


@dataclass(frozen=True)
class Sums:
    """Over observations x with weights w: how many, and the sums of w, w·x, w², w²·x and w²·x²."""

    count: int
    w: float
    wx: float
    ww: float
    wwx: float
    wwxx: float

    @property
    def mean(self) -> Mean | None:
        """None where nothing was observed. The variance is that of a weighted mean; with one weight it is the usual s². It is 0 where all
        observations are alike, whatever the rounding of the sums left."""
        if self.count < 1 or self.w <= 0 or self.ww <= 0:
            return None
        value = self.wx / self.w
        size = self.w * self.w / self.ww
        off = self.wwxx - 2 * value * self.wwx + value * value * self.ww
        are_alike = self.count < 2 or off <= _rounded_away(value)
        variance = 0.0 if are_alike else off / self.ww * self.count / (self.count - 1)
        return Mean(value, self.count, size, variance)


def _rounded_away(value: float) -> float:
    return ROUNDING * (1 + abs(value)) ** 2


def _quantile(count: int) -> float:
    if count >= NORMAL_FROM:
        return Z95
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 0.975))


def apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    """Whether two figures, each as (low, value, high), differ by more than chance: the interval of their difference, put together of
    theirs as Newcombe does it, leaves out 0."""
    (low1, value1, high1), (low2, value2, high2) = one, other
    difference = value1 - value2
    low = difference - math.hypot(value1 - low1, high2 - value2)
    high = difference + math.hypot(high1 - value1, value2 - low2)
    return low > 0 or high < 0


def clustered_size(share: float, clusters: int, off: float, whole: float, most: float) -> float:
    """How many independent observations a share of answers is worth when those of one call hang together.

    `off`: over calls the sum of (good - share · answers)²; `whole`: all answers, by weight. Never more than `most`, the answers; where
    all calls are alike as many as there are calls.
    """
    if clusters < 2:
        return float(clusters)
    variance = clusters / (clusters - 1) * off / whole**2
    if variance <= 0 or share in (0.0, 1.0):
        return float(clusters)
    return min(max(share * (1 - share) / variance, 1.0), most)


def trend_of_means(means: Sequence[Mean | None], last: int = 8) -> Trend | None:
    """Slope of means over the last periods, oldest first, each weighted by its size. None under 3 periods with data.

    The variance of an observation is the one within the periods, widened when these scatter more than chance would have it, and never
    less than what the rounding of the sums makes of means that are alike.
    """
    window = list(means)[-last:]
    points = [(float(x), mean) for x, mean in enumerate(window) if mean is not None and mean.size > 0]
    if len(points) < 3:
        return None
    weight = sum(mean.size for _x, mean in points)
    middle = sum(x * mean.size for x, mean in points) / weight
    level = sum(mean.value * mean.size for _x, mean in points) / weight
    spread = sum(mean.size * (x - middle) ** 2 for x, mean in points)
    slope = sum(mean.size * (x - middle) * (mean.value - level) for x, mean in points) / spread
    rest = sum(mean.size * (mean.value - level - slope * (x - middle)) ** 2 for x, mean in points)
    within = sum(mean.size * mean.variance for _x, mean in points) / weight
    half = Z95 * math.sqrt(max(within, rest / (len(points) - 2), _rounded_away(level)) / spread)
    return Trend(slope, slope - half, slope + half, level + slope * (len(window) - middle), len(points))
