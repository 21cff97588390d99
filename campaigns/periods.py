"""A range of days as a page's address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from core.filters import FIRST_DAY, LAST_DAY

MOST_DAYS = 31
USUAL_DAYS = 7


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included, at most MOST_DAYS; `is_cut` when more were asked for."""

    first: date
    last: date
    is_cut: bool = False


def period_of(asked: Mapping[str, str], today: date) -> Period:
    """`from` and `until` of an address; the last week when they say nothing sensible."""
    last = min(_day(asked.get("until", "")) or today, today)
    first = _day(asked.get("from", "")) or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        first = last
    earliest = last - timedelta(days=MOST_DAYS - 1)
    return Period(max(first, earliest), last, first < earliest)


def _day(text: str) -> date | None:
    """A day far enough from both ends of the calendar that others can be counted from it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None
