"""Files that leave: .xlsx and .csv, written in a stream, in which no text can do anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from core.calendar import region_zone

# also their full-width forms, which Excel folds, and the controls that some programs skip before a formula
DANGEROUS = frozenset("=+-@\t\r\n|＝＋－＠﹢﹣−﹦")
XLSX_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class Column:
    """One column of a file: its head, its width in characters, and how Excel shows its numbers ("0.0", "#,##0", "0.0%")."""

    title: str
    width: float = 14
    format: str = ""


def inert(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula: an apostrophe goes in front of = + - @ tab and their full-width forms.

    Plain numbers ("-5", "+3.5") stay: they are what they say.
    """
    start = text.lstrip(" \u00a0\u3000\ufeff\u200b")[:1]
    if start in DANGEROUS and start and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    body = text[1:] if text[:1] in "+-" else text
    return body.isascii() and body.replace(".", "", 1).isdigit()


def columns_of(titles: Iterable[str | Column]) -> list[Column]:
    return [title if isinstance(title, Column) else Column(str(title)) for title in titles]


# ---------------------------------------------------------------- csv


def csv_pieces(columns: Sequence[str | Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file in pieces: UTF-8 with its mark, so that Excel reads Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow([inert(column.title) for column in columns_of(columns)])
    for row in rows:
        writer.writerow([_csv_value(value) for value in row])
        if buffer.tell() > 65_536:
            yield _drain(buffer)
    yield _drain(buffer)


def _drain(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode("utf-8")
    buffer.seek(0)
    buffer.truncate()
    return piece


def _csv_value(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return _local(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return value
    return inert(str(value))


def write_csv(target: IO[bytes], columns: Sequence[str | Column], rows: Iterable[Sequence[Any]]) -> None:
    """Write the whole file to a binary stream."""
    for piece in csv_pieces(columns, rows):
        target.write(piece)


# ---------------------------------------------------------------- xlsx


class Workbook:
    """A workbook written row by row in flat memory. Text is never a formula nor a link.

    with Workbook(path_or_stream) as book:
        book.sheet("Rows", columns, rows)
    Sheets and charts of XlsxWriter are at `book.book`.
    """

    def __init__(self, target: str | Path | IO[bytes], *, constant_memory: bool = True) -> None:
        import xlsxwriter

        self.book = xlsxwriter.Workbook(
            str(target) if isinstance(target, Path) else target,
            {
                "constant_memory": constant_memory,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "remove_timezone": True,
                "nan_inf_to_errors": True,
            },
        )
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.book.close()

    def format(self, **properties: Any) -> Any:
        """The cell format with these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(properties)
        return self._formats[key]

    def sheet(
        self,
        title: str,
        columns: Sequence[str | Column],
        rows: Iterable[Sequence[Any]],
        *,
        notes: Sequence[str] = (),
    ) -> Any:
        """Add a sheet: notes on top if any, a frozen head, one line a row. Goes on in further sheets when Excel's limit is reached."""
        heads = columns_of(columns)
        iterator = iter(rows)
        sheet = self._start(title, heads, notes)
        first, number = sheet, len(notes) + 1
        part = 1
        for row in iterator:
            if number >= XLSX_ROWS:
                part += 1
                sheet, number = self._start(f"{title} {part}", heads, ()), 1
            self._write_row(sheet, number, row, heads)
            number += 1
        return first

    def _start(self, title: str, heads: list[Column], notes: Sequence[str]) -> Any:
        sheet = self.book.add_worksheet(_sheet_name(title))
        for index, head in enumerate(heads):
            sheet.set_column(
                index,
                index,
                head.width,
                self.format(num_format=head.format) if head.format else None,
            )
        for number, note in enumerate(notes):
            sheet.write_string(number, 0, inert(note), self.format(font_color="#5b6670"))
        for index, head in enumerate(heads):
            sheet.write_string(
                len(notes),
                index,
                inert(head.title),
                self.format(bold=True, bottom=1, text_wrap=True, valign="top"),
            )
        sheet.freeze_panes(len(notes) + 1, 0)
        return sheet

    def _write_row(self, sheet: Any, number: int, row: Sequence[Any], heads: list[Column]) -> None:
        for index, value in enumerate(row):
            kind = type(value)
            if kind is str:
                if value:
                    sheet.write_string(number, index, inert(value)[:CELL_CHARACTERS])
            elif value is None:
                continue
            elif kind is int or kind is float or kind is Decimal:
                picture = heads[index].format if index < len(heads) else ""
                sheet.write_number(
                    number,
                    index,
                    value,
                    self.format(num_format=picture) if picture else None,
                )
            else:
                self._write_other(sheet, number, index, value)

    def _write_other(self, sheet: Any, number: int, index: int, value: Any) -> None:
        if isinstance(value, bool):
            sheet.write_string(number, index, _("yes") if value else _("no"))
        elif isinstance(value, datetime):
            sheet.write_datetime(
                number,
                index,
                _local(value).replace(tzinfo=None),
                self.format(num_format="yyyy-mm-dd hh:mm:ss"),
            )
        elif isinstance(value, date):
            sheet.write_datetime(number, index, value, self.format(num_format="yyyy-mm-dd"))
        else:
            sheet.write_string(number, index, inert(str(value))[:CELL_CHARACTERS])


def _local(value: datetime) -> datetime:
    return value.astimezone(region_zone()) if value.tzinfo else value


def _sheet_name(title: str) -> str:
    """Excel allows 31 characters and none of []:*?/\\ ."""
    cleaned = "".join(" " if letter in "[]:*?/\\" else letter for letter in title).strip().strip("'")
    return cleaned[:31] or "1"


def write_xlsx(
    target: str | Path | IO[bytes],
    columns: Sequence[str | Column],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
) -> None:
    """Write one sheet to a path or binary stream, in a stream and flat memory."""
    with Workbook(target) as book:
        book.sheet(title or _("Rows"), columns, rows, notes=notes)
