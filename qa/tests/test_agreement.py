"""Agreement of two scorers: the worked cases of the literature, and what happens at the edges."""

from __future__ import annotations

import pytest

from qa.agreement import agreement

# Yes-Yes / Yes-No / No-Yes / No-No, and kappa, alpha, AC1 as published for them
CASES = [
    ((48, 5, 5, 42), (0.799, 0.800, 0.801)),
    ((85, 5, 5, 5), (0.444, 0.447, 0.878)),
    ((90, 5, 5, 0), (-0.053, -0.047, 0.890)),
]


def pairs(yes_yes, yes_no, no_yes, no_no):
    return {("yes", "yes"): yes_yes, ("yes", "no"): yes_no, ("no", "yes"): no_yes, ("no", "no"): no_no}


@pytest.mark.parametrize(("counts", "expected"), CASES)
def test_the_worked_cases(counts, expected):
    found = agreement(pairs(*counts))

    assert tuple(round(x.value, 3) for x in (found.kappa, found.alpha, found.ac1)) == expected
    assert found.percent.value == counts[0] + counts[3]


def test_does_not_apply_is_a_third_answer():
    found = agreement({("yes", "yes"): 20, ("no", "no"): 10, ("na", "na"): 10, ("yes", "na"): 10})

    assert found.pairs == 50
    assert found.percent.value == pytest.approx(80)
    # p_e = (30 x 20 + 10 x 10 + 10 x 20) / 2500 = 0.36
    assert found.kappa.value == pytest.approx((0.8 - 0.36) / 0.64)
    # shares 0.5, 0.2, 0.3: p_e = (0.25 + 0.16 + 0.21) / 2 = 0.31
    assert found.ac1.value == pytest.approx((0.8 - 0.31) / 0.69)


def test_where_everybody_says_yes_kappa_is_not_defined_and_ac1_is_whole():
    found = agreement(pairs(40, 0, 0, 0))

    assert (found.kappa.value, found.alpha.value) == (None, None)
    assert found.ac1.value == 1


def test_less_than_thirty_pairs_are_not_enough():
    assert not agreement(pairs(20, 4, 3, 2)).is_enough
    assert agreement(pairs(20, 4, 3, 3)).is_enough


def test_without_pairs_nothing_is_claimed():
    found = agreement({})

    assert (found.pairs, found.percent.value, found.kappa.value, found.ac1.low) == (0, None, None, None)


def test_the_interval_of_the_percent_is_that_of_a_share_and_narrows_with_more_calls():
    few, many = agreement(pairs(24, 3, 3, 20)), agreement(pairs(2400, 300, 300, 2000))

    # 88 of 100: 1.96 x sqrt(0.88 x 0.12 / (n - 1))
    assert many.percent.high - many.percent.value == pytest.approx(196 * (0.88 * 0.12 / 4999) ** 0.5, rel=1e-3)
    assert few.ac1.high - few.ac1.low > 5 * (many.ac1.high - many.ac1.low)
    assert few.kappa.low < few.kappa.value < few.kappa.high
