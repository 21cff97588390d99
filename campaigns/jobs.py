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
