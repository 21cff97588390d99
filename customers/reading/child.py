"""The process that opens an uploaded file. Run as `python -m customers.reading.child` with its orders as one line of JSON on stdin.

It knows no database and no settings. Limits are set before the file is opened; whatever the file does, only this process dies of it.
Answers on stdout in frames: one letter, length, bytes.

    H  headings: JSON {"columns": [...], "row_no": n, "total": rows or null}
    A  rows among the next that repeat a number or a customer number of this reading: 4 bytes each
    R  rows: 4 bytes number of rows, 4 bytes number of the last one, lines for COPY
    C  name of a city nobody knows; the answer comes on stdin as one line: its id, or nothing
    F  the file is refused: JSON {"code": ..., "detail": {...}}
    E  end: JSON {"rows": n}
"""

from __future__ import annotations

import csv
import io
import json
import resource
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from .faults import FileFault
from .headings import FIELD_OF, PHONE, Headings, chosen_headings, find_headings, fold, heading_cells, headings_key
from .limits import AHEAD, CSV_FIELD_CHARACTERS, HEADING_ROWS, ROWS
from .masking import masked_heading

FRAME = struct.Struct(">cI")
ROWS_HEAD = struct.Struct(">II")
ROWS_A_FRAME = 1_000

Row = tuple[int, Sequence[Any]]


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    _limit(orders["limits"])
    out = sys.stdout.buffer
    try:
        _read(orders, out)
    except FileFault as fault:
        _send(out, b"F", json.dumps({"code": fault.code, "detail": fault.detail}).encode())
    except MemoryError:
        _send(out, b"F", json.dumps({"code": "too_big", "detail": {}}).encode())
    out.flush()


