"""Leads whose agent went silent return to their queue; desks that nobody sits at any more are closed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.models import AgentState, Lead, LiveCall
from campaigns.services import claim, inbound
from campaigns.services.held import LeadNotYours, lock_held
from campaigns.telephony import adapter
from core.audit import audit
from core.jobs.runner import reason_of
from customers.models import Customer

logger = logging.getLogger(__name__)
SILENT = timedelta(minutes=5)
AT_ONCE = 200


def release_stale_claims(*, at: datetime) -> int:
    """Return every lead whose lease has run out; how many. Each in a transaction of its own, so that one fault holds up nobody."""
    stale = Lead.objects.filter(state=Lead.State.HELD, lease_until__lt=at).order_by("lease_until")[:AT_ONCE]
    released = sum(_try_release(lead, at) for lead in stale)
    close_silent_desks(at=at)
    return released


def _try_release(lead: Lead, at: datetime) -> bool:
    try:
        return _release(lead, at)
    except Exception as error:  # one lead at fault, or its telephone, must not keep those behind it
        logger.error("lead %s could not be returned to its queue: %s", lead.pk, reason_of(error))
        return False


@transaction.atomic
def _release(lead: Lead, at: datetime) -> bool:
    try:
        customer, held = lock_held(lead, agent=None)
    except LeadNotYours:
        return False  # its result came meanwhile
    if held.lease_until is None or held.lease_until >= at:
        return False  # the agent is back
    agent_id, was_dialled = held.agent_id, held.dialled_at is not None
    came_in = LiveCall.objects.unsettled().filter(lead=held, is_inbound=True).first()
    _end_call(held, customer, at)
    if came_in is not None:
        inbound.put_back(held, customer, came_in)
    else:
        claim.return_lead(held, customer, at=at)
    audit(
        "campaigns.lead.returned",
        held,
        by=None,
        at=at,
        agent_id=agent_id,
        campaign_id=held.campaign_id,
        dialled=was_dialled,
    )
    return True


def _end_call(lead: Lead, customer: Customer, at: datetime) -> None:
    """The person may have been spoken to, though nobody told us the result: that weighs on the day."""
    for call in LiveCall.objects.unsettled().filter(lead=lead):
        status = adapter(call.adapter).status(call=call, at=at)
        if status.is_connected and (customer.answered_at is None or customer.answered_at < call.placed_at):
            customer.answered_at = call.placed_at
            customer.save(update_fields=["answered_at"])
        LiveCall.objects.filter(pk=call.pk).update(settled_at=at)


def close_silent_desks(*, at: datetime) -> int:
    """End the states of agents whose desk page gave no sign of life for minutes, at the last sign. Returns how many."""
    closed = 0
    for row in AgentState.objects.current().filter(seen_at__lt=at - SILENT)[:AT_ONCE]:
        closed += (
            AgentState.objects.current()
            .filter(pk=row.pk, seen_at=row.seen_at)
            .update(ended_at=max(row.began_at, row.seen_at or row.began_at))
        )
    return closed
