"""Which numbers are near each other: all digits the same but one, or two neighbours swapped. Nothing here reads or writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

DIGIT, SWAPPED = "digit", "swapped"


def near_pairs(numbers: Iterable[tuple[int, str]]) -> dict[tuple[int, int], str]:
    """{(lower owner, higher owner): "digit" or "swapped"} of (owner, digits).

    Each number is put into one box per digit with that digit left out, and one per pair of neighbours with these in order: who meets in a
    box is near. So a group costs what its numbers cost, not their square.
    """
    boxes: dict[tuple[str, int, str], set[tuple[int, str]]] = defaultdict(set)
    for owner, digits in numbers:
        for box in _boxes(digits):
            boxes[box].add((owner, digits))
    found: dict[tuple[int, int], str] = {}
    for (why, _place, _rest), members in boxes.items():
        for (one, digits), (other, others) in combinations(members, 2):
            if one != other and digits != others:
                pair = (min(one, other), max(one, other))
                found[pair] = DIGIT if DIGIT in (why, found.get(pair)) else why
    return found


def _boxes(digits: str) -> Iterator[tuple[str, int, str]]:
    for place in range(len(digits)):
        yield DIGIT, place, digits[:place] + "_" + digits[place + 1 :]
    for place in range(len(digits) - 1):
        one, other = digits[place], digits[place + 1]
        if one != other:
            yield SWAPPED, place, digits[:place] + min(one, other) + max(one, other) + digits[place + 2 :]
