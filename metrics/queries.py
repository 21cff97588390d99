"""Figures from the rollups, exact at each level: additive counts added, customers united before they are counted."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.db.models import Max
from pyroaring import BitMap

from core.calendar import days, is_workday
from metrics import copying, registry
from metrics.builds import Builds
from metrics.columns import COUNTS, SETS, Level
from metrics.models import DayFigures, Partition, PeriodFigures
from metrics.pieces import Pieces, pieces_of
from metrics.questions import Period, Question, ask, before
from people.models import User

DAY_TABLE, PERIOD_TABLE = DayFigures._meta.db_table, PeriodFigures._meta.db_table
Key = tuple[int | None, ...]
Cell = tuple[int, Key]
MOST_CACHED, CACHED_SECONDS = 10_000, 600
_id = struct.Struct(">q")


@dataclass
class Row:
    """Counts of one period and group. `key` holds ids in the order of the grouping."""

    period: Period
    key: Key
    counts: dict[str, int | None]

    def value(self, indicator: registry.Indicator) -> float | None:
        return indicator.value(self.counts)


@dataclass
class Figures:
    """Rows ascending by period, then by ids; the total and the period before it, each counted at its own level."""

    question: Question
    rows: list[Row]
    total: Row
    before: Row
    computed_at: datetime | None


def figures(
    *,
    since: date,
    until: date,
    grain: str = "total",
    by: Iterable[str] = (),
    filters: Mapping[str, Iterable[int]] | None = None,
    user: User | None = None,
    measures: Iterable[str] | None = None,
) -> Figures:
    """The figures of a range, cut by grain and groups, within what the user may see (None: everything).

    Rows exist where something was counted. Raises the refusals of metrics.questions.ask.
    """
    question = ask(since=since, until=until, grain=grain, by=by, filters=filters, user=user)
    return Figures(
        question=question,
        rows=rows_of(question, measures),
        total=total_of(question, measures),
        before=total_before(question, measures),
        computed_at=computed_at(question),
    )


def rows_of(
    question: Question, measures: Iterable[str] | None = None, *, keep: bool = True, builds: Builds | None = None
) -> list[Row]:
    """One row for each period and group with something counted, ascending. `keep`: whether others will soon ask the same."""
    names = _wanted(measures)
    counted = [name for name in names if name in COUNTS or name in SETS]
    cells = _from_rollup(question, counted, builds) if keep else _read(question, counted)
    for source in registry.sources_for(names):
        answers = source.read(question)
        is_total = not question.by and len(question.periods) == 1
        for cell in answers.keys() - cells.keys():
            if (source.makes_rows or is_total) and any(answers[cell].values()):
                cells[cell] = dict.fromkeys(names, 0)
        for cell, counts in cells.items():
            known = answers.get(cell, {})
            counts.update({measure.key: known.get(measure.key, source.absent) for measure in source.measures})
    return [Row(question.periods[cell[0]], cell[1], counts) for cell, counts in sorted(cells.items(), key=_order)]


def total_of(question: Question, measures: Iterable[str] | None = None, *, builds: Builds | None = None) -> Row:
    """The whole range in one row, zeros when nothing was counted."""
    whole = Question((Period("total", question.first, question.last),), (), question.filters, question.reach)
    found = rows_of(whole, measures, builds=builds)
    return found[0] if found else Row(whole.periods[0], (), dict.fromkeys(_wanted(measures), 0))


def total_before(question: Question, measures: Iterable[str] | None = None) -> Row:
    """The period of the same length before the range, in one row."""
    return total_of(earlier(question), measures)


def earlier(question: Question) -> Question:
    """The same question about the period before, as a whole."""
    first, last = before(question.first, question.last)
    return Question((Period("total", first, last),), (), question.filters, question.reach)


def largest_groups(question: Question, measure: str, *, builds: Builds | None = None) -> list[Key]:
    """All groups of the question, the largest sum of a count first: which of many groups stand on a page, without their sets."""
    whole = replace(question, periods=(Period("total", question.first, question.last),))

    def ranked() -> list[Key]:
        sums = {cell[1]: counts[measure] or 0 for cell, counts in _read(whole, [measure]).items()}
        return sorted(sums, key=lambda key: (-sums[key], key))

    return _kept(whole, ("ranked", measure), ranked, builds) or []


def days_without_data(question: Question, until: date, builds: Builds) -> int:
    """Working days of the range, before `until`, on which no city that the question may speak of has figures."""
    known = builds.days_with_figures(question)
    last = min(question.last, until - timedelta(days=1))
    return sum(is_workday(day) and day not in known for day in days(question.first, last))


def newest_day(question: Question) -> date | None:
    """The newest business day that has figures at all."""
    return Partition.objects.filter(rows__gt=0).aggregate(day=Max("day"))["day"]


def computed_at(question: Question) -> datetime | None:
    """When the newest figures of the range were counted, over all cities."""
    return Builds(question).of(question).newest


def _wanted(measures: Iterable[str] | None) -> list[str]:
    return list(registry.measures()) if measures is None else list(dict.fromkeys(measures))


def _order(item: tuple[Cell, Any]) -> tuple[int, list[int]]:
    return item[0][0], [part or 0 for part in item[0][1]]


@dataclass
class _Found:
    """What one statement says of a cell: sums, and the rows whose sets must be united."""

    counts: dict[str, int]
    ids: list[tuple[str, int]] = field(default_factory=list)


def _from_rollup(
    question: Question, names: Sequence[str], builds: Builds | None = None
) -> dict[Cell, dict[str, int | None]]:
    """Counts of each cell."""
    known = _kept(question, sorted(names), lambda: _read(question, names), builds) or {}
    return {cell: dict(counts) for cell, counts in known.items()}


def _kept(question: Question, what: Sequence[str], read: Callable[[], Any], builds: Builds | None) -> Any:
    """What `read` says of the question, None where nothing was ever counted. Kept for some minutes under the times of the builds: what was
    not built again has not changed.

    While a day waits for its build nothing is kept; what is stored of it is read.
    """
    found = (builds or Builds(question)).of(question)
    if not found.all:
        return None
    if found.built < found.all:
        return read()
    built = (found.newest, found.times)
    key = "metrics:" + hashlib.sha256(repr((built, question, what)).encode()).hexdigest()
    known = cache.get(key)
    if known is None:
        known = read()
        if len(known) <= MOST_CACHED:
            cache.set(key, known, CACHED_SECONDS)
    return known


def _read(question: Question, names: Sequence[str]) -> dict[Cell, dict[str, int | None]]:
    pieces = pieces_of(question)
    found: dict[Cell, _Found] = {}
    sets = [name for name in names if name in SETS]
    for table, sql, params in _statements(question, pieces, names):
        with connections[settings.REPORTS_DATABASE].cursor() as cursor:
            cursor.execute(sql, params)
            width, end = 1 + len(question.by), 1 + len(question.by) + len(names)
            for row in cursor.fetchall():
                ids = row[-1] or (row[-2],)
                _merge(
                    found,
                    (row[0], row[1:width]),
                    dict(zip(names, row[width:end], strict=True)),
                    [(table, i) for i in ids],
                )
    _unite(found, sets)
    return {cell: dict(one.counts) for cell, one in found.items()}


def _merge(found: dict[Cell, _Found], cell: Cell, counts: dict[str, int], ids: list[tuple[str, int]]) -> None:
    known = found.get(cell)
    if known is None:
        found[cell] = _Found(counts, ids)
        return
    for name, value in counts.items():
        known.counts[name] += value
    known.ids += ids


def _statements(question: Question, pieces: Pieces, names: Sequence[str]) -> Iterator[tuple[str, str, list[Any]]]:
    level = question.level
    if pieces.days or pieces.city_days:
        where = "(f.level = %s AND f.day = ANY(%s))"
        params: list[Any] = [level, [day for day, _number in pieces.days]]
        if pieces.city_days:
            where += " OR (f.level = %s AND f.day = ANY(%s))"
            params += [level + Level.CITY, [day for day, _number in pieces.city_days]]
        yield (
            DAY_TABLE,
            *_statement(
                question,
                DAY_TABLE,
                "p.start = f.day",
                where,
                params,
                [("day", *item) for item in (*pieces.days, *pieces.city_days)],
                names,
            ),
        )
    if pieces.weeks or pieces.months:
        where = "f.level = %s AND (f.kind, f.start) IN (SELECT * FROM unnest(%s::text[], %s::date[]))"
        items = [*(("week", *item) for item in pieces.weeks), *(("month", *item) for item in pieces.months)]
        params = [level, [kind for kind, _start, _number in items], [start for _kind, start, _number in items]]
        yield (
            PERIOD_TABLE,
            *_statement(question, PERIOD_TABLE, "p.start = f.start AND p.kind = f.kind", where, params, items, names),
        )


def _statement(
    question: Question,
    table: str,
    joined: str,
    where: str,
    params: list[Any],
    items: list[tuple[str, date, int]],
    names: Sequence[str],
) -> tuple[str, list[Any]]:
    """Sums by period and group; the ids of the rows behind a group of more than one, whose sets do not add up."""
    keys = [f"f.{name}" for name in question.key_columns]
    sums = [f"sum(f.{name})::bigint" for name in names]
    seen, more = question.condition("f.")
    has_sets = any(name in SETS for name in names)
    ids = "min(f.id), CASE WHEN count(*) > 1 THEN array_agg(f.id) END" if has_sets else "NULL, NULL"
    sql = (
        f"SELECT {', '.join(['p.number', *keys, *sums, ids])} FROM {table} f"
        f" JOIN unnest(%s::text[], %s::date[], %s::int[]) p(kind, start, number) ON {joined}"
        f" WHERE ({where}) AND {seen} GROUP BY {', '.join(['p.number', *keys])}"
    )
    columns = [list(column) for column in zip(*items, strict=True)]
    return sql, [*columns, *params, *more]


def _unite(found: dict[Cell, _Found], sets: Sequence[str]) -> None:
    """Replace sums of set sizes by the size of the union, where a cell is made of more than one row."""
    cells = [one for one in found.values() if len(one.ids) > 1 and any(one.counts[name] for name in sets)]
    if not cells or not sets:
        return
    members: dict[tuple[str, int], list[BitMap | None]] = {}
    for table in (DAY_TABLE, PERIOD_TABLE):
        ids = [row for one in cells for where, row in one.ids if where == table]
        if ids:
            members.update(_members(table, ids, sets))
    for one in cells:
        parts = [members[row] for row in one.ids]
        for i, name in enumerate(sets):
            known = [bitmap for part in parts if (bitmap := part[i]) is not None]
            one.counts[name] = len(BitMap.union(*known)) if len(known) > 1 else sum(map(len, known))


def _members(table: str, ids: list[int], sets: Sequence[str]) -> Iterator[tuple[tuple[str, int], list[BitMap | None]]]:
    columns = ", ".join(["id", *(f"{name}_ids" for name in sets)])
    sql = f"SELECT {columns} FROM {table} WHERE id = ANY(%s::bigint[])"
    for row in copying.rows_out(sql, [ids], 1 + len(sets), settings.REPORTS_DATABASE):
        number = _id.unpack(row[0] or b"")[0]
        yield (table, number), [None if data is None else BitMap.deserialize(bytes(data)) for data in row[1:]]
