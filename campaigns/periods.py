"""A range of days as a page's address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import formats

from core.calendar import month_start, next_month
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


def months(today: date, back: int) -> list[tuple[str, str]]:
    """The next month, this one and so many before, newest first: [("2026-11", "Nov 2026")]."""
    month, found = next_month(today), []
    for _n in range(back + 2):
        found.append((f"{month:%Y-%m}", formats.date_format(month, "YEAR_MONTH_FORMAT")))
        month = month_start(month - timedelta(days=1))
    return found
