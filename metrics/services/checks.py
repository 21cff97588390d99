"""Nightly checks of the figures: the parts add up, a day counted again is what is stored, no call lies outside the months."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum

from core.calendar import business_date
from core.partitions import default_rows
from metrics.columns import COUNTS, Level
from metrics.models import Alert, DayFigures, Partition, Stale
from metrics.services import dirty, rollup

LADDER = (
    (Level.AGENT, Level.TEAM),
    (Level.AGENT_CAMPAIGN, Level.AGENT),
    (Level.TEAM, Level.CITY),
    (Level.TEAM_CAMPAIGN, Level.TEAM),
    (Level.CITY, Level.REGION),
)


@transaction.atomic
def check_figures(*, day: date | None, at: datetime) -> int:
    """Check `day`, or one past day picked at random, and the days of open alerts; returns the number of open alerts."""
    dirty.mark_dirty(at=at)
    chosen = day or _random_day(at)
    for one in sorted(_days_of_open_alerts() | ({chosen} if chosen else set())):
        _check_day(one, at)
    rows = default_rows("campaigns_call")
    _judge(Alert.Kind.DEFAULT_PARTITION, "campaigns_call", {"rows": rows} if rows else {}, at)
    return Alert.objects.filter(settled_at=None).count()


def _days_of_open_alerts() -> set[date]:
    found = Alert.objects.filter(settled_at=None).exclude(kind=Alert.Kind.DEFAULT_PARTITION)
    return {date.fromisoformat(key) for key in found.values_list("key", flat=True)}


def _check_day(day: date, at: datetime) -> None:
    """A day with news that the figures do not hold yet is left to the next night."""
    if not Stale.objects.filter(kind=Stale.Kind.DAY, start=day).exists():
        _judge(Alert.Kind.SUMS_DIFFER, day.isoformat(), sums_that_differ(day), at)
        clean = not dirty.waiting().filter(day=day).exists()
        if clean:
            _judge(Alert.Kind.DAY_DIFFERS, day.isoformat(), cities_that_differ(day), at)


def _random_day(at: datetime) -> date | None:
    days = (
        Partition.objects.filter(day__lt=business_date(at), built_at__isnull=False)
        .values_list("day", flat=True)
        .distinct()
    )
    known = sorted(days)
    return random.choice(known) if known else None


def sums_that_differ(day: date) -> dict[str, list[int]]:
    """{"calls agent/team": [sum of the parts, sum of the wholes]} of additive counts that do not agree."""
    by_level: dict[int, dict[str, Any]] = {
        row["level"]: dict(row)
        for row in DayFigures.objects.filter(day=day)
        .order_by()
        .values("level")
        .annotate(**{f"s_{name}": Sum(name) for name in COUNTS})
    }
    names = {
        Level.REGION: "region",
        Level.CITY: "city",
        Level.TEAM: "team",
        Level.AGENT: "agent",
        Level.TEAM_CAMPAIGN: "team and campaign",
        Level.AGENT_CAMPAIGN: "agent and campaign",
    }
    found = {}
    for part, whole in LADDER:
        for name in COUNTS:
            one = by_level.get(part, {}).get(f"s_{name}") or 0
            other = by_level.get(whole, {}).get(f"s_{name}") or 0
            if one != other:
                found[f"{name}: {names[part]} / {names[whole]}"] = [int(one), int(other)]
    return found


def cities_that_differ(day: date) -> dict[str, list[int]]:
    """{city id: ids of changed rows ...} where counting the day again gives something else than is stored."""
    cities = list(Partition.objects.filter(day=day).values_list("city_id", flat=True))
    found = {}
    for counted in rollup.count_day(day, cities, whole=True):
        changed = rollup.changed_keys(rollup.stored(day, counted.city_id), counted.levels)
        if changed != []:
            found[str(counted.city_id)] = [len(changed) if changed is not None else rollup.MOST_KEYS]
    return found


def _judge(kind: str, key: str, detail: Mapping[str, object], at: datetime) -> None:
    """Raise an alert when there is something to say, settle the open one when there is not."""
    open_ones = Alert.objects.filter(kind=kind, key=key, settled_at=None)
    if not detail:
        open_ones.update(settled_at=at)
    elif not open_ones.update(detail=detail):
        Alert.objects.create(kind=kind, key=key, detail=detail, raised_at=at)
