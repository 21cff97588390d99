"""A month by agent and day, 120,000 rows, to Excel: beside XlsxWriter's bare constant-memory write of the same cells."""

from __future__ import annotations

import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path

from bench.figures import Figure
from metrics.export import Table

AGENTS = int(os.environ.get("BENCH_AGENTS", "4000"))
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 30)
DATABASE = "telemkt_bench_export"


def run() -> list[Figure]:
    """The ratio, and how memory grows from a tenth of the rows to all of them."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE), tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder))


def _measure(folder: Path) -> list[Figure]:
    from bench.yearly import fill_days, fill_people
    from metrics.questions import ask

    fill_people(AGENTS)
    fill_days(FIRST, LAST, AGENTS)
    table = Table(ask(since=FIRST, until=LAST, grain="day", by=["agent"]), "day")
    small = Table(ask(since=FIRST, until=FIRST.replace(day=3), grain="day", by=["agent"]), "day")
    bare, count = _bare_seconds(table, folder / "bare.xlsx")
    ours = _seconds(lambda: _export(table, folder / "ours.xlsx"))
    few, many = (
        _peak(lambda: _export(small, folder / "small.xlsx")),
        _peak(lambda: _export(table, folder / "ours.xlsx")),
    )
    return [
        Figure(
            f"export of {count:,} rows to .xlsx",
            ours,
            "s",
            ours / bare,
            f"bare write ({bare:.1f} s)",
            "at most 1.5 times",
            ours <= 1.5 * bare,
        ),
        Figure(
            "memory of the export, all rows",
            many,
            "MB",
            many / few,
            f"a tenth of the rows ({few:.1f} MB)",
            "flat",
            many < few * 1.5 + 5,
        ),
    ]


def _bare_seconds(table: Table, path: Path) -> tuple[float, int]:
    rows = list(table.rows())
    return _seconds(lambda: _bare(rows, table.columns, path)), len(rows)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _peak(work: Callable[[], object]) -> float:
    """The most memory that Python holds meanwhile, in MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _export(table: Table, path: Path) -> None:
    from metrics import export

    export.write_file(table, path)


def _bare(rows: list[list[object]], heads: list[str], path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, heads)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)
