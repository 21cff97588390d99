"""What can be corrected of a row, and how one correction changes the cell of every row with the same fault. Nothing here reads or writes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.errors import DomainError
from core.numbers import number_or_none
from customers.models import Customer
from customers.reading.cleaning import OLDEST, as_text
from customers.reading.headings import AGE, CITY, EXTERNAL_ID, GENDER, NAME, PHONE, TYPE

FIELDS = (EXTERNAL_ID, NAME, PHONE, CITY, TYPE, GENDER, AGE)
PREFIX = re.compile(r"\+?\d{1,6}", re.ASCII)
NAME_CHARACTERS = 120
WORDS: dict[str, Any] = {TYPE: Customer.Type, GENDER: Customer.Gender}


class NotCorrectable(DomainError):
    """Rows with this fault can be repaired one by one only, or not at all."""


class BadCorrection(DomainError):
    """The value of the correction cannot be right."""


@dataclass(frozen=True)
class Way:
    """How one fault is corrected for many rows: digits before the number, one value for all, or what is too long cut off."""

    field: str
    kind: str
    by_spelling: bool = False


WAYS = {
    "phone_too_short": Way(PHONE, "prefix"),
    "phone_invalid": Way(PHONE, "prefix"),
    "city_missing": Way(CITY, "value"),
    "city_unknown": Way(CITY, "value", by_spelling=True),
    "type_unknown": Way(TYPE, "value", by_spelling=True),
    "gender_unknown": Way(GENDER, "value", by_spelling=True),
    "age_not_a_number": Way(AGE, "value", by_spelling=True),
    "age_impossible": Way(AGE, "value", by_spelling=True),
    "name_too_long": Way(NAME, "cut"),
    "external_id_too_long": Way(EXTERNAL_ID, "empty"),
}
FIELD_OF_FAULT = {fault: way.field for fault, way in WAYS.items()} | {
    "phone_missing": PHONE, "phone_lost_digits": PHONE, "phone_letters": PHONE, "phone_too_long": PHONE, "city_foreign": CITY,
}  # fmt: skip


def way_for(fault: str) -> Way:
    """Raises NotCorrectable."""
    if fault not in WAYS:
        raise NotCorrectable(_("Rows with this fault cannot be corrected together."))
    return WAYS[fault]


def spelling_key(seen: str) -> str:
    """A spelling in an address, a job or the trail: nothing of what stood in the cell can be read from it."""
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def checked_value(way: Way, value: str) -> str:
    """The value as it is put into the cells. Raises BadCorrection. A city is looked up when the rows are cleaned."""
    value = value.strip()
    if way.kind in ("cut", "empty"):
        return ""
    if way.field == PHONE and not PREFIX.fullmatch(value):
        raise BadCorrection(_("Write the digits that stand before the number, such as 0 or an area code."))
    if way.field == CITY and not value:
        raise BadCorrection(_("Choose the city."))
    if way.field in WORDS and value and value not in WORDS[way.field].values:
        raise BadCorrection(_("Choose one of the values, or leave it empty."))
    if way.field == AGE and value and not number_or_none(value, most=OLDEST):
        raise BadCorrection(_("Write an age in years, or leave it empty."))
    return value


def change_for(way: Way, value: str) -> Callable[[Any], Any]:
    """From the cell as it came to the cell as it is cleaned again."""
    if way.kind == "prefix":
        return lambda cell: _behind(value, as_text(cell))
    if way.kind == "cut":
        return lambda cell: as_text(cell)[:NAME_CHARACTERS]
    return lambda cell: value


def _behind(prefix: str, number: str) -> str:
    """A number that says its country already gets nothing in front."""
    return number if not number or number.startswith(("+", "00")) else prefix + number
