"""Calls that come in: from the ring or the number that an agent types to the lead in the agent's hand, where the desk takes over.

An inbound call is no attempt against the person's budget but an answered conversation; calling hours, caps and refusals do not forbid
it. Whom a number belongs to is told only for customers whom the agent's team serves; everybody else is a caller who is not known.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _, gettext_lazy

from campaigns.models import AgentState, Campaign, InboundCall, Lead, LiveCall
from campaigns.queries_inbound import (
    RINGS,
    a_caller,
    campaigns_for,
    campaigns_of,
    can_ring,
    name_for_choice,
    other_hand,
)
from campaigns.services import claim, desk
from campaigns.telephony import CallStatus, adapter
from core.audit import audit
from core.errors import DomainError
from core.phones import clean_phone, mask_phone
from core.sealed import blind_index, seal, unseal
from customers.models import Customer, NumberUse
from customers.services.callers import add_caller, owner_of
from customers.services.persons import use_number
from people.models import City, Team, User

State = AgentState.State
# a number that an agent types comes from a telephone of which nothing is known here
TYPED = "handset"

# Why a call leaves the desk without a result.
ENDINGS = {
    "wrong_number": gettext_lazy("Dialled us by mistake"),
    "nobody": gettext_lazy("Nobody spoke"),
    "passed_on": gettext_lazy("Passed on to a colleague"),
    "no_matter": gettext_lazy("Nothing of our campaigns"),
}


class CallOpen(DomainError):
    """Another call is open at this desk."""


class NoCallOpen(DomainError):
    """No call has come in, or it is over."""


class NotAnswered(DomainError):
    """It still rings."""


class NobodyKnown(DomainError):
    """The number names nobody whom this desk may serve."""


class InOtherHand(DomainError):
    """Another agent has this person at the desk."""


class NotYourCampaign(DomainError):
    """The agent's team does not work on this campaign, or not for this customer."""


class CityUnknown(DomainError):
    """A new customer of a regional team needs a city."""


class EndingUnknown(DomainError):
    """A call without a result ends for one of the reasons."""


@dataclass(frozen=True)
class Choice:
    """What the agent has to say before the customer opens. `known`: may the caller be the owner of the number; `campaigns` of that person,
    `all_campaigns` of somebody new; `cities` only where the team serves several."""

    known: bool
    name: str
    campaigns: list[Campaign]
    all_campaigns: list[Campaign]
    cities: list[City]
    with_agent: User | None


def open_call(agent: User) -> InboundCall | None:
    return InboundCall.objects.select_related("customer").filter(agent=agent).first()


def status(call: InboundCall, at: datetime) -> CallStatus:
    return adapter(call.adapter).status(call=call.as_live(), at=at)


# ---------------------------------------------------------------- it begins


@transaction.atomic
def begin(*, agent: User, number: str, at: datetime) -> InboundCall:
    """An agent who has answered types the number of the caller. Counts as a search by exact number, found or not. The same number again is
    the same call. A customer in hand who was not dialled goes back to the queue.

    Raises BadPhone, CallOpen, desk.LeadInHand, claim.NoTeamToday, QuotaUsedUp.
    """
    clean = clean_phone(number)
    team = _free_desk(agent, at)
    call = _standing(agent)
    if call is not None:
        if bytes(call.blind_index) == blind_index(clean):
            return call
        raise CallOpen(_("A call is open at your desk already. End it first."))
    _empty_hand(agent, at)
    use_number(kind=NumberUse.Kind.SEARCH, by=agent, at=at)
    call = _made(agent, team, clean, TYPED, at)
    call.answered_at = at
    call.save()
    audit("campaigns.inbound.begun", call, by=agent, at=at, city_id=team.city_id, found=call.customer_id is not None)
    desk.set_state(agent=agent, state=State.TALKING, at=at)
    _open_if_plain(call, team, agent, at)
    return call


