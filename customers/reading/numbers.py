"""The process that opens a register of numbers. Run as `python -m customers.reading.numbers`; limits, frames and opening are those of customers.reading.child.

Only numbers leave it, as blind indexes: the column with a phone heading, or the first column of a file that has no headings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import chain, islice
from typing import IO, Any

from customers.reading import child as lists
from customers.reading.faults import FileFault
from customers.reading.limits import HEADING_ROWS


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    lists._limit(orders["limits"])
    out = sys.stdout.buffer
    try:
        _read(orders, out)
    except FileFault as fault:
        lists._send(out, b"F", json.dumps({"code": fault.code, "detail": fault.detail}).encode())
    except MemoryError:
        lists._send(out, b"F", json.dumps({"code": "too_big", "detail": {}}).encode())
    out.flush()


class NumberCleaner:
    """Turns the rows of one file into lines for COPY: the register and the blind index, NULL for a row in which no number stands."""

    def __init__(self, *, register_id: int, column: int, sealer: Any) -> None:
        from core.phones import BadPhone, clean_phone
        from customers.reading.cleaning import as_text

        self._register_id, self._column, self._sealer = register_id, column, sealer
        self._clean, self._bad, self._text = clean_phone, BadPhone, as_text

    def line(self, row_no: int, cells: Sequence[Any]) -> str | None:
        if not any(self._text(cell) for cell in cells):
            return None
        text = self._text(cells[self._column]) if self._column < len(cells) else ""
        try:
            return f"{self._register_id}\t\\\\x{self._sealer.index(self._clean(text)).hex()}\n"
        except self._bad:
            return f"{self._register_id}\t\\N\n"


def _read(orders: dict[str, Any], out: IO[bytes]) -> None:
    from django.conf import settings

    settings.configure(KEYS_DIR=orders["keys_dir"], REGION_COUNTRY=orders["country"], USE_I18N=False)
    from core.sealed import BulkSealer

    rows, total = lists._open(orders)
    first = list(islice(rows, HEADING_ROWS))
    row_no, column = find_column(first)
    said = {"columns": [], "row_no": row_no, "total": total}
    lists._send(out, b"H", json.dumps(said).encode())
    out.flush()
    cleaner = NumberCleaner(register_id=orders["register_id"], column=column, sealer=BulkSealer())
    below = max(row_no, orders["skip"])
    lists._send_rows(out, cleaner, (row for row in chain(first, rows) if row[0] > below), is_fresh=not orders["skip"])


def find_column(rows: Sequence[tuple[int, Sequence[Any]]]) -> tuple[int, int]:
    """(row of the headings or 0, column of the numbers). Raises FileFault when neither a heading nor a number is found."""
    from core.phones import BadPhone, clean_phone
    from customers.reading.cleaning import as_text
    from customers.reading.headings import PHONE, find_headings

    filled = [(number, cells) for number, cells in rows if any(as_text(cell) for cell in cells)]
    if filled:
        try:
            clean_phone(as_text(filled[0][1][0]))
        except (BadPhone, IndexError):
            pass
        else:
            return 0, 0
    headings = find_headings(rows)
    return headings.row_no, headings.fields[PHONE]


if __name__ == "__main__":
    main()
