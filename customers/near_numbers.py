"""Which numbers are near a number: all digits the same but one, or two neighbours swapped. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterator

DIGIT, SWAPPED = "digit", "swapped"


def near(digits: str) -> Iterator[tuple[str, str]]:
    """(number, "digit" or "swapped"), about a hundred of a mobile number: few enough to be looked for one by one."""
    for place, own in enumerate(digits):
        for other in "0123456789":
            if other != own:
                yield digits[:place] + other + digits[place + 1 :], DIGIT
    for place in range(len(digits) - 1):
        one, other = digits[place], digits[place + 1]
        if one != other:
            yield digits[:place] + other + one + digits[place + 2 :], SWAPPED
