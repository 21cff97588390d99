"""Repair in place: rows of a checked list cleaned again with better values and judged at once, one by one or all of a fault.

What a repair says of a row is what its reader may be told (judging.py): repairing a number tells no more than uploading it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import Run, enqueue
from core.models import Job
from customers import list_rules
from customers.corrections import (
    CITY,
    FIELD_OF_FAULT,
    PHONE,
    BadCorrection,
    change_for,
    checked_value,
    spelling_key,
    way_for,
)
from customers.models import LeadList, RowVerdict, StagedRow
from customers.reading.cleaning import GENDERS, TYPES, UNKNOWN, as_text, known_age, known_word
from customers.reading.headings import AGE, EXTERNAL_ID, GENDER, NAME, TYPE
from customers.reading.masking import hide
from customers.services import list_rejects, repair_undo
from customers.services.lists import REPAIR_JOB
from customers.services.recleaning import Cleaned, Recleaner, write_back
from customers.wording import reason_words
from people.models import User

AT_ONCE = 3_000  # rows corrected while somebody waits; more are a job
PREVIEW = 20_000  # rows cleaned to say what a correction would do
READ = 2_000
LONGEST = 160  # characters of a faulty number in its form


class NotRepairable(DomainError):
    """The list is not in a state in which its rows can be repaired."""


class StillFaulty(DomainError):
    """The row would be no good with these values either; `code` is the fault, `field` the field to look at ("" for others)."""

    def __init__(self, code: str) -> None:
        super().__init__(reason_words(code))
        self.code = code
        self.field = FIELD_OF_FAULT.get(code, "")


@dataclass(frozen=True)
class Opened:
    """One row for its form: values as they can stand there, and what the file says where it cannot."""

    row_no: int
    fault: str
    detail: str
    phone_mask: str
    values: dict[str, str]
    seen: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What one correction does to the rows with a fault: good, with the fault that comes next, or not helped."""

    rows: int
    good: int = 0
    next_fault: int = 0
    no_help: int = 0
    of: int = 0  # rows that there are, when not all were looked at
    job: int | None = None


@dataclass(frozen=True)
class Correction:
    """One value for all rows with a fault, or for those of them with one spelling."""

    fault: str
    value: str
    spelling: str = ""

    def checked(self) -> Correction:
        """Raises NotCorrectable, BadCorrection."""
        return replace(self, value=checked_value(way_for(self.fault), self.value))


# -- one row -----------------------------------------------------------------------------------------------------------


def row_as_seen(*, lead_list: LeadList, row_no: int, by: User) -> Opened:
    """The values of one row for its form, its number masked. Raises NotRepairable, PermissionRefused."""
    check_repairable(lead_list, by)
    row = _row(lead_list, row_no)
    cleaner = Recleaner(lead_list, by)
    cells = cleaner.cells_of(row)
    values = _values_of(cleaner, row, cells)
    texts = {field: as_text(cleaner.cell(cells, field)) for field in (CITY, TYPE, GENDER, AGE)}
    # what a form cannot hold is said beside it: saved unseen, it would be gone
    seen = {field: hide(text) for field, text in texts.items() if not values[field] and text.lower() not in UNKNOWN}
    return Opened(row_no, row.fault, row.fault_detail, row.phone_mask, values, seen)


@transaction.atomic
def open_row(*, lead_list: LeadList, row_no: int, by: User, at: datetime) -> Opened:
    """The same with a faulty number as it came, which is recorded and counts against the allowance of the day. A good number stays masked."""
    opened = row_as_seen(lead_list=lead_list, row_no=row_no, by=by)
    shows = FIELD_OF_FAULT.get(opened.fault) == PHONE and list_rejects.whole_rows_left(by, at) > 0
    if shows:
        cleaner = Recleaner(lead_list, by)
        opened.values[PHONE] = as_text(cleaner.cell(cleaner.cells_of(_row(lead_list, row_no)), PHONE))[:LONGEST]
    audit(list_rejects.OPENED, lead_list, by=by, at=at, row=row_no, whole=int(shows))
    return opened


