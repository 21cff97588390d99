"""Judging figures: intervals, differences, trends, sample sizes. Shares run from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054

# Two-sided 5 % over equally spaced looks: |z| must pass the limit of its look to stop.
OBRIEN_FLEMING: dict[int, tuple[float, ...]] = {
    1: (1.960,),
    2: (2.797, 1.977),
    3: (3.471, 2.454, 2.004),
    4: (4.049, 2.863, 2.337, 2.024),
    5: (4.562, 3.226, 2.634, 2.281, 2.040),
}

# The same at the last look, when two or three arms share the 5 % against a first one (Bonferroni); by recursive integration.
SHARED_LAST: dict[int, tuple[float, ...]] = {
    2: (2.242, 2.250, 2.272, 2.290, 2.303),
    3: (2.395, 2.400, 2.420, 2.435, 2.448),
}
# One-sided 5 % over 1 to 5 equally spaced looks, the same limit at each: to stop what does harm, looser than the above (Pocock).
HARM: tuple[float, ...] = (1.645, 1.875, 1.992, 2.067, 2.122)
# How many more observations 1 to 5 looks with those limits need for the power of one (Jennison and Turnbull).
LOOKS_COST: tuple[float, ...] = (1.0, 1.008, 1.017, 1.024, 1.028)


def wilson(k: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of a share k/n: (3, 40) -> (0.0258, 0.1986). Without observations nothing is known: (0, 1)."""
    if n <= 0:
        return 0.0, 1.0
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if k <= 0 else max(0.0, middle - half)
    high = 1.0 if k >= n else min(1.0, middle + half)
    return low, high


def newcombe(k1: float, n1: float, k2: float, n2: float, z: float = Z95) -> tuple[float, float]:
    """Newcombe's hybrid score interval of k1/n1 - k2/n2: (36, 420, 24, 410) -> (-0.0085, 0.0632)."""
    p1, p2 = (k1 / n1 if n1 > 0 else 0.5), (k2 / n2 if n2 > 0 else 0.5)
    low1, high1 = wilson(k1, n1, z)
    low2, high2 = wilson(k2, n2, z)
    difference = p1 - p2
    return (
        difference - math.hypot(p1 - low1, high2 - p2),
        difference + math.hypot(high1 - p1, p2 - low2),
    )


@dataclass(frozen=True)
class Difference:
    """Share 1 minus share 2, its interval, and the test of no difference. `is_clear` when the interval leaves out 0."""

    value: float
    low: float
    high: float
    z: float
    p: float

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0


def difference(k1: float, n1: float, k2: float, n2: float) -> Difference | None:
    """Everything needed to say "ahead by X; the data fit anything from L to H". None when one side has no observations."""
    if n1 <= 0 or n2 <= 0:
        return None
    low, high = newcombe(k1, n1, k2, n2)
    z = two_share_z(k1, n1, k2, n2)
    return Difference(value=k1 / n1 - k2 / n2, low=low, high=high, z=z, p=two_sided_p(z))


def two_share_z(k1: float, n1: float, k2: float, n2: float) -> float:
    """Pooled z of two shares; 0 when nothing or everything succeeded."""
    pooled = (k1 + k2) / (n1 + n2)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return (k1 / n1 - k2 / n2) / spread if spread else 0.0


