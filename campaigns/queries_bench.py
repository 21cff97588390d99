"""The test bench of the rules of contact: may this customer be called at that time for this campaign, and what does each rule say?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from campaigns.funnel import precedence
from campaigns.models import Campaign, Lead
from core.calendar import business_date
from customers.models import ContactRule, Customer
from customers.services import contacts, packs
from customers.services.contacts import Reason, Verdict


@dataclass(frozen=True)
class Answer:
    """`verdicts`: of each rule; `reasons`: everything against the call, rules included; `queue`: why the claim would not come to it."""

    verdicts: list[Verdict]
    reasons: list[Reason]
    queue: list[Reason]

    @property
    def is_allowed(self) -> bool:
        return not contacts.blocking(self.reasons)

    @property
    def is_handed_out(self) -> bool:
        """Whether the claim may hand this customer out."""
        return self.is_allowed and not self.queue

    @property
    def besides(self) -> list[Reason]:
        """What stands against the call and is no rule of a pack."""
        told = {verdict.reason.sentence for verdict in self.verdicts if verdict.reason}
        return [reason for reason in self.reasons if reason.sentence not in told]

    @property
    def until(self) -> datetime | None:
        """When the last of what blocks has passed by itself; None when something does not."""
        ends = [reason.until for reason in contacts.blocking(self.reasons)]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def ask(*, customer: Customer, campaign: Campaign, at: datetime, as_message: bool = False) -> Answer:
    """Judged with what is known of the customer now, at the moment `at`. A promise to call overrides nothing for a message."""
    lead = Lead.objects.filter(campaign=campaign, customer=customer).order_by("pk").first()
    callback = lead is not None and lead.callback_agent_id is not None and not as_message
    rows = _rules(campaign, customer, at)
    scope = {
        "city_id": customer.city_id,
        "campaign_id": campaign.pk,
        "product_id": campaign.product_id,
        "segment_ids": customer.rule_segments,
    }
    reasons = contacts.why_not(
        customer=customer, rules=contacts.combine(rows, **scope), at=at, campaign_id=campaign.pk, product_id=campaign.product_id,
        exclusion_group=campaign.exclusion_group, purpose=campaign.purpose, callback=callback,
    )  # fmt: skip
    others = {} if callback else precedence.wanted_first(campaign, [customer.pk], at)
    reasons = [*_switches(campaign, customer), *others.values(), *reasons]
    if not contacts.blocking(reasons) and not _is_judged_open(campaign, customer, at):
        reasons.insert(0, Reason("judged_closed", _("The claim keeps this city closed at that time.")))
    judged = contacts.verdicts(
        customer=customer, rows=rows, at=at, product_id=campaign.product_id, callback=callback
    )  # fmt: skip
    return Answer(judged, reasons, _queue(lead, at))


def _rules(campaign: Campaign, customer: Customer, at: datetime) -> list[ContactRule]:
    """The rows that count, as the claim takes them: a pack for the simulator only with the simulated telephone."""
    bound = list(campaign.packs.values_list("pk", flat=True))
    rows = packs.rules_in_force(pack_ids=bound, on=business_date(at))
    is_real = campaign.telephony != Campaign.Telephony.SIMULATOR
    counting = [row for row in rows if not (is_real and row.pack.simulator_only)]
    return contacts.fitting(
        counting, city_id=customer.city_id, campaign_id=campaign.pk, product_id=campaign.product_id, segment_ids=customer.rule_segments
    )  # fmt: skip


def _switches(campaign: Campaign, customer: Customer) -> list[Reason]:
    found = []
    if campaign.city_id not in (None, customer.city_id):
        told = {"campaign": campaign.name, "city": customer.city.label}
        found.append(Reason("outside", _("%(campaign)s does not call in %(city)s.") % told))
    if not campaign.is_on:
        found.append(Reason("campaign_off", _("The campaign is stopped.")))
    if campaign.stage not in Campaign.CALLING:
        found.append(
            Reason("stage", _("The campaign is not in a calling stage: %(stage)s.") % {"stage": campaign.get_stage_display()})
        )  # fmt: skip
    if not campaign.product.is_on:
        found.append(Reason("product_off", _("Its product must not be sold for now.")))
    return found


def _is_judged_open(campaign: Campaign, customer: Customer, at: datetime) -> bool:
    """What the claim itself asks before it looks at anybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cities IS NOT NULL FROM campaigns_rules_judged(%s, %s, %s, %s)",
            [campaign.pk, customer.city_id, business_date(at), at],
        )
        return bool(cursor.fetchone()[0])


def _queue(lead: Lead | None, at: datetime) -> list[Reason]:
    """Whether there is a lead that the claim could come to."""
    if lead is None:
        return [Reason("no_lead", _("The customer has no lead in this campaign."))]
    if lead.state != Lead.State.OPEN:
        return [
            Reason("lead_state", _("The lead is not in the queue: %(state)s.") % {"state": lead.get_state_display()})
        ]
    if lead.ready_at > at:
        return [Reason("lead_waits", _("The lead waits for its time."), lead.ready_at)]
    return []
