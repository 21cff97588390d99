"""Pages of orders: the list, one order, cancel and reinstate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns import rules
from campaigns.filters import OrderFilter
from campaigns.forms_orders import OrderEventForm
from campaigns.models import Order
from campaigns.queries_calls import Names, order_history, orders_shown, shown_name
from campaigns.services import orders as services
from campaigns.views.calls import FactListing
from core.clock import database_now
from core.errors import DomainError
from core.listing import Column
from people.access import must
from people.exports import two_persons_of_teams
from people.models import User


def columns(user: User, names: Names) -> list[Column]:
    whole = rules.can_see_names(user)
    return [
        Column("call_started_at", _("Sold"), kind="moment", width=18),
        Column("number", _("Order"), sort="", link=lambda order: reverse("campaigns:order", args=[order.pk])),
        Column("product", _("Product"), value="product.name", sort=""),
        Column(
            "amount_cents",
            _("Amount"),
            value=lambda order: order.amount_cents / 100,
            sort="amount_cents",
            num=True,
            kind="fixed",
            format="#,##0.00",
        ),
        Column("state", _("State"), value="get_state_display", sort="state", template="campaigns/_order_state.html"),
        Column("customer", _("Customer"), value=lambda order: shown_name(order, whole=whole), sort=""),
        Column("city", _("City"), value=lambda order: names.cities.get(order.city_id), sort=""),
        Column("agent", _("Agent"), value=lambda order: names.agent(order.agent_id), sort=""),
        Column("team", _("Team"), value=lambda order: names.teams.get(order.team_id), sort=""),
        Column("campaign", _("Campaign"), value=lambda order: names.campaigns.get(order.campaign_id), sort=""),
    ]


@never_cache
@require_GET
def orders(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_read_orders(request.user))
    listing = FactListing(
        request, orders_shown(request.user).select_related("product"), columns(request.user, Names()), name="campaigns.orders",
        title=_("Orders"), filterset=OrderFilter, order="-call_started_at", may_export=not request.user.is_agent, door=two_persons_of_teams,
        row_link=lambda order: reverse("campaigns:order", args=[order.pk]),
        empty_title=_("No orders yet."), empty_text=_("A call that ends in a sale makes one."),
    )  # fmt: skip
    return listing.page_or_export("campaigns/orders.html")


@never_cache
@require_GET
def order(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_orders(request.user))
    return _page(request, _order(request, pk))


@require_POST
def order_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _change(request, pk, services.cancel_order, _("The order is cancelled."))


@require_POST
def order_reinstate(request: HttpRequest, pk: int) -> HttpResponse:
    return _change(request, pk, services.reinstate_order, _("The order stands again."))


def _order(request: HttpRequest, pk: int) -> Order:
    return get_object_or_404(orders_shown(request.user).select_related("product", "offer"), pk=pk)


def _change(request: HttpRequest, pk: int, verb: Callable[..., Order], done: str) -> HttpResponse:
    row = _order(request, pk)
    must(request, rules.can_change_order(request.user))
    form = OrderEventForm(request.POST)
    if form.is_valid():
        try:
            verb(order=row, by=request.user, at=database_now(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done)
            return redirect("campaigns:order", pk=row.pk)
    return _page(request, row, form)


def _page(request: HttpRequest, row: Order, form: OrderEventForm | None = None) -> HttpResponse:
    names, at = Names(), database_now()
    is_cancelled = row.state == Order.State.CANCELLED
    context: dict[str, Any] = {
        "order": row,
        "amount": row.amount_cents / 100,
        "events": order_history(row),
        "customer_name": shown_name(row, whole=rules.can_see_names(request.user)),
        "facts": [
            (_("Agent"), names.agent(row.agent_id)), (_("Team"), names.teams.get(row.team_id, "")),
            (_("City"), names.cities.get(row.city_id, "")), (_("Campaign"), names.campaigns.get(row.campaign_id, "")),
        ],
        "may_change": rules.can_change_order(request.user),
        "is_cancelled": is_cancelled,
        "verb_url": reverse("campaigns:order-reinstate" if is_cancelled else "campaigns:order-cancel", args=[row.pk]),
        "form": form or OrderEventForm(initial={"occurred_at": _to_the_minute(at)}),
        "crumbs": [(_("Orders"), reverse("campaigns:orders"))],
    }  # fmt: skip
    return render(request, "campaigns/orders_detail.html", context, status=422 if form else 200)


def _to_the_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
