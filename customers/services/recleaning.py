"""Staged rows cleaned again with other values in their cells, by the code that cleans files, and written back in one go."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from core.sealed import BulkSealer, unseal
from customers import list_rules
from customers.corrections import FIELDS
from customers.models import LeadList, RowVerdict, StagedRow
from customers.reading.cleaning import COLUMNS, Cities, Cleaner, RowFault, as_text, city_key
from customers.reading.headings import AGE, CITY, EXTERNAL_ID, GENDER, NAME, PHONE, TYPE, headings_of
from customers.services import judging
from customers.services.list_check import cities_allowed, city_names, count_verdicts
from customers.wording import ACCEPTED, SKIPPED
from people.models import City, User

Verdict = RowVerdict.Verdict
FAULT, ROW_NO = COLUMNS.index("fault"), COLUMNS.index("row_no")
NAMES = ", ".join(COLUMNS)
COPY = f"COPY customers_repaired ({NAMES}) FROM STDIN"

# rows that are judged by each other: those with a number that a repaired row had or has, and then those with one of all their customer numbers
NEIGHBOURS = """
WITH changed AS MATERIALIZED (
  SELECT s.phone_blind, s.external_id FROM customers_stagedrow s JOIN customers_repaired r ON r.row_no = s.row_no WHERE s.lead_list_id = %(list)s
  UNION SELECT phone_blind, external_id FROM customers_repaired
), same_number AS MATERIALIZED (
  SELECT row_no, external_id FROM customers_stagedrow
  WHERE lead_list_id = %(list)s AND fault = '' AND phone_blind IN (SELECT phone_blind FROM changed WHERE phone_blind IS NOT NULL)
)
SELECT row_no FROM customers_repaired
UNION SELECT row_no FROM same_number
UNION SELECT row_no FROM customers_stagedrow
  WHERE lead_list_id = %(list)s AND fault = '' AND external_id <> ''
    AND external_id IN (SELECT external_id FROM changed UNION SELECT external_id FROM same_number)
"""
WRITE = f"""
UPDATE customers_stagedrow s SET ({NAMES}) = ({", ".join("r." + name for name in COLUMNS)})
FROM customers_repaired r WHERE s.lead_list_id = %(list)s AND s.row_no = r.row_no
"""


@dataclass(frozen=True)
class Cleaned:
    """One row cleaned again: its line for COPY, and its fault, "" when it is good."""

    line: str
    fault: str


class Recleaner:
    """Cleans rows of one list again. Nobody can bring a row into a city that is not theirs, nor theirs and the uploader's."""

    def __init__(self, lead_list: LeadList, by: User) -> None:
        self.headings = headings_of(lead_list.mapping["columns"])
        self.allowed = _allowed(lead_list, by)
        self._city_names = dict(City.objects.values_list("pk", "name"))
        names = city_names() | {city_key(name): pk for pk, name in self._city_names.items()}
        self._cities = Cities(names, self.allowed, lead_list.city_id, _unknown)
        self._cleaner = Cleaner(list_id=lead_list.pk, headings=self.headings, cities=self._cities, sealer=BulkSealer())

    def cells_of(self, row: StagedRow) -> list[Any]:
        """The cells as they came; of a good row, what became of them."""
        cells = self._as_staged(row) if row.cells is None else json.loads(unseal(row.cells))
        return [*cells, *[""] * (len(self.headings.columns) - len(cells))]

    def _as_staged(self, row: StagedRow) -> list[Any]:
        cells: list[Any] = [""] * len(self.headings.columns)
        known = {
            EXTERNAL_ID: row.external_id, NAME: row.name, PHONE: f"+{unseal(row.phone_sealed or b'')}", CITY: self._city_names.get(row.city_id or 0, ""),
            TYPE: row.type, GENDER: row.gender, AGE: "" if row.age is None else str(row.age),
        }  # fmt: skip
        for field in FIELDS:
            cells[self.headings.fields[field]] = known[field]
        for index, name in self.headings.attributes:
            cells[index] = row.attributes.get(name)
        return cells

    def cell(self, cells: list[Any], field: str) -> Any:
        return cells[self.headings.fields[field]]

    def city_of(self, cells: list[Any]) -> int | None:
        """The city that the row names, None when that is its fault."""
        try:
            return self._cities.find(as_text(self.cell(cells, CITY)))
        except RowFault:
            return None

    def clean(self, row_no: int, cells: list[Any], values: dict[str, Any]) -> Cleaned:
        """The row with these values in the columns of known fields; a city is named by its id."""
        cells = list(cells)
        for field, value in values.items():
            cells[self.headings.fields[field]] = (
                self._city_names.get(int(value), "?") if field == CITY and value else value
            )
        line = self._cleaner.line(row_no, cells)
        if line is None:
            return Cleaned("", "phone_missing")
        return Cleaned(line, line.split("\t")[FAULT])


