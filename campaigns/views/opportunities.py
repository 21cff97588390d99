"""Pages of opportunities: the list, one of them, hand one over from a call or at the desk, close it, open it again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import rules
from campaigns.filters_opportunities import OpportunityFilter
from campaigns.forms_opportunities import CloseForm, HandOverForm
from campaigns.models import Call, Opportunity
from campaigns.queries_calls import Names, calls_shown, can_be_handed_over_now, opportunities_shown, shown_name
from campaigns.services import opportunities as services
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from people.exports import two_persons_of_teams
from people.models import User


def columns(user: User, names: Names) -> list[Column]:
    whole = rules.can_see_names(user)
    return [
        Column("handed_at", _("Handed over"), kind="moment", width=18),
        Column("wish", _("What the customer wants"), value="wish_shown", sort="", width=40),
        Column("closer", _("Who closes it"), sort="closer"),
        Column("state", _("State"), value="get_state_display", sort="state", template="campaigns/_opportunity_state.html"),
        Column("amount", _("Amount"), value=_amount, sort="amount_cents", num=True, kind="fixed", format="#,##0.00"),
        Column("quality", _("How well prepared"), value="get_quality_display", sort=""),
        Column("customer", _("Customer"), value=lambda row: shown_name(row, whole=whole), sort=""),
        Column("city", _("City"), value=lambda row: names.cities.get(row.city_id), sort=""),
        Column("agent", _("Agent"), value=lambda row: names.agent(row.agent_id), sort=""),
        Column("campaign", _("Campaign"), value=lambda row: names.campaigns.get(row.campaign_id), sort=""),
    ]  # fmt: skip


def _amount(row: Opportunity) -> float | None:
    return None if row.amount_cents is None else row.amount_cents / 100


@never_cache
@require_GET
def opportunities(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_read_opportunities(request.user))
    listing = Listing(
        request, opportunities_shown(request.user), columns(request.user, Names()), name="campaigns.opportunities",
        title=_("Opportunities"), filterset=OpportunityFilter, order="-handed_at", may_export=not request.user.is_agent, door=two_persons_of_teams,
        row_link=lambda row: reverse("campaigns:opportunity", args=[row.pk]),
        empty_title=_("No opportunity was handed over yet."),
        empty_text=_("A sale that somebody else closes is handed over at the desk after the call, or on the page of the call."),
    )  # fmt: skip
    return listing.page_or_export("campaigns/opportunities.html")


@never_cache
@require_GET
def opportunity(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_opportunities(request.user))
    return _page(request, _found(request, pk))


@require_POST
def opportunity_close(request: HttpRequest, pk: int) -> HttpResponse:
    row, at = _found(request, pk), database_now()
    must(request, rules.can_close_opportunity(request.user, row))
    if row.state != Opportunity.State.OPEN:
        messages.error(request, _("This opportunity is closed already."))
        return redirect("campaigns:opportunity", pk=row.pk)
    form = CloseForm(request.POST, today=business_date(at))
    if form.is_valid():
        try:
            services.close_opportunity(opportunity=row, by=request.user, at=at, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The end is written down."))
            return redirect("campaigns:opportunity", pk=row.pk)
    return _page(request, row, form)


@require_POST
def opportunity_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    row = _found(request, pk)
    must(request, rules.can_close_opportunity(request.user, row))
    try:
        services.reopen_opportunity(opportunity=row, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("campaigns:opportunity", pk=row.pk)


@never_cache
@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """From the page of a call."""
    must(request, rules.can_read_calls(request.user))
    call = get_object_or_404(calls_shown(request.user), pk=pk)
    must(request, rules.can_hand_over_opportunity(request.user, call))
    form = HandOverForm(request.POST or None)
    made = _handed_over(request, form, call) if request.method == "POST" and form.is_valid() else None
    if made:
        messages.success(request, _("The opportunity is handed over."))
        return redirect("campaigns:opportunity", pk=made.pk)
    crumbs = [(_("Calls"), reverse("campaigns:calls")), (_("Call"), reverse("campaigns:call", args=[call.pk]))]
    return render(
        request,
        "campaigns/opportunity_new.html",
        {"form": form, "call": call, "crumbs": crumbs},
        status=422 if form.errors else 200,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def desk_sheet(request: HttpRequest) -> HttpResponse:
    """The sheet at an agent's desk, of the calls recorded just now."""
    must(request, rules.can_work_desk(request.user))
    form = HandOverForm(request.POST or None, auto_id="opportunity-%s")
    form.fields["wish"].widget.attrs["autofocus"] = True  # the sheet opens before its form is there
    asked = number_or_none(request.POST.get("call", ""), LARGEST_ID)
    if request.method == "POST" and form.is_valid():
        call = get_object_or_404(calls_shown(request.user), pk=asked or 0)
        if made := _handed_over(request, form, call):
            return render(request, "campaigns/_opportunity_desk.html", {"made": made})
    whole = rules.can_see_names(request.user)
    found = can_be_handed_over_now(request.user, database_now())
    if asked and asked not in [call.pk for call in found]:  # the sheet may have stood open for a while
        found += calls_shown(request.user).filter(pk=asked)
    calls = [(call, shown_name(call, whole=whole)) for call in found]
    context = {"form": form, "calls": calls, "asked": asked or (calls[0][0].pk if calls else None)}
    return render(request, "campaigns/_opportunity_desk.html", context, status=422 if form.errors else 200)


def _handed_over(request: HttpRequest, form: HandOverForm, call: Call) -> Opportunity | None:
    """None when a refusal stands in the form."""
    try:
        return services.hand_over(call=call, by=request.user, at=database_now(), **form.cleaned_data)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


def _found(request: HttpRequest, pk: int) -> Opportunity:
    return get_object_or_404(opportunities_shown(request.user).select_related("closed_by"), pk=pk)


def _page(request: HttpRequest, row: Opportunity, form: CloseForm | None = None) -> HttpResponse:
    names = Names()
    context: dict[str, Any] = {
        "row": row,
        "customer_name": shown_name(row, whole=rules.can_see_names(request.user)),
        "facts": [
            (_("Agent"), names.agent(row.agent_id)), (_("Team"), names.teams.get(row.team_id or 0, "")),
            (_("City"), names.cities.get(row.city_id, "")), (_("Campaign"), names.campaigns.get(row.campaign_id or 0, "")),
        ],
        "may_close": rules.can_close_opportunity(request.user, row),
        "form": form or CloseForm(today=business_date(database_now())),
        "crumbs": [(_("Opportunities"), reverse("campaigns:opportunities"))],
    }  # fmt: skip
    return render(request, "campaigns/opportunity.html", context, status=422 if form else 200)
