"""Ringing the bell: tell a worker that there is work. A ring that fails is no error, the sweeper rings again."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.db import transaction

from core.models import Job

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 0.3
QUIET_SECONDS = 5.0
_quiet_until = 0.0


def ring_after_commit(job: Job) -> None:
    """Ring when the caller's transaction is safe; never raises."""
    job_id, queue = job.pk, job.queue
    transaction.on_commit(lambda: ring(job_id, queue), robust=True)


def ring(job_id: int, queue: str) -> bool:
    """Publish one message; False when Redis is away. After a failure quiet for some seconds, so that requests do not pile up."""
    global _quiet_until
    if not getattr(settings, "JOBS_RING", True) or time.monotonic() < _quiet_until:
        return False
    try:
        _publish(job_id, queue)
    except Exception as error:  # whatever the broker client throws
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("job %s could not be rung: %s", job_id, type(error).__name__)
        return False
    return True


def _publish(job_id: int, queue: str) -> None:
    from celery import current_app

    options = {
        **current_app.conf.broker_transport_options,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    with current_app.connection_for_write(connect_timeout=CONNECT_SECONDS, transport_options=options) as link:
        current_app.send_task(
            "core.run_job",
            args=[job_id],
            queue=queue,
            connection=link,
            retry=False,
            ignore_result=True,
        )
