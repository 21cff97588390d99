"""Indicators that are means of weighted observations, with how sure they are: what core.means knows, told to the registry of figures."""

from __future__ import annotations

from dataclasses import dataclass

from core.means import Mean, Sums, clustered_size
from core.stats import wilson
from metrics.registry import SCALE, Counts, Indicator

THOUSANDTHS = 1000.0  # of weights, because counts are whole


@dataclass(frozen=True)
class WeightedMean(Indicator):
    """Its denominator is a weight; whether it means much is asked of `counted`, the number of observations.

    `squares`: the measures of the sums of w², w²·x and w²·x². `bounds`: between these the mean lies, and so does its interval.
    """

    counted: str = ""
    squares: tuple[str, str, str] = ("", "", "")
    bounds: tuple[float, float] = (0.0, 100.0)

    @property
    def measures(self) -> set[str]:
        return {*super().measures, self.counted, *filter(None, self.squares)}

    @property
    def sized_by(self) -> str:
        return self.counted

    @property
    def has_interval(self) -> bool:
        return True

    def is_small(self, counts: Counts) -> bool:
        return (counts.get(self.counted) or 0) < self.least

    def mean(self, counts: Counts) -> Mean | None:
        parts, squares = self.parts(counts), [counts.get(name) for name in self.squares]
        if parts is None or None in squares:
            return None
        wx, w = (part / THOUSANDTHS for part in parts)
        ww, wwx, wwxx = ((square or 0) / THOUSANDTHS**2 for square in squares)
        return Sums(counts.get(self.counted) or 0, w, wx, ww, wwx, wwxx).mean

    def interval(self, counts: Counts) -> tuple[float, float] | None:
        """None also where all observations are alike: that says nothing of the next one."""
        found = self.mean(counts)
        if found is None or found.count < 2 or found.variance <= 0:
            return None
        low, high = self.bounds
        return max(low, found.value - found.half), min(high, found.value + found.half)


@dataclass(frozen=True)
class WeightedShare(WeightedMean):
    """A share of calls: Wilson's interval over as many calls with one weight as these say as much as. `squares`: of w² alone is needed."""

    def mean(self, counts: Counts) -> Mean | None:
        parts, ww = self.parts(counts), counts.get(self.squares[0])
        if parts is None or not parts[1] or not ww:
            return None
        share = parts[0] / parts[1]
        return self._share(share, counts, parts[1] ** 2 / ww)

    def _share(self, share: float, counts: Counts, size: float) -> Mean:
        scale = SCALE[self.unit]
        return Mean(share * scale, counts.get(self.counted) or 0, size, share * (1 - share) * scale**2)

    def interval(self, counts: Counts) -> tuple[float, float] | None:
        found, scale = self.mean(counts), SCALE[self.unit]
        if found is None:
            return None
        share = found.value / scale
        low, high = wilson(share * found.size, found.size)
        return min(low, share) * scale, max(high, share) * scale


@dataclass(frozen=True)
class ClusteredShare(WeightedShare):
    """A share of answers, of which those of one call hang together. `squares`: over calls the sums of answers², answers · good and good²."""

    def mean(self, counts: Counts) -> Mean | None:
        parts, (whole2, both, good2) = self.parts(counts), (counts.get(name) or 0 for name in self.squares)
        if parts is None or not parts[1]:
            return None
        good, whole = parts
        share = good / whole
        off = max(good2 - 2 * share * both + share * share * whole2, 0.0)
        return self._share(share, counts, clustered_size(share, counts.get(self.counted) or 0, off, whole, whole))
