"""Limits set beforehand, judged by interval: a limit is passed only when the whole interval lies beyond it.

Three looks share the error: the interval is that of the limit for stopping because of harm (core.stats.harm_limit), looser than the one by which a
gain is believed, and said so on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy, ngettext

from core.stats import harm_limit, wilson
from metrics import registry
from qa.models import FullRunLimit, FullRunSheet

LOOKS = 3
MOST_SAID = 100_000
Verdict = FullRunSheet.Verdict
WITHIN, BEYOND, EARLY = "within", "beyond", "early"

# Shares that this page counts beside those of the registry: numerator, denominator, what is still to come, label.
OWN = {
    "broke_off": ("customers_broke_off", "customers_reached", gettext_lazy("Broken off in mid-call")),
    "quality": ("calls_passed", "calls_scored", gettext_lazy("Scored calls that pass")),
}
OF_REGISTRY = ("success_rate", "contact_rate", "complaint_rate")
SIDES = {"success_rate": "least", "contact_rate": "least", "complaint_rate": "most", "broke_off": "most", "quality": "least"}  # fmt: skip
LEAST = 30  # so many observations before anything is said


def label(key: str) -> str:
    if key in OWN:
        return str(OWN[key][2])
    found = registry.indicator(key)
    return str(found.label) if found else key


def parts(key: str, counts: Mapping[str, int]) -> tuple[int, int, int]:
    """Numerator, denominator and version of the definition."""
    if key in OWN:
        above, below, _label = OWN[key]
        return counts[above], counts[below], 1
    found = registry.indicator(key)
    assert found is not None
    above_below = found.parts(counts)
    return *(above_below or (0, 0)), found.version


def judge(limit: FullRunLimit, counts: Mapping[str, int]) -> dict[str, Any]:
    """One limit against the figures, as it is frozen. `more`: how many more observations at this rate, when it is too early."""
    above, below, version = parts(limit.indicator, counts)
    low, high = wilson(above, below, harm_limit(LOOKS))
    says = state(above, below, limit.side, limit.share)
    more = still_needed(above, below, limit.side, limit.share) if says == EARLY else 0
    return {
        "indicator": limit.indicator, "version": version, "numerator": above, "denominator": below, "low": low, "high": high,
        "side": limit.side, "share": limit.share, "says": says, "more": more,
    }  # fmt: skip


def state(above: float, below: float, side: str, share: float) -> str:
    """Beyond: the interval leaves the limit on the wrong side. Early: the figure is on the wrong side and may be so by luck, or there are too few."""
    low, high = wilson(above, below, harm_limit(LOOKS))
    if below < LEAST:
        return EARLY
    if (high < share) if side == FullRunLimit.Side.LEAST else (low > share):
        return BEYOND
    is_wrong = above < share * below if side == FullRunLimit.Side.LEAST else above > share * below
    return EARLY if is_wrong else WITHIN


def still_needed(above: float, below: float, side: str, share: float) -> int:
    """How many more observations at this rate until something can be said; at most MOST_SAID."""
    if below <= 0:
        return LEAST
    low, high = max(int(below), LEAST), int(below) + MOST_SAID
    if state(above / below * low, low, side, share) != EARLY:
        return low - int(below)
    while high - low > 1:
        middle = (low + high) // 2
        is_early = state(above / below * middle, middle, side, share) == EARLY
        low, high = (middle, high) if is_early else (low, middle)
    return high - int(below)


def verdict(judged: Sequence[Mapping[str, Any]]) -> str:
    """One limit passed is enough to hold; without limits nothing can be said."""
    said = {line["says"] for line in judged}
    if BEYOND in said:
        return Verdict.HOLD
    return Verdict.EARLY if EARLY in said or not said else Verdict.PROCEED


def in_words(line: Mapping[str, Any]) -> dict[str, Any]:
    """A frozen line with its words."""
    return {
        **line,
        "label": label(line["indicator"]),
        "percent": 100 * line["numerator"] / line["denominator"] if line["denominator"] else None,
        "low": 100 * line["low"], "high": 100 * line["high"], "limit": 100 * line["share"],
        "is_least": line["side"] == FullRunLimit.Side.LEAST, "sentence": _sentence(line),
    }  # fmt: skip


def _sentence(line: Mapping[str, Any]) -> str:
    if line["says"] == WITHIN:
        return _("Within the limit.")
    if line["says"] == BEYOND:
        return _("Beyond the limit, and not by luck alone.")
    if line["more"] >= MOST_SAID:
        return _("Too early, and too close to the limit to be told apart from it.")
    return ngettext(
        "Too early: about %(n)s more observation at this rate.", "Too early: about %(n)s more observations at this rate.", line["more"]
    ) % {"n": line["more"]}  # fmt: skip
