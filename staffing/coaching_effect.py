"""Did coaching help? The agreed behaviour of one agent before and after a session, against uncoached peers who started equal.

Whoever is coached for a low figure mostly does better the next time without any coaching: a low figure is partly bad luck, and the luck
does not come twice (regression to the mean). Peers who started equally low bounce as well; only what goes beyond their bounce is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import t

# how far from the agent's own figure a peer may have started, as a share: five points
STARTED_EQUAL = 0.05
LEAST_PEERS = 5
LEAST_ANSWERS = 10

HELPED, WORSE, FEW_ANSWERS, FEW_PEERS, EARLY = "helped", "worse", "few_answers", "few_peers", "early"


@dataclass(frozen=True)
class Course:
    """One agent's figure in two spans: `yes` of `n` applicable answers (or sold of presented) before and after. An answer in points adds its
    share of full points to `yes`."""

    before_yes: float
    before_n: int
    after_yes: float
    after_n: int

    @property
    def is_enough(self) -> bool:
        return min(self.before_n, self.after_n) >= LEAST_ANSWERS

    @property
    def before(self) -> float:
        return self.before_yes / self.before_n

    @property
    def after(self) -> float:
        return self.after_yes / self.after_n

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Effect:
    """Shares from 0 to 1; None where it is not known. `bounce` is the peers' mean change, `expected` what the agent would
    have come to with it, `value` what was reached beyond that. `more`: answers (few_answers, early) or peers (few_peers) still
    needed; None when no number of them would be honest to name."""

    state: str
    peers: int
    bounce: float | None = None
    expected: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    more: int | None = None

    @property
    def cannot_tell_yet(self) -> bool:
        return self.state not in (HELPED, WORSE)


def effect_of(coached: Course, uncoached: Iterable[Course]) -> Effect:
    """Change of the coached agent less the mean change of the matched peers, with a 95 % interval.

    value = (after - before) - m, interval value ± t(k-1) * s * sqrt(1 + 1/k), with m and s the mean and the standard deviation of
    the k peers' changes: the prediction interval of one more agent like them, so that agents, not answers, are what is counted
    (matching on the first measure and difference in differences: Campbell and Kenny 1999, A Primer on Regression Artifacts;
    prediction interval: Hahn and Meeker 1991). It supposes that the peers were measured over about as many answers as the agent.

    `more` of "early" holds if the difference stays as it is and all spread comes from few answers: at least so many.
    """
    if not coached.is_enough:
        lacking = 2 * LEAST_ANSWERS - min(coached.before_n, LEAST_ANSWERS) - min(coached.after_n, LEAST_ANSWERS)
        return Effect(FEW_ANSWERS, peers=0, more=lacking)
    changes = [peer.change for peer in uncoached if peer.is_enough and started_equal(coached, peer)]
    if len(changes) < LEAST_PEERS:
        return Effect(FEW_PEERS, peers=len(changes), more=LEAST_PEERS - len(changes))
    return _judged(coached, changes)


def started_equal(coached: Course, peer: Course) -> bool:
    return abs(peer.before - coached.before) <= STARTED_EQUAL + 1e-9


def _judged(coached: Course, changes: list[float]) -> Effect:
    k = len(changes)
    bounce = sum(changes) / k
    spread = math.sqrt(sum((change - bounce) ** 2 for change in changes) / (k - 1))
    half = float(t.ppf(0.975, k - 1)) * spread * math.sqrt(1 + 1 / k)
    value = coached.change - bounce
    state = HELPED if value > half else WORSE if value < -half else EARLY
    more = _more_answers(coached, value, half) if state == EARLY else None
    return Effect(state, k, bounce, coached.before + bounce, value, value - half, value + half, more)


def _more_answers(coached: Course, value: float, half: float) -> int | None:
    """The interval narrows with the root of n. A difference under one point would take more answers than anybody gives."""
    if abs(value) < 0.01:
        return None
    return max(1, math.ceil(coached.after_n * (half / value) ** 2) - coached.after_n)
