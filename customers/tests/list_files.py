"""Files of lead lists for tests, good and bad, made in memory."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

HEADS = ("external_id", "name", "phone", "city", "age", "plan")


def workbook(rows: Sequence[Sequence[Any]], heads: Sequence[str] = HEADS) -> io.BytesIO:
    """An .xlsx with these headings and rows; numbers are numbers, text is text."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([heads, *rows]):
            sheet.write_row(number, 0, row)
    target.seek(0)
    return target


def csv_file(text: str, encoding: str = "utf-8") -> io.BytesIO:
    return io.BytesIO(text.encode(encoding))


CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
BOOK_RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_xml(rows: Sequence[Sequence[str]], *, before: str = "", after: str = "") -> str:
    """A sheet by hand: cells as inline strings; `before` and `after` stand around the sheet data."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            f'<c r="{chr(65 + i)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for i, text in enumerate(row)
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return f'<?xml version="1.0"?><worksheet {NAMESPACE}>{before}<sheetData>{"".join(lines)}{after}</sheetData></worksheet>'


def raw_workbook(sheet: str | bytes, **more: str | bytes) -> io.BytesIO:
    """A workbook around a sheet part written by hand; `more` are further parts, "__" in their names for "/"."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        parts: dict[str, str | bytes] = {
            "[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELS, "xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": BOOK_RELS,
            "xl/worksheets/sheet1.xml": sheet,
        }  # fmt: skip
        for name, content in (parts | {name.replace("__", "/"): content for name, content in more.items()}).items():
            archive.writestr(name, content)
    target.seek(0)
    return target


ROWS = (("phone", "city"), ("19100007548", "Foshan"))


def far_cell() -> io.BytesIO:
    """1.7 KB that claim the last cell of a sheet: a reader that makes room for all between takes 500 GB."""
    return raw_workbook(sheet_xml(ROWS, after='<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def bomb() -> io.BytesIO:
    """A part that unpacks to 1,000 times its size."""
    return raw_workbook(sheet_xml(ROWS, before="<!--" + " " * 30_000_000 + "-->"))


def doctype() -> io.BytesIO:
    sheet = sheet_xml(ROWS).replace('<?xml version="1.0"?>', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>')
    return raw_workbook(sheet)


def false_dimension() -> io.BytesIO:
    """Says that only A1 is filled, and holds three rows."""
    rows = [("phone", "city"), ("19100007548", "Foshan"), ("19100007549", "Foshan"), ("19100007550", "Foshan")]
    return raw_workbook(sheet_xml(rows, before='<dimension ref="A1"/>'))


def macros() -> io.BytesIO:
    return raw_workbook(sheet_xml(ROWS), xl__vbaProject__bin=b"x", **{"xl/vbaProject.bin": b"x"})


def external_links() -> io.BytesIO:
    return raw_workbook(sheet_xml(ROWS), **{"xl/externalLinks/externalLink1.xml": "<x/>"})


def ole(*, encrypted: bool) -> io.BytesIO:
    """The head of Excel 97, or of a workbook with a password; both are OLE files."""
    body = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 1000
    return io.BytesIO(
        body + ("EncryptedPackage".encode("utf-16-le") if encrypted else "Workbook".encode("utf-16-le")) + b"\0" * 3000
    )


def lying_sizes() -> io.BytesIO:
    """The directory of the archive says one byte where many come."""
    data = bytearray(bomb().getvalue())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1)
    return io.BytesIO(bytes(data))
