"""Verbs on lead lists that were received: commit, give up, take back. The long work is done by jobs (list_commit, list_undo)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.files import destroy
from core.jobs import enqueue, request_cancel
from core.models import Job, PrivateFile
from customers import list_rules
from customers.models import LeadList, ListRepair, RowVerdict, StagedRow
from people.models import User

REPAIR_JOB = "customers.repair_list"


class NothingToCommit(DomainError):
    """The list is not in a state in which it can be committed."""


class NothingToTakeBack(DomainError):
    """Only what was committed, and not yet taken back, can be taken back."""


class TooLateToTakeBack(DomainError):
    """The values before the commit are no longer kept."""


class ReasonMissing(DomainError):
    """Who takes a list back says why."""


class ListIsOver(DomainError):
    """Committed or given up: nothing about it can be changed."""


# -- commit ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def commit_list(*, lead_list: LeadList, by: User, at: datetime) -> Job:
    """Have the good rows made customers, in the background; returns the job. Raises NothingToCommit, PermissionRefused."""
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    _may_work(by, lead_list)
    if lead_list.status == LeadList.Status.COMMITTING and not _has_stopped(lead_list):
        return Job.objects.get(pk=lead_list.job_id or 0)
    if lead_list.status not in (LeadList.Status.CHECKED, LeadList.Status.COMMITTING):
        raise NothingToCommit(_not_committable(lead_list))
    if lead_list.status == LeadList.Status.CHECKED and has_repair_at_work(lead_list):
        raise NothingToCommit(_("A correction of this list is still at work. Go on when it has ended."))
    job = enqueue(
        kind="customers.commit_list",
        key=f"{lead_list.pk}@{at.timestamp():.6f}",
        args={"lead_list": lead_list.pk, "user": by.pk},
        city_id=lead_list.city_id,
        by=by,
    )
    lead_list.status, lead_list.job_id = LeadList.Status.COMMITTING, job.pk
    lead_list.save(update_fields=["status", "job_id"])
    audit("customers.list.commit_asked", lead_list, by=by, at=at)
    return job


def _has_stopped(lead_list: LeadList) -> bool:
    """The job that should work on it was stopped or gave up."""
    return Job.objects.filter(pk=lead_list.job_id or 0, state__in=[Job.State.CANCELLED, Job.State.DEAD]).exists()


def has_repair_at_work(lead_list: LeadList) -> bool:
    """A correction of very many rows is queued or running."""
    return Job.objects.filter(pk=lead_list.job_id or 0, kind=REPAIR_JOB, state__in=Job.OPEN_STATES).exists()


def _not_committable(lead_list: LeadList) -> str:
    if lead_list.status == LeadList.Status.COMMITTED:
        return _("This list is committed already.")
    if lead_list.status in LeadList.STORED:
        return _("This list was taken back. Upload the file again.")
    if lead_list.status in (LeadList.Status.WAITING, LeadList.Status.CHECKING):
        return _("This list is still being checked. Commit it when every row has its verdict.")
    return _("This list was given up or could not be read. Upload the file again.")


def _may_work(by: User, lead_list: LeadList) -> None:
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team commits or gives up lists."))


# -- give up -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def give_up_list(*, lead_list: LeadList, by: User, at: datetime) -> LeadList:
    """Stop whatever goes on, forget the staged rows and destroy the file. Nothing ever touched customers. Raises ListIsOver, PermissionRefused."""
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    _may_work(by, lead_list)
    if lead_list.status in (*LeadList.STORED, LeadList.Status.CANCELLED):
        raise ListIsOver(_("This list is committed or given up already."))
    _stop_job(lead_list, by, at)
    lead_list.status = LeadList.Status.CANCELLED
    lead_list.save(update_fields=["status"])
    forget_rows(lead_list)
    stored = PrivateFile.objects.filter(pk=lead_list.file_id or 0).first()
    if stored:
        destroy(private_file=stored, at=at, by=by)
    audit("customers.list.given_up", lead_list, by=by, at=at)
    return lead_list


def _stop_job(lead_list: LeadList, by: User, at: datetime) -> None:
    job = Job.objects.filter(pk=lead_list.job_id or 0).first()
    if job and not job.is_final:
        request_cancel(job, by, at)


def forget_rows(lead_list: LeadList) -> None:
    """Take away what was staged, judged and repaired."""
    ListRepair.objects.filter(lead_list=lead_list).delete()
    RowVerdict.objects.filter(lead_list=lead_list).delete()
    StagedRow.objects.filter(lead_list=lead_list).delete()


def job_of(lead_list: LeadList) -> Job | None:
    return Job.objects.filter(pk=lead_list.job_id or 0).first()


def totals(counts: dict[str, Any]) -> dict[str, int]:
    """Rows per verdict, every verdict named, in the order in which they are shown."""
    return {verdict.value: int(counts.get(verdict.value, 0)) for verdict in RowVerdict.Verdict}


@transaction.atomic
def stop_commit(*, lead_list: LeadList, by: User, at: datetime) -> LeadList:
    """Stop a commit that has not happened yet; the list is checked again. Raises ListIsOver when it was too late, PermissionRefused."""
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    _may_work(by, lead_list)
    if lead_list.status != LeadList.Status.COMMITTING:
        raise ListIsOver(_("This list is not being committed."))
    _stop_job(lead_list, by, at)
    lead_list.status = LeadList.Status.CHECKED
    lead_list.save(update_fields=["status"])
    audit("customers.list.commit_stopped", lead_list, by=by, at=at)
    return lead_list


# -- take back ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def undo_list(*, lead_list: LeadList, by: User, reason: str, at: datetime) -> Job:
    """Have a committed list taken back, in the background; returns the job. What was called since stays, each row with its reason.

    Asked again while it goes on: the same job; after the job was stopped or gave up: another, which goes on where that one ended.
    Raises NothingToTakeBack, TooLateToTakeBack, ReasonMissing, PermissionRefused.
    """
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    _may_take_back(by, lead_list)
    if lead_list.status == LeadList.Status.UNDOING:
        return _go_on(lead_list, by, at)
    if lead_list.status != LeadList.Status.COMMITTED:
        raise NothingToTakeBack(_not_taken_back(lead_list))
    if not can_still_be_undone(lead_list, at=at):
        raise TooLateToTakeBack(
            _("A list can be taken back for %(days)s days after its commit.") % {"days": list_rules.UNDO_FOR.days}
        )
    if not reason.strip():
        raise ReasonMissing(_("Say why the list is taken back."))
    lead_list.status, lead_list.undo_by, lead_list.undo_asked_at = LeadList.Status.UNDOING, by, at
    lead_list.undo_reason = reason.strip()[:200]
    job = _enqueue_undo(lead_list, by, at)
    lead_list.save(update_fields=["status", "undo_by", "undo_asked_at", "undo_reason", "job_id"])
    audit("customers.list.undo_asked", lead_list, by=by, at=at)
    return job


def can_still_be_undone(lead_list: LeadList, *, at: datetime) -> bool:
    """Committed, and what it replaced is still kept."""
    if lead_list.status != LeadList.Status.COMMITTED or lead_list.committed_at is None:
        return False
    return at - lead_list.committed_at < list_rules.UNDO_FOR


def _may_take_back(by: User, lead_list: LeadList) -> None:
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team takes lists back."))


def _go_on(lead_list: LeadList, by: User, at: datetime) -> Job:
    if not _has_stopped(lead_list):
        return Job.objects.get(pk=lead_list.job_id or 0)
    job = _enqueue_undo(lead_list, by, at)
    lead_list.save(update_fields=["job_id"])
    return job


def _enqueue_undo(lead_list: LeadList, by: User, at: datetime) -> Job:
    job = enqueue(
        kind="customers.undo_list",
        key=f"{lead_list.pk}@{at.timestamp():.6f}",
        args={"lead_list": lead_list.pk},
        city_id=lead_list.city_id,
        by=by,
    )
    lead_list.job_id = job.pk
    return job


def _not_taken_back(lead_list: LeadList) -> str:
    if lead_list.status == LeadList.Status.UNDONE:
        return _("This list was taken back already.")
    return _("Only a committed list can be taken back.")
