"""Reads of calls and orders for lists and details. Facts point by plain ids; the few names are read once per request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils.translation import gettext as _

from campaigns import rules
from campaigns.desk_fields import Door
from campaigns.models import Answer, Call, Campaign, Disposition, Lead, Opportunity, Order, OrderEvent
from customers.models import Customer, LeadList, Phone, Source
from people.models import City, Team, User
from scripts.models import Offer, Product, ScriptStep, ScriptVersion

# a locked person is named to nobody, also where the fact itself stays
NAME = Subquery(Customer.objects.filter(pk=OuterRef("customer_id"), is_locked=False).values("name"))

# what the data request of the call's lead lets be seen; nothing when a list or a segment made the lead
OF_CALL = Lead.objects.filter(pk=OuterRef("lead_id")).values("data_request__fields")
CALL_OF_ORDER = Call.objects.filter(pk=OuterRef(OuterRef("call_id")), started_at=OuterRef(OuterRef("call_started_at")))
OF_ORDER = Lead.objects.filter(pk__in=CALL_OF_ORDER.values("lead_id")).values("data_request__fields")


def calls_shown(user: User) -> QuerySet[Call]:
    """Calls that the user may see, with what a row shows of customer, number and order; `allowed` for `door_of`."""
    rows = Call.objects.visible_to(user).annotate(
        customer_name=NAME,
        phone_mask=Subquery(Phone.objects.filter(pk=OuterRef("phone_id")).values("mask")),
        order_state=Subquery(Order.objects.filter(call_id=OuterRef("pk")).values("state")[:1]),
    )
    return rows.annotate(allowed=Subquery(OF_CALL)) if rules.is_bound_by_requests(user) else rows


def orders_shown(user: User) -> QuerySet[Order]:
    """Orders that the user may see, with the name; `allowed` for `door_of`."""
    rows = Order.objects.visible_to(user).annotate(customer_name=NAME)
    return rows.annotate(allowed=Subquery(OF_ORDER)) if rules.is_bound_by_requests(user) else rows


def opportunities_shown(user: User) -> QuerySet[Opportunity]:
    """Opportunities that the user may see, with the name; what was written of a locked person is not in them. `allowed` for `door_of`."""
    locked = Exists(Customer.objects.filter(pk=OuterRef("customer_id"), is_locked=True))
    rows = Opportunity.objects.visible_to(user).annotate(
        customer_name=NAME,
        wish_shown=Case(When(locked, then=Value("")), default=F("wish")),
        reason_shown=Case(When(locked, then=Value("")), default=F("reason")),
    )
    return rows.annotate(allowed=Subquery(OF_ORDER)) if rules.is_bound_by_requests(user) else rows


JUST_NOW, LONGEST_CALL = timedelta(minutes=30), timedelta(hours=12)
SECONDS = Func(
    F("ring_seconds") + F("talk_seconds"), template="make_interval(secs => %(expressions)s)", output_field=DurationField()
)  # fmt: skip
ENDED = ExpressionWrapper(F("started_at") + SECONDS, output_field=DateTimeField())


def answered_just_now(rows: QuerySet[Call], agent: User, at: datetime) -> QuerySet[Call]:
    """Of these the agent's answered calls that ended within half an hour before."""
    young = rows.filter(agent_id=agent.pk, started_at__gte=at - JUST_NOW - LONGEST_CALL, connected=True)
    return young.alias(ended=ENDED).filter(ended__gte=at - JUST_NOW)


def can_be_handed_over_now(agent: User, at: datetime) -> list[Call]:
    """The agent's last calls that are no opportunity yet, the newest first."""
    known = Exists(Opportunity.objects.filter(call_id=OuterRef("pk")))
    return list(answered_just_now(calls_shown(agent), agent, at).exclude(known).order_by("-started_at")[:3])


def door_of(row: Call | Order | Opportunity) -> Door:
    """What may be seen of the customer of a row of calls_shown, orders_shown or opportunities_shown; everything by whom no request binds."""
    return Door(getattr(row, "allowed", None))


