"""One row of cells to one line for COPY into the staging table. This is the hot path: 200,000 rows pass here in about 2 seconds.

What is kept: phone as blind index, sealed value and mask; the known fields; every other column as an attribute. A row with a fault keeps
its cells as they came, sealed, so that it can be given back for correction.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from core.phones import BadPhone, clean_phone, is_chinese_mobile, mask_phone
from core.sealed import BulkSealer
from customers.names import sort_key

from .headings import AGE, CITY, EXTERNAL_ID, GENDER, NAME, PHONE, TYPE, Headings, is_phone_heading
from .limits import CELL_CHARACTERS
from .masking import hide

COLUMNS = (
    "lead_list_id", "row_no", "external_id", "name", "name_sort", "phone_blind", "phone_sealed", "phone_mask",
    "city_id", "type", "gender", "age", "attributes", "fault", "fault_detail", "cells",
)  # fmt: skip
NULL = "\\N"
KEPT_CELL = 500  # characters of a cell that are shown
KEPT_FOR_REPAIR = CELL_CHARACTERS + 1  # all that may be stored, and of a cell too long enough to be too long again
DETAIL = 80
REMEMBERED = 20_000  # values a column
OLDEST = 130

TYPES = {
    "consumer": "consumer", "personal": "consumer", "person": "consumer", "private": "consumer", "individual": "consumer",
    "个人": "consumer", "个人客户": "consumer", "公众": "consumer", "家庭": "consumer",
    "business": "business", "company": "business", "corporate": "business", "enterprise": "business",
    "企业": "business", "商企": "business", "公司": "business", "单位": "business", "企业客户": "business", "集团": "business",
}  # fmt: skip
GENDERS = {
    "female": "female", "f": "female", "woman": "female", "女": "female", "女性": "female", "女士": "female",
    "male": "male", "m": "male", "man": "male", "男": "male", "男性": "male", "先生": "male",
}  # fmt: skip
UNKNOWN = {"", "unknown", "未知", "不详", "其他", "other", "n/a", "-", "无", "none", "null"}
AGE_TEXT = re.compile(r"(\d{1,3})(?:\.0+)?\s*(?:岁|周岁|years?|yrs?)?", re.ASCII | re.IGNORECASE)
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": None})
PLAIN = re.compile(r"[^\\\t\n\r\0]*").fullmatch


class RowFault(Exception):
    """This row cannot be taken; `detail` is what may be shown of the cell (never a whole number)."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail[:DETAIL]


def escape(text: str) -> str:
    """Text as COPY reads it."""
    return text if PLAIN(text) else text.translate(ESCAPES)


def whole(value: float) -> int | float:
    """58.0 is 58: Excel knows no integers."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def as_text(value: Any) -> str:
    """A cell as the text that a person sees in it."""
    kind = type(value)
    if kind is str:
        return value.strip()
    if value is None or kind is bool:
        return "" if value is None else str(value).lower()
    if kind is float:
        return str(whole(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def without_number(text: str) -> str:
    """A mobile number in a column that is none would rest in the open: only its mask is kept."""
    if 11 <= len(text) <= 14 and text[-11:].isascii() and is_chinese_mobile(text[-11:]):
        return f"{text[-11:-8]}****{text[-4:]}"
    return text


class Cities:
    """What a file may call a city, and which of them this list may hold. `make` is asked for a city nobody knows; None: unknown."""

    def __init__(
        self, names: dict[str, int], allowed: set[int] | None, default: int | None, make: Callable[[str], int | None]
    ) -> None:
        self._names = names
        self._allowed = allowed
        self._default = default
        self._make = make
        self._seen: dict[str, int] = {}

    def find(self, text: str) -> int:
        """The id of the city, or of the list's city when the cell is empty. Raises RowFault."""
        if text in self._seen:
            return self._seen[text]
        found = self._look(text)
        if self._allowed is not None and found not in self._allowed:
            raise RowFault("city_foreign", hide(text))
        if len(self._seen) < REMEMBERED:
            self._seen[text] = found
        return found

    def _look(self, text: str) -> int:
        if not text:
            if self._default is None:
                raise RowFault("city_missing")
            return self._default
        found = self._names.get(city_key(text)) or self._make(text)
        if found is None:
            raise RowFault("city_unknown", hide(text))
        self._names[city_key(text)] = found
        return found


