from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core.clock import database_now
from core.errors import DomainError
from core.jobs import (
    TryLater,
    claims,
    enqueue,
    handler,
    registry,
    request_cancel,
    run_again,
    run_inline,
    services,
    wait_or_run,
)
from core.jobs.sweeper import sweep_jobs
from core.models import AuditEvent, Job
from core.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind(monkeypatch):
    """Registers a handler for the test alone: kind(function) -> its name."""
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))

    def register(work, **options):
        handler("test.work", **options)(work)
        return "test.work"

    return register


def make_due(job):
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(hours=1))


def let_lease_run_out(job):
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(hours=1))


def test_a_job_runs_once_and_keeps_what_it_says(kind):
    name = kind(lambda run: {"answer": run.args["number"] * 2})
    job = enqueue(kind=name, key="1", args={"number": 21})

    assert run_inline(job.pk) is True
    assert run_inline(job.pk) is False

    job.refresh_from_db()
    assert (job.state, job.result, job.attempts) == ("done", {"answer": 42}, 1)
    assert job.finished_at is not None


def test_the_same_work_asked_for_twice_is_one_job(kind):
    name = kind(lambda run: None)

    first = enqueue(kind=name, key="list 7", by=UserFactory(display_name="陈美玲"))
    second = enqueue(kind=name, key="list 7")

    assert first.pk == second.pk
    assert second.created_by_name == "陈美玲"


def test_a_job_is_made_and_undone_with_the_rows_of_its_request(kind):
    name = kind(lambda run: None)

    with transaction.atomic():
        enqueue(kind=name, key="1")
        transaction.set_rollback(True)

    assert not Job.objects.exists()


def test_a_job_not_due_yet_is_left_alone(kind):
    job = enqueue(kind=kind(lambda run: None), key="1", not_before=database_now() + timedelta(hours=1))

    assert run_inline(job.pk) is False


def test_effects_counters_and_cursor_of_a_chunk_commit_together(kind):
    seen = []

    def work(run):
        for number in range(run.cursor.get("next", 0), 3):
            seen.append(number)
            with run.chunk(done=10, cursor={"next": number + 1}, total=30):
                UserFactory(username=f"made{number}")
                if number == 1 and run.attempt == 1 and len(seen) == 2:
                    raise ValueError("half way")

    name = kind(work)
    job = enqueue(kind=name, key="1")

    run_inline(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.cursor) == ("failed", 10, 30, {"next": 1})

    make_due(job)
    run_inline(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.cursor) == ("done", 30, {"next": 3})
    assert seen == [0, 1, 1, 2]


def test_a_chunk_may_say_what_it_did_at_its_end(kind):
    def work(run):
        with run.chunk() as piece:
            piece.done, piece.cursor, piece.total = 4, {"id": 9}, 4

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.done, job.total, job.cursor) == (4, 4, {"id": 9})


def test_a_worker_that_lost_its_job_stores_nothing_more(kind):
    def work(run):
        with run.chunk(done=1, cursor={"next": 1}):
            UserFactory(username="written by the late worker")
            Job.objects.filter(pk=run.job.pk).update(token=run.job.token + 1)

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.done == 0
    assert job.cursor == {}
    assert job.state == "running"


def test_a_poison_job_dies_with_its_reason_and_is_counted(kind, client):
    def work(run):
        raise ValueError("cannot read '陈美玲' at 13800138000")

    job = enqueue(kind=kind(work, max_attempts=2), key="1")
    for _attempt in range(2):
        make_due(job)
        run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("dead", 2)
    assert job.last_error.startswith("ValueError: cannot read … at … (work, test_jobs.py:")

    make_due(job)
    assert run_inline(job.pk) is False
    client.force_login(UserFactory(administrator=True))
    assert "1" in client.get("/jobs/badge/").content.decode()


def test_each_failure_waits_longer(kind):
    def work(run):
        raise ValueError

    job = enqueue(kind=kind(work), key="1")
    waits = []
    for _attempt in range(3):
        make_due(job)
        before = timezone.now()
        run_inline(job.pk)
        job.refresh_from_db()
        waits.append(round((job.not_before - before).total_seconds()))

    assert waits == [5, 30, 120]


