"""Figures as files: .xlsx with a chart and the definitions, .csv, .json. Written in a stream, so memory stays flat."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from core.calendar import region_zone
from core.errors import DomainError
from core.workbooks import Workbook, csv_pieces
from metrics import naming, queries, registry
from metrics.column_sets import ColumnSet, column_set, column_sets
from metrics.lines import LineSheet
from metrics.queries import Row
from metrics.questions import Question, periods

BASE = (
    "calls",
    "calls_connected",
    "customers_called",
    "customers_reached",
    "customers_won",
    "customers_cancelled",
    "talk_seconds",
    "after_call_seconds",
    "inbound_customers",
    "inbound_won",
)
FORMATS = (".xlsx", ".csv", ".json")
MOST_ROWS = 10_000_000
MOST_ROWS_OF_SHEET = 1_048_575
PICTURES = {
    registry.PERCENT: "0.00",
    registry.SECONDS: "0.0",
    registry.MONEY: "#,##0.00",
    registry.RATIO: "0.00",
    registry.COUNT: "#,##0",
    registry.PER_HOUR: "0.00",
}


class NotAFormat(DomainError):
    """Files are .xlsx, .csv or .json."""


class TooManyRows(DomainError):
    """More days and groups than anybody reads, or than a sheet holds."""


class NoSuchColumns(DomainError):
    """No set of columns has this name."""


class CannotWrite(DomainError):
    """The file cannot be written there."""


@dataclass(frozen=True)
class Table:
    """A question as the table of a file. `course`: the grain of the second sheet, when it is not that of the rows. `shown`: the columns of
    a page; without it all that there is."""

    question: Question
    grain: str
    course: str = ""
    shown: ColumnSet | None = None

    @property
    def columns(self) -> list[str]:
        """Stable names: period, groups, counts, then the indicators, rates first; those of a page in its order, counts first."""
        return ["period", *self.question.by, *self.counts, *(found.key for found in self.indicators)]

    @property
    def counts(self) -> list[str]:
        return self.shown.told_to(self.question.reach).counts if self.shown else list(BASE)

    @property
    def indicators(self) -> list[registry.Indicator]:
        reach = self.question.reach
        if self.shown:
            return self.shown.told_to(reach).indicators
        found = [one for one in registry.indicators() if not reach.is_agent_alone or registry.is_for_agent(one.key)]
        return sorted(found, key=lambda one: one.unit != registry.PERCENT)

    @property
    def measures(self) -> list[str]:
        return list(
            dict.fromkeys(
                [BASE[0], *self.counts, *(name for found in self.indicators for name in sorted(found.measures))]
            )
        )

    def check(self) -> None:
        """Raises TooManyRows when so many groups in so many periods would never end."""
        if not self.question.by:
            return
        groups = len(queries.largest_groups(self.question, BASE[0]))
        if groups * len(self.question.periods) > MOST_ROWS:
            raise TooManyRows(
                _(
                    "%(groups)s groups in %(periods)s periods are too many for one file. Ask for fewer days, a coarser grain or fewer groupings."
                )
                % {"groups": groups, "periods": len(self.question.periods)}
            )

    def rows(self) -> Iterator[list[Any]]:
        """Ascending by period and names; rates in percent, None where the denominator is 0."""
        names = [naming.file_names(group) for group in self.question.by]
        indicators, measures = self.indicators, self.measures
        for part in _parts(self.question):
            lines = [
                (row.period.label, *_named(row, names), row) for row in queries.rows_of(part, measures, keep=False)
            ]
            for *head, row in sorted(lines, key=lambda line: line[:-1]):
                yield [
                    *head,
                    *(row.counts[name] for name in self.counts),
                    *(found.value(row.counts) for found in indicators),
                ]

    def totals(self) -> list[list[Any]]:
        """One row for each period over all groups, and one for the whole range, each counted at its own level."""
        grain = self.course or self.grain
        whole = replace(self.question, by=(), periods=tuple(periods(self.question.first, self.question.last, grain)))
        rows = queries.rows_of(whole, self.measures)
        if grain != "total":
            rows.append(queries.total_of(whole, self.measures))
        return [
            [
                row.period.label,
                *(row.counts[name] for name in self.counts),
                *(found.value(row.counts) for found in self.indicators),
            ]
            for row in rows
        ]


def columns_named(key: str) -> ColumnSet:
    """Raises NoSuchColumns."""
    found = column_set(key)
    if found is None:
        known = ", ".join(one.key for one in column_sets())
        raise NoSuchColumns(_("There are no columns %(name)s; only %(known)s.") % {"name": key[:40], "known": known})
    return found


def _parts(question: Question) -> Iterator[Question]:
    """One period at a time wherever there are groups, so that memory stays flat."""
    if not question.by:
        yield question
        return
    for period in question.periods:
        yield replace(question, periods=(period,))


def _named(row: Row, names: list[dict[int, str]]) -> list[str]:
    return [known.get(part or 0, f"#{part}") for part, known in zip(row.key, names, strict=True)]


def write_file(table: Table, path: Path) -> int:
    """Write the file whole or not at all; returns the number of rows. Raises NotAFormat, TooManyRows, CannotWrite."""
    if path.suffix.lower() not in FORMATS:
        raise NotAFormat(_("The file must end in .xlsx, .csv or .json."))
    table.check()
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as target:
            count = write(table, target, path.suffix.lower())
        os.replace(draft, path)
    except OSError as error:
        raise CannotWrite(
            _("%(path)s cannot be written: %(why)s.") % {"path": path, "why": error.strerror or error}
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def open_written(table: Table, suffix: str) -> IO[bytes]:
    """The whole file, open for reading, of which nothing stays when it is closed. Raises as write_file.

    For answers: whatever goes wrong on the way is known before the answer begins, and none ends in the middle looking complete.
    """
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as target:
        path = Path(target.name)
    try:
        write_file(table, path)
        return path.open("rb")
    finally:
        path.unlink(missing_ok=True)


def write(table: Table, target: IO[bytes], suffix: str) -> int:
    """Write to a stream; returns the number of rows."""
    counted = Counted(table.rows())
    if suffix == ".xlsx":
        _xlsx(table, counted, target)
    else:
        for piece in pieces(table, suffix, counted):
            target.write(piece)
    return counted.count


class Counted:
    """Counts what passes through."""

    def __init__(self, rows: Iterator[list[Any]]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[list[Any]]:
        for row in self.rows:
            self.count += 1
            yield row


def pieces(table: Table, suffix: str, rows: Counted | None = None) -> Iterator[bytes]:
    """A .csv or .json in pieces."""
    found = rows or Counted(table.rows())
    if suffix == ".csv":
        yield from csv_pieces(table.columns, found)
        return
    columns = table.columns
    mark = "["
    for row in found:
        yield f"{mark}\n{json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)}".encode()
        mark = ","
    yield b"\n]\n" if mark == "," else b"[]\n"


# ---------------------------------------------------------------- xlsx


def _xlsx(table: Table, rows: Counted, target: IO[bytes]) -> None:
    with Workbook(target) as book:
        sheet = _sheet(book, _("Indicators"), table.columns, table)
        written = _fill(sheet, rows, 1 + len(table.question.by))
        _totals(book, table)
        _definitions(book, table)
    if rows.count > written:
        raise TooManyRows(_("A sheet of Excel holds a million rows, and these are more. Ask for CSV or fewer days."))


def _sheet(book: Workbook, title: str, columns: list[str], table: Table) -> Any:
    sheet = book.book.add_worksheet(title[:31], worksheet_class=LineSheet)
    labels, pictures = _labels(table), _pictures(table)
    for index, name in enumerate(columns):
        picture = pictures.get(name)
        sheet.set_column(index, index, max(11, len(name) * 0.95), book.format(num_format=picture) if picture else None)
        sheet.write_string(0, index, name, book.format(bold=True, bottom=1))
        if labels.get(name, name) != name:
            sheet.write_comment(0, index, labels[name])
    sheet.freeze_panes(1, 1 + len(table.question.by))
    return sheet


def _labels(table: Table) -> dict[str, str]:
    labels = {name: str(measure.label) for name, measure in registry.measures().items()}
    return labels | {found.key: f"{found.label}: {found.formula}" for found in table.indicators}


def _pictures(table: Table) -> dict[str, str]:
    return dict.fromkeys(table.counts, "#,##0") | {found.key: PICTURES[found.unit] for found in table.indicators}


def _fill(sheet: LineSheet, rows: Iterator[list[Any]] | Counted | list[list[Any]], words: int, first: int = 1) -> int:
    """Write rows whose first columns are words; the columns bring the formats."""
    number = first
    for row in rows:
        if number > MOST_ROWS_OF_SHEET:
            break
        sheet.write_line(number, row[:words], row[words:])
        number += 1
    return number - first


def _totals(book: Workbook, table: Table) -> None:
    """The periods counted over all groups, and the chart of their rates."""
    columns = ["period", *table.columns[1 + len(table.question.by) :]]
    title = _("Totals")[:31]
    sheet = _sheet(book, title, columns, table)
    count = _fill(sheet, table.totals(), 1)
    last = count - 1 if (table.course or table.grain) != "total" else count
    if last < 1:
        return
    chart = book.book.add_chart({"type": "line"})
    for indicator, colour in zip(_drawn(table), ("#0f6b78", "#8a949c"), strict=False):
        column = columns.index(indicator.key)
        chart.add_series(
            {
                "name": str(indicator.label),
                "categories": [title, 1, 0, last, 0],
                "values": [title, 1, column, last, column],
                "line": {"color": colour, "width": 2},
                "marker": {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}},
            }
        )
    chart.set_title({"name": _title_of(table), "overlay": False})
    chart.set_y_axis({"num_format": "0.0", "major_gridlines": {"visible": True, "line": {"color": "#d9dee2"}}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 860, "height": 360})
    sheet.insert_chart(count + 3, 0, chart)


def _drawn(table: Table) -> list[registry.Indicator]:
    """The success rates where they are there; else the figure that the columns are about."""
    keys = ["success_rate", "final_success_rate"]
    if table.shown and table.shown.figure not in keys:
        keys = [table.shown.figure]
    return [found for found in table.indicators if found.key in keys]


def _title_of(table: Table) -> str:
    first = _drawn(table)[0]
    if first.key == "success_rate":
        return _("Success rate by period, percent")
    if first.unit == registry.RATIO:
        return _("%(figure)s by period") % {"figure": first.label}
    return _("%(figure)s by period, %(unit)s") % {"figure": first.label, "unit": unit_label(first.unit)}


def _definitions(book: Workbook, table: Table) -> None:
    heads = [
        _("Column"),
        _("Name"),
        _("Formula"),
        _("What it tells"),
        _("Falls into the period by"),
        _("Unit"),
        _("Matures after days"),
        _("Version"),
    ]
    widths = [26, 28, 46, 60, 22, 12, 12, 9]
    sheet = book.book.add_worksheet(_("Definitions")[:31])
    for index, (head, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.set_column(index, index, width, book.format(text_wrap=True, valign="top"))
        sheet.write_string(0, index, head, book.format(bold=True, bottom=1))
    number = 1
    for name in table.counts:
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, str(registry.measures()[name].label))
        number += 1
    for found in table.indicators:
        values = [found.key, found.label, found.formula, found.tells, found.hangs_on, unit_label(found.unit)]
        for index, value in enumerate(values):
            sheet.write_string(number, index, str(value))
        sheet.write_number(number, 6, found.matures_days)
        sheet.write_number(number, 7, found.version)
        number += 1
    first, last = table.question.first, table.question.last
    sheet.write_string(
        number + 1,
        0,
        _("From %(first)s to %(last)s, both included.") % {"first": first.isoformat(), "last": last.isoformat()},
    )
    at = queries.computed_at(table.question)
    if at is not None:
        sheet.write_string(
            number + 2, 0, _("Computed %(at)s.") % {"at": at.astimezone(region_zone()).strftime("%Y-%m-%d %H:%M")}
        )
    sheet.freeze_panes(1, 1)


def unit_label(unit: str) -> str:
    return {
        registry.PERCENT: _("percent"),
        registry.SECONDS: _("seconds"),
        registry.MONEY: _("currency units"),
        registry.RATIO: _("ratio"),
        registry.COUNT: _("count"),
        registry.PER_HOUR: _("per hour"),
    }[unit]