def next_lead(*, agent: User, at: datetime, goes_on: bool = False) -> Lead | None:
    """The next customer, unless somebody calls in just now on the simulated telephone (settings.SIMULATOR_INBOUND_PERCENT). `goes_on`: only for
    who is at the desk, and not in a break."""
    may_ring = random.random() * 100 < settings.SIMULATOR_INBOUND_PERCENT and (not goes_on or desk.is_at_work(agent))
    if may_ring and ring(agent=agent, at=at) is not None:
        return None
    return desk.next_lead(agent=agent, at=at, goes_on=goes_on)


@transaction.atomic
def ring(*, agent: User, at: datetime, is_asked: bool = False) -> InboundCall | None:
    """Somebody calls the free agent on the simulated telephone: a customer called before, now and then a stranger. None when the agent has a
    customer or a call, or no campaign with that telephone. `is_asked`: the agent wants it, and an undialled customer goes back to the queue.

    Raises claim.NoTeamToday and, when asked for, desk.LeadInHand.
    """
    team = _free_desk(agent, at)
    if is_asked and can_ring(team):
        _empty_hand(agent, at)
    if _standing(agent) is not None or Lead.objects.held_by(agent).exists():
        return None
    if not can_ring(team):
        return None
    call = _made(agent, team, a_caller(agent, team), RINGS, at)
    adapter(RINGS).ring(call=call, at=at)
    call.save()
    audit("campaigns.inbound.rang", call, by=agent, at=at, city_id=team.city_id, found=call.customer_id is not None)
    desk.set_state(agent=agent, state=State.WAITING, at=at)
    return call


@transaction.atomic
def answer(*, agent: User, at: datetime) -> InboundCall:
    """Take the call that rings; answered before, it stays so. Raises NoCallOpen when the caller has given up."""
    team = _free_desk(agent, at)
    call = _own(agent)
    if call.answered_at is not None:
        return call
    if status(call, at).is_over:
        raise NoCallOpen(_("The caller has hung up already."))
    adapter(call.adapter).answer(call=call, at=at)
    call.save(update_fields=["answered_at", "ends_at"])
    desk.set_state(agent=agent, state=State.TALKING, at=at)
    _open_if_plain(call, team, agent, at)
    return call


@transaction.atomic
def follow(*, agent: User, at: datetime) -> tuple[InboundCall | None, CallStatus | None]:
    """How the call that has no customer yet stands; one that nobody answered in time is gone."""
    call = open_call(agent)
    if call is None or call.lead_id is not None:
        return None, None
    now = status(call, at)
    if now.is_over and not now.is_connected:
        _missed(call, at)
        return None, None
    return call, now


def _missed(call: InboundCall, at: datetime) -> None:
    if InboundCall.objects.filter(pk=call.pk, answered_at=None).delete()[0]:
        audit("campaigns.inbound.missed", call, by=None, at=at, agent_id=call.agent_id)


@transaction.atomic
def hang_up(*, agent: User, at: datetime) -> None:
    """End the talking before the caller has become a customer; what it was about can still be recorded. Raises NoCallOpen."""
    call = _own(agent)
    adapter(call.adapter).hang_up(call=call, at=at)
    call.save(update_fields=["hung_up_at"])
    if call.answered_at is None:
        _missed(call, at)


@transaction.atomic
def drop(*, agent: User, reason: str, at: datetime) -> None:
    """The call leaves the desk without a result, for one of ENDINGS; the number is forgotten. Raises NoCallOpen, EndingUnknown."""
    if reason not in ENDINGS:
        raise EndingUnknown(_("Say why this call has no result."))
    _free_desk(agent, at)
    call = _own(agent)
    if call.lead_id is not None:
        raise desk.LeadInHand(_("Record the result of this call first."))
    call.delete()
    audit("campaigns.inbound.dropped", None, by=agent, at=at, reason=reason)
    desk.set_state(agent=agent, state=State.WAITING, at=at)


