"""Pages of calls: the list to which every figure leads, one call, the calls of a customer."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.filters import RECENT_DAYS, CallFilter
from campaigns.models import Call, Opportunity, Order
from campaigns.queries_calls import Names, call_detail, calls_shown, shown_name
from campaigns.queries_script_path import way_of
from campaigns.services import opportunities as services
from core.clock import database_now
from core.listing import Column, Listing
from customers.models import Customer
from customers.queries import former_ids
from customers.rules import can_see_customers
from people.access import must
from people.exports import two_persons_of_teams
from people.models import User

OF_CUSTOMER = 20


class FactListing(Listing):
    """Newest first as the index has it: no column here is ever empty, so that nothing need be said about where nothing stands."""

    def _ordering(self) -> list[Any]:
        wanted = self.sort or self.order
        name = wanted.removeprefix("-")
        field = next((column.order for column in self.columns if column.name == name), name)
        sign = "-" if wanted.startswith("-") else ""
        return [f"{sign}{field}", f"{sign}pk"]


def _address(call: Call) -> str:
    return reverse("campaigns:call", args=[call.pk])


def columns(user: User, names: Names) -> list[Column]:
    whole = rules.can_see_names(user)
    return [
        Column("started_at", _("Time"), kind="moment", width=18, link=_address),
        Column("customer", _("Customer"), value=lambda call: shown_name(call, whole=whole), sort=""),
        Column("number", _("Number"), value="phone_mask", sort=""),
        Column("city", _("City"), value=lambda call: names.cities.get(call.city_id), sort=""),
        Column("agent", _("Agent"), value=lambda call: names.agent(call.agent_id), sort=""),
        Column("team", _("Team"), value=lambda call: names.teams.get(call.team_id), sort=""),
        Column("campaign", _("Campaign"), value=lambda call: names.campaigns.get(call.campaign_id), sort=""),
        Column(
            "result",
            _("Result"),
            value=lambda call: names.result(call.disposition_id),
            sort="",
            template="campaigns/_call_result.html",
        ),
        Column("talk_seconds", _("Talk"), num=True, kind="duration"),
        Column("after_call_seconds", _("After call"), num=True, kind="duration"),
        Column("order", _("Order"), value=lambda call: order_word(call.order_state), sort=""),
    ]


def order_word(state: str | None) -> str:
    return str(Order.State(state).label) if state else ""


class CallListing(FactListing):
    @cached_property
    def agent_shown(self) -> str:
        """The agent whose calls these are, when the link named one."""
        form = self.filterset.form
        agent = form.cleaned_data.get("agent") if form.is_valid() else None
        return str(agent) if agent else ""

    @property
    def note(self) -> str:
        """What the list leaves out without having been asked to."""
        if not self.filterset.is_recent_only:
            return ""
        return _("Without dates, this list covers the last %(days)s days. Choose dates to see others.") % {
            "days": RECENT_DAYS
        }


@never_cache
@require_GET
def calls(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_read_calls(request.user))
    listing = CallListing(
        request, calls_shown(request.user), columns(request.user, Names()), name="campaigns.calls", title=_("Calls"), filterset=CallFilter,
        order="-started_at", may_export=not request.user.is_agent, row_link=_address, door=two_persons_of_teams,
        empty_title=_("No calls yet."), empty_text=_("They appear here as agents record them, or when the history of another dialer is imported."),
    )  # fmt: skip
    return listing.page_or_export("campaigns/calls.html")


@never_cache
@require_GET
def call(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_calls(request.user))
    row = get_object_or_404(calls_shown(request.user), pk=pk)
    detail = call_detail(row)
    names = Names()
    opportunity = Opportunity.objects.filter(call_id=row.pk).first()  # seen by whoever sees the call
    may_open = Customer.objects.visible_to(request.user).filter(pk=row.customer_id).exists()
    if detail.customer.is_locked and not may_open:
        raise Http404
    context = {
        "detail": detail,
        "call": row,
        "way": way_of(row),
        "opportunity": opportunity if rules.can_read_opportunities(request.user) else None,
        "may_hand_over": opportunity is None and services.can_be_handed_over(row, request.user, database_now()),
        "may_read_paths": rules.can_read_campaigns(request.user),
        "result": names.result(row.disposition_id),
        "customer_name": shown_name(row, whole=rules.can_see_names(request.user), name=detail.customer.name),
        "may_open_customer": may_open and can_see_customers(request.user),
        "crumbs": [(_("Calls"), reverse("campaigns:calls"))],
    }
    return render(request, "campaigns/call_detail.html", context)


# ---------------------------------------------------------------- parts of a customer's page


def _customer_rows(request: HttpRequest, pk: int, rows: QuerySet) -> QuerySet:
    """Of the customer and of whoever was merged into them: it is one person's history."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return rows.filter(customer_id__in=[customer.pk, *former_ids(customer.pk)])


@never_cache
@require_GET
def customer_calls(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_calls(request.user))
    rows = _customer_rows(request, pk, calls_shown(request.user)).order_by("-started_at")[:OF_CUSTOMER]
    names = Names()
    shown = [
        (row, names.result(row.disposition_id), names.agent(row.agent_id), names.campaigns.get(row.campaign_id))
        for row in rows
    ]
    return render(request, "campaigns/calls_of_customer.html", {"rows": shown})


@never_cache
@require_GET
def customer_orders(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_orders(request.user))
    rows = (
        _customer_rows(request, pk, Order.objects.visible_to(request.user))
        .select_related("product")
        .order_by("-call_started_at")[:OF_CUSTOMER]
    )
    return render(request, "campaigns/orders_of_customer.html", {"orders": rows})
