"""A customer is withdrawn while an agent has them: refused elsewhere, campaign, product or city switched off, use of the data ended.

Before the dial the lead leaves the desk at once. A call that goes on is not cut off: the agent is told how to end it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from campaigns.models import AgentState, Lead
from campaigns.services import claim, desk
from customers.models import Contact
from people.models import User

# What is said while the call goes on.
IN_CALL = {
    "suppressed": gettext_lazy(
        "It has just been recorded elsewhere that this customer must not be called any more. Bring the call to a polite end, sell nothing, and record its result."
    ),
    "campaign_off": gettext_lazy(
        "This campaign has just been stopped. Bring the call to a polite end and record its result."
    ),
    "stage": gettext_lazy(
        "This campaign is not in a calling stage any more. Bring the call to a polite end and record its result."
    ),
    "product_off": gettext_lazy(
        "This product must not be sold any more for now. Bring the call to a polite end, sell nothing, and record its result."
    ),
    "city_off": gettext_lazy(
        "Calling has just been stopped in this customer's city. Bring the call to a polite end and record its result."
    ),
}
ENDED = gettext_lazy("This customer's data may not be used any more. The lead has left your desk.")
REMEMBERED = timedelta(days=1)


def why_withdrawn(lead: Lead, *, at: datetime) -> str:
    """The code of what was just set against calling this lead, "" when there is nothing. The desk asks the same every second, with its pulse."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaigns_withdrawn(%s, %s)", [lead.pk, at])
        return cursor.fetchone()[0]


@transaction.atomic
def take_withdrawn(*, lead: Lead, agent: User, at: datetime) -> str:
    """An undialled lead that was withdrawn goes back as if never handed out. Returns why, as a sentence; "": it stays.
    Raises LeadNotYours, AlreadyDialled."""
    code = why_withdrawn(lead, at=at)
    if not code:
        return ""
    claim.give_back(lead=lead, agent=agent, at=at, reason=code)
    desk.set_state(agent=agent, state=AgentState.State.WAITING, at=at)
    return str(desk.REFUSALS[code])


def why_gone(*, lead_id: int, agent: User, at: datetime) -> str:
    """Why a lead that this agent had is not on the desk any more, where it was withdrawn; else "" (also for whoever never had it)."""
    lead = Lead.objects.filter(pk=lead_id).exclude(state=Lead.State.HELD).first()
    if lead is None or not _had(lead, agent, at):
        return ""
    if lead.outcome == Lead.Outcome.WITHDRAWN:
        return str(ENDED)
    code = "suppressed" if lead.outcome == Lead.Outcome.SUPPRESSED else why_withdrawn(lead, at=at)
    return str(desk.REFUSALS[code]) if code else ""


def _had(lead: Lead, agent: User, at: datetime) -> bool:
    """The ledger says whom the lead was handed to."""
    handed = Contact.objects.filter(customer_id=lead.customer_id, lead_id=lead.pk, agent_id=agent.pk)
    return handed.filter(at__gte=at - REMEMBERED).exists()


def said_in_call(code: str) -> str:
    """What the agent does, who is talking. "" without a code."""
    return str(IN_CALL[code]) if code else ""
