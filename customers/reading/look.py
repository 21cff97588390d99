"""The process that looks into an uploaded file before its check: sheets, headings, first values. Run as `python -m customers.reading.look`.

Limits, frames and opening are those of customers.reading.child. One answer, frame H; numbers leave it masked.

    sheets   [{name, rows, hidden}]
    lists    names of the visible sheets that hold a list, and of the one looked at: of several a person chooses
    sheet, row_no, key          what is looked at; row 0: no headings; key: by which a mapping is saved, "" when numbers stand for headings
    first    [{row_no, cells}]  the rows in which headings may stand
    columns  [{heading, field, name, known, is_number, seen}]  as chosen, saved or suggested; known: what the heading says by itself;
             is_number: the heading looks like a telephone number, and is masked
    saved    whether the mapping was saved for the source
    rows     the first rows as they would be stored; [] while the mapping is not whole
"""

from __future__ import annotations

import json
import re
import sys
from itertools import islice
from typing import IO, Any

from .child import Row, _limit, _open_csv, _send, holds_list, saved_headings, width_of, workbook_sheets
from .faults import FileFault
from .headings import (
    FIELD_OF,
    IGNORED_MARK,
    PHONE,
    Headings,
    chosen_headings,
    fold,
    heading_cells,
    headings_key,
    suggested,
)
from .limits import AHEAD, COLUMNS as MOST_COLUMNS, HEADING_ROWS
from .masking import looks_like_number, masked, masked_heading

SHOWN = 5
SEEN = 3
UNESCAPE = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    _limit(orders["limits"])
    out = sys.stdout.buffer
    try:
        _look(orders, out)
    except FileFault as fault:
        _send(out, b"F", json.dumps({"code": fault.code, "detail": fault.detail}).encode())
    except MemoryError:
        _send(out, b"F", json.dumps({"code": "too_big", "detail": {}}).encode())
    out.flush()


def _look(orders: dict[str, Any], out: IO[bytes]) -> None:
    from django.conf import settings

    settings.configure(KEYS_DIR=orders["keys_dir"], REGION_COUNTRY=orders["country"], USE_I18N=False)
    sheets = _all_sheets(orders)
    sheet, rows = _sheet(orders, sheets)
    row_no, saved = _row_no(orders, rows)
    columns = _columns(row_no, rows)
    chosen = orders.get("columns") or (saved and _as_chosen(saved)) or suggested(columns)
    own = [i for i, heading in enumerate(columns) if not heading.startswith(IGNORED_MARK)]
    if len(chosen) != len(own):
        chosen = suggested(columns)
    below = [row for row in rows if row[0] > row_no]
    said = {
        "sheets": [{"name": name, "rows": count, "hidden": hidden} for name, count, hidden, _rows in sheets],
        "sheet": sheet,
        "lists": [name for name, _count, hidden, seen in sheets if not hidden and (name == sheet or holds_list(seen, orders.get("saved") or {}))],
        "row_no": row_no,
        "key": headings_key(columns) if row_no and not any(map(looks_like_number, columns)) else "",
        "first": [{"row_no": number, "cells": [_shown(cell) for cell in cells[:8]]} for number, cells in rows[:HEADING_ROWS]],
        "columns": [
            {"heading": masked_heading(columns[i]), "field": field, "name": name, "known": FIELD_OF.get(fold(columns[i]), "") if columns[i] else "", "is_number": looks_like_number(columns[i]), "seen": _seen(below, i)}
            for i, (field, name) in zip(own, chosen, strict=True)
        ],
        "saved": saved is not None and not orders.get("columns"),
        "rows": _as_stored(orders, row_no, columns, chosen, below),
    }  # fmt: skip
    _send(out, b"H", json.dumps(said, ensure_ascii=False).encode())
    _send(out, b"E", b"{}")


Sheet = tuple[str, int, bool, list[Row]]


def _all_sheets(orders: dict[str, Any]) -> list[Sheet]:
    """(name, rows, hidden, first rows) of each."""
    most = HEADING_ROWS + AHEAD
    if orders["format"] == "csv":
        lines = _open_csv(orders["path"], orders["encoding"], orders["delimiter"])
        first = list(islice(lines, most))
        return [("", len(first) + sum(1 for _line in lines), False, first)]
    found: list[Sheet] = []
    for name, hidden, sheet in workbook_sheets(orders["path"], with_hidden=True):
        if sheet is None or sheet.end is None:
            found.append((name, 0, hidden, []))
        else:
            found.append((name, sheet.end[0] + 1, hidden, list(islice(enumerate(sheet.iter_rows(), start=1), most))))
    return found


