"""The process that opens a calls file. Run as `python -m campaigns.reading.child`; limits, frames and opening are those of customers.reading.child."""

from __future__ import annotations

import json
import sys
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


def _read(orders: dict[str, Any], out: IO[bytes]) -> None:
    from django.conf import settings

    settings.configure(KEYS_DIR=orders["keys_dir"], REGION_COUNTRY=orders["country"], USE_I18N=False)
    from core.sealed import BulkSealer

    from .cleaning import CallCleaner
    from .headings import find_headings

    rows, total = lists._open(orders)
    first = list(islice(rows, HEADING_ROWS))
    row_no, fields = find_headings(first)
    cells = next(row for number, row in first if number == row_no)
    said = {
        "columns": [str(cell).strip()[:60] for cell in cells[: max(fields.values()) + 1]],
        "row_no": row_no,
        "total": total,
    }
    lists._send(out, b"H", json.dumps(said, ensure_ascii=False).encode())
    out.flush()
    cleaner = CallCleaner(
        import_id=orders["import_id"],
        fields=fields,
        zone=orders["zone"],
        results=orders["results"],
        sealer=BulkSealer(),
    )
    below = max(row_no, orders["skip"])
    lists._send_rows(out, cleaner, (row for row in chain(first, rows) if row[0] > below), is_fresh=not orders["skip"])


if __name__ == "__main__":
    main()
