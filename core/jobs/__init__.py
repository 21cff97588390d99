"""Background jobs as rows. Ask with enqueue(), say how with @handler or @scheduled; see core.jobs.runner for what a handler may use."""

import core.jobs.house  # noqa: F401  (registers the own jobs)
from core.jobs.registry import Handler, Schedule, handler, scheduled
from core.jobs.runner import JobCancelled, LostLease, Run, TryLater, run_inline
from core.jobs.services import enqueue, request_cancel, run_again, wait_or_run

__all__ = [
    "Handler",
    "JobCancelled",
    "LostLease",
    "Run",
    "Schedule",
    "TryLater",
    "enqueue",
    "handler",
    "request_cancel",
    "run_again",
    "run_inline",
    "scheduled",
    "wait_or_run",
]
