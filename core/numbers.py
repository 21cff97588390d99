"""Whole numbers as an address or a form brings them."""

from __future__ import annotations

# Ids are eight-byte integers; more digits would be a number that no column holds.
DIGITS = 18


def whole_number(text: str | None, digits: int = DIGITS) -> int | None:
    """The number that plain digits write, of so many at most; else None. "²" is a digit to str.isdigit() and no number to int()."""
    text = text or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None
