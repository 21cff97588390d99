"""The workbook of rows that were not taken: the columns of the file as they came, with the reason, to be corrected and uploaded again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import get_language, gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.models import AuditEvent
from core.sealed import unseal
from core.workbooks import Column, write_xlsx
from customers import list_rules
from customers.models import LeadList, RowVerdict, StagedRow
from customers.models.list_rows import RowVerdictQuerySet
from customers.reading.headings import EXTERNAL_ID, IGNORED_MARK, KNOWN, PHONE, attribute_name
from customers.wording import reason_words
from people.models import City, User

Verdict = RowVerdict.Verdict
REJECTED = (Verdict.INVALID, Verdict.DUPLICATE, Verdict.SUPPRESSED, Verdict.UNDECIDED)
ACTION = "customers.list.rejects_downloaded"
OPENED = "customers.list.row_opened"
WHOLE_ROWS_A_DAY = 2_500  # rows with their number in full, per person, in workbooks and opened for repair
AT_ONCE = 2_000


class NothingRejected(DomainError):
    """Every row was taken."""


class RowsGone(DomainError):
    """The staged rows are no longer kept."""


@transaction.atomic
def announce_rejects(*, lead_list: LeadList, by: User, at: datetime, **passed: Any) -> int:
    """Record the download before its first byte; returns how many rows may show their number. Raises NothingRejected, RowsGone, PermissionRefused.

    `passed` says in the record under what the file leaves: alone, or a request that a second person approved.
    """
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team downloads rejected rows."))
    rows = count_rejects(lead_list=lead_list, by=by)
    if not rows:
        raise NothingRejected(_("Every row was taken: there is nothing to download."))
    if not StagedRow.objects.filter(lead_list=lead_list).exists():
        raise RowsGone(_("The rows of this list are no longer kept."))
    faulty = StagedRow.objects.filter(lead_list=lead_list).exclude(fault="").count()
    whole = min(faulty, whole_rows_left(by, at))
    audit(ACTION, lead_list, by=by, at=at, rows=rows, whole=whole, **passed)
    return whole


def count_rejects(*, lead_list: LeadList, by: User) -> int:
    """How many rows the workbook holds for this reader."""
    return _of_reader(lead_list, list_rules.works_for_region(by)).count()


def rows_rejected(*, lead_list: LeadList, by: User) -> QuerySet[StagedRow]:
    """The staged rows that the workbook holds for this reader."""
    verdicts = _of_reader(lead_list, list_rules.works_for_region(by)).values("row_no")
    return StagedRow.objects.filter(lead_list=lead_list, row_no__in=verdicts)


def whole_rows_left(by: User, at: datetime) -> int:
    """Of how many further rows this person may see the number as it came, today."""
    today = AuditEvent.objects.filter(action__in=[ACTION, OPENED], actor_id=by.pk, at__gt=at - timedelta(days=1))
    used = sum(int(detail.get("whole", 0)) for detail in today.values_list("detail", flat=True))
    return max(0, WHOLE_ROWS_A_DAY - used)


def _of_reader(lead_list: LeadList, is_region: bool) -> RowVerdictQuerySet:
    """The rejected rows, as a reader with or without the region is told."""
    return RowVerdict.objects.filter(lead_list=lead_list).said(is_region, *REJECTED)


def write_rejects(*, lead_list: LeadList, target: IO[bytes], whole: int, is_region: bool) -> None:
    """Write the workbook as this reader is told; at most `whole` rows carry their number in full, further ones its mask."""
    described = lead_list.mapping.get("columns", [])
    columns = [Column(column["heading"] or " ", 18) for column in described]
    columns += [Column(f"{IGNORED_MARK} {title}", 24) for title in (_("Row"), _("Verdict"), _("Reason"), _("Seen"))]
    write_xlsx(target, columns, _rows(lead_list, described, whole, is_region), title=_("Rejected rows"))


def _rows(lead_list: LeadList, described: list[dict[str, str]], whole: int, is_region: bool) -> Iterator[list[Any]]:
    cities = {city.pk: city.label for city in City.objects.all()}
    labels = {verdict.value: str(verdict.label) for verdict in Verdict}
    for (verdict, reason), row in _rejected(lead_list, is_region):
        if row.cells is not None:
            cells = _as_they_came(row, described, is_whole=whole > 0)
            whole -= 1
        else:
            cells = _as_staged(row, described, cities)
        yield [*cells, row.row_no, labels[verdict], reason_words(reason), row.fault_detail]


def _rejected(lead_list: LeadList, is_region: bool) -> Iterator[tuple[tuple[str, str], StagedRow]]:
    last = 0
    while True:
        verdicts = {
            verdict.row_no: verdict
            for verdict in _of_reader(lead_list, is_region).filter(row_no__gt=last).order_by("row_no")[:AT_ONCE]
        }
        if not verdicts:
            return
        for row in StagedRow.objects.filter(lead_list=lead_list, row_no__in=verdicts).order_by("row_no"):
            yield verdicts[row.row_no].said_to(is_region), row
        last = max(verdicts)


def _as_they_came(row: StagedRow, described: list[dict[str, str]], *, is_whole: bool) -> list[Any]:
    cells = json.loads(unseal(row.cells or b""))
    cells += [""] * (len(described) - len(cells))
    return [
        row.phone_mask if column["field"] == "phone" and not is_whole else cell
        for column, cell in zip(described, cells, strict=False)
    ]


def _as_staged(row: StagedRow, described: list[dict[str, str]], cities: dict[int, str]) -> list[Any]:
    known = {
        "phone": row.phone_mask, "name": row.name, "external_id": row.external_id, "city": cities.get(row.city_id or 0, ""),
        "type": row.type, "gender": row.gender, "age": row.age, "": "",
    }  # fmt: skip
    return [
        row.attributes.get(attribute_name(column), "") if column["field"] == "attribute" else known[column["field"]]
        for column in described
    ]


def write_template(target: IO[bytes]) -> None:
    """An empty list with the headings that are understood, in the reader's language; numbers are text, so that Excel keeps their digits."""
    place = 1 if (get_language() or "").startswith("zh") else 0
    columns = [Column(names[place], 18, "@" if field in (EXTERNAL_ID, PHONE) else "") for field, names in KNOWN.items()]
    write_xlsx(target, columns, [], title=_("Leads"))
