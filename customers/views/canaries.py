"""Canary customers: which there are, in which files they stood, who called one. For administrators alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.deeds import list_title
from core.errors import DomainError
from core.listing import Column, Listing
from core.templatetags.look import moment
from customers import rules
from customers.models import Canary, CanaryCall
from customers.request_forms import CanaryCallForm, CanaryForm, SettleForm
from customers.services import canaries as services
from people.access import must

SHOWN = 100
ALERTS_SHOWN = 5
MINUTE = timedelta(minutes=1)  # a call is reported to the minute

COLUMNS = [
    Column("customer", gettext_lazy("Customer"), value=lambda row: row.customer.full_name, sort="customer__name_sort"),
    Column("number", gettext_lazy("Number"), value=lambda row: ", ".join(phone.mask for phone in row.customer.phones.all()), sort=""),
    Column("city", gettext_lazy("City"), value="customer.city.label", sort="customer__city__name"),
    Column("alert_to", gettext_lazy("Who is alerted"), value=lambda row: str(row.alert_to), sort=""),
    Column("created_at", gettext_lazy("Placed"), kind="moment"),
    Column("files", gettext_lazy("Files with it"), num=True, kind="number"),
    Column("last_at", gettext_lazy("Last file"), kind="moment"),
    Column("alerts", gettext_lazy("Calls to look into"), num=True, template="customers/_canary_alerts.html"),
]  # fmt: skip


@never_cache
@require_GET
def canaries(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_canaries(request.user))
    rows = (
        Canary.objects.visible_to(request.user)
        .select_related("customer__city", "alert_to")
        .prefetch_related("customer__phones")
        .annotate(
            files=Count("exports", distinct=True),
            last_at=Max("exports__at"),
            alerts=Count("calls", distinct=True, filter=Q(calls__settled_at=None)),
        )
    )
    listing = Listing(
        request, rows, COLUMNS, name="customers.canaries", title=_("Canary customers"), order="-created_at", may_export=False,
        row_link=lambda row: reverse("customers:canary", args=[row.pk]), empty_title=_("No canary customers yet."),
        empty_text=_("Place some with numbers that ring in the house: a call to one tells that a file got out, and which."),
    )  # fmt: skip
    return listing.page_or_export("customers/canaries.html")


@never_cache
@require_GET
def canaries_badge(request: HttpRequest) -> HttpResponse:
    """How many calls to canaries nobody has looked into yet."""
    must(request, rules.can_see_canaries(request.user))
    return render(request, "core/_jobs_badge.html", {"dead": CanaryCall.objects.filter(settled_at=None).count()})


@never_cache
@require_GET
def canary_alerts(request: HttpRequest) -> HttpResponse:
    """What is to be looked into, for the first page of an administrator; nothing when nothing is."""
    must(request, rules.can_see_canaries(request.user))
    waiting = CanaryCall.objects.filter(settled_at=None, canary__in=Canary.objects.visible_to(request.user))
    alerts = [
        {
            "level": "grave",
            "text": _("A canary customer stood in an uploaded list.")
            if call.lead_list_id
            else _("A canary customer was called."),
            "why": _("%(moment)s: a file with personal data may have got out.") % {"moment": moment(call.called_at)},
            "url": reverse("customers:canary", args=[call.canary_id]),
            "action": _("Look into it"),
        }
        for call in waiting.order_by("-called_at", "-pk")[:ALERTS_SHOWN]
    ]
    context = {"alerts": alerts, "more": waiting.count() - len(alerts)}
    return render(request, "customers/_canary_notice.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def canary_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_canaries(request.user))
    form = CanaryForm(request.POST or None, user=request.user, initial={"alert_to": request.user.pk})
    if form.is_valid():
        try:
            placed = services.place_canary(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The canary customer stands in the pool."))
            return redirect("customers:canary", pk=placed.pk)
    return _form(request, form, _("Place a canary customer"), _("Place it"))


@never_cache
@require_http_methods(["GET", "POST"])
def canary_report(request: HttpRequest) -> HttpResponse:
    """By number, posted: no number stands in an address."""
    must(request, rules.can_see_canaries(request.user))
    form = CanaryCallForm(request.POST or None, initial={"called_at": timezone.localtime(database_now())})
    if form.is_valid():
        try:
            call = services.report_canary_call(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.warning(
                request, _("The call is reported. These are the files in which the number stood before it.")
            )
            return redirect("customers:canary", pk=call.canary_id)
    return _form(request, form, _("Report a call to a canary"), _("Report the call"))


def _form(request: HttpRequest, form: forms.Form, title: str, submit: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "back_url": reverse("customers:canaries"),
        "crumbs": [(_("Canary customers"), reverse("customers:canaries"))],
    }
    return render(request, "customers/canary_form.html", context, status=422 if form.errors else 200)


def _canary_or_404(request: HttpRequest, pk: int) -> Canary:
    rows = Canary.objects.visible_to(request.user).select_related("customer__city", "alert_to", "created_by")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def canary(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_canaries(request.user))
    return _page(request, _canary_or_404(request, pk), SettleForm())


def _page(request: HttpRequest, row: Canary, form: forms.Form) -> HttpResponse:
    calls = list(row.calls.select_related("reported_by", "settled_by", "lead_list").order_by("-called_at"))
    found = list(row.exports.select_related("taken_by", "request__decided_by").order_by("-at", "-pk")[:SHOWN])
    first_call = min((call.called_at for call in calls if not call.settled_at), default=None)
    for one in found:
        one.shown_title = list_title(one.list_name, otherwise=one.title)
        one.is_suspect = first_call is not None and one.at < first_call + MINUTE
    context: dict[str, Any] = {
        "row": row,
        "phones": row.customer.phones.defer("sealed"),
        "calls": calls,
        "exports": found,
        "form": form,
        "crumbs": [(_("Canary customers"), reverse("customers:canaries"))],
    }
    return render(request, "customers/canary_detail.html", context, status=422 if form.errors else 200)


@require_POST
def canary_call_settle(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_canaries(request.user))
    visible = Canary.objects.visible_to(request.user)
    call = get_object_or_404(CanaryCall.objects.filter(canary__in=visible), pk=pk)
    form = SettleForm(request.POST)
    if form.is_valid():
        try:
            services.settle_canary_call(
                call=call, finding=form.cleaned_data["finding"], by=request.user, at=database_now()
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The alert is ended."))
            return redirect("customers:canary", pk=call.canary_id)
    return _page(request, _canary_or_404(request, call.canary_id), form)
