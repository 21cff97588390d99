"""The business calendar: days, weeks and months of the region, and which days are worked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import get_language

from core.models import Holiday

CACHE_SECONDS = 60


def region_zone() -> ZoneInfo:
    """The time zone in which business days are cut."""
    return ZoneInfo(settings.TIME_ZONE)


def business_date(at: datetime) -> date:
    """The region's day on which an aware moment falls."""
    return at.astimezone(region_zone()).date()


def midnight(day: date) -> datetime:
    """Start of a business day, aware. Where midnight is skipped by daylight saving, the moment the clocks jump."""
    return datetime.combine(day, time(), tzinfo=region_zone())


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """[start, end) of a business day, aware; 23 or 25 hours long when the clocks change."""
    return midnight(day), midnight(day + timedelta(days=1))


def range_bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """[start, end) of the days from first to last, both included."""
    return midnight(first), midnight(last + timedelta(days=1))


def iso_week(day: date) -> str:
    """ISO week label: 2008-05-06 -> "2008-W19"; the year is the week's, not the day's."""
    year, week, _weekday = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def month_label(day: date) -> str:
    """2008-05-06 -> "2008-05"."""
    return f"{day:%Y-%m}"


def week_start(day: date) -> date:
    return day - timedelta(days=day.weekday())


def month_start(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    """First day of the month after."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def days(first: date, last: date) -> Iterator[date]:
    """Each day from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def is_workday(day: date) -> bool:
    """True on days that are worked: what is written in the calendar, else the public calendar, else Monday to Friday."""
    special = special_days(day.year).get(day)
    return day.weekday() < 5 if special is None else special


def special_days(year: int) -> dict[date, bool]:
    """{day: worked} of one year, from the table, or from the library while the year is not filled. Cached for a minute."""
    key = f"core.calendar.{year}"
    found = cache.get(key)
    if found is None:
        found = dict(Holiday.objects.filter(day__year=year).values_list("day", "is_workday"))
        if not any(True for _ in found):
            found = {day: worked for day, (_name, worked) in library_days(year).items()}
        cache.set(key, found, CACHE_SECONDS)
    return found


def forget(year: int) -> None:
    """Called after an edit, so that this process sees it at once and the others within a minute."""
    cache.delete(f"core.calendar.{year}")


def library_days(year: int) -> dict[date, tuple[str, bool]]:
    """{day: (name, worked)} as the public calendar knows it, named in the reader's language. Make-up days may be lacking."""
    return _library_days(year, "zh_CN" if (get_language() or "").startswith("zh") else "en_US")


@lru_cache(maxsize=32)
def _library_days(year: int, language: str) -> dict[date, tuple[str, bool]]:
    import holidays

    country = getattr(settings, "REGION_COUNTRY", "CN")
    found = holidays.country_holidays(country, years=year, language=language)
    listed = {day: (name, False) for day, name in found.items() if day.year == year}
    for day in getattr(found, "weekend_workdays", ()):
        if day.year == year:
            listed[day] = ("", True)
    return listed


@transaction.atomic
def fill_year(year: int) -> int:
    """Write the public calendar of a year into the table and return how many days were new. Days entered by hand stay."""
    rows = [
        Holiday(day=day, name=name[:120], is_workday=worked, source=Holiday.Source.LIBRARY)
        for day, (name, worked) in sorted(library_days(year).items())
    ]
    before = Holiday.objects.filter(day__year=year).count()
    Holiday.objects.bulk_create(rows, ignore_conflicts=True)
    forget(year)
    return Holiday.objects.filter(day__year=year).count() - before


@transaction.atomic
def set_day(*, day: date, is_workday: bool, name: str, by: Any, at: datetime) -> Holiday:
    """Say what a day is; replaces what was there, also what the public calendar said."""
    from core.audit import audit

    row, _made = Holiday.objects.update_or_create(
        day=day, defaults={"is_workday": is_workday, "name": name, "source": Holiday.Source.HAND}
    )
    audit("core.calendar.day_set", row, by=by, at=at, day=day.isoformat(), is_workday=is_workday)
    transaction.on_commit(lambda: forget(day.year))
    return row


@transaction.atomic
def clear_day(*, holiday: Holiday, by: Any, at: datetime) -> None:
    """Let the day be what its weekday says."""
    from core.audit import audit

    audit("core.calendar.day_cleared", holiday, by=by, at=at, day=holiday.day.isoformat())
    year = holiday.day.year
    holiday.delete()
    transaction.on_commit(lambda: forget(year))