def _free_desk(agent: User, at: datetime) -> Team:
    """The agent's team; from here no lead is handed out and no other call begins at this desk until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.agent'), %s)", [agent.pk])
    team = agent.team_at(at)
    if team is None:
        raise claim.NoTeamToday(_("You belong to no team today. Ask your team leader."))
    return team


def _empty_hand(agent: User, at: datetime) -> None:
    lead = Lead.objects.held_by(agent).first()
    if lead is None:
        return
    if lead.dialled_at is not None:
        raise desk.LeadInHand(_("Record the result of this call first."))
    claim.give_back(lead=lead, agent=agent, at=at, reason="inbound")


def _made(agent: User, team: Team, clean: str, telephone: str, at: datetime) -> InboundCall:
    return InboundCall(
        agent=agent,
        adapter=telephone,
        blind_index=blind_index(clean),
        sealed=seal(clean),
        mask=mask_phone(clean),
        customer=owner_of(clean, city_id=team.city_id),
        placed_at=at,
    )


def _standing(agent: User) -> InboundCall | None:
    """The open call; one whose lead has left the hand by another way is over."""
    call = InboundCall.objects.filter(agent=agent).first()
    if call is None or call.lead_id is None or Lead.objects.held_by(agent).filter(pk=call.lead_id).exists():
        return call
    call.delete()
    return None


def _own(agent: User) -> InboundCall:
    call = InboundCall.objects.select_for_update(of=("self",)).filter(agent=agent).first()
    if call is None:
        raise NoCallOpen(_("No call is open at your desk."))
    return call


# ---------------------------------------------------------------- for whom, and about what


def choice_of(call: InboundCall, *, agent: User, at: datetime) -> Choice:
    """What may be chosen for this call. Raises claim.NoTeamToday."""
    team = agent.team_at(at)
    if team is None:
        raise claim.NoTeamToday(_("You belong to no team today. Ask your team leader."))
    customer = call.customer
    return Choice(
        known=customer is not None,
        name=name_for_choice(customer) if customer else "",
        campaigns=campaigns_for(customer, team) if customer else [],
        all_campaigns=list(campaigns_of(team, team.city_id)),
        cities=[] if team.city_id else list(City.objects.filter(is_on=True).order_by("name")),
        with_agent=other_hand(customer, agent) if customer else None,
    )


def _open_if_plain(call: InboundCall, team: Team, agent: User, at: datetime) -> None:
    """One person, one campaign, nobody else's hand: nothing is asked."""
    if call.customer is None or other_hand(call.customer, agent) is not None:
        return
    campaigns = campaigns_for(call.customer, team)
    if len(campaigns) == 1:
        _take(call, call.customer, campaigns[0], agent, at)


@transaction.atomic
def take(
    *, agent: User, campaign_id: int, at: datetime, is_new: bool = False, name: str = "", city_id: int | None = None
) -> Lead:
    """The caller is the owner of the number, or (`is_new`) somebody else: their lead in this campaign is in the agent's hand, talking. Where
    there is none it is made. Taken before, the same lead.

    Raises NoCallOpen, NotAnswered, NobodyKnown, NotYourCampaign, CityUnknown, InOtherHand, claim.NoTeamToday.
    """
    team = _free_desk(agent, at)
    call = _own(agent)
    if call.lead_id is not None:
        return Lead.objects.get(pk=call.lead_id)
    if call.answered_at is None:
        raise NotAnswered(_("Answer the call first."))
    if is_new:
        customer, campaign = _new_person(call, team, agent, campaign_id, name, city_id, at)
    elif call.customer is None:
        raise NobodyKnown(_("Nobody whom you serve is known by this number."))
    else:
        customer = call.customer
        campaign = _chosen(campaigns_for(customer, team), campaign_id)
    return _take(call, customer, campaign, agent, at)


