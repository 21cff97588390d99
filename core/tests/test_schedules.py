import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from core.jobs import registry, run_inline, scheduled
from core.jobs.schedules import run_schedules
from core.models import Job, ScheduleRun

pytestmark = pytest.mark.django_db

# 10:00 of 22 November in Shanghai
MORNING = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_schedules", {})


def dates():
    return [job.args["date"] for job in Job.objects.order_by("id")]


def test_a_daily_job_is_due_once_on_the_regions_day():
    scheduled("test.nightly", daily_at="02:30")(lambda run: None)

    run_schedules(at=MORNING)
    run_schedules(at=MORNING + timedelta(hours=3))

    assert dates() == ["2026-11-22"]


def test_before_its_time_the_newest_due_day_is_yesterday():
    scheduled("test.nightly", daily_at="23:00")(lambda run: None)

    run_schedules(at=MORNING)

    assert dates() == ["2026-11-21"]


def test_missed_nights_are_caught_up_in_order():
    order = []
    scheduled("test.nightly", daily_at="02:30", catch_up=True)(lambda run: order.append(run.args["date"]))
    run_schedules(at=MORNING)
    run_inline(Job.objects.get().pk)

    run_schedules(at=MORNING + timedelta(days=3))
    newest_first = list(Job.objects.order_by("-id").values_list("pk", flat=True))
    for _round in range(3):
        for pk in newest_first:
            run_inline(pk)

    assert order == ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"]


def test_a_job_that_does_not_ask_for_it_is_not_caught_up():
    scheduled("test.nightly", daily_at="02:30")(lambda run: None)
    run_schedules(at=MORNING)

    run_schedules(at=MORNING + timedelta(days=3))

    assert dates() == ["2026-11-22", "2026-11-25"]


def test_after_long_absence_the_last_month_is_caught_up():
    scheduled("test.nightly", daily_at="02:30", catch_up=True)(lambda run: None)
    run_schedules(at=MORNING)

    run_schedules(at=MORNING + timedelta(days=100))

    assert Job.objects.count() == 1 + 31


def test_work_every_so_often_does_not_pile_up():
    scheduled("test.often", every=timedelta(minutes=1))(lambda run: None)
    run_schedules(at=MORNING)
    run_schedules(at=MORNING + timedelta(minutes=1))
    assert Job.objects.count() == 1

    run_inline(Job.objects.get().pk)
    run_schedules(at=MORNING + timedelta(minutes=1, seconds=30))
    run_schedules(at=MORNING + timedelta(minutes=1, seconds=59))

    assert ScheduleRun.objects.count() == 2


def test_what_runs_often_and_went_well_leaves_no_heap_of_rows():
    scheduled("test.often", every=timedelta(minutes=1))(lambda run: None)
    for minute in range(180):
        run_schedules(at=MORNING + timedelta(minutes=minute))
        Job.objects.filter(state="queued").update(state="done", finished_at=MORNING + timedelta(minutes=minute))

    assert Job.objects.count() <= 62
    assert ScheduleRun.objects.count() <= 62


def test_a_schedule_says_either_how_often_or_when():
    with pytest.raises(ValueError):
        scheduled("test.both", every=timedelta(minutes=1), daily_at="02:30")


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_make_one_job():
    scheduled("test.nightly", daily_at="02:30", catch_up=True)(lambda run: None)
    barrier, faults = threading.Barrier(4), []

    def beat():
        barrier.wait()
        try:
            run_schedules(at=MORNING)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _number in range(4)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join()

    assert faults == []
    assert dates() == ["2026-11-22"]
    assert ScheduleRun.objects.count() == 1


def test_the_hour_that_daylight_saving_skips_is_no_gap(settings):
    settings.TIME_ZONE = "Europe/Paris"
    scheduled("test.nightly", daily_at="02:30", catch_up=True)(lambda run: None)
    for day in range(4):
        run_schedules(at=datetime(2026, 3, 28, 10, tzinfo=UTC) + timedelta(days=day))

    assert dates() == ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"]
