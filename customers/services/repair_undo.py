"""Repairs kept with what stood before, and the last of them undone, as long as the list is not committed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.jobs import Run, enqueue
from customers.models import LeadList, ListRepair, RepairedRow, RowVerdict
from customers.services.lists import REPAIR_JOB
from customers.services.recleaning import Before, write_back
from people.models import User

AT_ONCE = 3_000  # rows put back while somebody waits; more are a job
ROWS_A_STATEMENT = 2_000


class NotUndoable(DomainError):
    """Only the last repair that stands can be undone, once, and while what stood before is kept."""


def keep_repair(
    *, lead_list: LeadList, before: Before, fault: str, by: User, at: datetime, row_no: int | None = None
) -> ListRepair:
    """Part of the repair: what it replaced, sealed."""
    decided = [[row.row_no, row.verdict, row.reason, row.told, row.told_reason] for row in before.decided]
    repair = ListRepair.objects.create(
        lead_list=lead_list, row_no=row_no, fault=fault, rows=len(before.lines), decided=decided, by=by, at=at
    )
    rows = (RepairedRow(repair=repair, row_no=number, before=line) for number, line in before.lines.items())
    RepairedRow.objects.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    return repair


def last_repair(lead_list: LeadList) -> ListRepair | None:
    """The one that can be undone next."""
    return lead_list.repairs.filter(undone_at=None).select_related("by").order_by("-pk").first()


@transaction.atomic
def undo_repair(*, repair: ListRepair, by: User, at: datetime) -> ListRepair:
    """Put back what stood before the last repair, and judge it anew; of thousands of rows by a job, the repair is then undone later.

    What was decided before it holds again where the question is the same. Raises NotUndoable, NotRepairable, PermissionRefused.
    """
    from customers.services.repairs import check_repairable

    lead_list = LeadList.objects.select_for_update().get(pk=repair.lead_list_id)
    check_repairable(lead_list, by)
    repair = _undoable(lead_list, repair.pk)
    if repair.rows <= AT_ONCE:
        return _put_back(lead_list, repair, by=by, at=at)
    job = enqueue(
        kind=REPAIR_JOB,
        key=f"{lead_list.pk}@{at.timestamp():.6f}",
        args={"lead_list": lead_list.pk, "user": by.pk, "undo": repair.pk},
        city_id=lead_list.city_id,
        by=by,
        total=repair.rows,
    )
    lead_list.job_id = job.pk
    lead_list.save(update_fields=["job_id"])
    return repair


def undo_as_job(run: Run) -> dict[str, Any]:
    """Of very many rows, in one transaction. Done already: nothing."""
    by = User.objects.get(pk=run.args["user"])
    with run.chunk() as piece:
        lead_list = (
            LeadList.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=run.args["lead_list"])
        )
        last = last_repair(lead_list)
        if lead_list.status != LeadList.Status.CHECKED or last is None or last.pk != run.args["undo"]:
            return {}
        _put_back(lead_list, last, by=by, at=run.now())
        piece.done = piece.total = last.rows
    return {"rows": last.rows}


def _undoable(lead_list: LeadList, pk: int) -> ListRepair:
    last = last_repair(lead_list)
    if last is None or last.pk != pk:
        raise NotUndoable(
            _("Only the last repair of a list can be undone. This one was undone, or another followed it.")
        )
    if last.before.count() != last.rows:
        raise NotUndoable(_("What stood before this repair is no longer kept."))
    return last


def _put_back(lead_list: LeadList, repair: ListRepair, *, by: User, at: datetime) -> ListRepair:
    lines = [str(row.before) for row in repair.before.order_by("row_no")]
    answers = [
        RowVerdict(row_no=row_no, verdict=verdict, reason=reason, told=told, told_reason=told_reason)
        for row_no, verdict, reason, told, told_reason in repair.decided
    ]
    write_back(lead_list, lines, at=at, answers=answers)
    repair.undone_by, repair.undone_at = by, at
    repair.save(update_fields=["undone_by", "undone_at"])
    audit("customers.list.repair_undone", lead_list, by=by, at=at, repair=repair.pk, rows=repair.rows)
    return repair
