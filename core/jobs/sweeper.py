"""The second bell: finds what no message reached, and what a dead worker left behind."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from core.clock import database_now
from core.jobs import claims
from core.jobs.ring import ring
from core.models import Job

AT_ONCE = 200
RING_AGAIN = timedelta(seconds=30)


def sweep_jobs() -> int:
    """Ring for every job that is due and was not rung lately; returns how many were rung. Safe to run anywhere, any time."""
    _free_the_blocked()
    rung = 0
    for job_id, queue in _due():
        if not ring(job_id, queue):
            _forget_ring(job_id)
            break
        rung += 1
    return rung


@transaction.atomic
def _due() -> list[tuple[int, str]]:
    at = database_now()
    quiet = Q(rung_at=None) | Q(rung_at__lt=at - RING_AGAIN)
    # a job just made was rung when its transaction committed
    jobs = list(
        Job.objects.claimable(at)
        .filter(quiet)
        .exclude(
            state=Job.State.QUEUED,
            token=0,
            rung_at=None,
            created_at__gt=at - timedelta(seconds=2),
        )
        .select_for_update(skip_locked=True)
        .order_by("not_before", "id")[:AT_ONCE]
    )
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(rung_at=at)
    return [(job.pk, job.queue) for job in jobs]


def _forget_ring(job_id: int) -> None:
    """Redis is away: the rows are due again at the next sweep."""
    at = database_now()
    Job.objects.claimable(at).filter(rung_at__isnull=False).update(rung_at=None)


def _free_the_blocked() -> None:
    """Belt: a follower whose predecessor has ended, or is gone, waits for nothing."""
    over = Job.objects.filter(state=Job.State.BLOCKED).filter(
        Q(waits_for=None) | Q(waits_for__state__in=Job.FINAL_STATES)
    )
    for before in set(over.values_list("waits_for_id", flat=True)):
        if before is None:
            over.filter(waits_for=None).update(state=Job.State.QUEUED)
        else:
            with transaction.atomic():
                claims.unblock_followers(before)
