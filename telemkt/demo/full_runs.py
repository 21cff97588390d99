"""The first hours of a full run in the demo: one campaign is prepared, and its sheets come by the job while people call."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import Campaign
from qa.models import QualityForm
from qa.services import full_run
from telemkt.demo.accounts import People, Role


def make_full_runs(people: People, at: datetime) -> None:
    """The campaign that is nearest to calling, with limits for what is won, complained of and broken off."""
    calling = Campaign.objects.filter(stage__in=Campaign.CALLING).order_by("pk").first()
    if calling is None:
        return
    full_run.prepare(
        campaign=calling,
        form=QualityForm.objects.get(code="full-run"),
        picks=10,
        shares={"success_rate": 0.03, "complaint_rate": 0.01, "broke_off": 0.2},
        by=people.by_role[str(Role.QA)],
        at=at,
    )
