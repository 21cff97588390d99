"""Whole numbers as people and pages write them, amounts as systems do."""

from __future__ import annotations

MOST = 2**31 - 1  # what an integer column of the database holds
LARGEST_ID = 2**63 - 1  # and what the number of a row may be


def number_or_none(text: str, most: int = MOST) -> int | None:
    """The number that ASCII decimal digits write, at most `most`; None for anything else.

    `isdigit` alone lets "²" through, which `int` does not read, and `int` refuses more than some thousand digits.
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


def units(cents: int) -> str:
    """An amount of no less than nothing in currency units: 31007 -> "310.07". Exact, as a float would not be."""
    return f"{cents // 100}.{cents % 100:02d}"
