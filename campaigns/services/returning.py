"""A lead that leaves an agent's hand without a result."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import DeskDraft, Lead
from campaigns.services.resting import others_return
from customers.models import Contact, Customer


def return_undialled(lead: Lead, customer: Customer, *, due_at: datetime | None) -> None:
    """As if a held, locked lead had never been handed out: its reserved contact is void, the person's budget as it was."""
    reserved_at = lead.held_at
    assert reserved_at is not None  # a held lead has its moment: a constraint
    Contact.objects.filter(
        at=reserved_at, customer_id=customer.pk, lead_id=lead.pk, state=Contact.State.RESERVED, call_id=None
    ).update(state=Contact.State.VOID)
    customer.attempts = [moment for moment in customer.attempts if moment != reserved_at]
    if lead.callable_before is not None:
        customer.callable_from = lead.callable_before
    let_go(lead, customer, due_at=due_at)
    # a claim that met them meanwhile may have pushed them back for this attempt
    others_return(customer)


def let_go(lead: Lead, customer: Customer, *, due_at: datetime | None) -> None:
    """Out of the hand and back to the queue, with what the caller changed of attempts and budget; notes of this hold go."""
    DeskDraft.objects.filter(lead=lead).delete()
    lead.state, lead.outcome = Lead.State.OPEN, ""
    lead.agent = lead.held_at = lead.lease_until = lead.dialled_at = lead.callable_before = None
    lead.due_at = due_at or lead.due_at
    # what the customer asked for goes before gaps
    lead.ready_at = lead.due_at if lead.callback_agent_id else max(lead.due_at, customer.callable_from)
    lead.save(
        update_fields=[
            "state", "outcome", "agent", "held_at", "lease_until", "dialled_at", "callable_before", "due_at", "ready_at",
            "attempts_made", "last_call_at",
        ]
    )  # fmt: skip
    if customer.held_lead_id == lead.pk:
        customer.held_lead_id = None
    customer.save(update_fields=["attempts", "callable_from", "held_lead_id"])