def city_key(text: str) -> str:
    """What is compared of a city's name: 广州市 is 广州, Guangzhou is guangzhou."""
    return unicodedata.normalize("NFKC", text).strip().casefold().removesuffix("市")


class Memo(dict[Any, str]):
    """What a cell of one column becomes in the line, worked out once for each value seen. Faults are raised anew each time.

    A dict that fills itself, because most cells of a list repeat and looking up is the cheapest thing Python does.
    """

    def __init__(self, work: Callable[[Any], str]) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, value: Any) -> str:
        written = self._work(value)
        if len(self) < REMEMBERED and type(value) is not bool:  # True would answer for 1.0
            self[value] = written
        return written


class Cleaner:
    """Turns the rows of one file into lines for COPY."""

    def __init__(self, *, list_id: int, headings: Headings, cities: Cities, sealer: BulkSealer) -> None:
        self._list_id = list_id
        self._sealer = sealer
        self._width = len(headings.columns)
        column = headings.fields.get
        self._phone = headings.fields[PHONE]
        self._name, self._external_id = column(NAME), column(EXTERNAL_ID)
        self._known = [
            (column(NAME), Memo(_name), "\t"),
            (column(CITY), Memo(lambda cell: str(cities.find(as_text(cell)))), ""),
            (column(TYPE), Memo(lambda cell: _word(cell, TYPES, "type_unknown")), ""),
            (column(GENDER), Memo(lambda cell: _word(cell, GENDERS, "gender_unknown")), ""),
            (column(AGE), Memo(_age), NULL),
        ]
        self._city_of_list = cities
        self._met: set[str | bytes] = set()
        self.again: list[int] = []  # rows that name a number or a customer number for a second time in this reading
        self._attributes = [
            (index, Memo(_attribute(name, is_number=is_phone_heading(headings.columns[index]))))
            for index, name in headings.attributes
        ]

    def line(self, row_no: int, cells: Sequence[Any]) -> str | None:
        """The line of one row, None when it is empty. Never raises for what stands in the cells."""
        missing = self._width - len(cells)
        if missing > 0:
            cells = [*cells, *[""] * missing]
        if not any(cells):
            return None
        try:
            return self._good_line(row_no, cells)
        except RowFault as fault:
            return self._faulty_line(row_no, cells, fault)

    def _good_line(self, row_no: int, cells: Sequence[Any]) -> str:
        try:
            phone = clean_phone(cells[self._phone])
        except BadPhone as bad:
            raise RowFault(bad.code, hide(as_text(cells[self._phone]))) from None
        name, city, kind, gender, age = [
            empty if column is None else memo[cells[column]] for column, memo, empty in self._known
        ]
        attributes = ",".join(filter(None, [memo[cells[column]] for column, memo in self._attributes]))
        external_id = "" if self._external_id is None else _external_id(cells[self._external_id])
        blind, sealed = self._sealer.index_and_seal(phone)
        met = len(self._met)
        self._met.add(blind)
        if external_id:
            self._met.add(external_id)
        if len(self._met) - met < (2 if external_id else 1):
            self.again.append(row_no)
        return (
            f"{self._list_id}\t{row_no}\t{external_id}\t{name}\t\\\\x{blind.hex()}\t\\\\x{sealed.hex()}\t{mask_phone(phone)}"
            f"\t{city or self._city_of_list.find('')}\t{kind}\t{gender}\t{age}\t{{{attributes}}}\t\t\t{NULL}\n"
        )

    def _faulty_line(self, row_no: int, cells: Sequence[Any], fault: RowFault) -> str:
        """What can still be shown of the row, and its cells sealed."""
        kept = json.dumps([_kept(cell) for cell in cells[: self._width]], ensure_ascii=False)
        name, external_id = self._shown(cells, self._name), self._shown(cells, self._external_id)
        phone = as_text(cells[self._phone])
        try:
            mask = mask_phone(clean_phone(phone))
        except BadPhone:
            mask = hide(phone)[:20]
        return (
            f"{self._list_id}\t{row_no}\t{escape(external_id[:64])}\t{escape(name[:120])}\t\t{NULL}\t{NULL}\t{escape(mask)}\t{NULL}\t\t\t{NULL}\t{{}}"
            f"\t{fault.code}\t{escape(fault.detail)}\t\\\\x{self._sealer.seal(kept).hex()}\n"
        )

    def _shown(self, cells: Sequence[Any], column: int | None) -> str:
        return "" if column is None else without_number(_one_line(as_text(cells[column])[:KEPT_CELL]))


