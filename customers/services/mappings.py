"""Which sheet, heading row and columns of a file are taken: looked at, chosen by a person, kept for the source's next file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from core.models import Job
from customers import list_rules
from customers.models import ColumnMapping, LeadList
from customers.reading.faults import FileFault
from customers.reading.headings import ATTRIBUTE, KNOWN, PHONE
from customers.reading.masking import looks_like_number
from customers.reading.parent import Reader
from customers.services.list_check import orders_for
from customers.services.list_receiving import FileRefused
from customers.services.lists import forget_rows, has_repair_at_work
from customers.wording import file_fault_sentence
from people.models import User

Status = LeadList.Status
Columns = Sequence[tuple[str, str]]
LONGEST = 60


class NotMappable(DomainError):
    """The list is not in a state in which its columns can be chosen."""


class MappingUnfit(DomainError):
    """The columns as chosen cannot be read."""


def look_into(
    *,
    lead_list: LeadList,
    by: User,
    sheet: str | None = None,
    row_no: int | None = None,
    columns: Columns | None = None,
) -> dict[str, Any]:
    """What the file holds and how it would be taken, as customers.reading.look says it. What is left out is found by itself.

    The file is opened by a process with limits; its numbers come masked. Raises FileRefused, NotMappable, PermissionRefused.
    """
    check_mappable(lead_list, by)
    chosen = lead_list.mapping.get("chosen") or {}
    if sheet is None and row_no is None and columns is None and chosen:
        sheet, row_no, columns = chosen["sheet"], chosen["row_no"], chosen["columns"]
    try:
        orders = orders_for(lead_list, skip=0) | {"sheet": sheet, "row_no": row_no, "columns": columns}
        with Reader(orders, module="customers.reading.look") as reader:
            for _batch in reader.batches(1):
                pass
    except FileFault as fault:
        raise FileRefused(file_fault_sentence(fault.code, fault.detail), fault.code) from None
    return reader.headings


def check_mappable(lead_list: LeadList, by: User) -> None:
    """Raises PermissionRefused, NotMappable."""
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team chooses the columns of a list."))
    if not is_mappable(lead_list):
        raise NotMappable(_("The columns can be chosen before the check, or between check and commit."))


def is_mappable(lead_list: LeadList) -> bool:
    if lead_list.status == Status.WAITING:
        return lead_list.job_id is None
    return lead_list.status in (Status.FAILED, Status.CHECKED) and not has_repair_at_work(lead_list)


@transaction.atomic
def confirm_mapping(
    *, lead_list: LeadList, sheet: str, row_no: int, columns: Columns, remember: bool, by: User, at: datetime
) -> Job:
    """Have the list checked with these columns; returns the job. What was judged, decided and repaired before is forgotten.

    With `remember` the source's next file with the same headings is read in the same way by itself. Row 0: the sheet has no
    headings. Raises MappingUnfit, FileRefused, NotMappable, PermissionRefused.
    """
    lead_list = LeadList.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=lead_list.pk)
    check_mappable(lead_list, by)
    columns = _checked(columns)
    looked = look_into(lead_list=lead_list, by=by, sheet=sheet, row_no=row_no, columns=columns)
    if [[column["field"], column["name"]] for column in looked["columns"]] != [list(column) for column in columns]:
        raise MappingUnfit(file_fault_sentence("mapping_unfit"))
    if remember and looked["key"]:
        _remember(lead_list, looked["key"], columns, by=by, at=at)
    job = _check_again(lead_list, {"sheet": sheet, "row_no": row_no, "columns": columns}, by=by, at=at)
    audit("customers.list.columns_chosen", lead_list, by=by, at=at, columns=len(columns), remembered=remember)
    return job


def _checked(columns: Columns) -> list[tuple[str, str]]:
    fields = [field for field, _name in columns if field in KNOWN]
    if PHONE not in fields:
        raise MappingUnfit(_("Choose the column that holds the phone number."))
    if len(fields) != len(set(fields)):
        raise MappingUnfit(_("Two columns are stored as the same field. Choose one of them, and leave the other out or keep it as an attribute."))  # fmt: skip
    if any(field not in (*KNOWN, ATTRIBUTE, "") for field, _name in columns):
        raise MappingUnfit(_("A column can be a known field, an attribute, or left out."))
    names = [" ".join(name.split())[:LONGEST] if field == ATTRIBUTE else "" for field, name in columns]
    kept = [name for (field, _name), name in zip(columns, names, strict=True) if field == ATTRIBUTE]
    if not all(kept) or len(kept) != len(set(kept)):
        raise MappingUnfit(_("Every attribute needs a name of its own."))
    if any(looks_like_number(name) for name in kept):
        raise MappingUnfit(
            _("The name of an attribute looks like a telephone number. Name it by a word: everybody reads it.")
        )
    return [(field, name) for (field, _name), name in zip(columns, names, strict=True)]


def _remember(lead_list: LeadList, key: str, columns: Columns, *, by: User, at: datetime) -> None:
    ColumnMapping.objects.update_or_create(
        source=lead_list.source, headings_key=key, defaults={"columns": columns, "saved_by": by, "saved_at": at}
    )


def _check_again(lead_list: LeadList, chosen: dict[str, Any], *, by: User, at: datetime) -> Job:
    before = Job.objects.filter(pk=lead_list.job_id or 0, kind="customers.check_list").first()
    forget_rows(lead_list)
    job = enqueue(
        kind="customers.check_list",
        key=f"{lead_list.pk}@{at.timestamp():.6f}",
        args={"lead_list": lead_list.pk, "make_cities": bool(before and before.args.get("make_cities"))},
        city_id=lead_list.city_id,
        by=by,
    )
    kept = {
        name: value for name, value in lead_list.mapping.items() if name in ("format", "encoding", "delimiter", "file")
    }
    lead_list.mapping = kept | {"chosen": chosen}
    lead_list.status, lead_list.job_id, lead_list.checked_at = Status.WAITING, job.pk, None
    lead_list.fault, lead_list.fault_detail, lead_list.counts, lead_list.row_count = "", {}, {}, 0
    lead_list.save()
    return job
