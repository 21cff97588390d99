"""Whether a count differs from what was expected, or only by luck."""

from __future__ import annotations

import math

from core.stats import Z95


def fits(count: int) -> tuple[float, float]:
    """The expectations with which a count of rare events agrees, 95 % (Byar's interval): 41 -> (29.4, 55.6); 0 -> (0, 3.7)."""
    low = 0.0 if count == 0 else count * (1 - 1 / (9 * count) - Z95 / (3 * math.sqrt(count))) ** 3
    above = count + 1
    return max(low, 0.0), above * (1 - 1 / (9 * above) + Z95 / (3 * math.sqrt(above))) ** 3


def verdict(count: int, expected: float | None) -> str:
    """ "good", "bad", or "" when the difference may be luck or nothing was expected."""
    if expected is None:
        return ""
    low, high = fits(count)
    return "good" if low > expected else "bad" if high < expected else ""


def verdict_of_rate(low: float, high: float, expected: float | None) -> str:
    """The same for a share with its interval."""
    if expected is None:
        return ""
    return "good" if low > expected else "bad" if high < expected else ""
