"""Verbs on jobs: ask for one, stop it, run it again, wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.access import id_of, name_of
from core.audit import audit
from core.errors import DomainError
from core.jobs import claims
from core.jobs.registry import find_handler
from core.jobs.ring import ring_after_commit
from core.jobs.runner import run_inline
from core.models import Job


class JobNotFinished(DomainError):
    """The job is still at work when the time to wait is over."""


class JobCannotRunAgain(DomainError):
    """Only a job that gave up or was stopped can be run again."""


class JobIsOver(DomainError):
    """A finished job cannot be stopped."""


@transaction.atomic
def enqueue(
    *,
    kind: str,
    key: str,
    args: dict[str, Any] | None = None,
    queue: str = "bulk",
    city_id: int | None = None,
    by: Any = None,
    not_before: datetime | None = None,
    total: int | None = None,
    after: Job | None = None,
) -> Job:
    """The job of this kind and key, made in the caller's transaction and rung when it commits.

    The same kind and key again returns the row that is there, in whatever state: put into the key what makes the work new.
    `args` hold ids only, never personal data. With `after` it waits until that job has ended.
    """
    found = find_handler(kind)
    job, is_new = Job.objects.get_or_create(
        kind=kind,
        key=key,
        defaults={
            "args": args or {},
            "queue": queue,
            "city_id": city_id,
            "total": total,
            "max_attempts": found.max_attempts if found else 5,
            "created_by_id": id_of(by),
            "created_by_name": name_of(by),
            **({"not_before": not_before} if not_before else {}),
            **_waiting(after),
        },
    )
    if is_new and job.state == Job.State.QUEUED:
        job.refresh_from_db(fields=["not_before", "created_at"])
        ring_after_commit(job)
    return job


def _waiting(after: Job | None) -> dict[str, Any]:
    if after is None:
        return {}
    # the row is locked so that it cannot end between this look and our commit
    before = Job.objects.select_for_update().filter(pk=after.pk, state__in=Job.OPEN_STATES).first()
    return {"state": Job.State.BLOCKED, "waits_for": before} if before else {}


@transaction.atomic
def request_cancel(job: Job, by: Any, at: datetime) -> Job:
    """Stop a job: at once when it waits, at the next chunk when it runs. What is committed stays. Raises JobIsOver."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.is_final:
        raise JobIsOver(_("This job is over already."))
    job.cancel_requested_at = job.cancel_requested_at or at
    job.cancel_requested_by_id = job.cancel_requested_by_id or id_of(by)
    job.save(update_fields=["cancel_requested_at", "cancel_requested_by_id"])
    if job.state != Job.State.RUNNING:
        claims.stop(job)
    audit("core.job.cancelled", job, by=by, at=at, kind=job.kind)
    job.refresh_from_db()
    return job


@transaction.atomic
def run_again(*, job: Job, by: Any, at: datetime) -> Job:
    """Give a job that gave up, or was stopped, new attempts; it goes on from its cursor. Raises JobCannotRunAgain."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state not in (Job.State.DEAD, Job.State.CANCELLED):
        raise JobCannotRunAgain(_("Only a job that gave up or was stopped can be run again."))
    job.state = Job.State.QUEUED
    job.attempts = job.claims = 0
    job.not_before = at
    job.finished_at = job.cancel_requested_at = job.cancel_requested_by_id = job.rung_at = None
    job.save()
    audit("core.job.run_again", job, by=by, at=at, kind=job.kind)
    ring_after_commit(job)
    return job


def wait_or_run(
    job_id: int,
    timeout: float | None = None,
    *,
    claim_within: float = 1.0,
    on_progress: Callable[[Job], None] | None = None,
) -> Job:
    """Wait until the job has ended and return it, for commands. When no worker claims it within a second it runs here.

    Must be called outside a transaction. Raises JobNotFinished after `timeout` seconds. A job that ended badly is returned
    too: look at `state` and `last_error`.
    """
    started, waiting_since = time.monotonic(), time.monotonic()
    while True:
        job = Job.objects.get(pk=job_id)
        if on_progress:
            on_progress(job)
        if job.is_final:
            return job
        if timeout is not None and time.monotonic() - started > timeout:
            raise JobNotFinished(_("The job is not finished yet; it goes on in the background."))
        if job.state == Job.State.RUNNING:
            waiting_since = time.monotonic()
        if time.monotonic() - waiting_since >= claim_within and run_inline(job_id):
            continue
        time.sleep(0.05)
