"""The Celery app. Jobs are rows (core.jobs); Celery only wakes somebody to do them."""

import os
import signal

from celery import Celery
from celery.signals import celeryd_init, worker_process_init
from kombu import Queue

from telemkt.stack import priorities, processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")

FAST, BULK = "fast", "bulk"

app = Celery("telemkt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(FAST), Queue(BULK)]
app.autodiscover_tasks()

# The only two clocks of the house. What is due lies in the database, so two beats, or none for a while, do no harm.
app.conf.beat_schedule = {
    "sweep": {"task": "core.sweep_jobs", "schedule": 3.0, "options": {"queue": FAST, "expires": 10}},
    "schedules": {"task": "core.run_schedules", "schedule": 60.0, "options": {"queue": FAST, "expires": 120}},
}


@worker_process_init.connect
def die_with_the_worker(**_: object) -> None:
    """A pool process whose worker was killed would go on with a job that another worker takes up meanwhile."""
    processes.end_with_parent(signal.SIGKILL)


@celeryd_init.connect
def bulk_gives_way(sender: str = "", **_: object) -> None:
    """Lists and figures wait for desks: before the pool is forked, so that its processes inherit it."""
    if sender.startswith(f"{BULK}@"):
        priorities.give_way()
