"""How far two scorers agree on one item: percent, Cohen's kappa, Krippendorff's alpha and Gwet's AC1, from counts of pairs of answers.

Kappa and alpha fall to nought where nearly every answer is the same, however well the scorers agree; AC1 does not, so the three stand
side by side. Not for one sitting: pooled over many calls that both scored.

Cohen 1960; Krippendorff 1970 (nominal data, two scorers, nothing missing); Gwet 2008.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LEAST_PAIRS = 30
Pairs = Mapping[tuple[str, str], int]  # (first scorer's answer, second scorer's answer): how many calls
Z95 = 1.959964


@dataclass(frozen=True)
class Coefficient:
    """`value` with the 95 % interval of a jackknife over calls; None where it is not defined (everybody always says the same)."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """Of `pairs` calls scored twice. `percent` from 0 to 100, the others from -1 to 1."""

    pairs: int
    percent: Coefficient
    kappa: Coefficient
    alpha: Coefficient
    ac1: Coefficient

    @property
    def is_enough(self) -> bool:
        return self.pairs >= LEAST_PAIRS


def agreement(counts: Pairs) -> Agreement:
    """The four figures. "Does not apply" is an answer like any other. Without pairs none is defined."""
    cells = {cell: float(n) for cell, n in counts.items() if n}
    return Agreement(
        int(sum(cells.values())),
        _with_interval(lambda c: 100 * _observed(c), cells, least=0, most=100),
        _with_interval(kappa, cells),
        _with_interval(alpha, cells),
        _with_interval(ac1, cells),
    )


def kappa(cells: Mapping[tuple[str, str], float]) -> float | None:
    """(p_o - p_e) / (1 - p_e), p_e from each scorer's own habits."""
    n = sum(cells.values())
    first, second = _margins(cells)
    expected = sum(first[answer] * second[answer] for answer in first) / n**2
    return _beyond_chance(_observed(cells), expected)


def alpha(cells: Mapping[tuple[str, str], float]) -> float | None:
    """1 - D_o / D_e over the 2n answers of both scorers together."""
    n = sum(cells.values())
    first, second = _margins(cells)
    whole = {answer: first[answer] + second[answer] for answer in first}
    if n <= 0.5:
        return None
    expected = 1 - sum(count * (count - 1) for count in whole.values()) / (2 * n * (2 * n - 1))
    return 1 - (1 - _observed(cells)) / expected if expected > 0 else None


def ac1(cells: Mapping[tuple[str, str], float], answers: int | None = None) -> float | None:
    """(p_o - p_e) / (1 - p_e), p_e = sum q (1 - q) / (K - 1) over the K answers that were given, q their mean share."""
    n = sum(cells.values())
    first, second = _margins(cells)
    kinds = answers or max(len(first), 2)
    shares = [(first[answer] + second[answer]) / (2 * n) for answer in first]
    return _beyond_chance(_observed(cells), sum(q * (1 - q) for q in shares) / (kinds - 1))


def _observed(cells: Mapping[tuple[str, str], float]) -> float:
    return sum(n for (first, second), n in cells.items() if first == second) / sum(cells.values())


def _margins(cells: Mapping[tuple[str, str], float]) -> tuple[dict[str, float], dict[str, float]]:
    answers = sorted({answer for cell in cells for answer in cell})
    first, second = dict.fromkeys(answers, 0.0), dict.fromkeys(answers, 0.0)
    for (one, other), n in cells.items():
        first[one] += n
        second[other] += n
    return first, second


def _beyond_chance(observed: float, expected: float) -> float | None:
    return (observed - expected) / (1 - expected) if expected < 1 - 1e-12 else None


def _with_interval(
    figure: Callable[[Mapping[tuple[str, str], float]], float | None],
    cells: Mapping[tuple[str, str], float],
    least: float = -1,
    most: float = 1,
) -> Coefficient:
    """Leave one call out at a time: calls of one cell are alike, so as many sums as there are cells do for any number of calls."""
    n = sum(cells.values())
    value = figure(cells) if n else None
    if value is None or n < 2:
        return Coefficient(value, None, None)
    left = [(count, figure({**cells, cell: count - 1})) for cell, count in cells.items()]
    if any(without is None for _count, without in left):
        return Coefficient(value, None, None)
    mean = sum(count * (without or 0.0) for count, without in left) / n
    spread = (n - 1) / n * sum(count * ((without or 0.0) - mean) ** 2 for count, without in left)
    half = Z95 * math.sqrt(spread)
    return Coefficient(value, max(value - half, least), min(value + half, most))