def test_progress_gives_new_attempts(kind):
    """A list of 200,000 rows may meet more than five dying workers, as long as each brings it on."""

    def work(run):
        at = run.cursor.get("next", 0)
        with run.chunk(done=1, cursor={"next": at + 1}):
            pass
        if at < 7:
            raise ValueError

    job = enqueue(kind=kind(work, max_attempts=2), key="1")
    for _attempt in range(8):
        make_due(job)
        run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 8)


def test_a_rule_that_says_no_is_not_asked_again(kind):
    def work(run):
        raise DomainError("The file has no rows.")

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.last_error) == ("dead", "The file has no rows.")


def test_a_job_whose_workers_keep_dying_is_dead_at_last(kind):
    job = enqueue(kind=kind(lambda run: None, max_attempts=2), key="1")
    for _attempt in range(2):
        assert claims.claim(job.pk) is not None
        let_lease_run_out(job)

    assert claims.claim(job.pk) is None

    job.refresh_from_db()
    assert job.state == "dead"
    assert job.last_error == "The worker ended in the middle of this job 2 times."


def test_a_handler_may_ask_to_be_called_later_without_failing(kind):
    def work(run):
        raise TryLater(timedelta(minutes=3))

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.claims) == ("queued", 0, 0)
    assert job.not_before > timezone.now() + timedelta(minutes=2)


def test_a_kind_nobody_knows_fails_with_a_sentence():
    job = enqueue(kind="gone.away", key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.state == "failed"
    assert "No program here knows how to do gone.away" in job.last_error


def test_a_waiting_job_stops_at_once_and_an_ended_one_cannot(kind):
    job = enqueue(kind=kind(lambda run: None), key="1")

    request_cancel(job, by=None, at=timezone.now())

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert AuditEvent.objects.filter(action="core.job.cancelled").count() == 1
    with pytest.raises(services.JobIsOver):
        request_cancel(job, by=None, at=timezone.now())


def test_a_running_job_stops_between_chunks_and_keeps_what_it_did(kind):
    def work(run):
        for number in range(5):
            with run.chunk(done=1, cursor={"next": number + 1}):
                pass
            if number == 1:
                request_cancel(run.job, by=None, at=timezone.now())

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 2)


def test_a_dead_job_run_again_goes_on_from_its_cursor(kind):
    def work(run):
        if run.cursor.get("next") == 1 and not run.args:
            raise DomainError("Stop.")
        with run.chunk(done=1, cursor={"next": run.cursor.get("next", 0) + 1}):
            pass
        if not run.args:
            raise DomainError("Stop.")

    job = enqueue(kind=kind(work), key="1")
    run_inline(job.pk)
    Job.objects.filter(pk=job.pk).update(args={"go": True})

    run_again(job=Job.objects.get(pk=job.pk), by=None, at=timezone.now())
    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.cursor, job.last_error) == ("done", 2, {"next": 2}, "")


def test_only_a_dead_or_stopped_job_runs_again(kind):
    job = enqueue(kind=kind(lambda run: None), key="1")

    with pytest.raises(services.JobCannotRunAgain):
        run_again(job=job, by=None, at=timezone.now())


def test_a_follower_waits_for_its_predecessor(kind):
    name = kind(lambda run: None)
    first = enqueue(kind=name, key="1")
    second = enqueue(kind=name, key="2", after=first)

    assert second.state == "blocked"
    assert run_inline(second.pk) is False

    run_inline(first.pk)
    assert run_inline(second.pk) is True


def test_a_follower_of_an_ended_job_does_not_wait(kind):
    name = kind(lambda run: None)
    first = enqueue(kind=name, key="1")
    run_inline(first.pk)

    assert enqueue(kind=name, key="2", after=first).state == "queued"


def test_the_sweeper_rings_for_what_no_message_reached(kind, monkeypatch):
    rung = []
    monkeypatch.setattr("core.jobs.sweeper.ring", lambda job_id, queue: rung.append((job_id, queue)) or True)
    name = kind(lambda run: None)
    waiting = enqueue(kind=name, key="waiting", queue="fast")
    left_behind = enqueue(kind=name, key="left behind")
    enqueue(kind=name, key="later", not_before=database_now() + timedelta(hours=1))
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    claims.claim(left_behind.pk)
    let_lease_run_out(left_behind)

    sweep_jobs()
    sweep_jobs()

    assert sorted(rung) == sorted([(waiting.pk, "fast"), (left_behind.pk, "bulk")])