def _new_person(
    call: InboundCall, team: Team, agent: User, campaign_id: int, name: str, city_id: int | None, at: datetime
) -> tuple[Customer, Campaign]:
    city = City.objects.filter(pk=team.city_id or city_id or 0).first()
    if city is None:
        raise CityUnknown(_("Ask the caller for the city and choose it."))
    campaign = _chosen(campaigns_of(team, city.pk), campaign_id)
    clean = unseal(bytes(call.sealed))
    return add_caller(clean=clean, name=name, city=city, by=agent, at=at), campaign


def _chosen(campaigns: Iterable[Campaign], campaign_id: int) -> Campaign:
    for campaign in campaigns:
        if campaign.pk == campaign_id:
            return campaign
    raise NotYourCampaign(_("Choose one of the campaigns that are offered."))


def _take(call: InboundCall, customer: Customer, campaign: Campaign, agent: User, at: datetime) -> Lead:
    """The person is locked before the lead, as everywhere."""
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    if customer.merged_into_id is not None or customer.is_locked:
        raise NobodyKnown(_("Nobody whom you serve is known by this number."))
    other = other_hand(customer, agent)
    if other is not None:
        raise InOtherHand(
            _("%(agent)s has this customer at the desk at this moment. Pass the call on, or wait.") % {"agent": other}
        )
    lead = _lead_of(customer, campaign, at)
    ended = lead.outcome
    lead.state, lead.outcome, lead.agent = Lead.State.HELD, "", agent
    lead.held_at = lead.dialled_at = call.placed_at
    lead.lease_until = at + timedelta(seconds=campaign.lease_seconds)
    lead.save(update_fields=["state", "outcome", "agent", "held_at", "dialled_at", "lease_until"])
    customer.held_lead_id = lead.pk
    customer.save(update_fields=["held_lead_id"])
    LiveCall.objects.unsettled().filter(lead=lead).update(settled_at=at)
    live = call.as_live()
    live.lead, live.agent, live.ended_before = lead, agent, ended
    live.phone_id = customer.phones.filter(blind_index=bytes(call.blind_index)).values_list("pk", flat=True).first()
    live.save()
    call.lead, call.customer = lead, customer
    call.save(update_fields=["lead", "customer"])
    desk.set_state(agent=agent, state=State.TALKING, at=at, campaign_id=campaign.pk)
    audit("campaigns.inbound.taken", lead, by=agent, at=at, campaign_id=campaign.pk, customer_id=customer.pk)
    return lead


def _lead_of(customer: Customer, campaign: Campaign, at: datetime) -> Lead:
    """A lead made for this call counts as closed until its result says otherwise: nobody planned to call this person."""
    lead = Lead.objects.select_for_update(of=("self",)).filter(customer=customer, campaign=campaign).first()
    return lead or Lead.objects.create(
        campaign=campaign,
        customer=customer,
        city_id=customer.city_id,
        source_id=customer.source_id,
        state=Lead.State.DONE,
        outcome=Lead.Outcome.CLOSED,
        due_at=at,
        ready_at=at,
    )


# ---------------------------------------------------------------- without a result


def put_back(lead: Lead, customer: Customer, call: LiveCall) -> None:
    """A lead of an inbound call whose agent went silent is as it was before the call; the attempts were never touched. Both are locked."""
    lead.state = Lead.State.DONE if call.ended_before else Lead.State.OPEN
    lead.outcome = call.ended_before
    lead.agent = lead.held_at = lead.lease_until = lead.dialled_at = None
    lead.last_call_at = call.placed_at
    lead.save(update_fields=["state", "outcome", "agent", "held_at", "lease_until", "dialled_at", "last_call_at"])
    if customer.held_lead_id == lead.pk:
        customer.held_lead_id = None
        customer.save(update_fields=["held_lead_id"])
    InboundCall.objects.filter(lead=lead).delete()


def forget_calls(*, at: datetime) -> int:
    """Calls that a desk left open are gone the day after, with their numbers."""
    return InboundCall.objects.filter(placed_at__lt=at - timedelta(days=1)).delete()[0]
