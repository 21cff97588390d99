"""The floor's own nightly work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.jobs.registry import handler, scheduled
from core.jobs.runner import Run
from core.models import Job

KEEP_DONE = timedelta(days=90)


@scheduled(
    "core.seal_audit",
    every=timedelta(minutes=1),
    queue="fast",
    label=_("Seal the audit trail"),
)
def seal_audit(run: Run) -> dict[str, Any]:
    from core.audit import seal_events

    return {"sealed": seal_events()}


@scheduled("core.fold_changes", every=timedelta(minutes=10), queue="fast", label=_("Put the notes of changes together"))
def fold_changes(run: Run) -> dict[str, Any]:
    from core.kept import fold

    fold()
    return {}


@scheduled("core.seal_late_audit", daily_at="04:20", label=_("Seal what reached the audit trail late"))
def seal_late_audit(run: Run) -> dict[str, Any]:
    from core.audit import seal_events

    return {"sealed": seal_events(all_rows=True)}


@scheduled("core.apply_retention", daily_at="03:10", label=_("Erase what is kept no longer"))
def apply_retention_nightly(run: Run) -> dict[str, Any]:
    from core.idempotency import purge_keys
    from core.retention import apply_retention

    at = run.now()
    return {"erased": apply_retention(at=at), "keys": purge_keys(at=at)}


@scheduled("core.purge_jobs", daily_at="03:40", label=_("Remove old finished jobs"))
def purge_jobs(run: Run) -> dict[str, Any]:
    at = run.now()
    over = Job.objects.filter(state__in=[Job.State.DONE, Job.State.CANCELLED], finished_at__lt=at - KEEP_DONE)
    return {"removed": over.delete()[0]}


@scheduled("core.fill_calendar", daily_at="01:05", label=_("Fill the calendar of holidays"))
def fill_calendar(run: Run) -> dict[str, Any]:
    from core.calendar import business_date, fill_year

    year = business_date(run.now()).year
    return {"days": fill_year(year) + fill_year(year + 1)}


@handler("core.rotate_keys", label=_("Seal everything with the new key"))
def rotate_keys(run: Run) -> dict[str, Any]:
    from core.rotation import reseal_all

    return reseal_all(run)
