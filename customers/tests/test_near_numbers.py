import pytest

from customers.near_numbers import near

NUMBER = "8619100007548"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("8619100007549", "digit"),
        ("8619100007584", "swapped"),
        ("8691100007548", "swapped"),
        ("8619100005748", "swapped"),
        ("8619100007595", None),  # two digits differ
        ("8619100008547", None),  # swapped, but not neighbours
        ("861910000754", None),  # a digit is missing
        (NUMBER, None),
    ],
)
def test_near_is_one_other_digit_or_two_swapped_neighbours(other, why):
    assert dict(near(NUMBER)).get(other) == why


def test_counted_by_hand_nine_others_per_digit_and_a_swap_per_pair_of_different_neighbours():
    """13 digits; of its 12 pairs of neighbours the three of 0000 are the same."""
    found = list(near(NUMBER))

    assert len(found) == len(dict(found)) == 13 * 9 + 9
