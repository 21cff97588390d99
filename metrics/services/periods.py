"""Sums over days: the region's day from its cities, weeks and months from their days. Unions of sets, so they are exact."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core.calendar import business_date, next_month
from metrics import groups, storing
from metrics.columns import Level
from metrics.groups import Groups
from metrics.models import DayFigures, PeriodFigures, Stale

DAY_TABLE = DayFigures._meta.db_table
PERIOD_TABLE = PeriodFigures._meta.db_table
Names = list[list[int | None]] | None


def last_day(kind: str, start: date) -> date:
    if kind == Stale.Kind.DAY:
        return start
    if kind == Stale.Kind.WEEK:
        return start + timedelta(days=6)
    return next_month(start) - timedelta(days=1)


def waiting(at: datetime | None = None) -> list[int]:
    """Ids of what is to be built again: days of the region first, the rest are made of them.

    With `at`, without the weeks and months still running then, unless only few of their rows changed.
    """
    found = [
        (mark.pk, mark.kind, mark.start, mark.city_id)
        for mark in Stale.objects.all()
        if at is None
        or mark.keys is not None
        or last_day(mark.kind, mark.start) < business_date(at)
        or mark.kind == Stale.Kind.DAY
    ]
    order = {str(kind): number for number, kind in enumerate((Stale.Kind.DAY, Stale.Kind.WEEK, Stale.Kind.MONTH))}
    return [row[0] for row in sorted(found, key=lambda row: (order[row[1]], row[2], row[3] or 0))]


@transaction.atomic
def settle(stale_id: int) -> int:
    """Build one sum again and take its mark away; a mark set meanwhile by a newer day comes after this transaction and stays.

    A week or month of the region keeps its mark while a day of the region in it waits: another rollup may be at that day.
    """
    mark = Stale.objects.select_for_update().filter(pk=stale_id).first()
    if mark is None or _has_waiting_day(mark):
        return 0
    mark.delete()
    if mark.kind == Stale.Kind.DAY:
        return _region_day(mark.start, mark.keys)
    return _period(mark)


def _has_waiting_day(mark: Stale) -> bool:
    if mark.city_id is not None or mark.kind == Stale.Kind.DAY:
        return False
    inside = (mark.start, last_day(mark.kind, mark.start))
    return Stale.objects.filter(kind=Stale.Kind.DAY, start__range=inside).exists()


def _region_day(day: date, names: Names) -> int:
    """Rows of the region from those of the cities: all, or only of the campaigns named."""
    campaigns = None if names is None else [name[1] for name in names if name[0] == Level.REGION_CAMPAIGN]
    only = "" if campaigns is None else " AND (campaign_id IS NULL OR campaign_id = ANY(%s))"
    more: list[Any] = [] if campaigns is None else [campaigns]
    where = f"day = %s AND level = ANY(%s){only}"
    found: dict[int, list[tuple[tuple[int, ...], groups.Group]]] = {}
    for level, key, group in storing.read_groups(DAY_TABLE, where, [day, [Level.CITY, Level.CITY_CAMPAIGN], *more]):
        above = level - Level.CITY
        found.setdefault(above, []).append((storing.bare(above, key), group))
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{DAY_TABLE}" WHERE {where}', [day, list(Level.IN_REGION), *more])
    return storing.write_groups(
        DAY_TABLE, storing.head_of(day), {level: _united(parts) for level, parts in found.items()}
    )


def _period(mark: Stale) -> int:
    last = last_day(mark.kind, mark.start)
    where, params = _scope(mark)
    sums: dict[int, list[tuple[tuple[int, ...], groups.Group]]] = {}
    for level, key, group in storing.read_groups(
        DAY_TABLE, f"day BETWEEN %s AND %s AND {where}", [mark.start, last, *params]
    ):
        sums.setdefault(level, []).append((storing.bare(level, key), group))
    with connection.cursor() as cursor:
        cursor.execute(
            f'DELETE FROM "{PERIOD_TABLE}" WHERE kind = %s AND start = %s AND {where}', [mark.kind, mark.start, *params]
        )
    head = [("kind", mark.kind.encode()), ("start", struct.pack(">i", storing.days_since_2000(mark.start)))]
    return storing.write_groups(PERIOD_TABLE, head, {level: _united(parts) for level, parts in sums.items()})


def _scope(mark: Stale) -> tuple[str, list[Any]]:
    """The rows a mark speaks of, as a condition."""
    params: list[Any]
    if mark.city_id is None:
        where, params = "level = ANY(%s)", [list(Level.IN_REGION)]
    else:
        where, params = "city_id = %s", [mark.city_id]
    if mark.keys is None:
        return where, params
    named, values = storing.named_rows(mark.keys)
    return f"{where} AND {named}", [*params, *values]


def _united(parts: list[tuple[tuple[int, ...], groups.Group]]) -> Groups:
    by_key: dict[tuple[int, ...], list[groups.Group]] = {}
    for key, group in parts:
        by_key.setdefault(key, []).append(group)
    return {key: groups.total(found) for key, found in sorted(by_key.items())}
