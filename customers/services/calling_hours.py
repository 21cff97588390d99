"""When it is a calling hour where somebody lives."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customers.services.combined_rules import ContactRules


def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone, or None when it is not known: then nobody is called."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def is_open(zone_name: str | None, rules: ContactRules, at: datetime) -> bool:
    """True when `at` is a calling hour there. Unknown zone, or no hours set: never."""
    zone = zone_of(zone_name)
    if zone is None:
        return False
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(opens <= minute < closes for opens, closes in rules.hours.get(local.isoweekday(), ()))


def next_allowed(zone_name: str | None, rules: ContactRules, at: datetime) -> datetime | None:
    """The first moment from `at` on that is a calling hour there; `at` itself when it is one. None: never."""
    if is_open(zone_name, rules, at):
        return at
    zone = zone_of(zone_name)
    if zone is None:
        return None
    today = at.astimezone(zone).date()
    for offset in range(8):
        day = today + timedelta(days=offset)
        for opens, _closes in rules.hours.get(day.isoweekday(), ()):
            start = moment_of(day, opens, zone)
            if start > at:
                return start
    return None


def closes_at(zone_name: str | None, rules: ContactRules, at: datetime) -> datetime | None:
    """The end of the calling hours in which `at` lies there, past midnight when they go on; None when it lies in none."""
    end = _end_of_span(zone_name, rules, at)
    return (_end_of_span(zone_name, rules, end) or end) if end else None


def _end_of_span(zone_name: str | None, rules: ContactRules, at: datetime) -> datetime | None:
    zone = zone_of(zone_name)
    if zone is None:
        return None
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    spans = rules.hours.get(local.isoweekday(), ())
    return next((moment_of(local.date(), closes, zone) for opens, closes in spans if opens <= minute < closes), None)


def moment_of(day: date, minute: int, zone: ZoneInfo) -> datetime:
    naive = datetime.combine(day, time()) + timedelta(minutes=minute)
    # by way of the absolute moment: an hour skipped by daylight saving begins when the clocks jump
    return datetime.fromtimestamp(naive.replace(tzinfo=zone).timestamp(), tz=zone)
