"""Pages of costs: what was entered, enter one, take it back, let it count again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import rules
from campaigns.filters_costs import CostFilter
from campaigns.forms_costs import CostForm
from campaigns.models import Cost
from campaigns.services import costs as services
from core.calendar import business_date, month_start
from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from people.access import must


def columns() -> list[Column]:
    return [
        Column("month", _("Month"), sort="month", template="campaigns/_cost_month.html", export=lambda cost: f"{cost.month:%Y-%m}"),
        Column("kind", _("Kind"), value="get_kind_display", sort="kind"),
        Column(
            "amount", _("Amount"), value=lambda cost: cost.amount_cents / 100, sort="amount_cents", num=True, kind="fixed", format="#,##0.00"
        ),
        Column("city", _("City"), value=lambda cost: cost.city.label if cost.city else _("all"), sort="city__name"),
        Column("campaign", _("Campaign"), value=lambda cost: str(cost.campaign) if cost.campaign else _("all"), sort="campaign__code"),
        Column("spread", _("Shared"), value=_shared, sort=""),
        Column("note", _("Note"), sort=""),
        Column("entered_by", _("Entered by"), value=lambda cost: str(cost.entered_by or ""), sort=""),
        Column("created_at", _("Entered"), kind="moment", width=18),
    ]  # fmt: skip


def _shared(cost: Cost) -> str:
    return "" if cost.city_id and cost.campaign_id else cost.get_spread_display()


def _visible(request: HttpRequest) -> QuerySet:
    return Cost.objects.visible_to(request.user).select_related("city", "campaign", "entered_by")


@never_cache
@require_GET
def costs(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_costs(request.user))
    turns = Column("turn", "", value=lambda cost: cost, sort="", template="campaigns/_cost_turn.html", export=False)
    listing = Listing(
        request, _visible(request), [*columns(), turns], name="campaigns.costs", title=_("Costs"), filterset=CostFilter, order="-month",
        empty_title=_("No cost was entered yet."),
        empty_text=_("Enter what staff, telephony, data and the rest cost in a month: cost per order and return on cost are made of it."),
    )  # fmt: skip
    total = listing.queryset.standing().aggregate(cents=Sum("amount_cents"))["cents"] or 0
    return listing.page_or_export("campaigns/costs.html", {"amount": total / 100})


@never_cache
@require_http_methods(["GET", "POST"])
def cost_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_costs(request.user))
    at = database_now()
    today = business_date(at)
    form = CostForm(
        request.POST or None, user=request.user, today=today, initial=_initial(request, f"{month_start(today):%Y-%m}")
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.enter_cost(**form.cleaned_data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The cost is entered."))
            return redirect(_next(form))
    context = {"form": form, "crumbs": [(_("Costs"), reverse("campaigns:costs"))]}
    return render(request, "campaigns/cost_new.html", context, status=422 if form.errors else 200)


KEPT = ("month", "city", "campaign")


def _initial(request: HttpRequest, month: str) -> dict[str, Any]:
    return {"month": month} | {name: request.GET[name] for name in KEPT if request.GET.get(name)}


def _next(form: CostForm) -> str:
    """The form again, for the next cost of the same month and place."""
    same = {name: form.data[name] for name in KEPT if form.data.get(name)}
    return f"{reverse('campaigns:cost-new')}?{urlencode(same)}"


@require_POST
def cost_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(
        request,
        pk,
        services.take_back_cost,
        _("The cost no longer counts. It is listed under “taken back”, and can be put back."),
    )


@require_POST
def cost_put_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(request, pk, services.put_back_cost, _("The cost counts again."))


def _turn(request: HttpRequest, pk: int, verb: Callable[..., Cost], done: str) -> HttpResponse:
    must(request, rules.can_see_costs(request.user))
    try:
        verb(cost=get_object_or_404(_visible(request), pk=pk), by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(f"{reverse('campaigns:costs')}?{request.GET.urlencode()}")
