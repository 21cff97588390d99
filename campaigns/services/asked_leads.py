"""A lead that another part of the house asks for: one person to be called within a campaign, when the claim allows it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.models import Campaign, Lead
from customers.models import Customer

# who ended so is not to be called again, whoever asks
FINAL = (Lead.Outcome.SUPPRESSED, Lead.Outcome.BAD_NUMBER, Lead.Outcome.WITHDRAWN, Lead.Outcome.MERGED)


@transaction.atomic
def ask_for_call(*, customer: Customer, campaign: Campaign, at: datetime) -> Lead | None:
    """The person's open lead in the campaign: the one there is, the finished one again, or a new one. Hours, caps and gap are the claim's.

    None: the campaign does not call, or not there, or the person is not to be called in it any more.
    """
    if not campaign.is_on or campaign.stage not in Campaign.CALLING or campaign.city_id not in (None, customer.city_id):
        return None
    person = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    ready = max(at, person.callable_from)
    lead = Lead.objects.select_for_update(of=("self",)).filter(customer=person, campaign=campaign).first()
    if lead is None:
        return Lead.objects.create(
            campaign=campaign, customer=person, city_id=person.city_id, source_id=person.source_id, due_at=at, ready_at=ready
        )  # fmt: skip
    if lead.outcome in FINAL:
        return None
    if lead.state == Lead.State.DONE:
        lead.state, lead.outcome, lead.attempts_made, lead.due_at, lead.ready_at = Lead.State.OPEN, "", 0, at, ready
        lead.save(update_fields=["state", "outcome", "attempts_made", "due_at", "ready_at"])
    return lead