def _limit(limits: dict[str, int]) -> None:
    cpu = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_AS, (limits["address_space"], limits["address_space"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send(out: IO[bytes], kind: bytes, body: bytes) -> None:
    out.write(FRAME.pack(kind, len(body)))
    out.write(body)


def _read(orders: dict[str, Any], out: IO[bytes]) -> None:
    sheets = _sheets(orders)
    with ThreadPoolExecutor(1) as beside:
        # a large workbook takes seconds to open, without Python: what cleans its rows is loaded meanwhile
        opening = beside.submit(next, sheets)
        from django.conf import settings

        settings.configure(KEYS_DIR=orders["keys_dir"], REGION_COUNTRY=orders["country"], USE_I18N=False)
        from core.sealed import BulkSealer

        from .cleaning import Cities, Cleaner

        opened = opening.result()
    headings, first, (sheet, rows, total) = choose(orders, chain([opened], sheets))
    said = {"columns": headings.described(), "row_no": headings.row_no, "total": total, "sheet": sheet}
    _send(out, b"H", json.dumps(said, ensure_ascii=False).encode())
    out.flush()
    allowed = orders["cities_allowed"]
    cities = Cities(
        orders["cities"],
        None if allowed is None else set(allowed),
        orders["city"],
        lambda name: _ask_for_city(out, orders, name),
    )
    cleaner = Cleaner(list_id=orders["list_id"], headings=headings, cities=cities, sealer=BulkSealer())
    below = max(headings.row_no, orders["skip"])
    rows = (row for row in chain(first, rows) if row[0] > below)
    _send_rows(out, cleaner, rows, is_fresh=not orders["skip"], again=cleaner.again)


def _send_rows(
    out: IO[bytes], cleaner: Any, rows: Iterable[Row], *, is_fresh: bool, again: list[int] | None = None
) -> None:
    """`again` is filled by the cleaner and emptied here."""
    lines: list[str] = []
    count = last = 0
    for row_no, cells in rows:
        line = cleaner.line(row_no, cells)
        if line is None:
            continue
        lines.append(line)
        last = row_no
        count += 1
        if count > ROWS:
            raise FileFault("too_many_rows", most=ROWS)
        if len(lines) == ROWS_A_FRAME:
            _send_lines(out, lines, last, again)
            lines = []
    if lines:
        _send_lines(out, lines, last, again)
    if not count and is_fresh:
        raise FileFault("header_only")
    _send(out, b"E", json.dumps({"rows": count}).encode())


def _send_lines(out: IO[bytes], lines: list[str], last: int, again: list[int] | None) -> None:
    if again:
        _send(out, b"A", array("I", again).tobytes())
        again.clear()
    _send(out, b"R", ROWS_HEAD.pack(len(lines), last) + "".join(lines).encode())


def _ask_for_city(out: IO[bytes], orders: dict[str, Any], name: str) -> int | None:
    if not orders["may_make_cities"]:
        return None
    _send(out, b"C", name.encode())
    out.flush()
    answer = sys.stdin.readline().strip()
    return int(answer) if answer else None


# -- opening -----------------------------------------------------------------------------------------------------------


Opened = tuple[str, Iterator[Row], int | None]


def choose(orders: dict[str, Any], sheets: Iterator[Opened]) -> tuple[Headings, list[Row], Opened]:
    """Headings, first rows and the sheet: as a person has chosen, else by a mapping saved for the source, else by the headings alone.

    Whose customers stand on several sheets expects all of them, or to be asked: where nobody has chosen and another visible sheet holds a
    list too, the file is refused with the names of both, rather than one of them left out unsaid.
    """
    saved = orders.get("saved") or {}
    looked = []
    for opened in sheets:
        first = list(islice(opened[1], HEADING_ROWS + AHEAD))
        if orders.get("chosen"):
            return _chosen(orders["chosen"], first), first, opened
        looked.append((saved_headings(saved, first[:HEADING_ROWS]), first, opened))
    assert looked  # a file without a sheet is refused before
    headings, first, opened = next((sheet for sheet in looked if sheet[0]), looked[0])
    headings = headings or find_headings(first[:HEADING_ROWS])
    lists = [sheet[0] for _saved, rows, sheet in looked if sheet is opened or holds_list(rows, saved)]
    if len(lists) > 1:
        raise FileFault("two_lists", sheets=", ".join(map(masked_heading, lists[:10])))
    return headings, first, opened


def holds_list(rows: list[Row], saved: dict[str, list[list[str]]]) -> bool:
    """Whether below a heading for it, or one that was mapped to it, a telephone number stands: a sheet that explains the columns holds none."""
    top = rows[:HEADING_ROWS]
    found = saved_headings(saved, top)
    places = [(found.row_no, found.fields[PHONE])] if found else []
    places += [
        (number, i) for number, cells in top for i, cell in enumerate(cells) if FIELD_OF.get(fold(cell)) == PHONE
    ]
    return any(_has_number(rows, row_no, column) for row_no, column in places)


def _has_number(rows: list[Row], row_no: int, column: int) -> bool:
    from core.phones import BadPhone, clean_phone

    from .cleaning import as_text

    for number, cells in rows:
        if number > row_no and column < len(cells):
            try:
                clean_phone(as_text(cells[column]))
            except BadPhone:
                continue
            return True
    return False


def _chosen(chosen: dict[str, Any], first: list[Row]) -> Headings:
    row_no = chosen["row_no"]
    cells = next((cells for number, cells in first if number == row_no), None)
    if row_no and cells is None:
        raise FileFault("mapping_unfit")
    columns = heading_cells(cells or []) if row_no else [""] * width_of(first)
    return chosen_headings(row_no, columns, chosen["columns"])


def width_of(rows: list[Row]) -> int:
    """How many columns are filled, for a sheet without headings."""
    return max((len(heading_cells(cells)) for _number, cells in rows), default=0)


def saved_headings(saved: dict[str, list[list[str]]], first: list[Row]) -> Headings | None:
    """The mapping that was saved for headings which one of these rows has."""
    for number, cells in first if saved else ():
        columns = heading_cells(cells)
        if columns and (found := saved.get(headings_key(columns))):
            return chosen_headings(number, columns, found)
    return None


def _open(orders: dict[str, Any]) -> tuple[Iterator[Row], int | None]:
    """Numbered rows of the first sheet that holds any, and how many there are when the file tells."""
    _sheet, rows, total = next(_sheets(orders))
    return rows, total


def _sheets(orders: dict[str, Any]) -> Iterator[Opened]:
    """The chosen sheet, or the visible ones that hold anything, each opened when it is asked for."""
    if orders["format"] == "csv":
        yield "", _open_csv(orders["path"], orders["encoding"], orders["delimiter"]), None
        return
    wanted = (orders.get("chosen") or {}).get("sheet", "")
    is_empty = True
    for name, is_hidden, sheet in workbook_sheets(orders["path"], wanted):
        if sheet is not None and sheet.end is not None and (wanted or not is_hidden):
            is_empty = False
            yield name, enumerate(sheet.iter_rows(), start=1), sheet.end[0] + 1
    if is_empty:
        raise FileFault("sheet_gone" if wanted else "empty_file")


def workbook_sheets(path: str, wanted: str = "", *, with_hidden: bool = False) -> Iterator[tuple[str, bool, Any]]:
    """(name, hidden, sheet) of each worksheet, or of the one wanted. A hidden one that nobody wants is not read: None."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        for sheet in book.sheets_metadata:
            if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet or (wanted and sheet.name != wanted):
                continue
            is_hidden = sheet.visible != python_calamine.SheetVisibleEnum.Visible
            is_read = with_hidden or bool(wanted) or not is_hidden
            yield sheet.name, is_hidden, book.get_sheet_by_name(sheet.name) if is_read else None
    except (MemoryError, FileFault, GeneratorExit):
        raise
    except Exception:
        raise FileFault("damaged") from None
    except BaseException as panic:  # what Rust calls a panic is no Exception
        if isinstance(panic, KeyboardInterrupt | SystemExit):
            raise
        raise FileFault("damaged") from None


def _open_csv(path: str, encoding: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(CSV_FIELD_CHARACTERS)
    with io.TextIOWrapper(Path(path).open("rb"), encoding=encoding, errors="strict", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        try:
            yield from enumerate(reader, start=1)
        except csv.Error:
            raise FileFault("bad_csv", row=reader.line_num) from None


if __name__ == "__main__":
    main()
