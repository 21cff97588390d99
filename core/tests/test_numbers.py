"""Whole numbers out of addresses and forms."""

import pytest

from core.numbers import number_or_none, units


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("7", 7), ("007", 7), ("2147483647", 2147483647), ("1000000000", 1000000000)]
)
def test_decimal_digits_are_read(text, number):
    assert number_or_none(text) == number


@pytest.mark.parametrize("text", ["", " 7", "-1", "+1", "1.0", "1e3", "²", "٣", "７", "x", "2147483648", "9" * 5000])
def test_anything_else_is_no_number(text):
    assert number_or_none(text) is None


def test_the_bound_is_the_callers():
    assert number_or_none("9", most=9) == 9
    assert number_or_none("10", most=9) is None
    assert number_or_none("9223372036854775807", most=2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00"), (5, "0.05"), (310_07, "310.07"), (10**17 + 1, "1000000000000000.01")]
)
def test_an_amount_is_exact(cents, text):
    assert units(cents) == text
