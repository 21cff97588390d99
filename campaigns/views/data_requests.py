"""Data requests in the browser: the list, asking with its count, one request with its steps and the record of its use, the verbs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import desk_fields, rules
from campaigns.filters_data_requests import DataRequestFilter
from campaigns.forms_data_requests import DataRequestForm
from campaigns.models import Campaign, DataRequest
from campaigns.queries_data_requests import callable_of, record_of
from campaigns.services import data_requests as services
from campaigns.wording_requests import left_out_words
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.htmx import is_htmx
from core.jobs.panel import job_panel
from core.listing import Column, Listing
from core.models import Job
from core.numbers import number_or_none
from core.templatetags.look import day, moment
from customers import segment_builder as builder
from customers.conditions import BadConditions, matching, parse
from customers.counting import count_quickly
from customers.models import LeadList, Segment
from people.access import must
from people.models import City

State = DataRequest.State
STATE = "campaigns/_data_request_state.html"
COLUMNS = [
    Column("asked_at", gettext_lazy("Asked for"), kind="moment", width=18),
    Column("campaign", gettext_lazy("Campaign"), value=lambda row: row.campaign.name, sort="campaign__name"),
    Column("state", gettext_lazy("State"), template=STATE, value="get_state_display"),
    Column("city", gettext_lazy("City"), value=lambda row: row.city.label if row.city else _("whole region"), sort="city__name"),
    Column("wanted", gettext_lazy("Customers asked for"), num=True, kind="number"),
    Column("lead_count", gettext_lazy("Leads made"), num=True, kind="number"),
    Column("needed_on", gettext_lazy("Needed by"), kind="day"),
    Column("use_until", gettext_lazy("Last day of use"), kind="day"),
    Column("asked_by", gettext_lazy("Asked by"), value=lambda row: str(row.asked_by), sort="asked_by__display_name"),
    Column("decided_by", gettext_lazy("Decided by"), value=lambda row: str(row.decided_by or ""), sort=""),
]  # fmt: skip


class RefuseForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason of the refusal"), max_length=500)


class CloseForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why it is closed"), max_length=500)


@require_GET
def requests(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_data_requests(request.user))
    rows = DataRequest.objects.visible_to(request.user).select_related("campaign", "city", "asked_by", "decided_by")
    listing = Listing(
        request, rows, COLUMNS, name="campaigns.data_requests", title=_("Data requests"), filterset=DataRequestFilter, order="-asked_at",
        may_export=False, row_link=lambda row: reverse("campaigns:data-request", args=[row.pk]),
        empty_title=_("No customers were asked for."), empty_text=_("A campaign asks here for customers; a second person decides, and the leads are made."),
    )  # fmt: skip
    return listing.page_or_export("campaigns/data_requests.html", {"may_ask": rules.can_ask_data(request.user)})


@never_cache
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    """How many requests this person could decide, for the navigation."""
    waiting = 0
    if rules.can_decide_data(request.user):
        waiting = DataRequest.objects.visible_to(request.user).waiting().exclude(asked_by=request.user).count()
    return render(request, "core/_jobs_badge.html", {"dead": waiting})


# ---------------------------------------------------------------- asking


@require_http_methods(["GET", "POST"])
def request_new(request: HttpRequest) -> HttpResponse:
    """Draw the form, change its conditions by a button, or ask. A button that changes them checks nothing."""
    must(request, rules.can_ask_data(request.user))
    today = business_date(database_now())
    if request.method == "GET":
        form = DataRequestForm(user=request.user, today=today, initial={"campaign": request.GET.get("campaign")})
        return _form_page(request, builder.new_draft(), form)
    draft = builder.draft_of(request.POST)
    do = request.POST.get("do", "save")
    if do == "save":
        return _ask(request, draft, DataRequestForm(request.POST, user=request.user, today=today))
    draft = builder.changed(draft, do)
    if is_htmx(request):
        answer = render(request, "customers/_segment_builder.html", _drawn(request, draft))
        answer.headers["HX-Trigger"] = "recount"
        return answer
    form = DataRequestForm(user=request.user, today=today)
    form.initial = {name: request.POST.get(name, "") for name in form.fields}
    return _form_page(request, draft, form)


def _ask(request: HttpRequest, draft: Any, form: DataRequestForm) -> HttpResponse:
    faults: list[Any] = []
    if form.is_valid():
        try:
            row = services.ask_data(
                campaign=form.cleaned_data["campaign"],
                city=form.cleaned_data["city"],
                asked=form.asked(draft),
                by=request.user,
                at=database_now(),
            )
        except BadConditions as bad:
            faults = bad.faults
            form.add_error(None, _("The conditions are not finished."))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Asked for. A second person decides."))
            return redirect("campaigns:data-request", pk=row.pk)
    return _form_page(request, draft, form, faults=faults, status=422)


def _form_page(
    request: HttpRequest, draft: Any, form: DataRequestForm, *, faults: Any = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "crumbs": [(_("Data requests"), reverse("campaigns:data-requests"))],
        "back_url": reverse("campaigns:data-requests"),
        **_drawn(request, draft, faults),
        **_counted(request, draft),
    }
    return render(request, "campaigns/data_request_form.html", context, status=status)


def _drawn(request: HttpRequest, draft: Any, faults: Any = None) -> dict[str, Any]:
    mappings = LeadList.objects.visible_to(request.user).order_by("-pk").values_list("mapping", flat=True)[:50]
    return {
        "root": builder.Drawing(request.user, faults).draw(draft),
        "attributes": builder.attribute_names(iter(mappings)),
    }


@never_cache
@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """How many fit, and how many of them could be called in the campaign. What is not finished yet is told, not refused."""
    must(request, rules.can_ask_data(request.user))
    context = _counted(request, builder.draft_of(request.POST))
    return render(request, "campaigns/_data_request_count.html", context)


def _counted(request: HttpRequest, draft: Any) -> dict[str, Any]:
    """Cut to what the user sees, whatever place was named."""
    campaign = _chosen(request, "campaign", Campaign.objects.visible_to(request.user))
    city = _chosen(request, "city", City.objects.visible_to(request.user))
    segment = _chosen(request, "segment", Segment.objects.visible_to(request.user).live())
    try:
        tree = parse(segment.conditions if segment else draft, user=request.user)
    except BadConditions as bad:
        return {"unfinished": [str(fault) for fault in bad.faults]}
    wanted = _figure(request.POST.get("wanted", ""))
    return _fitting(request, tree, campaign, city.pk if city else None) | {"wanted": wanted}


def _fitting(request: HttpRequest, tree: Any, campaign: Campaign | None, city_id: int | None) -> dict[str, Any]:
    at = database_now()
    rows = matching(tree, at=at, city_id=city_id, user=request.user)
    return {
        "fits": count_quickly(rows),
        "free": count_quickly(callable_of(rows, campaign, at)) if campaign else None,
    }


def _chosen(request: HttpRequest, name: str, rows: Any) -> Any:
    return rows.filter(pk=number_or_none(request.POST.get(name, ""))).first()


def _figure(text: str) -> int | None:
    return number_or_none(text.strip(), most=999_999_999)


# ---------------------------------------------------------------- one request


def _request_or_404(request: HttpRequest, pk: int) -> DataRequest:
    rows = DataRequest.objects.visible_to(request.user).select_related(
        "campaign", "city", "segment", "asked_by", "decided_by", "ended_by"
    )
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_data_requests(request.user))
    return _page(request, _request_or_404(request, pk), RefuseForm())


def _page(request: HttpRequest, row: DataRequest, form: RefuseForm) -> HttpResponse:
    user = request.user
    is_in_use = row.state in DataRequest.IN_USE
    context = {
        "row": row,
        "said": _said(row, user),
        "fields": desk_fields.words(row.fields),
        "steps": _steps(row),
        "record": record_of(row) if row.decided_at and row.state != State.REFUSED else None,
        "left_out": left_out_words(row.left_out),
        "panel": _panel(request, row),
        "is_own": row.asked_by_id == user.pk,
        "may_decide": rules.can_decide_request(user, row),
        "may_withdraw": rules.can_withdraw_request(user, row),
        "may_close": is_in_use and rules.can_close_data(user, row),
        "form": form,
        "close_form": CloseForm(auto_id="close_%s"),
        "crumbs": [(_("Data requests"), reverse("campaigns:data-requests"))],
    }
    return render(request, "campaigns/data_request.html", context, status=422 if form.errors else 200)


def _said(row: DataRequest, user: Any) -> Any:
    try:
        return builder.in_words(parse(row.conditions, user=None), user)
    except BadConditions as bad:
        return builder.Said(str(bad))


def _steps(row: DataRequest) -> list[dict[str, Any]]:
    """Asked, decided, filled, ended: what has happened with who and when, and where it stands now."""
    asked = _step(_("Asked for"), row.asked_at, row.asked_by, is_done=True)
    if row.state == State.WITHDRAWN:
        return [asked, _step(_("Withdrawn"), row.ended_at, row.ended_by, is_done=True)]
    name = _("Refused") if row.state == State.REFUSED else _("Approved")
    decided = _step(name if row.decided_at else _("Decision"), row.decided_at, row.decided_by, is_now=not row.ended_at)
    if row.state == State.REFUSED:
        return [asked, decided]
    is_filling = row.state == State.APPROVED
    filled = _step(_("Leads made"), row.fulfilled_at, None, is_now=is_filling)
    ended = _step(_("End of the use"), row.ended_at, row.ended_by, is_now=row.state == State.FULFILLED)
    ended["small"] = ended["small"] or day(row.use_until)
    return [asked, decided, filled, ended]


def _step(name: str, at: Any, by: Any, *, is_done: bool = False, is_now: bool = False) -> dict[str, Any]:
    small = " · ".join(str(part) for part in (moment(at) if at else "", by or "") if part)
    state = "done" if is_done or at else "now" if is_now else ""
    return {"name": name, "small": small, "state": state, "url": ""}


def _panel(request: HttpRequest, row: DataRequest) -> Any:
    """Of the job at work, or of one that gave up."""
    job = Job.objects.filter(pk=row.job_id or 0).exclude(state=Job.State.DONE).first()
    if job is None:
        return None
    url = reverse("campaigns:data-request-progress", args=[row.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=url, reload=True)


@never_cache
@require_GET
def count_now(request: HttpRequest, pk: int) -> HttpResponse:
    """How many fit and could be called as it stands now: whoever decides reads that."""
    must(request, rules.can_see_data_requests(request.user))
    row = _request_or_404(request, pk)
    try:
        tree = parse(row.conditions, user=None)
    except BadConditions as bad:
        context: dict[str, Any] = {"unfinished": [str(fault) for fault in bad.faults]}
    else:
        context = _fitting(request, tree, row.campaign, row.city_id) | {"wanted": row.wanted}
    return render(request, "campaigns/_data_request_count.html", context)


@never_cache
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of the job at work; when it has ended the whole page is loaded anew."""
    must(request, rules.can_see_data_requests(request.user))
    row = _request_or_404(request, pk)
    job = get_object_or_404(Job, pk=row.job_id or 0)
    if job.is_open:
        return render(request, "core/_job.html", {"panel": _panel(request, row)})
    return HttpResponse(headers={"HX-Refresh": "true"})


# ---------------------------------------------------------------- verbs


def _tried(request: HttpRequest, row: DataRequest, verb: Callable[..., Any], done: str) -> HttpResponse:
    try:
        verb(request=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("campaigns:data-request", pk=row.pk)


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    row = _request_or_404(request, pk)
    must(request, rules.can_decide_data(request.user))
    return _tried(request, row, services.approve_request, _("Approved. The leads are being made."))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    row = _request_or_404(request, pk)
    must(request, rules.can_see_data_requests(request.user))
    return _tried(request, row, services.withdraw_request, _("The request is withdrawn."))


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    row = _request_or_404(request, pk)
    must(request, rules.can_decide_data(request.user))
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    verb = partial(services.refuse_request, reason=form.cleaned_data["reason"])
    return _tried(request, row, verb, _("The request is refused."))


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """From a dialog: what is wrong with the reason is said on the page behind it."""
    row = _request_or_404(request, pk)
    must(request, rules.can_close_data(request.user, row))
    verb = partial(services.close_request, reason=request.POST.get("reason", ""))
    return _tried(request, row, verb, _("Closed. The open leads are being withdrawn."))
