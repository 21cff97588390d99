"""Times as rows: what is due becomes a row that only one scheduler can make, and the row a job."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from core.calendar import business_date, days, region_zone
from core.jobs.registry import Schedule, all_schedules
from core.jobs.services import enqueue
from core.models import Job, ScheduleRun

MOST_MISSED = 31
KEEP_FREQUENT = timedelta(hours=1)


def run_schedules(*, at: datetime) -> int:
    """Make the jobs that are due at `at`; returns how many. Two schedulers at once, or none for days, do no harm."""
    return sum(_run(schedule, at) for schedule in all_schedules())


def _run(schedule: Schedule, at: datetime) -> int:
    if schedule.every is not None:
        return _run_interval(schedule, schedule.every, at)
    return sum(_make(schedule, day.isoformat(), _due_at(schedule, day), at) for day in _due_days(schedule, at))


def _run_interval(schedule: Schedule, every: timedelta, at: datetime) -> int:
    seconds = int(every.total_seconds())
    start = datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=at.tzinfo)
    if Job.objects.open().filter(kind=schedule.kind).exists():
        return 0  # the last one is still at work: no pile
    _forget_old(schedule, at)
    return _make(schedule, start.strftime("%Y-%m-%dT%H:%M:%SZ"), start, at)


def _forget_old(schedule: Schedule, at: datetime) -> None:
    """What runs every few minutes and went well is not worth a row for long."""
    done = Job.objects.filter(kind=schedule.kind, state=Job.State.DONE, created_by_id=None)
    done.filter(finished_at__lt=at - KEEP_FREQUENT).delete()
    ScheduleRun.objects.filter(kind=schedule.kind, due_at__lt=at - KEEP_FREQUENT).delete()


def _due_at(schedule: Schedule, day: date) -> datetime:
    return datetime.combine(day, schedule.daily_at, tzinfo=region_zone())


def _due_days(schedule: Schedule, at: datetime) -> list[date]:
    """Days whose time has come and that have no row yet, oldest first."""
    today = business_date(at)
    newest = today if _due_at(schedule, today) <= at else today - timedelta(days=1)
    last = ScheduleRun.objects.filter(kind=schedule.kind).order_by("-slot").values_list("slot", flat=True).first()
    if last is None or not schedule.catch_up:
        return [newest] if last is None or last < newest.isoformat() else []
    first = max(
        date.fromisoformat(last) + timedelta(days=1),
        newest - timedelta(days=MOST_MISSED - 1),
    )
    return list(days(first, newest))


@transaction.atomic
def _make(schedule: Schedule, slot: str, due_at: datetime, at: datetime) -> int:
    run, is_new = ScheduleRun.objects.get_or_create(kind=schedule.kind, slot=slot, defaults={"due_at": due_at})
    if not is_new:
        return 0
    args = {"date": slot} if schedule.daily_at else {"slot": slot}
    before = Job.objects.open().filter(kind=schedule.kind).order_by("-id").first() if schedule.catch_up else None
    run.job = enqueue(kind=schedule.kind, key=slot, args=args, queue=schedule.queue, after=before)
    run.save(update_fields=["job"])
    return 1
