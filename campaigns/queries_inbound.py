"""Who calls in on the simulated telephone, and whom a call may be about: campaigns of the team, the person's own of them, whose hand the person is in."""

from __future__ import annotations

import random

from django.db.models import Q, QuerySet

from campaigns import desk_fields
from campaigns.models import Call, Campaign, Lead
from core.sealed import unseal
from customers.models import Customer, Phone
from people.models import Team, User

RINGS = "simulator"  # the telephone that can bring a call by itself
RECENT = 50
STRANGERS = 6  # one of so many callers is nobody we know


def campaigns_of(team: Team, city_id: int | None = None) -> QuerySet[Campaign]:
    """Campaigns that the team works on now and that may sell; only those open to customers of the city, when one is named."""
    rows = Campaign.objects.filter(
        team_links__team=team, is_on=True, product__is_on=True, stage__in=Campaign.CALLING
    ).order_by("name")
    return rows if city_id is None else rows.filter(Q(city=None) | Q(city=city_id))


def can_ring(team: Team | None) -> bool:
    """Whether the simulated telephone can bring this team a call."""
    return team is not None and campaigns_of(team).filter(telephony=RINGS).exists()


def name_for_choice(customer: Customer) -> str:
    """Enough to ask "am I speaking with ...?"; the rest opens with the lead."""
    return desk_fields.masked(customer.name) or f"#{customer.pk}"


def campaigns_for(customer: Customer, team: Team) -> list[Campaign]:
    """Those in which the person is still to be called, promises first; when there is none, all that the team works on."""
    own = list(campaigns_of(team, customer.city_id))
    waiting = dict(
        Lead.objects.filter(customer=customer, campaign__in=own, state=Lead.State.OPEN).values_list(
            "campaign_id", "callback_agent"
        )
    )
    found = [campaign for campaign in own if campaign.pk in waiting]
    return sorted(found, key=lambda campaign: waiting[campaign.pk] is None) or own


def other_hand(customer: Customer, agent: User) -> User | None:
    """The colleague who has the person at the desk."""
    lead = Lead.objects.filter(customer=customer, state=Lead.State.HELD).exclude(agent=agent).first()
    return lead.agent if lead else None


def a_caller(agent: User, team: Team) -> str:
    """The number of a person the agent has called lately and may serve, else one that nobody has."""
    called = (
        Call.objects.filter(agent_id=agent.pk).order_by("-started_at").values_list("customer_id", flat=True)[:RECENT]
    )
    persons = Customer.objects.filter(pk__in=list(called), held_lead_id=None, is_locked=False)
    if team.city_id is not None:
        persons = persons.filter(city=team.city_id)
    phones = list(Phone.objects.filter(customer__in=persons, is_dead=False, is_primary=True).order_by("pk"))
    if not phones or random.randrange(STRANGERS) == 0:
        return f"86199{random.randrange(10**8):08d}"
    return unseal(bytes(random.choice(phones).sealed))
