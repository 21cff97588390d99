"""What may be shown of a cell before anybody knows what it is, and which texts look like a telephone number."""

from __future__ import annotations

import re
import unicodedata

_DATE = r"(?:19|20)\d\d(?:[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12]\d|3[01])日?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?|[-/.年](?:0?[1-9]|1[0-2])月?)"
_TIME = r"(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?"
# one day or a span of two, with words around but no other figure behind it
DAY = re.compile(rf"\D*{_DATE}{_TIME}(?:\D+{_DATE}{_TIME})?\D*", re.ASCII)
_DATES = re.compile(rf"(?<!\d){_DATE}(?!\d)", re.ASCII)
_RUN = re.compile(r"\d(?:[\W_]*\d)*")
_MOBILE = re.compile(r"0*(?:86)?1[3-9]\d{9}", re.ASCII)
_LOST_DIGITS = re.compile(r"\d(?:[.,]\d{1,5})?[eE]\+\d+")
FEWEST = 7  # digits of the shortest number that can be called
LONGEST_SHOWN = 60


def hide(text: str) -> str:
    """What may be shown of a number that is wrong: enough to find it, never the whole."""
    digits = sum(letter.isdigit() for letter in text)
    if digits < 5 or _LOST_DIGITS.fullmatch(text):
        return text[:40]
    return f"{text[:3]}****{text[-4:]}" if len(text) >= 10 else f"{text[:1]}****{text[-2:]}"


def masked(text: str) -> str:
    """The text, masked when it could hold a number of any kind: telephone, card, identity. Days are shown."""
    text = text[:LONGEST_SHOWN]
    if sum(letter.isdigit() for letter in text) < FEWEST or DAY.fullmatch(text):
        return text
    return hide(text)


def looks_like_number(text: str) -> bool:
    """Whether somebody can be called by what stands there, or a card or identity number stands there: digits in one run, whatever marks lie
    between, that are no days or months."""
    text = unicodedata.normalize("NFKC", text)
    runs = (re.sub(r"\D", "", run) for run in _RUN.findall(text))
    if any(_MOBILE.fullmatch(run) for run in runs):
        return True
    return any(sum(letter.isdigit() for letter in run) >= FEWEST for run in _RUN.findall(_DATES.sub("x", text)))


def masked_heading(heading: str) -> str:
    """A heading that is a customer's number, because the file has none: masked."""
    return hide(heading) if looks_like_number(heading) else heading
