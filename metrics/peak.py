"""The highest success rate of any agent, beside what luck alone would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics import naming, queries, registry
from metrics.questions import Question

INDICATOR = "success_rate"
LEAST_CONNECTED = 100


@dataclass(frozen=True)
class Peak:
    """The best of `agents` with at least 100 connected calls. Shares run from 0 to 1."""

    agent: str
    agent_id: int
    rate: float
    by_luck: float
    reached: int
    agents: int


def find_peak(question: Question) -> Peak | None:
    """The peak of the range; None when no agent has enough calls."""
    indicator = registry.indicator(INDICATOR)
    measures = ["calls_connected", "customers_reached", "customers_won"]
    rows = queries.rows_of(replace(question, by=("agent",)), measures)
    enough = [row for row in rows if (row.counts["calls_connected"] or 0) >= LEAST_CONNECTED]
    if not enough or indicator is None:
        return None
    best = max(enough, key=lambda row: row.value(indicator) or 0)
    agent = int(best.key[0] or 0)
    parts = [indicator.parts(row.counts) or (0, 0) for row in enough]
    return Peak(
        agent=naming.page_names("agent", [agent]).get(agent, ""),
        agent_id=agent,
        rate=(best.value(indicator) or 0) / 100,
        by_luck=best_by_luck([below for _above, below in parts], won=sum(above for above, _below in parts)),
        reached=best.counts["customers_reached"] or 0,
        agents=len(enough),
    )


def best_by_luck(sizes: Sequence[int], won: int) -> float:
    """What the best of several equally good groups shows on average: each draws its size at the common rate won / sum of sizes."""
    from scipy.stats import binom

    total = sum(sizes)
    common = won / total if total else 0.0
    steps = np.linspace(0.0, 1.0, 1001)
    below = np.ones_like(steps)
    for size, times in zip(*np.unique(np.asarray(sizes), return_counts=True), strict=True):
        below *= binom.cdf(np.floor(steps * size + 1e-9), size, common) ** times
    return float(np.sum(1 - below[:-1]) * (steps[1] - steps[0]))
