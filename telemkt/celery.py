"""The Celery app. Jobs are rows (core.jobs); Celery only wakes somebody to do them."""

import os

from celery import Celery
from kombu import Queue

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
