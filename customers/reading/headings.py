"""Which column of a file is which, by its heading, in Chinese or English and any order."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .faults import FileFault
from .limits import COLUMNS
from .masking import looks_like_number, masked_heading

EXTERNAL_ID, NAME, PHONE, CITY, TYPE, GENDER, AGE = "external_id", "name", "phone", "city", "type", "gender", "age"
ATTRIBUTE = "attribute"

# the first two of each are what the template writes, in English and Chinese
KNOWN: dict[str, tuple[str, ...]] = {
    EXTERNAL_ID: (
        "external_id",
        "客户编号",
        "customer id",
        "customer no",
        "customer number",
        "client id",
        "客户号",
        "客户id",
        "用户编号",
        "编号",
    ),
    NAME: ("name", "姓名", "customer name", "full name", "客户姓名", "客户名称", "名称", "联系人"),
    PHONE: (
        "phone",
        "手机",
        "电话",
        "联系电话",
        "phone number",
        "phone no",
        "mobile",
        "mobile number",
        "mobile phone",
        "cell",
        "cell phone",
        "cellphone",
        "telephone",
        "telephone number",
        "tel",
        "landline",
        "phone 2",
        "phone2",
        "mobile 2",
        "手机号",
        "手机号码",
        "电话号码",
        "移动电话",
        "联系方式",
        "号码",
        "固话",
        "固定电话",
        "座机",
        "备用电话",
        "电话2",
        "手机2",
        "第二号码",
    ),
    CITY: ("city", "城市", "地市", "所属地市", "所属城市", "所在城市", "所在地市"),
    TYPE: ("type", "客户类型", "customer type", "类型"),
    GENDER: ("gender", "性别", "sex"),
    AGE: ("age", "年龄"),
}
LONGEST_HEADING = 60
IGNORED_MARK = "#"  # columns that we added ourselves to a workbook of rejected rows
NOISE = re.compile(r"[\s_\-./:：*()（）\[\]\u200b-\u200f\ufeff]+")


def fold(heading: Any) -> str:
    """What is compared of a heading: full-width folded, case, blanks and marks gone."""
    return NOISE.sub("", unicodedata.normalize("NFKC", str(heading))).casefold()


FIELD_OF = {fold(name): field for field, names in KNOWN.items() for name in names}


@dataclass(frozen=True)
class Headings:
    """Row number of the headings, the column of each known field, and (column, name) of those that become attributes."""

    row_no: int
    fields: dict[str, int]
    attributes: list[tuple[int, str]]
    columns: list[str]
    is_chosen: bool = False

    def described(self) -> list[dict[str, str]]:
        """[{"heading": ..., "field": known field, "attribute" or "" when the column is left out}] in the order of the file.

        Of columns that a person has mapped the heading stays as it came, and `name` is the one that was chosen for an attribute.
        """
        by_column = {column: field for field, column in self.fields.items()}
        attributes = dict(self.attributes)
        if self.is_chosen:
            return [
                {
                    "heading": heading,
                    "field": by_column.get(i, "attribute" if i in attributes else ""),
                    "name": attributes.get(i, ""),
                }
                for i, heading in enumerate(self.columns)
            ]
        return [
            {"heading": attributes.get(i, heading), "field": by_column.get(i, "attribute" if i in attributes else "")}
            for i, heading in enumerate(self.columns)
        ]


def attribute_name(described: dict[str, str]) -> str:
    """Under which name the values of this column are kept."""
    return described.get("name") or described["heading"]


def headings_of(described: Sequence[dict[str, str]]) -> Headings:
    """The headings again from what `described` told of them, with a column behind the others for each known field that the file has not."""
    columns = [column["heading"] for column in described]
    fields = {column["field"]: i for i, column in enumerate(described) if column["field"] in KNOWN}
    attributes = [(i, attribute_name(column)) for i, column in enumerate(described) if column["field"] == "attribute"]
    for field in KNOWN:
        if field not in fields:
            fields[field] = len(columns)
            columns.append("")
    return Headings(0, fields, attributes, columns)


def heading_cells(cells: Sequence[Any]) -> list[str]:
    """The headings as they are compared and shown: plain, and without the empty ones at the end."""
    columns = [_plain(cell) for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    return columns


def headings_key(columns: Sequence[str]) -> str:
    """By which a saved mapping knows its file again: its headings folded, in their order, without marks of our own."""
    own = [fold(heading) for heading in columns if not heading.startswith(IGNORED_MARK)]
    return hashlib.sha256("\n".join(own).encode()).hexdigest()


def chosen_headings(row_no: int, columns: Sequence[str], chosen: Sequence[Sequence[str]]) -> Headings:
    """The headings as a person has mapped them: (known field, "attribute" or "", name of the attribute) per column that is not our own mark.

    Raises FileFault when the file has other columns, or not one column of numbers, or a field twice.
    """
    own = [i for i, heading in enumerate(columns) if not heading.startswith(IGNORED_MARK)]
    if len(own) != len(chosen):
        raise FileFault("mapping_unfit")
    fields: dict[str, int] = {}
    attributes: list[tuple[int, str]] = []
    for i, (field, name) in zip(own, chosen, strict=True):
        if field in fields:
            raise FileFault("mapping_unfit")
        if field in KNOWN:
            fields[field] = i
        elif field == ATTRIBUTE:
            attributes.append((i, _once(_plain(name) or masked_heading(columns[i]), attributes)))
    if PHONE not in fields:
        raise FileFault("mapping_unfit")
    return Headings(row_no, fields, attributes, [masked_heading(heading) for heading in columns], is_chosen=True)


def suggested(columns: Sequence[str]) -> list[tuple[str, str]]:
    """What the headings say by themselves, for a person to look through: (field, name). A further phone column is left out, and so is
    a column whose heading is a number itself."""
    taken: set[str] = set()
    found: list[tuple[str, str]] = []
    for heading in columns:
        if heading.startswith(IGNORED_MARK):
            continue
        field = FIELD_OF.get(fold(heading), "") if heading else ""
        if field and field not in taken:
            taken.add(field)
            found.append((field, ""))
        else:
            is_attribute = heading and field != PHONE and not looks_like_number(heading)
            found.append((ATTRIBUTE, heading) if is_attribute else ("", ""))
    return found


def is_phone_heading(name: str) -> bool:
    return FIELD_OF.get(fold(name)) == PHONE


def find_headings(rows: Sequence[tuple[int, Sequence[Any]]]) -> Headings:
    """The headings among the first rows [(row number, cells)]. Raises FileFault when there are none, or no phone column, or two."""
    filled = [(number, cells) for number, cells in rows if any(str(cell).strip() for cell in cells)]
    if not filled:
        raise FileFault("empty_file")
    for number, cells in filled:
        if any(FIELD_OF.get(fold(cell)) == PHONE for cell in cells):
            return _understand(number, cells)
    number, cells = filled[0]
    raise FileFault("no_phone_column", seen=_seen(cells), row=number)


def _seen(cells: Sequence[Any]) -> str:
    """The headings that were found, for the sentence; figures are left out, since the first row may be data."""
    words = [
        str(cell).strip()[:20]
        for cell in cells
        if isinstance(cell, str) and cell.strip() and not any(c.isdigit() for c in cell)
    ]
    return ", ".join(words[:8])


def _understand(row_no: int, cells: Sequence[Any]) -> Headings:
    columns = heading_cells(cells)
    if len(columns) > COLUMNS:
        raise FileFault("too_many_columns", columns=len(columns), most=COLUMNS)
    fields: dict[str, int] = {}
    attributes: list[tuple[int, str]] = []
    for column, heading in enumerate(columns):
        field = FIELD_OF.get(fold(heading)) if heading else None
        if field == PHONE and PHONE in fields:
            raise FileFault("two_phone_columns", first=columns[fields[PHONE]], second=heading)
        if field and field not in fields:
            fields[field] = column
        elif heading and not heading.startswith(IGNORED_MARK):
            if looks_like_number(heading):
                raise FileFault("number_as_heading", row=row_no, column=column + 1)
            attributes.append((column, _once(heading, attributes)))
    return Headings(row_no, fields, attributes, columns)


def _plain(cell: Any) -> str:
    text = unicodedata.normalize("NFKC", str(cell)).replace("\0", "")
    return " ".join(text.split())[:LONGEST_HEADING]


def _once(heading: str, taken: list[tuple[int, str]]) -> str:
    """Two columns of one name keep both their values."""
    names = {name for _column, name in taken}
    number, name = 2, heading
    while name in names:
        name = f"{heading} {number}"
        number += 1
    return name
