"""The worked cases of the definitions, and agreement with statsmodels."""

import random

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from core import stats


def test_wilsons_interval_of_3_in_40():
    low, high = stats.wilson(3, 40)

    assert (round(low * 100, 2), round(high * 100, 2)) == (2.58, 19.86)


def test_an_interval_without_observations_says_nothing():
    assert stats.wilson(0, 0) == (0.0, 1.0)


def test_an_interval_touches_the_ends_only_there():
    assert stats.wilson(0, 20)[0] == 0.0
    assert stats.wilson(20, 20)[1] == 1.0
    assert 0.0 < stats.wilson(0, 20)[1] < 0.2


def test_the_pilot_against_the_control():
    found = stats.difference(36, 420, 24, 410)

    assert round(found.value * 100, 2) == 2.72
    assert (round(found.low * 100, 2), round(found.high * 100, 2)) == (-0.85, 6.32)
    assert (round(found.z, 3), round(found.p, 3)) == (1.512, 0.131)
    assert not found.is_clear


def test_a_side_without_observations_has_no_difference():
    assert stats.difference(1, 10, 0, 0) is None


def test_the_probability_that_the_pilot_is_better():
    assert round(stats.probability_better(36, 420, 24, 410), 3) == 0.933


@pytest.mark.parametrize(("p1", "p2", "n"), [(0.05, 0.06, 8158), (0.08, 0.096, 4921), (0.03, 0.033, 53211)])
def test_the_sample_each_arm_needs(p1, p2, n):
    assert stats.sample_per_arm(p1, p2) == n


def test_equal_shares_need_no_sample():
    with pytest.raises(ValueError):
        stats.sample_per_arm(0.05, 0.05)


counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@hypothesis_settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_intervals_agree_with_statsmodels(one, two):
    proportion = pytest.importorskip("statsmodels.stats.proportion")

    low, high = proportion.proportion_confint(*one, method="wilson")
    assert stats.wilson(*one) == pytest.approx((max(0, low), min(1, high)), abs=1e-9)
    theirs = proportion.confint_proportions_2indep(*one, *two, method="newcomb")
    assert stats.newcombe(*one, *two) == pytest.approx(theirs, abs=1e-9)


def test_obrien_fleming_keeps_five_percent_over_three_looks():
    """Simulated: plain z at three looks errs about 10.5 % of the time, with the limits about 5 %."""
    source, plain, limited, rounds = random.Random(11), 0, 0, 20_000
    limits = stats.obrien_fleming(3)
    assert limits == (3.471, 2.454, 2.004)
    for _round in range(rounds):
        total, crossed_plain, crossed = 0.0, False, False
        for look, limit in enumerate(limits, start=1):
            total += source.gauss(0, 1)
            z = abs(total) / look**0.5
            crossed_plain |= z > 1.96
            crossed |= z > limit
        plain += crossed_plain
        limited += crossed

    assert plain / rounds == pytest.approx(0.105, abs=0.01)
    assert limited / rounds == pytest.approx(0.051, abs=0.006)


def test_a_straight_climb_is_a_clear_trend():
    found = stats.trend([(100 + 10 * week, 2000) for week in range(8)])

    assert found.slope == pytest.approx(0.005)
    assert found.next == pytest.approx(0.09)
    assert found.low < 0.005 < found.high
    assert found.is_clear


def test_noise_is_no_trend():
    assert not stats.trend([(8, 100), (6, 100), (9, 100), (7, 100), (8, 100), (6, 100)]).is_clear


def test_a_trend_looks_at_the_last_eight_periods_weighted_by_their_size():
    steady = [(50, 1000)] * 8

    assert stats.trend([(500, 1000), *steady]).slope == pytest.approx(0)
    # one tiny wild period moves a large steady series hardly at all
    assert abs(stats.trend([*steady[:7], (1, 1)]).slope) < 0.001


def test_two_periods_are_no_trend():
    assert stats.trend([(1, 10), (2, 10)]) is None
    assert stats.trend([(1, 10), (0, 0), (2, 10), (0, 0)]) is None
