import itertools

import pytest

from customers.near_numbers import near_pairs


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("8619100007548", "8619100007549", "digit"),
        ("8619100007548", "8619100007584", "swapped"),
        ("8619100007548", "8691100007548", "swapped"),
        ("8619100007548", "8619100007595", None),  # two digits differ
        ("8619100007548", "8619100005748", "swapped"),
        ("8619100007548", "8619100008547", None),  # swapped, but not neighbours
        ("8619100007548", "861910000754", None),  # a digit is missing
        ("8619100007548", "8619100007548", None),  # nobody's number twice
    ],
)
def test_near_is_one_other_digit_or_two_swapped_neighbours(one, other, why):
    assert near_pairs([(7, one), (3, other)]) == ({(3, 7): why} if why else {})


def test_two_numbers_of_one_customer_make_no_pair():
    assert near_pairs([(3, "8619100007548"), (3, "8619100007549")]) == {}


def test_all_pairs_of_a_group_are_those_found_by_comparing_each_with_each():
    numbers = ["8619100007548", "8619100007549", "8619100007584", "8619100007448", "8619100004758", "8619100007594"]

    found = near_pairs(enumerate(numbers))

    def near(one, other):
        places = [i for i in range(13) if one[i] != other[i]]
        is_swap = len(places) == 2 and places[1] == places[0] + 1 and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]  # fmt: skip
        return "digit" if len(places) == 1 else "swapped" if is_swap else None

    expected = {
        (a, b): why
        for (a, one), (b, other) in itertools.combinations(enumerate(numbers), 2)
        if (why := near(one, other))
    }
    assert found == expected
    assert len(found) == 5
