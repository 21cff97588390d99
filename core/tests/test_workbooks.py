import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from core import workbooks
from core.workbooks import Column, Workbook, csv_pieces, inert, write_csv, write_xlsx

EVIL = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "  =1+1",
    "\u200b=1",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", EVIL)
def test_text_that_a_program_could_take_for_a_formula_is_made_inert(text):
    assert inert(text) == "'" + text


@pytest.mark.parametrize("text", ["张三", "a=b", "-5", "+3.5", "2026-11-22", "", "1+1", "138****8000"])
def test_other_text_stays_as_it_is(text):
    assert inert(text) == text


ROWS = [
    ["张三", 7, 2.5, Decimal("0.30"), date(2026, 11, 22), datetime(2026, 11, 22, 2, 0, tzinfo=UTC), None, True],
    ["=1+1", -7, 0.0, Decimal("1"), None, None, "https://example.com", False],
]
TITLES = [Column("Name"), Column("Calls", format="#,##0"), "Rate", "Price", "Day", "At", "Link", "Won"]


def read(target):
    target.seek(0)
    return [list(row) for row in openpyxl.load_workbook(target).active.iter_rows()]


def test_a_workbook_holds_values_and_no_formulas_nor_links():
    target = io.BytesIO()

    write_xlsx(target, TITLES, ROWS, title="Rows: [1]")

    head, first, second = read(target)
    assert [cell.value for cell in head][:3] == ["Name", "Calls", "Rate"]
    days = [datetime(2026, 11, 22), datetime(2026, 11, 22, 10, 0)]  # noqa: DTZ001  (Excel knows no zones)
    assert [cell.value for cell in first] == [
        "张三", 7, 2.5, 0.3, *days, None, "yes",
    ]  # fmt: skip
    assert second[0].value == "'=1+1"
    assert {cell.data_type for row in (first, second) for cell in row} <= {"s", "n", "d"}
    assert all(cell.hyperlink is None for cell in second)
    assert first[1].number_format == "#,##0"


def test_a_workbook_goes_on_in_another_sheet_at_the_limit(monkeypatch):
    monkeypatch.setattr(workbooks, "XLSX_ROWS", 4)
    target = io.BytesIO()

    write_xlsx(target, ["n"], ([number] for number in range(7)), title="Rows")

    book = openpyxl.load_workbook(target)
    assert book.sheetnames == ["Rows", "Rows 2", "Rows 3"]
    assert [sheet.max_row - 1 for sheet in book] == [3, 3, 1]


def test_notes_stand_above_the_head():
    target = io.BytesIO()

    with Workbook(target) as book:
        book.sheet("Rows", ["n"], [[1]], notes=["=who took it"])

    assert [row[0].value for row in read(target)] == ["'=who took it", "n", 1]


def test_csv_is_read_as_utf8_by_excel_and_is_inert():
    target = io.BytesIO()

    write_csv(target, TITLES, ROWS)

    lines = target.getvalue().decode("utf-8").split("\r\n")
    assert lines[0] == "\ufeffName,Calls,Rate,Price,Day,At,Link,Won"
    assert lines[1] == "张三,7,2.5,0.30,2026-11-22,2026-11-22 10:00:00,,yes"
    assert lines[2] == "'=1+1,-7,0.0,1,,,https://example.com,no"


def test_csv_comes_in_pieces():
    pieces = list(csv_pieces(["n"], (["x" * 100] for _number in range(2000))))

    assert len(pieces) > 2
    assert sum(piece.count(b"\r\n") for piece in pieces) == 2001
