"""Everything that stands against calling a lead now, in words, with the time when each ends: for a page of leads by few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, prefetch_related_objects
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from campaigns.funnel import classes, precedence
from campaigns.funnel.places import Place
from campaigns.models import Campaign, Lead
from customers.models import Consent, Customer, GreyEntry, Suppression
from customers.services import contacts
from customers.services.contacts import Known, Reason
from customers.services.greylist import entries_of_many
from customers.services.quiet_times import quiet_ends

# These are told by their own end; that the queue waits as long says nothing more.
RESTS = ("gap", "answered", "resting", "cap", "quiet", "grey_cap", "grey_hours")


@dataclass(frozen=True)
class LeadWhy:
    """A lead, its class, and all that stands against calling it, what decides about its class first."""

    lead: Lead
    name: str
    reasons: list[Reason]

    @property
    def label(self) -> str:
        return str(classes.WORDS[self.name])


def why_of(leads: Sequence[Lead], where: Iterable[Place], at: datetime) -> list[LeadWhy]:
    """Each of these leads of one campaign with its class and its reasons. Loads what it needs, a handful of queries for any number of leads."""
    by_city = {place.city.pk: place for place in where}
    campaign = next(iter(by_city.values())).campaign
    prefetch_related_objects(list(leads), "customer__city__zone", "customer__phones", "agent", "callback_agent")
    facts = _facts(leads, at)
    others = precedence.wanted_first(campaign, {lead.customer_id for lead in leads}, at)
    return [_why(lead, by_city[lead.city_id], facts, others, at) for lead in leads]


@dataclass(frozen=True)
class _Facts:
    """What is known of all the persons: suppressions, who gave a consent, until when who is not to be disturbed, the greylist."""

    rows: list[Suppression]
    consents: set[int]
    quiet: dict[int, datetime]
    grey: dict[int, list[GreyEntry]]


def _facts(leads: Sequence[Lead], at: datetime) -> _Facts:
    people = {lead.customer_id for lead in leads if lead.state == Lead.State.OPEN}
    numbers = [bytes(phone.blind_index) for lead in leads for phone in lead.customer.phones.all()]
    against = Suppression.objects.in_force(at).filter(Q(customer__in=people) | Q(phone_blind__in=numbers))
    given = Consent.objects.filter(customer__in=people).in_force(at)
    return _Facts(
        list(against.order_by("pk")),
        set(given.values_list("customer", flat=True)),
        quiet_ends((lead.customer for lead in leads if lead.state == Lead.State.OPEN), at),
        entries_of_many((lead.customer for lead in leads if lead.state == Lead.State.OPEN), at),
    )


def _why(lead: Lead, place: Place, facts: _Facts, others: dict[int, Reason], at: datetime) -> LeadWhy:
    if lead.state == Lead.State.DONE:
        told = _("Finished: %(outcome)s.") % {"outcome": lead.get_outcome_display()}
        return LeadWhy(lead, classes.class_of_done(lead.outcome), [Reason("done", told)])
    if lead.state == Lead.State.HELD:
        return LeadWhy(lead, classes.HELD, [_in_hand(lead)])
    reasons = _against(lead, place, facts, at)
    if lead.customer_id in others and lead.callback_agent_id is None:
        reasons.append(others[lead.customer_id])
    order = {code: n for n, (_name, codes) in enumerate(classes.REASONS) for code in codes}
    name = classes.class_of_open(reason.code for reason in reasons)
    return LeadWhy(lead, name, sorted(reasons, key=lambda reason: order[reason.code]))


def _against(lead: Lead, place: Place, facts: _Facts, at: datetime) -> list[Reason]:
    customer, campaign = lead.customer, place.campaign
    has_number = _has_number(customer, campaign, facts.rows)
    own = [row for row in facts.rows if row.customer_id == customer.pk]
    found = contacts.blocking(
        contacts.why_not(
            customer=customer, rules=place.rules_of(customer.rule_segments), at=at, campaign_id=campaign.pk, product_id=campaign.product_id,
            exclusion_group=campaign.exclusion_group, purpose=campaign.purpose, callback=lead.callback_agent_id is not None,
            known=Known(own, has_number=True, has_consent=customer.pk in facts.consents, quiet_until=facts.quiet.get(customer.pk), grey=facts.grey.get(customer.pk, [])),
        )
    )  # fmt: skip
    if not has_number:
        found.append(Reason("no_number", _("All numbers are dead or on a do-not-call list.")))
    told = {reason.code for reason in found}
    found += [Reason(code, _stopped(code, place)) for code in place.stops if code not in told]
    return found + _queued(lead, found, at)


def _has_number(customer: Customer, campaign: Campaign, rows: list[Suppression]) -> bool:
    """A suppression of a number takes that number, not the person."""
    listed: dict[bytes, list[Suppression]] = defaultdict(list)
    for row in rows:
        fits = row.campaign_id in (None, campaign.pk) and row.product_id in (None, campaign.product_id)
        if row.phone_blind is not None and fits:
            listed[bytes(row.phone_blind)].append(row)
    return any(not phone.is_dead and bytes(phone.blind_index) not in listed for phone in customer.phones.all())


def _queued(lead: Lead, found: list[Reason], at: datetime) -> list[Reason]:
    """What the lead itself waits for: a time agreed, the retry rule, half an hour after a skip."""
    if lead.ready_at <= at:
        return []
    told = {"when": _when(lead.ready_at), "agent": str(lead.callback_agent or "")}
    if lead.callback_agent_id:
        sentence = _("A callback was promised for %(when)s by %(agent)s.") % told
        return [Reason("promised", sentence, lead.ready_at)]
    if any(reason.code in RESTS and reason.until and reason.until >= lead.ready_at for reason in found):
        return []
    return [Reason("later", _("Waits in the queue until %(when)s, as the retry rule says.") % told, lead.ready_at)]


def _in_hand(lead: Lead) -> Reason:
    told = {"agent": str(lead.agent), "when": _when(lead.held_at)}
    return Reason("held", _("With %(agent)s since %(when)s.") % told)


def _stopped(code: str, place: Place) -> str:
    told = {
        "campaign": place.campaign.name, "stage": place.campaign.get_stage_display(), "city": place.city.label,
        "product": place.campaign.product.name,
    }  # fmt: skip
    sentences = {
        "campaign_off": _("%(campaign)s has been stopped."),
        "stage": _("%(campaign)s is not in a calling stage: %(stage)s."),
        "product_off": _("%(campaign)s: its product must not be sold for now."),
        "city_off": _("Calling is switched off in %(city)s."),
        "unknown_zone": _("The time zone of %(city)s is not known, so nobody is called there."),
        "outside": _("%(campaign)s does not call in %(city)s."),
        "register": _("%(campaign)s needs a newer do-not-call register."),
    }
    return sentences[code] % told


def _when(moment: datetime | None) -> str:
    return formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""