def two_sided_p(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def normal_quantile(share: float) -> float:
    """The z below which this share of a normal distribution lies."""
    from scipy.special import ndtri

    return float(ndtri(share))


def probability_better(k1: float, n1: float, k2: float, n2: float) -> float:
    """Probability that share 1 is truly above share 2, from flat priors: (36, 420, 24, 410) -> .933. Exact by integration."""
    from scipy.integrate import quad
    from scipy.stats import beta

    one, two = beta(k1 + 1, n1 - k1 + 1), beta(k2 + 1, n2 - k2 + 1)
    low, high = one.ppf(1e-12), one.ppf(1 - 1e-12)
    value, _error = quad(lambda x: one.pdf(x) * two.cdf(x), low, high, points=[one.mean()], limit=200)
    return float(min(1.0, max(0.0, value)))


def sample_per_arm(p1: float, p2: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Observations an arm to tell p1 from p2, two-sided: 5 to 6 % -> 8,158; 8 to 9.6 % -> 4,921."""
    if p1 == p2:
        raise ValueError("equal shares cannot be told apart")
    z_alpha, z_power = normal_quantile(1 - alpha / 2), normal_quantile(power)
    mean = (p1 + p2) / 2
    under_null = z_alpha * math.sqrt(2 * mean * (1 - mean))
    under_truth = z_power * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return math.ceil(((under_null + under_truth) / (p1 - p2)) ** 2)


@dataclass(frozen=True)
class Trend:
    """Change of a share per period with its 95 % interval, and what the next period should bring. `is_clear`: not by chance alone."""

    slope: float
    low: float
    high: float
    next: float
    periods: int

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0


def trend(counts: Sequence[tuple[float, float]], last: int = 8) -> Trend | None:
    """Slope of k/n over the last periods [(k, n), ...], oldest first, each weighted by its n. None under 3 periods with data.

    Variance is the binomial one, widened when the periods scatter more than chance would have it.
    """
    window = list(counts)[-last:]
    points = [(float(x), k / n, float(n)) for x, (k, n) in enumerate(window) if n > 0]
    if len(points) < 3:
        return None
    weight = sum(n for _x, _p, n in points)
    mean_x = sum(x * n for x, _p, n in points) / weight
    mean_p = sum(p * n for _x, p, n in points) / weight
    spread = sum(n * (x - mean_x) ** 2 for x, _p, n in points)
    slope = sum(n * (x - mean_x) * (p - mean_p) for x, p, n in points) / spread
    rest = sum(n * (p - mean_p - slope * (x - mean_x)) ** 2 for x, p, n in points)
    variance = max(mean_p * (1 - mean_p), rest / (len(points) - 2))
    half = Z95 * math.sqrt(variance / spread)
    following = mean_p + slope * (len(window) - mean_x)
    return Trend(
        slope=slope,
        low=slope - half,
        high=slope + half,
        next=min(1.0, max(0.0, following)),
        periods=len(points),
    )


def obrien_fleming(looks: int, comparisons: int = 1) -> tuple[float, ...]:
    """|z| to pass at each of 1 to 5 equally spaced looks so that all together err 5 % of the time, shared by 1 to 3 comparisons."""
    if comparisons == 1:
        return OBRIEN_FLEMING[looks]
    last = SHARED_LAST[comparisons][looks - 1]
    return tuple(last * math.sqrt(looks / look) for look in range(1, looks + 1))


def harm_limit(looks: int) -> float:
    """z to pass, at any of 1 to 5 equally spaced looks, to stop for harm: 5 % of harmless arms are stopped over all looks together."""
    return HARM[looks - 1]


def sample_with_looks(p1: float, p2: float, *, looks: int, comparisons: int = 1) -> int:
    """Observations an arm that tell p1 from p2 with power 80 % although 1 to 5 looks are taken and 1 to 3 comparisons made."""
    once = sample_per_arm(p1, p2, alpha=0.05 / comparisons)
    return math.ceil(once * LOOKS_COST[looks - 1])


def one_sided_p(z: float) -> float:
    """Probability of so large a z, or a larger one, by chance."""
    return math.erfc(z / math.sqrt(2)) / 2


def rare_excess_p(k1: float, n1: float, k2: float, n2: float) -> float:
    """Probability that by chance side 1 gets so many, or more, of k1 + k2 rare events: exact, given their sum. (5, 400, 0, 400) -> 1/32."""
    from scipy.stats import binom

    if k1 <= 0 or n1 <= 0 or n2 <= 0:
        return 1.0
    return float(binom.sf(k1 - 1, k1 + k2, n1 / (n1 + n2)))
