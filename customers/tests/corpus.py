"""A corpus of files as people and machines send them, each with what must be said of it.

`expected` is "refused: code" when the door says no, "failed: code" when the reading does, else the verdict of each row in the order of the
file, as "verdict" or "verdict:reason". The world they meet: the cities Foshan 佛山 and Guangzhou 广州, a customer KNOWN of Foshan, and BLOCKED,
a number on a register.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import openpyxl

from customers.tests import list_files as files

KNOWN, BLOCKED = "19100007540", "19100007539"
A, B, C = "19100007541", "19100007542", "19100007543"
HEADS = ("name", "phone", "city")


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], io.BytesIO]
    expected: str | tuple[str, ...]


def book(*rows: Sequence[Any], heads: Sequence[Any] = HEADS) -> Callable[[], io.BytesIO]:
    return lambda: files.workbook(rows, heads)


def one(phone: Any, city: Any = "Foshan", name: Any = "张国") -> Callable[[], io.BytesIO]:
    """A list of one row."""
    return book((name, phone, city))


def text(content: str, encoding: str = "utf-8") -> Callable[[], io.BytesIO]:
    return lambda: files.csv_file(content, encoding)


def raw(content: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(content)


def by_openpyxl(fill: Callable[[openpyxl.Workbook], None]) -> Callable[[], io.BytesIO]:
    """A workbook with what Excel can do and a list should not need."""

    def make() -> io.BytesIO:
        made, target = openpyxl.Workbook(), io.BytesIO()
        fill(made)
        made.save(target)
        target.seek(0)
        return target

    return make


def sheet(*rows: Sequence[str], **around: str) -> str:
    return files.sheet_xml(rows, **around)


GOOD = (("phone", "city"), (A, "Foshan"))


def archive(**parts: str | bytes) -> Callable[[], io.BytesIO]:
    def make() -> io.BytesIO:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in parts.items():
                packed.writestr(name, content)
        target.seek(0)
        return target

    return make


def with_flag() -> io.BytesIO:
    """A part that says it is encrypted."""
    data = bytearray(files.raw_workbook(sheet(*GOOD)).getvalue())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        data[at + place] |= 1
    return io.BytesIO(bytes(data))


def twice_the_same_part() -> io.BytesIO:
    made = files.raw_workbook(sheet(*GOOD))
    with zipfile.ZipFile(made, "a") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        packed.writestr("xl/worksheets/sheet1.xml", sheet(("phone",), (B,)))
    made.seek(0)
    return made


def many_parts() -> io.BytesIO:
    return files.raw_workbook(sheet(*GOOD), **{f"xl/media/{n}.xml": "x" for n in range(1_200)})


def macro_type() -> io.BytesIO:
    """The type of a workbook with macros, the macros themselves taken out."""
    return files.raw_workbook(
        sheet(*GOOD),
        **{"[Content_Types].xml": files.CONTENT_TYPES.replace("spreadsheetml.sheet.main", "macroEnabled.main")},
    )


def without_its_sheet() -> io.BytesIO:
    made, target = files.raw_workbook(sheet(*GOOD)), io.BytesIO()
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(target, "w") as packed:
        for name in whole.namelist():
            if "sheet1" not in name:
                packed.writestr(name, whole.read(name))
    target.seek(0)
    return target


def _merged(made: openpyxl.Workbook) -> None:
    page = made.active
    for row in (HEADS, ("张国", A, "Foshan"), ("李敏", B, None)):
        page.append(row)
    page.merge_cells("C2:C3")


def _hidden_row_and_column(made: openpyxl.Workbook) -> None:
    page = made.active
    for row in ((*HEADS, "note"), ("张国", A, "Foshan", "x"), ("李敏", B, "Foshan", "y")):
        page.append(row)
    page.row_dimensions[3].hidden = True
    page.column_dimensions["D"].hidden = True


def _several_sheets(made: openpyxl.Workbook) -> None:
    made.active.title = "empty"
    hidden = made.create_sheet("hidden")
    hidden.append(HEADS)
    hidden.append(("x", C, "Foshan"))
    hidden.sheet_state = "hidden"
    for name, number in (("March", A), ("April", B)):
        page = made.create_sheet(name)
        page.append(HEADS)
        page.append(("张国", number, "Foshan"))


def _list_and_explanation(made: openpyxl.Workbook) -> None:
    _hold(made.active, "list", (HEADS, ("张国", A, "Foshan")))
    _hold(
        made.create_sheet(),
        "columns",
        (("column", "holds"), ("phone", "the customer's number"), ("name", "as in the passport")),
    )
    _hold(made.create_sheet(), "plan", (HEADS, ("none yet", "", "")))
    _hold(made.create_sheet(), "chart", (("month", "calls"), ("March", 19100007)))


def _bad_list_and_list(made: openpyxl.Workbook) -> None:
    _hold(made.active, "old", (HEADS, ("张国", "1.38E+10", "Foshan")))
    _hold(made.create_sheet(), "new", (("", "November"), HEADS, ("张国", A, "Foshan")))


def _hold(page: Any, name: str, rows: Sequence[Sequence[Any]]) -> None:
    page.title = name
    for row in rows:
        page.append(row)


def _only_hidden(made: openpyxl.Workbook) -> None:
    made.active.title = "empty"
    page = made.create_sheet("list")
    page.append(HEADS)
    page.append(("张国", A, "Foshan"))
    page.sheet_state = "hidden"


def _formula(made: openpyxl.Workbook) -> None:
    made.active.append(HEADS)
    made.active.append(("张国", '="191"&"00007541"', "Foshan"))


NOON = datetime(2024, 2, 29, 12)  # noqa: DTZ001  Excel knows no zones


def _dates(made: openpyxl.Workbook) -> None:
    made.active.append((*HEADS, "since", "at"))
    made.active.append(("张国", A, "Foshan", date(2024, 2, 29), NOON))
    made.active.append(("李敏", NOON, "Foshan", None, None))


def _error_cell(made: openpyxl.Workbook) -> None:
    made.active.append(HEADS)
    made.active.append(("张国", A, "Foshan"))
    made.active.append(("#N/A", "#REF!", "Foshan"))
    made.active["B3"].data_type = "e"


def _quoted(rows: Sequence[Sequence[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL).writerows(rows)
    return target.getvalue()


CONTAINERS = [
    Case("nothing at all", raw(b""), "refused: empty_file"),
    Case("blank lines only", raw(b"\n \n\n"), "refused: empty_file"),
    Case("Excel 97", lambda: files.ole(encrypted=False), "refused: old_excel"),
    Case("protected by a password", lambda: files.ole(encrypted=True), "refused: password"),
    Case("a part marked as encrypted", with_flag, "refused: password"),
    Case("with macros", files.macros, "refused: macros"),
    Case("of the type with macros", macro_type, "refused: macros"),
    Case("with links to other files", files.external_links, "refused: external_links"),
    Case("with a document type", files.doctype, "refused: doctype"),
    Case("a bomb", files.bomb, "refused: bomb"),
    Case("a bomb that lies about its size", files.lying_sizes, "refused: damaged"),
    Case("the last cell of a sheet", files.far_cell, "refused: far_cell"),
    Case("a row far below", lambda: files.raw_workbook(sheet(*GOOD, after='<row r="300001"><c r="A300001"><v>1</v></c></row>')), "refused: far_cell"),
    Case("a column far right", lambda: files.raw_workbook(sheet(*GOOD, after='<row r="9"><c r="AAA9"><v>1</v></c></row>')), "refused: far_cell"),
    Case("cut off in the middle", lambda: io.BytesIO(files.workbook([]).getvalue()[:900]), "refused: damaged"),
    Case("a name that leads out of the archive", archive(**{"../evil.xml": "x", "xl/workbook.xml": "x"}), "refused: damaged"),
    Case("one part twice", twice_the_same_part, "refused: damaged"),
    Case("thousands of parts", many_parts, "refused: damaged"),
    Case("XML in UTF-16", lambda: files.raw_workbook(sheet(*GOOD).encode("utf-16")), "refused: damaged"),
    Case("an archive of something else", archive(**{"readme.txt": "hello"}), "refused: not_a_list"),
    Case("a Word file", archive(**{"word/document.xml": "<x/>"}), "refused: not_a_list"),
    Case("a PDF", raw(b"%PDF-1.7 phone,city"), "refused: not_a_list"),
    Case("a picture", raw(b"\x89PNG\r\n\x1a\n...."), "refused: not_a_list"),
    Case("a gzip of a list", lambda: io.BytesIO(gzip.compress(b"phone,city\n19100007541,Foshan\n")), "refused: not_a_list"),
    Case("a RAR", raw(b"Rar!\x1a\x07\x00...."), "refused: not_a_list"),
    Case("NUL in the text", raw(b"phone,city\n191\x00"), "refused: not_a_list"),
    Case("NUL far behind", raw(b"phone,city\n" + b"19100007541,Foshan\n" * 400 + b"\x00"), "refused: encoding"),
    Case("a web page called .xls", raw(b"<html><table><tr><td>phone</td></tr></table></html>"), "refused: web_page"),
    Case("XML of Excel 2003", raw(b'<?xml version="1.0"?><Workbook><Worksheet/></Workbook>'), "refused: web_page"),
    Case("text in UTF-16", text("phone,city\r\n", "utf-16"), "refused: utf16"),
    Case("no encoding that anybody knows", raw(b"phone,city\n\xff\xff\xff"), "refused: encoding"),
]  # fmt: skip

SHEETS = [
    Case("headings only", book(), "failed: header_only"),
    Case("a sheet without a cell", by_openpyxl(lambda made: None), "failed: empty_file"),
    Case("a list on a hidden sheet only", by_openpyxl(_only_hidden), "failed: empty_file"),
    Case("no column with numbers", book(("张国", "Foshan"), heads=("name", "city")), "failed: no_phone_column"),
    Case("two columns with numbers", book((A, B), heads=("手机", "联系电话")), "failed: two_phone_columns"),
    Case("a number for a heading", book((A, "Foshan", "x"), heads=("phone", "city", B)), "failed: number_as_heading"),
    Case("months and days in headings", book((A, "Foshan", 1, 2), heads=("phone", "city", "202610-202611", "2026-11-30 balance")), ("new",)),
    Case("more columns than a list has", book((A, *range(205)), heads=("phone", *(f"c{n}" for n in range(205)))), "failed: too_many_columns"),
    Case("XML that ends too early", lambda: files.raw_workbook(sheet(*GOOD)[:-40]), "failed: damaged"),
    Case("the sheet is missing", without_its_sheet, "failed: damaged"),
    Case("headings below a title", book(("", "2026", ""), HEADS, ("张国", A, "Foshan"), heads=("List of March", "", "")), ("new",)),
    Case("Chinese headings in another order", book(("佛山", A, "张国"), heads=("地市", "联系电话", "姓名")), ("new",)),
    Case("a false dimension", files.false_dimension, ("new", "new", "new")),
    Case("merged cells: the value stands in the first", by_openpyxl(_merged), ("new", "invalid:city_missing")),
    Case("a hidden row and a hidden column", by_openpyxl(_hidden_row_and_column), ("new", "new")),
    Case("two visible sheets with a list each", by_openpyxl(_several_sheets), "failed: two_lists"),
    Case("a list, an explanation of its columns, headings alone, a chart", by_openpyxl(_list_and_explanation), ("new",)),
    Case("a list without one good number, and another list", by_openpyxl(_bad_list_and_list), "failed: two_lists"),
    Case("empty rows between", book(("a", A, "Foshan"), ("", "", ""), (None, None, None), ("b", B, "Foshan")), ("new", "new")),
    Case("a formula that was never calculated", by_openpyxl(_formula), ("invalid:phone_missing",)),
    Case("dates, one of them as a number to call", by_openpyxl(_dates), ("new", "invalid:phone_letters")),
    Case("an error as a number", by_openpyxl(_error_cell), ("new", "invalid:phone_missing")),
    Case("GBK", text(f"姓名,手机,地市\r\n张国,{A},佛山\r\n", "gbk"), ("new",)),
    Case("GB18030 with a rare character", text(f"姓名,手机,地市\r\n㐂国,{A},佛山\r\n", "gb18030"), ("new",)),
    Case("UTF-8 with a mark at its start", text(f"phone,city\r\n{A},Foshan\r\n", "utf-8-sig"), ("new",)),
    Case("semicolons", text(f"name;phone;city\n张国;{A};Foshan\n"), ("new",)),
    Case("tabs", text(f"name\tphone\tcity\n张国\t{A}\tFoshan\n"), ("new",)),
    Case("old Macintosh line ends", text(f"name,phone,city\r张国,{A},Foshan\r李敏,{B},Foshan\r"), ("new", "new")),
    Case("quotation marks, commas and line ends in cells", text(_quoted([HEADS, ('张"国,\n', A, "Foshan"), ("李敏", B, "Foshan")])), ("new", "new")),
    Case("a quotation mark never closed", text(f'name,phone,city\n"张国,{A},Foshan\n' + f"李敏,{B},Foshan\n" * 60_000), "failed: bad_csv"),
    Case("rows shorter and longer than the headings", text(f"name,phone,city\n张国,{A}\n李敏,{B},Foshan,more,and more\n"), ("invalid:city_missing", "new")),
]  # fmt: skip

NUMBERS = [
    Case("as text", one(A), ("new",)),
    Case("as a number", one(19100007541), ("new",)),
    Case("as a number with a fraction of nought", one("19100007541.0"), ("new",)),
    Case("with the country", one("+86 191 0000 7541"), ("new",)),
    Case("with the country dialled", one("0086-19100007541"), ("new",)),
    Case("full width", one("１９１００００７５４１"), ("new",)),
    Case("invisible marks", one("\u202a191\u200b0000\ufeff7541\u202c"), ("new",)),
    Case("an apostrophe of Excel", one("'19100007541"), ("new",)),
    Case("a landline with its area", one("0757-83331234"), ("new",)),
    Case("digits lost to 1.38E+10", one("1.38E+10"), ("invalid:phone_lost_digits",)),
    Case("sixteen digits", one("6222021234567890"), ("invalid:phone_too_long",)),
    Case("an identity card", one("440601199001011234"), ("invalid:phone_too_long",)),
    Case("a service number", one("10086"), ("invalid:phone_invalid",)),
    Case("words", one("none yet"), ("invalid:phone_letters",)),
    Case("true", one(True), ("invalid:phone_missing",)),
    Case("no number", one(""), ("invalid:phone_missing",)),
    Case("a negative number", one(-19100007541), ("new",)),
    Case("no mobile begins so", one("12000007541"), ("invalid:phone_invalid",)),
    Case("twice, written in two ways", book(("a", A, "Foshan"), ("b", "+86 191-0000-7541", "Foshan")), ("new", "duplicate:same_number")),
    Case("on a register", one(BLOCKED), ("suppressed:register",)),
    Case("known, under a new name", one(KNOWN, name="another"), ("update",)),
    Case("known, with nothing new", one(KNOWN, name="known"), ("unchanged",)),
    Case("one customer with two numbers", book(("a", A, "Foshan", "K1"), ("a", B, "Foshan", "K1"), heads=(*HEADS, "external_id")), ("new", "undecided:second_number")),
]  # fmt: skip

CELLS = [
    Case("formulas as names", book(*((f"{sign}cmd|' /C calc'!A0", f"191000075{n}", "Foshan") for n, sign in enumerate("=+-@", 41))), ("new",) * 4),
    Case("tabs, slashes and line ends", one(A, name="a\tb\\N\nc"), ("new",)),
    Case("control characters", lambda: files.raw_workbook(sheet(HEADS, ("a_x0001_b\u0085", A, "Foshan"))), ("new",)),
    Case("letters beyond the basic plane", one(A, name="𠮷野家 😀"), ("new",)),
    Case("a name in another direction", one(A, name="\u202eolleh"), ("new",)),
    Case("a name longer than any", one(A, name="n" * 121), ("invalid:name_too_long",)),
    Case("a cell of 32,767 characters", book(("a", A, "Foshan", "x" * 32_767), heads=(*HEADS, "note")), ("invalid:cell_too_long",)),
    Case("a cell of 10 MB", lambda: files.raw_workbook(sheet((*HEADS, "note"), ("a", A, "Foshan", random.Random(1).randbytes(5_000_000).hex()))), ("invalid:cell_too_long",)),
    Case("a city by its long name", one(A, city="佛山市"), ("new",)),
    Case("a city nobody knows", one(A, city="Atlantis"), ("invalid:city_unknown",)),
    Case("no city", one(A, city=""), ("invalid:city_missing",)),
    Case("ages", book(("a", A, "Foshan", "58岁"), ("b", B, "Foshan", 260), ("c", C, "Foshan", "forty"), heads=(*HEADS, "age")),
         ("new", "invalid:age_impossible", "invalid:age_not_a_number")),
    Case("genders and types", book(("a", A, "Foshan", "女士", "集团"), ("b", B, "Foshan", "x", ""), ("c", C, "Foshan", "", "y"), heads=(*HEADS, "gender", "type")),
         ("new", "invalid:gender_unknown", "invalid:type_unknown")),
]  # fmt: skip

ALL = [*CONTAINERS, *SHEETS, *NUMBERS, *CELLS]
