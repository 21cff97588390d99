"""Reads of complaints for screens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.models import Call, Lead, LiveCall
from campaigns.queries_calls import JUST_NOW, LONGEST_CALL, answered_just_now
from campaigns.services.desk import live_call
from core.numbers import LARGEST_ID, number_or_none
from customers.models import Customer
from people.models import City, Membership, User
from qa.models import Complaint, Recording
from qa.models.complaints import COMPLAINT_READERS


def complaints_shown(user: User) -> QuerySet[Complaint]:
    return Complaint.objects.visible_to(user).select_related("category", "in_charge", "received_by", "cause_article")


def overdue_of(user: User, at: datetime) -> int:
    """How many the person is in charge of that should have been answered by now."""
    return Complaint.objects.overdue(at).filter(in_charge=user).count()


def people_for(complaint: Complaint, day: date) -> QuerySet[User]:
    """Who may be put in charge: those who answer for its city or team that day, without the agent of its call."""
    place = Q(city=None, team=None) | Q(city_id=complaint.city_id)
    if complaint.team_id is not None:
        place |= Q(team_id=complaint.team_id)
    held = Membership.objects.valid_on(day).filter(place, role__in=COMPLAINT_READERS)
    rows = User.objects.filter(pk__in=held.values("user"), is_active=True)
    return rows.exclude(pk=complaint.agent_id).order_by("display_name", "username")


def call_of(user: User, complaint: Complaint) -> Call | None:
    """The call as far as the user may open it."""
    if complaint.call_id is None:
        return None
    rows = Call.objects.visible_to(user).filter(pk=complaint.call_id, started_at=complaint.call_started_at)
    return rows.first()


def recording_of(user: User, complaint: Complaint) -> Recording | None:
    if complaint.call_id is None:
        return None
    return Recording.objects.visible_to(user).kept().filter(call_id=complaint.call_id).order_by("-pk").first()


def customer_of(complaint: Complaint) -> Customer | None:
    return Customer.objects.filter(pk=complaint.customer_id).first() if complaint.customer_id else None


def of_call(user: User, call: Call) -> QuerySet[Complaint]:
    return complaints_shown(user).filter(call_id=call.pk).order_by("received_at", "pk")


def cities_for(user: User) -> QuerySet[City]:
    """Where the user may take a complaint without a call: the cities of the role, and of the own or led teams."""
    day = user.memberships.valid_on(timezone.localdate())
    teams = day.exclude(team=None).values("team__city")
    return City.objects.filter(Q(pk__in=City.objects.visible_to(user).values("pk")) | Q(pk__in=teams)).order_by("name")


# -- at the desk -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeskCall:
    """A call that an agent can take a complaint of at the desk: the one that goes on (`live`), or one recorded just now (`call`)."""

    key: str
    customer: Customer | None
    started_at: datetime
    live: LiveCall | None = None
    call: Call | None = None


def desk_calls(agent: User, at: datetime) -> list[DeskCall]:
    """The call in hand, then the one before it. Asked when the sheet is opened, not with the desk."""
    lead = Lead.objects.held_by(agent).select_related("customer").first()
    live = live_call(lead) if lead else None
    found = [DeskCall(f"live-{live.pk}", lead.customer, live.placed_at, live=live)] if lead and live else []
    return found + [
        _recorded(call) for call in answered_just_now(Call.objects.all(), agent, at).order_by("-started_at")[:1]
    ]


def desk_call(agent: User, key: str, at: datetime) -> DeskCall | None:
    """The call that the sheet was opened for; recorded meanwhile, it is that call."""
    kind, _dash, number = key.partition("-")
    pk = number_or_none(number, LARGEST_ID)
    if kind == "call":
        # the sheet may have stood open for a while
        call = answered_just_now(Call.objects.all(), agent, at - JUST_NOW).filter(pk=pk).first()
        return _recorded(call) if call else None
    live = LiveCall.objects.select_related("lead__customer", "agent").filter(pk=pk, agent=agent).first()
    if kind != "live" or live is None:
        return None
    call = Call.objects.filter(agent_id=agent.pk, started_at=live.placed_at, lead_id=live.lead_id).first()
    if call is not None:
        return _recorded(call)
    return DeskCall(key, live.lead.customer, live.placed_at, live=live) if live.placed_at > at - LONGEST_CALL else None


def _recorded(call: Call) -> DeskCall:
    customer = Customer.objects.filter(pk=call.customer_id).first()
    return DeskCall(f"call-{call.pk}", customer, call.started_at, call=call)
