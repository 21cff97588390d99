"""Means of weighted observations: by hand, and against the judging of plain shares."""

import pytest

from core.means import Mean, Sums, apart, clustered_size, trend_of_means
from core.stats import newcombe, wilson


def sums(*observed):
    """Of pairs (w, x)."""
    return Sums(
        len(observed),
        sum(w for w, _x in observed),
        sum(w * x for w, x in observed),
        sum(w * w for w, _x in observed),
        sum(w * w * x for w, x in observed),
        sum(w * w * x * x for w, x in observed),
    )


def test_with_one_weight_the_mean_and_its_variance_are_the_usual_ones():
    """2, 4 and 6: mean 4, variance 4; with two degrees of freedom Student's t is 4.3027, so half is 4.3027 x 2 / sqrt(3)."""
    found = sums((5, 2), (5, 4), (5, 6)).mean

    assert (found.value, found.count, found.size) == pytest.approx((4, 3, 3))
    assert found.variance == pytest.approx(4)
    assert found.half == pytest.approx(4.9683, abs=1e-4)


def test_from_thirty_observations_on_the_normal_curve_does():
    """Fifteen 1 and fifteen 3: variance 30/29, half 1.96 x sqrt(1/29)."""
    found = sums(*[(1, 1)] * 15, *[(1, 3)] * 15).mean

    assert found.half == pytest.approx(1.95996 / 29**0.5, abs=1e-4)


def test_unequal_weights_say_as_much_as_fewer_observations():
    """Weights 1, 1 and 2: 16 / 6 of them."""
    found = sums((1, 10), (1, 20), (2, 30)).mean

    assert (found.value, found.size) == pytest.approx((22.5, 16 / 6))


def test_one_observation_leaves_everything_open_and_none_has_no_mean():
    assert sums((1, 50)).mean.half == float("inf")
    assert Sums(0, 0, 0, 0, 0, 0).mean is None


def rounded(count, chance, x, others=()):
    """The sums of `count` observations of x drawn with this chance, as they come: weights rounded to thousandths, squares to millionths."""
    found = sums(*[(1 / chance, value) for value in (*[x] * count, *others)])
    plain = [round(value, 3) for value in (found.w, found.wx)]
    return Sums(found.count, *plain, *(round(value, 6) for value in (found.ww, found.wwx, found.wwxx)))


@pytest.mark.parametrize(("count", "chance", "x"), [(40, 0.12, 5), (2, 0.97, 5), (31, 0.07, 83.37), (3, 0.9, 99.99)])
def test_observations_that_are_all_alike_have_no_variance_however_the_sums_were_rounded(count, chance, x):
    assert rounded(count, chance, x).mean.variance == 0


def test_a_single_other_observation_among_thousands_is_variance():
    assert rounded(100_000, 0.97, 5, others=[4]).mean.variance == pytest.approx(1e-5, rel=0.01)


def test_means_that_differ_by_rounding_alone_make_no_trend():
    """A thousandth more in each sum, on a line."""
    means = [Sums(40, 333.333, 1666.665 + i / 1000, 2777.777778, 13888.888889, 69444.444444).mean for i in range(4)]

    assert not trend_of_means(means).is_clear


@pytest.mark.parametrize(("one", "other"), [((36, 420), (24, 410)), ((50, 200), (10, 200)), ((0, 10), (9, 10))])
def test_of_shares_the_difference_is_judged_as_newcombe_does(one, other):
    low, high = newcombe(*one, *other)
    figures = [(wilson(*part)[0], part[0] / part[1], wilson(*part)[1]) for part in (one, other)]

    assert apart(*figures) == (low > 0 or high < 0)


def test_calls_that_are_all_alike_count_as_calls_and_answers_that_fall_freely_as_more():
    """Ten calls of four answers, half of all good. All or nothing in each call: off = 10 x 2², variance 10/9 x 40/1600 = 1/36, so 9. Two of
    four in each: nothing varies between calls, so ten. At most as many as answers."""
    assert clustered_size(0.5, 10, 40, 40, 40) == pytest.approx(9)
    assert clustered_size(0.5, 10, 0, 40, 40) == 10
    assert clustered_size(0.5, 10, 0.1, 40, 40) == 40
    assert clustered_size(0.5, 1, 0, 4, 4) == 1


def test_a_trend_of_means_goes_on_along_the_line():
    found = trend_of_means([Mean(70 + 2 * i, 50, 50, 25) for i in range(5)])

    assert (found.slope, found.next, found.periods) == pytest.approx((2, 80, 5))
    assert found.is_clear
    assert found.high - found.slope == pytest.approx(1.95996 * (25 / (50 * 10)) ** 0.5, abs=1e-4)


def test_a_trend_of_means_that_scatter_is_not_told_from_chance_and_two_periods_are_too_few():
    scattered = [Mean(value, 50, 50, 25) for value in (70, 90, 65, 88, 75)]

    assert not trend_of_means(scattered).is_clear
    assert trend_of_means([scattered[0], None, scattered[1]]) is None