def _allowed(lead_list: LeadList, by: User) -> set[int] | None:
    """None: all."""
    uploader = cities_allowed(lead_list)
    if list_rules.works_for_region(by):
        return None if uploader is None else set(uploader)
    own = set(by.scope().city_ids)
    return own if uploader is None else own & set(uploader)


def _unknown(name: str) -> None:
    """A repair makes no cities."""


# -- written back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Before:
    """What a repair has replaced: lines as they were staged, by row number, and what people had decided about rows judged anew."""

    lines: dict[int, str]
    decided: list[RowVerdict]


def write_back(
    lead_list: LeadList, lines: Iterable[str], *, at: datetime, answers: Iterable[RowVerdict] = ()
) -> Before:
    """Put cleaned rows into the place of those staged, judge them and whoever is judged by them, and count anew.

    What was decided about rows that are not repaired holds on, and so do `answers`, decisions from before another repair.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.customers_repaired")
        cursor.execute(
            f"CREATE TEMP TABLE customers_repaired ON COMMIT DROP AS SELECT {NAMES} FROM customers_stagedrow WITH NO DATA"
        )
        cursor.copy_expert(COPY, io.BytesIO("".join(lines).encode()), 1 << 18)
        cursor.execute("ANALYZE customers_repaired (row_no, phone_blind, external_id)")
        cursor.execute("SELECT row_no FROM customers_repaired")
        repaired = {row_no for (row_no,) in cursor.fetchall()}
        cursor.execute(NEIGHBOURS, {"list": lead_list.pk})
        rows = sorted(row_no for (row_no,) in cursor.fetchall())
        staged = _staged_lines(cursor, lead_list)
        cursor.execute(WRITE, {"list": lead_list.pk})
    decided = _decided(lead_list, rows)
    judging.judge_rows(lead_list, rows, at=at)
    _decide_again(lead_list, [*answers, *(row for row in decided if row.row_no not in repaired)])
    lead_list.counts = count_verdicts(lead_list)
    lead_list.save(update_fields=["counts"])
    return Before(staged, decided)


def _staged_lines(cursor: Any, lead_list: LeadList) -> dict[int, str]:
    """The rows that are about to be replaced, each as COPY reads it."""
    target = io.StringIO()
    names = ", ".join(f"s.{name}" for name in COLUMNS)
    cursor.copy_expert(
        f"COPY (SELECT {names} FROM customers_stagedrow s JOIN customers_repaired r ON r.row_no = s.row_no WHERE s.lead_list_id = {int(lead_list.pk)}) TO STDOUT",
        target,
    )
    lines = target.getvalue().split("\n")[:-1]
    return {int(line.split("\t", 2)[ROW_NO]): line + "\n" for line in lines}


DECIDED = {*ACCEPTED.values(), SKIPPED}


def _decided(lead_list: LeadList, rows: list[int]) -> list[RowVerdict]:
    """Those about whom a person has said yes or no."""
    if not rows:
        return []
    verdicts = RowVerdict.objects.filter(lead_list=lead_list, row_no__in=rows)
    return [row for row in verdicts if row.reason in DECIDED or row.told_reason in DECIDED]


def _decide_again(lead_list: LeadList, decided: list[RowVerdict]) -> None:
    """A decision stays where its question is still the same; the answer to another question would be nobody's."""
    if not decided:
        return
    now = {
        row.row_no: row
        for row in RowVerdict.objects.filter(lead_list=lead_list, row_no__in=[row.row_no for row in decided])
    }
    for before in decided:
        row = now.get(before.row_no)
        if row is None:
            continue
        if _answers(before.reason, row.verdict, row.reason):
            row.verdict, row.reason = before.verdict, before.reason
        if _answers(before.told_reason, row.told, row.told_reason):
            row.told, row.told_reason = before.told, before.told_reason
        row.save(update_fields=["verdict", "reason", "told", "told_reason"])


def _answers(answer: str | None, verdict: str | None, question: str | None) -> bool:
    return (
        verdict == Verdict.UNDECIDED
        and answer in DECIDED
        and (answer == SKIPPED or ACCEPTED.get(question or "") == answer)
    )
