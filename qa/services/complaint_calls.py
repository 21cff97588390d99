"""Which call a complaint is about: one that goes on when the complaint is taken has no row yet, and is named as soon as it is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from campaigns.models import Call, LiveCall
from customers.queries import former_ids
from qa.models import Complaint, ComplaintCategory

RECORDED_WITHIN = timedelta(days=2)  # a result saved without a connection comes later


def name_at_once(call: Call, category: ComplaintCategory) -> None:
    """A complaint of this category that was taken while the call went on names the call from here on. To be asked before the campaign is locked, as
    whoever weighs a complaint locks it first, too."""
    during = Complaint.objects.filter(live_since=call.started_at, agent_id=call.agent_id, category=category)
    complaint = during.select_for_update().first()
    if complaint is not None and not Complaint.objects.filter(call_id=call.pk, category=category).exists():
        _name(complaint, call)


def of_call(complaint: Complaint, call: Call) -> None:
    complaint.call_id, complaint.call_started_at, complaint.live_since = call.pk, call.started_at, None
    complaint.campaign_id, complaint.team_id, complaint.agent_id = call.campaign_id, call.team_id, call.agent_id
    complaint.script_version_id = call.script_version_id


def of_live(complaint: Complaint, live: LiveCall, at: datetime) -> None:
    """What is known before the call has its row; the script version comes with that."""
    team = live.agent.team_at(at)
    complaint.live_since, complaint.campaign_id, complaint.agent_id = (
        live.placed_at,
        live.lead.campaign_id,
        live.agent_id,
    )
    complaint.team_id = team.pk if team else None


def calls_to_name(at: datetime) -> list[int]:
    """Complaints that were taken while their call went on, and do not name it yet."""
    return list(
        Complaint.objects.filter(live_since__isnull=False, received_at__gt=at - RECORDED_WITHIN).order_by("pk").values_list("pk", flat=True)
    )  # fmt: skip


@transaction.atomic
def name_recorded_call(*, pk: int) -> bool:
    """The complaint names its call, as soon as that is recorded. False: it is not, or has another complaint of the category meanwhile."""
    complaint = Complaint.objects.select_for_update().get(pk=pk)
    if complaint.live_since is None:
        return False
    found = Call.objects.filter(agent_id=complaint.agent_id or 0, started_at=complaint.live_since)
    call = found.filter(customer_id__in=[complaint.customer_id, *former_ids(complaint.customer_id or 0)]).first()
    if call is None:
        return False
    is_other = Complaint.objects.filter(call_id=call.pk, category=complaint.category_id).exists()
    _name(complaint, None if is_other else call)
    return not is_other


def _name(complaint: Complaint, call: Call | None) -> None:
    """It waits for its call no more."""
    if call is not None:
        of_call(complaint, call)
    complaint.live_since = None
    complaint.save(
        update_fields=["live_since", "call_id", "call_started_at", "campaign_id", "team_id", "agent_id", "script_version_id"]
    )  # fmt: skip