def _values_of(cleaner: Recleaner, row: StagedRow, cells: list[Any]) -> dict[str, str]:
    """Known fields as a form can hold them: what nobody understands is empty, and the number is never shown here."""
    return {
        EXTERNAL_ID: "" if "****" in row.external_id else row.external_id, NAME: row.name, CITY: str(row.city_id or cleaner.city_of(cells) or ""),
        TYPE: known_word(cleaner.cell(cells, TYPE), TYPES), GENDER: known_word(cleaner.cell(cells, GENDER), GENDERS),
        AGE: known_age(cleaner.cell(cells, AGE)), PHONE: "",
    }  # fmt: skip


@transaction.atomic
def repair_row(*, lead_list: LeadList, row_no: int, values: dict[str, str], by: User, at: datetime) -> RowVerdict:
    """Clean one row again with these values of known fields, judge it and whoever is judged by it; returns its verdict.

    `values` holds texts as a file would; a city is an id; an empty phone leaves the number as it is. The list's readers are told
    of the verdict what `said_to` says. Raises StillFaulty (nothing is changed), BadCorrection, NotRepairable, PermissionRefused.
    """
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    check_repairable(lead_list, by)
    row = _row(lead_list, row_no)
    cleaner = Recleaner(lead_list, by)
    cells = cleaner.cells_of(row)
    values = {field: text.strip() for field, text in values.items()}
    if not values.get(PHONE):
        values.pop(PHONE, None)
    _check_city(values.get(CITY, ""))
    cleaned = cleaner.clean(row_no, cells, values)
    if cleaned.fault:
        raise StillFaulty(cleaned.fault)
    replaced = write_back(lead_list, [cleaned.line], at=at)
    repair_undo.keep_repair(lead_list=lead_list, before=replaced, fault=row.fault, by=by, at=at, row_no=row_no)
    before = _values_of(cleaner, row, cells)
    changed = sorted(field for field, text in values.items() if text != before[field])
    audit("customers.list.row_repaired", lead_list, by=by, at=at, row=row_no, fault=row.fault, fields=changed)
    return RowVerdict.objects.get(lead_list=lead_list, row_no=row_no)


def _check_city(value: str) -> None:
    if value and not value.isdecimal():
        raise BadCorrection(_("Choose the city."))


def _row(lead_list: LeadList, row_no: int) -> StagedRow:
    row = StagedRow.objects.filter(lead_list=lead_list, row_no=row_no).first()
    if row is None:
        raise NotRepairable(_("This row is no longer kept."))
    return row


def check_repairable(lead_list: LeadList, by: User) -> None:
    """Raises PermissionRefused, NotRepairable."""
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team repairs rows."))
    if lead_list.status != LeadList.Status.CHECKED:
        raise NotRepairable(_("Rows can be repaired after the check and before the commit."))
    if open_repair(lead_list):
        raise NotRepairable(_("A correction of this list is still at work. Go on when it has ended."))


def open_repair(lead_list: LeadList) -> Job | None:
    """The correction that is at work on this list."""
    return Job.objects.filter(pk=lead_list.job_id or 0, kind=REPAIR_JOB, state__in=Job.OPEN_STATES).first()


# -- all rows with a fault ---------------------------------------------------------------------------------------------


def preview_correction(*, lead_list: LeadList, correction: Correction, by: User) -> Outcome:
    """What the correction would do; nothing is changed. Of very many rows the first are looked at, and `of` says how many there are.

    Raises NotCorrectable, BadCorrection, NotRepairable, PermissionRefused.
    """
    check_repairable(lead_list, by)
    correction = correction.checked()
    row_nos = _rows_with(lead_list, correction)
    counts = Counter(result for result, _cleaned in _clean(lead_list, correction, row_nos[:PREVIEW], by))
    return _outcome(counts, of=len(row_nos))


