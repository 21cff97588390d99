"""A lead that another part of the house asks for: one person to be called within a campaign, when the claim allows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from campaigns.models import Callback, Campaign, Lead
from campaigns.services.refusals import end_leads
from customers.models import Customer
from customers.services.suppress import lock_person

# who ended so is not to be called again, whoever asks
FINAL = (Lead.Outcome.SUPPRESSED, Lead.Outcome.BAD_NUMBER, Lead.Outcome.WITHDRAWN, Lead.Outcome.MERGED)


@dataclass(frozen=True)
class AskedLead:
    """`is_for_us`: it is called for whoever asked alone; else it was open before, and goes on by itself."""

    lead: Lead
    is_for_us: bool


@transaction.atomic
def ask_for_call(*, customer: Customer, campaign: Campaign, at: datetime) -> AskedLead | None:
    """The person's open lead in the campaign: the one there is, the finished one again, or a new one. Hours, caps and gap are the claim's.

    None: the campaign does not call, or not there, or the person is not to be called in it any more.
    """
    if not campaign.is_on or campaign.stage not in Campaign.CALLING or campaign.city_id not in (None, customer.city_id):
        return None
    person = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    ready = max(at, person.callable_from)
    lead = Lead.objects.select_for_update(of=("self",)).filter(customer=person, campaign=campaign).first()
    if lead is None:
        made = Lead.objects.create(
            campaign=campaign, customer=person, city_id=person.city_id, source_id=person.source_id, due_at=at, ready_at=ready
        )  # fmt: skip
        return AskedLead(made, is_for_us=True)
    if lead.outcome in FINAL:
        return None
    is_done = lead.state == Lead.State.DONE
    if is_done:
        lead.state, lead.outcome, lead.attempts_made, lead.due_at, lead.ready_at = Lead.State.OPEN, "", 0, at, ready
        lead.save(update_fields=["state", "outcome", "attempts_made", "due_at", "ready_at"])
    return AskedLead(lead, is_for_us=is_done)


@transaction.atomic
def take_back(*, lead_id: int) -> bool:
    """Nobody needs the call any more: the lead ends as closed. One in an agent's hand, or with a call that was promised to the customer, is
    left as it is. False: it stays open."""
    row = Lead.objects.select_related("customer").get(pk=lead_id)
    lock_person(row.customer, None)
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead_id)
    if lead.state == Lead.State.DONE:
        return True
    if lead.state == Lead.State.HELD or Callback.objects.filter(lead=lead, state=Callback.State.PROMISED).exists():
        return False
    end_leads([lead.pk], Lead.Outcome.CLOSED)
    return True
