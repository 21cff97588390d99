from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from core import retention
from core.jobs import enqueue, run_inline
from core.models import Job
from core.retention import apply_retention, personal_fields, register

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(retention, "RETENTION", dict(retention.RETENTION))


def unnamed_here():
    return [name for name in retention.unnamed() if name.startswith("core.")]


def test_every_personal_field_of_the_floor_is_named():
    assert unnamed_here() == []


def test_every_policy_is_about_a_model_and_fields_that_exist():
    for policy in retention.RETENTION.values():
        fields = {field.name for field in apps.get_model(policy.model)._meta.get_fields()}
        assert set(policy.fields) <= fields, policy.model


def test_a_model_that_marks_a_field_is_found_when_nobody_names_it(monkeypatch):
    model = apps.get_model("core.IdempotencyKey")
    monkeypatch.setattr(model, "PERSONAL_FIELDS", ("key",), raising=False)

    assert personal_fields(model) == {"key"}
    assert unnamed_here() == ["core.IdempotencyKey.key"]

    register("core.IdempotencyKey", fields=["key"], basis="test")
    assert unnamed_here() == []


def test_one_policy_that_fails_does_not_keep_the_others_from_their_work(caplog):
    retention.RETENTION.clear()
    done = []

    def fail(at):
        raise ValueError

    register("core.Job", fields=[], basis="test", apply=fail)
    register("core.PrivateFile", fields=[], basis="test", apply=lambda at: done.append(at) or 2)

    with pytest.raises(RuntimeError, match=r"core\.job"):
        apply_retention(at=AT)
    assert done == [AT]


@pytest.mark.django_db
def test_the_nightly_job_says_what_it_erased():
    job = enqueue(kind="core.apply_retention", key="2026-11-22")
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.state == "done", job.last_error
    assert job.result["erased"]["core.privatefile"] == 0


@pytest.mark.django_db
def test_jobs_that_ended_well_long_ago_are_removed_and_dead_ones_stay():
    for key, state, days in [("young", "done", 89), ("old", "done", 91), ("dead", "dead", 91), ("open", "queued", 91)]:
        job = enqueue(kind="core.fill_calendar", key=key)
        ended = None if state == "queued" else timezone.now() - timedelta(days=days)
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=ended)

    run_inline(enqueue(kind="core.purge_jobs", key="now").pk)

    kept = Job.objects.exclude(kind="core.purge_jobs").values_list("key", flat=True)
    assert sorted(kept) == ["dead", "open", "young"]
