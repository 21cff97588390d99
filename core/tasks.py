"""Thin Celery entrances. A message only wakes somebody; what is to be done lies in the rows."""

from celery import shared_task


@shared_task(name="core.run_job", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def run_job(job_id: int) -> None:
    from core.jobs import run_inline

    run_inline(job_id)


@shared_task(name="core.sweep_jobs", ignore_result=True)
def sweep_jobs() -> None:
    from core.jobs.sweeper import sweep_jobs

    sweep_jobs()


@shared_task(name="core.run_schedules", ignore_result=True)
def run_schedules() -> None:
    from core.clock import database_now
    from core.jobs.schedules import run_schedules

    run_schedules(at=database_now())
