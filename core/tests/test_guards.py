"""What must hold for the whole house, asked from its floor."""

from io import StringIO

import pytest
from django.core.management import call_command

from core.errors import DomainError


@pytest.mark.django_db
def test_no_migration_of_the_floor_is_missing():
    call_command("makemigrations", "core", check=True, dry_run=True, stdout=StringIO())


def every_subclass(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from every_subclass(sub)


def test_refusals_are_named_by_their_sentence():
    assert [cls.__name__ for cls in every_subclass(DomainError) if cls.__name__.endswith("Error")] == []


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 31])
def test_a_restart_after_days_makes_no_storm_of_jobs(days):
    """The floor's own schedules: none is caught up, so one job a kind."""
    from datetime import timedelta

    from django.utils import timezone

    from core.jobs.registry import all_schedules
    from core.jobs.schedules import run_schedules
    from core.models import Job

    run_schedules(at=timezone.now() - timedelta(days=days))
    Job.objects.update(state="done", lease_until=None)
    before = Job.objects.count()
    run_schedules(at=timezone.now())

    own = {schedule.kind for schedule in all_schedules() if schedule.kind.startswith("core.")}
    assert Job.objects.filter(kind__in=own).count() <= 2 * len(own)
    assert Job.objects.count() - before <= sum(31 if schedule.catch_up else 1 for schedule in all_schedules())
