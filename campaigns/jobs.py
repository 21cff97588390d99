"""What campaigns does in the background; each body is one service call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from core.jobs import Run, handler, scheduled


def _say_allocation(job: Any) -> str:
    result = job.result or {}
    left_out = sum(count for name, count in result.items() if name != "leads")
    return _("%(leads)s leads made, %(left_out)s customers left out.") % {
        "leads": result.get("leads", 0),
        "left_out": left_out,
    }


@handler("campaigns.allocate_list", label=gettext_lazy("Make leads of a list"), say=_say_allocation)
def allocate_list(run: Run) -> dict[str, Any]:
    from campaigns.services.allocation import make_leads

    return make_leads(run)


@scheduled(
    "campaigns.release_stale_claims",
    every=timedelta(seconds=60),
    queue="fast",
    label=gettext_lazy("Return leads whose agent went silent"),
)
def release_stale_claims(run: Run) -> dict[str, Any]:
    from campaigns.services.leases import release_stale_claims as release

    return {"returned": release(at=run.now())}


def _say_calls(job: Any) -> str:
    result = job.result or {}
    return _("%(rows)s rows read: %(new)s new, %(unchanged)s unchanged, %(rejected)s rejected.") % {
        "rows": result.get("rows", 0),
        "new": result.get("new", 0) + result.get("cancellation", 0),
        "unchanged": result.get("unchanged", 0),
        "rejected": result.get("conflict", 0) + result.get("invalid", 0),
    }


@handler("campaigns.import_calls", label=gettext_lazy("Bring in calls of another dialer"), say=_say_calls, lease=timedelta(seconds=120))
def import_calls(run: Run) -> dict[str, Any]:
    from campaigns.services.history import import_calls as work

    return work(run)


@scheduled("campaigns.make_months", daily_at="01:10", label=gettext_lazy("Make room for the calls of the coming months"))
def make_months(run: Run) -> dict[str, Any]:
    from core.calendar import business_date
    from core.partitions import default_rows, ensure_partitions

    made = ensure_partitions("campaigns_call", business_date(run.now()), 4)
    return {"made": made, "outside": default_rows("campaigns_call")}
