"""The statements that move a job from state to state. Each is one UPDATE on condition; two workers may always meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.clock import database_now
from core.jobs.registry import find_handler
from core.models import Job

DEFAULT_LEASE = timedelta(seconds=60)
MOST_CLAIMS = 200
BACKOFF = [timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800)]


def lease_of(kind: str) -> timedelta:
    found = find_handler(kind)
    return found.lease if found else DEFAULT_LEASE


@transaction.atomic
def claim(job_id: int) -> Job | None:
    """Take the job if it is due and free, with a new token and a lease; None when somebody has it or it is not due."""
    at = database_now()
    job = Job.objects.claimable(at).select_for_update(skip_locked=True).filter(pk=job_id).first()
    if job is None or _gave_up(job):
        return None
    job.state = Job.State.RUNNING
    job.token += 1
    job.attempts += 1
    job.claims += 1
    job.lease_until = at + lease_of(job.kind)
    job.started_at = job.started_at or at
    job.save(
        update_fields=[
            "state",
            "token",
            "attempts",
            "claims",
            "lease_until",
            "started_at",
        ]
    )
    return job


def _gave_up(job: Job) -> bool:
    """A job left behind by dying workers too often is dead, not due: it may be what kills them."""
    if job.attempts < job.max_attempts and job.claims < MOST_CLAIMS:
        return False
    die(
        job,
        reason=job.last_error
        or _("The worker ended in the middle of this job %(count)s times.") % {"count": job.attempts},
    )
    return True


def renew_lease(job: Job) -> bool:
    """Hold the job for another lease; False when it is no longer ours."""
    return _ours(job).update(lease_until=database_now() + lease_of(job.kind)) == 1


def commit_progress(job: Job, *, done: int, cursor: dict[str, Any], total: int | None, moved: bool) -> bool:
    """Counters and cursor of a chunk, inside the chunk's transaction; False when the token is no longer ours."""
    changes: dict[str, Any] = {
        "done": F("done") + done,
        "cursor": cursor,
        "lease_until": database_now() + lease_of(job.kind),
    }
    if total is not None:
        changes["total"] = total
    if moved:
        changes["attempts"] = 1  # attempts are counted from the last progress
    return _ours(job).update(**changes) == 1


def finish(job: Job, result: dict[str, Any]) -> bool:
    return _end(job, Job.State.DONE, result=result, last_error="")


def stop(job: Job) -> bool:
    return _end(job, Job.State.CANCELLED)


@transaction.atomic
def die(job: Job, *, reason: str) -> bool:
    """No further attempt: the job waits, with its reason, for a person to look."""
    return _end(job, Job.State.DEAD, last_error=reason)


@transaction.atomic
def _end(job: Job, state: str, **changes: Any) -> bool:
    ended = Job.objects.filter(pk=job.pk, token=job.token, state__in=Job.OPEN_STATES).update(
        state=state, lease_until=None, finished_at=Now(), **changes
    )
    if ended:
        unblock_followers(job.pk)
    return ended == 1


def unblock_followers(job_id: int) -> None:
    """Jobs that waited for this one may be claimed now."""
    from core.jobs.ring import ring_after_commit

    waiting = list(Job.objects.select_for_update().filter(waits_for_id=job_id, state=Job.State.BLOCKED))
    for job in waiting:
        job.state = Job.State.QUEUED
        job.save(update_fields=["state"])
        ring_after_commit(job)


def fail(job: Job, *, reason: str) -> bool:
    """Try again later, later each time; dead after the last attempt."""
    if job.attempts >= job.max_attempts:
        return die(job, reason=reason)
    return put_back(
        job,
        after=BACKOFF[min(job.attempts, len(BACKOFF)) - 1],
        state=Job.State.FAILED,
        last_error=reason,
    )


def put_back(job: Job, *, after: timedelta, state: str = Job.State.QUEUED, **changes: Any) -> bool:
    return (
        _ours(job).update(
            state=state,
            lease_until=None,
            not_before=database_now() + after,
            rung_at=None,
            **changes,
        )
        == 1
    )


def _ours(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, token=job.token, state=Job.State.RUNNING)
