"""Which stored rows together say what a range of days says: months and weeks where they are whole and fresh, days elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.conf import settings
from django.db.models import Q

from core.calendar import month_start, next_month, week_start
from metrics.columns import Level
from metrics.models import Stale
from metrics.questions import Period, Question


@dataclass
class Pieces:
    """[(first day, number of the period)] by where to read: days; days of which only the cities are known; weeks; months."""

    days: list[tuple[date, int]] = field(default_factory=list)
    city_days: list[tuple[date, int]] = field(default_factory=list)
    weeks: list[tuple[date, int]] = field(default_factory=list)
    months: list[tuple[date, int]] = field(default_factory=list)


def stale_between(first: date, last: date) -> set[tuple[str, date]]:
    """Sums over these days that must not be read. A stale city spoils the sum for all: rare, and gone after the next rollup."""
    found = (
        Stale.objects.using(settings.REPORTS_DATABASE)
        .filter(Q(start__lte=last), start__gte=month_start(week_start(first)))
        .values_list("kind", "start")
    )
    return set(found)


def pieces_of(question: Question) -> Pieces:
    """Cover each period of the question by disjoint stored sums."""
    stale = stale_between(question.first, question.last)
    found = Pieces()
    regional = question.level in Level.IN_REGION
    for number, period in enumerate(question.periods):
        for kind, start in cover(period, stale):
            if kind == "month":
                found.months.append((start, number))
            elif kind == "week":
                found.weeks.append((start, number))
            elif regional and ("day", start) in stale:
                found.city_days.append((start, number))
            else:
                found.days.append((start, number))
    return found


def cover(period: Period, stale: Iterable[tuple[str, date]]) -> list[tuple[str, date]]:
    """[("month" | "week" | "day", first day)] that make up the period."""
    avoid = set(stale)
    found, day, last = [], period.first, period.last
    while day <= last:
        kind, following = _largest(day, last, avoid)
        found.append((kind, day))
        day = following
    return found


def _largest(day: date, last: date, stale: set[tuple[str, date]]) -> tuple[str, date]:
    after_month, after_week = next_month(day), day + timedelta(days=7)
    if day.day == 1 and after_month - timedelta(days=1) <= last and ("month", day) not in stale:
        return "month", after_month
    whole_month_ahead = next_month(after_month) - timedelta(days=1) <= last and ("month", after_month) not in stale
    fits = after_week - timedelta(days=1) <= last and (after_week <= after_month or not whole_month_ahead)
    if day.weekday() == 0 and fits and ("week", day) not in stale:
        return "week", after_week
    return "day", day + timedelta(days=1)