def test_while_redis_is_away_the_sweeper_tries_again_each_time(kind, monkeypatch):
    rings = []
    monkeypatch.setattr("core.jobs.sweeper.ring", lambda job_id, queue: rings.append(job_id))
    enqueue(kind=kind(lambda run: None), key="1")
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    sweep_jobs()
    sweep_jobs()

    assert len(rings) == 2


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_notice_that_redis_is_down(kind, monkeypatch):
    from celery import current_app

    from core.jobs import ring

    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(ring, "_quiet_until", 0.0)
    name = kind(lambda run: None)

    started = timezone.now()
    jobs = [enqueue(kind=name, key=str(number)) for number in range(20)]

    assert (timezone.now() - started).total_seconds() < 3
    assert ring._quiet_until > 0
    assert run_inline(jobs[0].pk) is True


@pytest.mark.django_db(transaction=True)
def test_a_command_whose_job_nobody_takes_does_it_itself(kind):
    job = enqueue(kind=kind(lambda run: {"rows": 3}), key="1")

    ended = wait_or_run(job.pk, claim_within=0.05)

    assert (ended.state, ended.result) == ("done", {"rows": 3})


@pytest.mark.django_db(transaction=True)
def test_a_command_waits_no_longer_than_it_is_told(kind):
    job = enqueue(kind=kind(lambda run: None), key="1")
    claims.claim(job.pk)

    with pytest.raises(services.JobNotFinished):
        wait_or_run(job.pk, timeout=0.2)


@pytest.mark.django_db(transaction=True)
def test_a_long_chunk_is_not_taken_for_a_dead_worker(kind):
    import time

    def work(run):
        before = Job.objects.get(pk=run.job.pk).lease_until
        time.sleep(0.5)
        run.after = Job.objects.get(pk=run.job.pk).lease_until
        return {"renewed": run.after > before}

    job = enqueue(kind=kind(work, lease=timedelta(seconds=0.6)), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.result == {"renewed": True}


def test_a_person_sees_own_jobs_and_an_administrator_all(kind):
    name = kind(lambda run: None)
    mine, other, boss = UserFactory(), UserFactory(), UserFactory(administrator=True)
    job = enqueue(kind=name, key="1", by=mine)

    assert list(Job.objects.visible_to(mine)) == [job]
    assert list(Job.objects.visible_to(other)) == []
    assert list(Job.objects.visible_to(boss)) == [job]


def test_a_running_job_without_lease_cannot_exist(kind):
    from django.db import IntegrityError

    job = enqueue(kind=kind(lambda run: None), key="1")

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state="running")


def test_an_item_that_fails_keeps_no_other_waiting_and_is_told_at_the_end(kind):
    put_off = []

    def work(item):
        AuditEvent.objects.create(action="test", at=timezone.now(), subject_type="", subject_id=item)
        if item == "2":
            raise DomainError("over meanwhile")
        if item == "3":
            raise ValueError("a fault")
        return item

    def run_each(run):
        run.each(["1", "2", "3", "4"], work, passed=(DomainError,), on_fault=put_off.append)

    job = enqueue(kind=kind(run_each), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    kept = AuditEvent.objects.filter(action="test").order_by("subject_id").values_list("subject_id", flat=True)
    assert list(kept) == ["1", "4"], "what failed left nothing behind"
    assert put_off == ["3"]
    assert (job.done, job.total) == (2, 4)
    assert "ValueError" in job.last_error


def test_a_stop_that_was_asked_for_ends_the_items(kind):
    done = []

    def run_each(run):
        def work(item):
            done.append(item)
            Job.objects.filter(pk=run.job.pk).update(cancel_requested_at=timezone.now())

        run.each([1, 2, 3], work)

    job = enqueue(kind=kind(run_each), key="1")
    run_inline(job.pk)

    job.refresh_from_db()
    assert done == [1]
    assert job.state == "cancelled"