def shown_name(row: Any, *, whole: bool, name: str | None = None) -> str:
    """The name beside a call or an order (`name`, else that of the row); the number of the row where a data request hides it."""
    door = door_of(row)
    name = short_name(door.let("name", name or row.customer_name), whole=whole)
    return name or ("" if door.fields is None else f"#{row.customer_id}")


def short_name(name: str | None, *, whole: bool) -> str:
    """The name for those who work with the customer, its first character for all others."""
    name = name or ""
    return name if whole or not name else f"{name[:1]}**"


class Names:
    """Names of the small tables, each read at its first use; at most one query per table and request."""

    @cached_property
    def cities(self) -> dict[int, str]:
        return {city.pk: city.label for city in City.objects.all()}

    @cached_property
    def teams(self) -> dict[int, str]:
        return {team.pk: str(team) for team in Team.objects.all()}

    @cached_property
    def campaigns(self) -> dict[int, str]:
        return {campaign.pk: str(campaign) for campaign in Campaign.objects.only("code", "name")}

    @cached_property
    def results(self) -> dict[int, Disposition]:
        return Disposition.objects.select_related("maps_to").in_bulk()

    @cached_property
    def agents(self) -> dict[int, str]:
        found = User.objects.exclude(code=None).only("username", "display_name", "code")
        return {user.pk: f"{user.code} {user}" if user.code and user.code != str(user) else str(user) for user in found}

    def agent(self, pk: int) -> str:
        return self.agents.get(pk) or _("agent %(number)s") % {"number": pk}

    def result(self, pk: int) -> str:
        return str(self.results.get(pk, ""))


@dataclass(frozen=True)
class CallDetail:
    """Everything about one call that its page shows."""

    call: Call
    customer: Customer
    phone: Phone | None
    facts: list[tuple[str, str]]
    answers: list[Answer]
    orders: list[Order]


def call_detail(call: Call) -> CallDetail:
    """Of a row of calls_shown: what a data request hides is not in the facts either."""
    names = Names()
    return CallDetail(
        call=call,
        customer=Customer.objects.select_related("city").get(pk=call.customer_id),
        phone=Phone.objects.defer("sealed").filter(pk=call.phone_id).first(),
        facts=_circumstances(call, names),
        answers=list(
            Answer.objects.filter(call_id=call.pk, call_started_at=call.started_at)
            .select_related("question")
            .order_by("question__position")
        ),
        orders=list(Order.objects.filter(call_id=call.pk).select_related("product", "offer").order_by("pk")),
    )


def _circumstances(call: Call, names: Names) -> list[tuple[str, str]]:
    """What was so at the call, under its label; what is not known is left out."""
    told = [
        (_("Agent"), names.agent(call.agent_id)),
        (_("Team"), names.teams.get(call.team_id, "")),
        (_("Team's city"), names.cities.get(call.team_city_id or 0, "")),
        (_("Customer's city"), names.cities.get(call.city_id, "")),
        (_("Campaign"), names.campaigns.get(call.campaign_id, "")),
        (_("Product"), _name_of(Product, call.product_id)),
        (_("Offer"), _name_of(Offer, call.offer_id)),
        (_("Script version"), _name_of(ScriptVersion, call.script_version_id)),
        (_("Step at which it ended"), _name_of(ScriptStep, call.step_id)),
        (_("List"), _name_of(LeadList, call.list_id)),
        (_("Source"), door_of(call).let("source", _name_of(Source, call.source_id))),
        (_("Product was recommended"), _("yes") if call.recommended else _("no")),
        (_("Reason"), call.reason),
    ]
    return [(label, value) for label, value in told if value]


def _name_of(model: type, pk: int | None) -> str:
    found = model.objects.filter(pk=pk).first() if pk else None  # type: ignore[attr-defined]
    return str(found) if found else ""


def order_history(order: Order) -> list[OrderEvent]:
    return list(order.events.select_related("by").order_by("occurred_at", "pk"))