@transaction.atomic
def correct_rows(*, lead_list: LeadList, correction: Correction, by: User, at: datetime) -> Outcome:
    """Correct all rows with the fault, at once or, when there are thousands, by a job whose id is then in the outcome.

    A row that the correction does not make good keeps its fault; one whose next fault comes to light has that one, and its cells
    as corrected. The same correction again finds no row any more. Raises as preview_correction.
    """
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    check_repairable(lead_list, by)
    correction = correction.checked()
    row_nos = _rows_with(lead_list, correction)
    if len(row_nos) <= AT_ONCE:
        return _correct(lead_list, correction, row_nos, by=by, at=at)
    job = enqueue(
        kind=REPAIR_JOB,
        key=f"{lead_list.pk}@{at.timestamp():.6f}",
        args={"lead_list": lead_list.pk, "user": by.pk, "fault": correction.fault, "value": correction.value, "spelling": correction.spelling},
        city_id=lead_list.city_id,
        by=by,
        total=len(row_nos),
    )  # fmt: skip
    lead_list.job_id = job.pk
    lead_list.save(update_fields=["job_id"])
    return Outcome(rows=len(row_nos), of=len(row_nos), job=job.pk)


def repair_list(run: Run) -> dict[str, Any]:
    """The correction of very many rows, or its undoing, as its job does it: all of them in one transaction."""
    args = run.args
    if "undo" in args:
        return repair_undo.undo_as_job(run)
    correction = Correction(args["fault"], args["value"], args["spelling"])
    by = User.objects.get(pk=args["user"])
    with run.chunk() as piece:
        lead_list = (
            LeadList.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=args["lead_list"])
        )
        if lead_list.status != LeadList.Status.CHECKED:
            return {}
        done = _correct(lead_list, correction, _rows_with(lead_list, correction), by=by, at=run.now())
        piece.done = piece.total = done.rows
    return {"rows": done.rows, "good": done.good, "next_fault": done.next_fault, "no_help": done.no_help}


def _correct(lead_list: LeadList, correction: Correction, row_nos: list[int], *, by: User, at: datetime) -> Outcome:
    counts: Counter[str] = Counter()
    lines = []
    for result, cleaned in _clean(lead_list, correction, row_nos, by):
        counts[result] += 1
        if result != "no_help":
            lines.append(cleaned.line)
    if lines:
        replaced = write_back(lead_list, lines, at=at)
        repair_undo.keep_repair(lead_list=lead_list, before=replaced, fault=correction.fault, by=by, at=at)
    done = _outcome(counts, of=len(row_nos))
    if done.rows:
        audit(
            "customers.list.rows_corrected", lead_list, by=by, at=at, fault=correction.fault, spelling=correction.spelling, rows=done.rows, good=done.good,
            next_fault=done.next_fault,
        )  # fmt: skip
    return done


def _outcome(counts: Counter[str], *, of: int) -> Outcome:
    return Outcome(counts.total(), counts["good"], counts["next_fault"], counts["no_help"], of)


def _rows_with(lead_list: LeadList, correction: Correction) -> list[int]:
    rows = StagedRow.objects.filter(lead_list=lead_list, fault=correction.fault)
    if correction.spelling:
        details = rows.order_by().values_list("fault_detail", flat=True).distinct()
        rows = rows.filter(fault_detail__in=[seen for seen in details if spelling_key(seen) == correction.spelling])
    return list(rows.order_by("row_no").values_list("row_no", flat=True))


def _clean(lead_list: LeadList, correction: Correction, row_nos: list[int], by: User) -> list[tuple[str, Cleaned]]:
    way = way_for(correction.fault)
    change = change_for(way, correction.value)
    cleaner = Recleaner(lead_list, by)
    found = []
    for start in range(0, len(row_nos), READ):
        rows = StagedRow.objects.filter(lead_list=lead_list, row_no__in=row_nos[start : start + READ]).order_by(
            "row_no"
        )
        for row in rows.only("row_no", "cells"):
            cells = cleaner.cells_of(row)
            cleaned = cleaner.clean(row.row_no, cells, {way.field: change(cleaner.cell(cells, way.field))})
            found.append((_result(cleaned, way.field), cleaned))
    return found


def _result(cleaned: Cleaned, field: str) -> str:
    if not cleaned.fault:
        return "good"
    return "no_help" if FIELD_OF_FAULT.get(cleaned.fault) == field else "next_fault"