def _sheet(orders: dict[str, Any], sheets: list[Sheet]) -> tuple[str, list[Row]]:
    """The sheet asked for, else one with saved headings, else the first that holds anything, visible ones first."""
    wanted = orders.get("sheet")
    if wanted is not None:
        for name, count, _hidden, rows in sheets:
            if name == wanted and count:
                return name, rows
        raise FileFault("sheet_gone")
    filled = sorted((sheet for sheet in sheets if sheet[1]), key=lambda sheet: sheet[2])
    if not filled:
        raise FileFault("empty_file")
    for name, _count, hidden, rows in filled:
        if not hidden and saved_headings(orders.get("saved") or {}, rows[:HEADING_ROWS]):
            return name, rows
    return filled[0][0], filled[0][3]


def _row_no(orders: dict[str, Any], rows: list[Row]) -> tuple[int, Headings | None]:
    wanted = orders.get("row_no")
    top = rows[:HEADING_ROWS]
    if wanted is not None:
        found = [row for row in top if row[0] == wanted]
        if wanted and not found:
            raise FileFault("mapping_unfit")
        return wanted, saved_headings(orders.get("saved") or {}, found)
    if saved := saved_headings(orders.get("saved") or {}, top):
        return saved.row_no, saved
    filled = [(number, cells) for number, cells in top if any(str(cell).strip() for cell in cells)]
    if not filled:
        raise FileFault("empty_file")
    for number, cells in filled:
        if any(FIELD_OF.get(fold(cell)) == PHONE for cell in cells):
            return number, None
    return filled[0][0], None


def _columns(row_no: int, rows: list[Row]) -> list[str]:
    if not row_no:
        columns = [""] * width_of(rows)
    else:
        columns = heading_cells(next(cells for number, cells in rows if number == row_no))
    if len(columns) > MOST_COLUMNS:
        raise FileFault("too_many_columns", columns=len(columns), most=MOST_COLUMNS)
    return columns


def _as_chosen(headings: Headings) -> list[tuple[str, str]]:
    return [
        (column["field"], column["name"])
        for column in headings.described()
        if not column["heading"].startswith(IGNORED_MARK)
    ]


def _seen(rows: list[Row], column: int) -> list[str]:
    values = (_shown(cells[column]) for _number, cells in rows if column < len(cells))
    return list(islice(dict.fromkeys(value for value in values if value), SEEN))


def _shown(cell: Any) -> str:
    """A cell as it may be shown before anybody knows what it is: whatever could be a number is masked."""
    from .cleaning import as_text

    return masked(as_text(cell))


def _as_stored(
    orders: dict[str, Any], row_no: int, columns: list[str], chosen: Any, rows: list[Row]
) -> list[dict[str, Any]]:
    from core.sealed import BulkSealer

    from .cleaning import COLUMNS, Cities, Cleaner

    try:
        headings = chosen_headings(row_no, columns, chosen)
    except FileFault:
        return []
    allowed = orders["cities_allowed"]
    cities = Cities(orders["cities"], None if allowed is None else set(allowed), orders["city"], lambda name: None)
    cleaner = Cleaner(list_id=0, headings=headings, cities=cities, sealer=BulkSealer())
    lines = filter(None, (cleaner.line(number, cells) for number, cells in rows))
    return [_plain(dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True))) for line in islice(lines, SHOWN)]


PLAIN = ("row_no", "external_id", "name", "phone_mask", "city_id", "type", "gender", "age", "fault", "fault_detail")


def _plain(values: dict[str, str]) -> dict[str, Any]:
    """What is shown of a line for COPY; nothing sealed, and no number that a wrong choice of columns has put into another field."""
    shown: dict[str, Any] = {name: _unescape(values[name]) for name in PLAIN}
    shown |= {name: masked(shown[name]) for name in ("external_id", "name")}
    attributes = json.loads(_unescape(values["attributes"])).items()
    return shown | {"attributes": {name: _attribute_shown(value) for name, value in attributes}}


def _attribute_shown(value: Any) -> Any:
    text = str(value)
    return value if masked(text) == text else masked(text)


def _unescape(text: str) -> str:
    return "" if text == "\\N" else re.sub(r"\\[tnr\\]", lambda found: UNESCAPE[found[0]], text)


if __name__ == "__main__":
    main()
