"""What the workers do for this app. Each handler is one service call."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.jobs import Run, handler, scheduled


@handler("customers.check_list", label=_("Check a lead list"), max_attempts=3, lease=timedelta(seconds=60))
def check_list(run: Run) -> dict[str, Any]:
    from customers.services import list_check

    return list_check.check_list(run)


@handler("customers.commit_list", label=_("Commit a lead list"), max_attempts=3, lease=timedelta(seconds=60))
def commit_list(run: Run) -> dict[str, Any]:
    from customers.services import list_commit

    return list_commit.commit_list(run)


@handler("customers.undo_list", label=_("Take a lead list back"), lease=timedelta(seconds=60))
def undo_list(run: Run) -> dict[str, Any]:
    from customers.services import list_undo

    return list_undo.take_back(run)


@handler(
    "customers.apply_register", label=_("Take in a do-not-call register"), max_attempts=3, lease=timedelta(seconds=60)
)
def apply_register(run: Run) -> dict[str, Any]:
    from customers.services import registers

    return registers.apply_register(run)


@handler("customers.repair_list", label=_("Correct rows of a lead list"), max_attempts=3, lease=timedelta(seconds=60))
def repair_list(run: Run) -> dict[str, Any]:
    from customers.services import repairs

    return repairs.repair_list(run)


@scheduled(
    "customers.recompute_due",
    every=timedelta(minutes=10),
    queue="fast",
    label=_("Free whom a suppression by date no longer holds"),
)
def recompute_due(run: Run) -> dict[str, Any]:
    from customers.services import suppress

    at = run.now()
    return {"changed": suppress.recompute_due(since=at - timedelta(days=2), at=at)}


@scheduled(
    "customers.recompute_suppressed", daily_at="02:10", label=_("Compare all marks with the suppressions in force")
)
def recompute_suppressed(run: Run) -> dict[str, Any]:
    from customers.services import greylist, suppress

    return {"changed": suppress.recompute_all(at=run.now()) + greylist.mark_all()}


@handler("customers.settle_indexes", label=_("Sort new customers into the search indexes"), max_attempts=3)
def settle_indexes(run: Run) -> dict[str, Any]:
    from customers.services import list_commit

    return {"pages": list_commit.settle_indexes()}


@handler(
    "customers.find_same_persons",
    label=_("Look for customers who may be the same person"),
    max_attempts=3,
    lease=timedelta(seconds=120),
)
def find_same_persons(run: Run) -> dict[str, Any]:
    from customers.services import same_persons

    return same_persons.find_same_persons(run)


@handler("customers.write_alert", label=_("Write a notice by e-mail"), max_attempts=5)
def write_alert(run: Run) -> dict[str, Any]:
    from customers.services import canary_alerts

    return canary_alerts.write_alert(run)


@handler("customers.refresh_segment", label=_("Count a segment"), max_attempts=3, lease=timedelta(seconds=120))
def refresh_segment(run: Run) -> dict[str, Any]:
    from customers.services import segment_members

    return segment_members.refresh_segment(run)


@scheduled("customers.refresh_segments", daily_at="03:10", label=_("Count the segments of this night"))
def refresh_segments(run: Run) -> dict[str, Any]:
    from customers.services import segment_members

    return {"segments": segment_members.refresh_due(day=date.fromisoformat(run.args["date"]), at=run.now())}