# -- single cells ------------------------------------------------------------------------------------------------------


def _name(cell: Any) -> str:
    """Name and sort key, two columns of the line."""
    text = without_number(_one_line(as_text(cell)))
    if len(text) > 120:
        raise RowFault("name_too_long", text[:30] + "…")
    return f"{escape(text)}\t{escape(sort_key(text))}" if text else "\t"


def _external_id(cell: Any) -> str:
    text = cell if type(cell) is str and cell.isalnum() else _one_line(as_text(cell))
    if len(text) > 64:
        raise RowFault("external_id_too_long", text[:30] + "…")
    # a number used as customer number would rest in the open, and says nothing that the phone does not
    return "" if without_number(text) is not text else escape(text)


def _age(cell: Any) -> str:
    text = unicodedata.normalize("NFKC", as_text(cell)).strip()
    if text.lower() in UNKNOWN:
        return NULL
    found = AGE_TEXT.fullmatch(text)
    if not found:
        raise RowFault("age_not_a_number", hide(text))
    if not 0 < int(found[1]) <= OLDEST:
        raise RowFault("age_impossible", found[1])
    return str(int(found[1]))


def _word(cell: Any, known: dict[str, str], fault: str) -> str:
    text = unicodedata.normalize("NFKC", as_text(cell)).strip().lower()
    if text in UNKNOWN:
        return ""
    if text not in known:
        raise RowFault(fault, hide(text))
    return known[text]


def known_word(cell: Any, known: dict[str, str]) -> str:
    """What a cell of type or gender says, "" when nobody knows."""
    try:
        return _word(cell, known, "")
    except RowFault:
        return ""


def known_age(cell: Any) -> str:
    """The age that a cell says, "" when it says none."""
    try:
        return _age(cell).replace(NULL, "")
    except RowFault:
        return ""


def _attribute(name: str, *, is_number: bool = False) -> Callable[[Any], str]:
    """The work of one attribute column: `"name":value` as JSON, ready for COPY; "" when the cell is empty.

    A further column of numbers that somebody wants as an attribute is kept masked.
    """
    key = escape(json.dumps(name, ensure_ascii=False) + ":")

    def work(cell: Any) -> str:
        written = _value(hide(as_text(cell)) if is_number else cell)
        return key + written if written else ""

    return work


def _value(cell: Any) -> str:
    """A cell as JSON: text, number, truth, day; lengths of time in seconds."""
    kind = type(cell)
    if cell is None:
        return ""
    if kind is bool:
        return "true" if cell else "false"
    if kind is float or kind is int:
        return _number(cell)
    if isinstance(cell, timedelta):
        return str(whole(cell.total_seconds()))
    text = as_text(cell).replace("\0", "")
    if len(text) > CELL_CHARACTERS:
        raise RowFault("cell_too_long", text[:30] + "…")
    return escape(json.dumps(without_number(text), ensure_ascii=False)) if text else ""


def _number(cell: float | int) -> str:
    number = whole(cell) if type(cell) is float else cell
    if type(number) is int:
        text = str(number)
        return f'"{without_number(text)}"' if is_chinese_mobile(text) else text
    return repr(number) if number == number and abs(number) != float("inf") else ""


def _one_line(text: str) -> str:
    return text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _kept(cell: Any) -> Any:
    """A cell as it is given back for correction."""
    if type(cell) is float:
        return whole(cell)
    if cell is None or isinstance(cell, int):
        return cell
    if isinstance(cell, timedelta):
        return whole(cell.total_seconds())
    return as_text(cell)[:KEPT_FOR_REPAIR].replace("\0", "")
