"""What likeness is worth: judged on later calls alone, within periods.

A model that knows which months were good looks clever over all of them; within a month it has to tell persons apart. That is what a
queue needs, so that is what is measured. The random split stands beside it to show how far it flatters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.stats import rankdata

from core.stats import Z95

from .design import Person, Table, code_matrix, find_features
from .fit import Weights, fit

LEAST_ROWS = 500
LEAST_BUYERS = 50
# Nothing is validated before these have been learned from.
LEAST_ROWS_BEFORE = 250
LEAST_BUYERS_BEFORE = 25
SHARE_BEFORE = 0.3
LEAST_PERIODS = 4
MOST_PERIODS = 36
# Parts of the queue, likest last.
LEVELS = 10
SEED = 20_260_101


@dataclass(frozen=True)
class Period:
    """One period of later calls, judged by what was known before it began."""

    period: str
    trained_on: int
    rows: int
    buyers: int
    auc: float
    half: float


def auc(scores: np.ndarray, bought: np.ndarray) -> float:
    """Chance that a buyer stands above somebody who did not buy, ties half. NaN without both."""
    buyers, others = int(bought.sum()), int((~bought).sum())
    if not buyers or not others:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[bought].sum() - buyers * (buyers + 1) / 2) / (buyers * others))


def auc_variance(scores: np.ndarray, bought: np.ndarray) -> float:
    """DeLong's variance of the AUC; where one side has a single person, the largest that any such AUC could have."""
    yes, no = scores[bought], scores[~bought]
    if len(yes) < 2 or len(no) < 2:
        return 0.25 / max(1, min(len(yes), len(no)))
    ranks = rankdata(scores)
    above = (ranks[bought] - rankdata(yes)) / len(no)
    below = 1 - (ranks[~bought] - rankdata(no)) / len(yes)
    return float(above.var(ddof=1) / len(yes) + below.var(ddof=1) / len(no))


def upper_half(scores: np.ndarray, bought: np.ndarray) -> float:
    """How many buyers the better half of the list holds; equal scores at the cut give their part, as a shuffled list would on average."""
    half = len(scores) / 2
    cut = np.sort(scores)[::-1][max(0, int(np.ceil(half)) - 1)]
    above, at = scores > cut, scores == cut
    part = (half - above.sum()) / at.sum()
    return float(bought[above].sum() + part * bought[at].sum())


GRAINS: dict[str, Callable[[date], date]] = {
    "month": lambda day: day.replace(day=1),
    "week": lambda day: day - timedelta(days=day.weekday()),
    "day": lambda day: day,
}


def cut_periods(days: Sequence[date]) -> tuple[str, list[date], np.ndarray]:
    """The longest of month, week and day that gives enough periods: (grain, first days, the period's number of each row)."""
    for grain, first in GRAINS.items():
        starts = [first(day) for day in days]
        periods = sorted(set(starts))
        if len(periods) >= LEAST_PERIODS or grain == "day":
            place = {start: number for number, start in enumerate(periods)}
            return grain, periods, np.array([place[start] for start in starts])
    raise AssertionError("a day is the last grain")


@dataclass(frozen=True)
class Judged:
    """The figures of the report; the weights of all rows for use, and the scores that cut these rows into ten equal parts."""

    report: dict[str, Any]
    weights: Weights
    cuts: list[float]


def judge(
    people: Sequence[Person],
    bought: np.ndarray,
    days: Sequence[date],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Learn from the earlier, judge by the later, period by period; then learn from all.

    Every period is scored by weights, levels and bins that were found in the rows before it alone. Raises nothing: whether the figures
    are good enough is for the caller to say.
    """
    table = Table(people)
    grain, starts, periods = cut_periods(days)
    judged = _periods_to_judge(periods, bought)
    total = len(judged) + 2
    found: list[Period] = []
    later: list[tuple[np.ndarray, np.ndarray]] = []
    for done, number in enumerate(judged):
        progress(done, total)
        before, now = periods < number, periods == number
        scores = _learned(table, bought, before, periods)[1][now]
        later.append((scores, bought[now]))
        found.append(_judged_period(starts[number], grain, int(before.sum()), scores, bought[now]))
    progress(len(judged), total)
    report = {
        "grain": grain,
        "periods": [asdict(period) for period in found],
        "within": _within(later),
        "random": _random(table, bought),
    }
    progress(len(judged) + 1, total)
    weights, scores = _learned(table, bought, np.ones(len(bought), dtype=bool), periods)
    return Judged(report, weights, np.quantile(scores, np.arange(1, LEVELS) / LEVELS).tolist() if len(scores) else [])


def _learned(
    table: Table, bought: np.ndarray, rows: np.ndarray, periods: np.ndarray | None
) -> tuple[Weights, np.ndarray]:
    """What these rows teach, and the score of every row by it."""
    features = find_features(table, rows)
    codes = code_matrix(features, table)
    weights = fit(features, codes[rows], bought[rows], None if periods is None else periods[rows])
    return weights, weights.score_codes(codes)


def _periods_to_judge(periods: np.ndarray, bought: np.ndarray) -> list[int]:
    """Periods with both buyers and others, before which enough is known."""
    least = max(LEAST_ROWS_BEFORE, SHARE_BEFORE * len(bought))
    numbers = []
    for number in range(int(periods.max()) + 1 if len(periods) else 0):
        before, now = periods < number, bought[periods == number]
        enough = before.sum() >= least and bought[before].sum() >= LEAST_BUYERS_BEFORE
        if enough and now.any() and not now.all():
            numbers.append(number)
    return numbers[-MOST_PERIODS:]


def _judged_period(start: date, grain: str, before: int, scores: np.ndarray, bought: np.ndarray) -> Period:
    name = start.strftime("%Y-%m") if grain == "month" else start.isoformat()
    half = upper_half(scores, bought) / bought.sum()
    return Period(name, before, len(bought), int(bought.sum()), round(auc(scores, bought), 4), round(float(half), 4))


def _within(later: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any] | None:
    """The periods together, persons compared only with those of the same one. None when nothing could be judged."""
    if not later:
        return None
    pairs = np.array([float(bought.sum()) * float((~bought).sum()) for _scores, bought in later])
    share = pairs / pairs.sum()
    value = float(np.dot(share, [auc(scores, bought) for scores, bought in later]))
    spread = float(np.sqrt(np.dot(share**2, [auc_variance(scores, bought) for scores, bought in later])))
    buyers = sum(int(bought.sum()) for _scores, bought in later)
    half = sum(upper_half(scores, bought) for scores, bought in later) / buyers
    all_scores, all_bought = (np.concatenate(parts) for parts in zip(*later, strict=True))
    return {
        "auc": round(value, 4),
        "low": round(max(0.0, value - Z95 * spread), 4),
        "high": round(min(1.0, value + Z95 * spread), 4),
        "half": round(half, 4),
        "across": round(auc(all_scores, all_bought), 4),
        "periods": len(later),
        "rows": len(all_bought),
        "buyers": buyers,
    }


def _random(table: Table, bought: np.ndarray) -> dict[str, Any] | None:
    """What a random split of the same rows would have said: three tenths held back, the months mixed."""
    held = np.random.default_rng(SEED).random(len(bought)) < 0.3
    now = bought[held]
    if not now.any() or now.all():
        return None
    scores = _learned(table, bought, ~held, None)[1][held]
    return {"auc": round(auc(scores, now), 4), "half": round(upper_half(scores, now) / int(now.sum()), 4)}
