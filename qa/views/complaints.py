"""Pages of complaints: the list, one with its log, taking one of a call or on a page of its own, and the verbs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.models import Call
from campaigns.queries_calls import Names
from campaigns.rules import can_work_desk
from core.audit import audit_refusal
from core.calendar import business_date
from core.clock import database_now
from core.columns import Column
from core.errors import DomainError, PermissionRefused
from core.numbers import LARGEST_ID, number_or_none
from customers.models import Customer
from customers.rules import can_see_customers
from customers.services.persons import QuotaUsedUp, find_by_number
from people.access import must
from qa import queries_complaints as queries, rules
from qa.figure_lists import FigureListing
from qa.filters_complaints import ComplaintFilter
from qa.forms_complaints import AnswerForm, GiveForm, NoteForm, ReopenForm, TakeForm, TraceForm, WeighForm
from qa.models import Complaint
from qa.services import complaints as services
from qa.views.forms import first_fault
from scripts.models import ScriptVersion


def _address(row: Complaint) -> str:
    return reverse("qa:complaint", args=[row.pk])


def columns(names: Names) -> list[Column]:
    return [
        Column("received_at", _("Received"), kind="moment", width=18, link=_address),
        Column("category", _("Category"), value=lambda row: str(row.category), sort=""),
        Column("severity", _("Severity"), value="get_severity_display", sort="", template="qa/_complaint_severity.html"),
        Column("campaign", _("Campaign"), value=lambda row: names.campaigns.get(row.campaign_id), sort=""),
        Column("city", _("City"), value=lambda row: names.cities.get(row.city_id), sort=""),
        Column("agent", _("Agent"), value=lambda row: names.agent(row.agent_id) if row.agent_id else "", sort=""),
        Column("in_charge", _("In charge"), value=lambda row: str(row.in_charge or _("nobody yet")), sort=""),
        Column("due_at", _("To be answered by"), kind="moment", template="qa/_complaint_due.html"),
        Column("state", _("State"), value="get_state_display", sort="", template="qa/_complaint_state.html"),
    ]  # fmt: skip


class ComplaintListing(FigureListing):
    @cached_property
    def at(self) -> datetime:
        """Now, by which a row is overdue."""
        return database_now()


@never_cache
@require_GET
def complaints(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_complaints(request.user))
    names = Names()
    listing = ComplaintListing(
        request, queries.complaints_shown(request.user), columns(names), names=names, name="qa.complaints", title=_("Complaints"),
        filterset=ComplaintFilter, order="-received_at", may_export=False, row_link=_address,
        empty_title=_("No complaints."), empty_text=_("Take one here, or on the page of the call that it is about."),
    )  # fmt: skip
    return listing.page_or_export("qa/complaints.html", {"may_see_rates": rules.can_see_complaint_rates(request.user)})


@never_cache
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    """How many of those that the person is in charge of are overdue."""
    must(request, rules.can_see_complaints(request.user))
    return render(request, "core/_jobs_badge.html", {"dead": queries.overdue_of(request.user, database_now())})


# -- taking one --------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def complaint_new(request: HttpRequest) -> HttpResponse:
    """`call`: the number of the call it is about, as the link on the call's page says."""
    must(request, rules.can_take_complaints(request.user))
    wanted = number_or_none(request.POST.get("call") or request.GET.get("call") or "", LARGEST_ID)
    call = get_object_or_404(Call.objects.visible_to(request.user), pk=wanted) if wanted else None
    cities = None if call else queries.cities_for(request.user)
    form = TakeForm(request.POST or None, user=request.user, cities=cities)
    at = database_now()
    if request.method == "POST" and form.is_valid() and (taken := _taken(request, form, call, at)):
        if taken.received_at == at:
            messages.success(request, _told(taken))
        else:
            messages.warning(request, _("It was taken before; write what is new into its log."))
        return redirect("qa:complaint", pk=taken.pk)
    context = {"form": form, "call": call, "facts": _facts_of(call) if call else [], "crumbs": _crumbs()}
    return render(request, "qa/complaint_new.html", context, status=422 if form.errors else 200)


def _taken(request: HttpRequest, form: TakeForm, call: Call | None, at: datetime) -> Complaint | None:
    """The complaint; None when a refusal stands in the form."""
    said = form.cleaned_data
    try:
        customer = _customer_of(request, said.get("number", "")) if call is None else None
        return services.take_complaint(
            category=said["category"], severity=said["severity"], words=said["words"], by=request.user, at=at,
            call=call, customer=customer, city=said.get("city"),
        )  # fmt: skip
    except PermissionRefused:
        raise
    except DomainError as refusal:
        if isinstance(refusal, QuotaUsedUp):
            audit_refusal(request, quota="search")
        form.add_error(None, str(refusal))
    return None


@never_cache
@require_http_methods(["GET", "POST"])
def complaint_desk(request: HttpRequest) -> HttpResponse:
    """The sheet at an agent's desk: a complaint of the call that goes on, or of the one just recorded. The call goes on beside it."""
    must(request, can_work_desk(request.user) and rules.can_take_complaints(request.user))
    at = database_now()
    form = TakeForm(request.POST or None, user=request.user, cities=None, auto_id="complaint-%s")
    form.fields["category"].widget.attrs["autofocus"] = True  # the sheet opens before its form is there
    if request.method == "POST" and form.is_valid() and (taken := _taken_at_desk(request, form, at)):
        told = _told(taken) if taken.received_at == at else _("It was taken before; write what is new into its log.")
        return render(request, "qa/_complaint_desk.html", {"taken": taken, "told": told})
    calls = queries.desk_calls(request.user, at)
    asked = request.POST.get("about", "")
    if asked and asked not in [found.key for found in calls] and (kept := queries.desk_call(request.user, asked, at)):
        calls.append(kept)
    context = {"form": form, "calls": calls, "about": asked or (calls[0].key if calls else "")}
    return render(request, "qa/_complaint_desk.html", context, status=422 if form.errors else 200)


def _taken_at_desk(request: HttpRequest, form: TakeForm, at: datetime) -> Complaint | None:
    """The complaint; None when a refusal stands in the form."""
    found = queries.desk_call(request.user, request.POST.get("about", ""), at)
    try:
        if found is None:
            raise services.ComplaintWithoutPlace(
                _("This call is too long ago. Take the complaint on the page of the call.")
            )
        return services.take_complaint(by=request.user, at=at, call=found.call, live=found.live, **form.cleaned_data)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None


def _customer_of(request: HttpRequest, number: str) -> Customer | None:
    if not number:
        return None
    found = find_by_number(number=number, by=request.user, at=database_now())
    if found is None:
        raise services.ComplaintWithoutPlace(
            _("No customer that you may see has this number. Leave it empty and choose the city.")
        )
    return found


def _told(taken: Complaint) -> str:
    if taken.stopped_campaign:
        return _("Taken. The campaign is stopped.")
    if taken.confirmed_at is None:
        return _("Taken. QA, a supervisor or the team leader confirms that it is serious; then the campaign stops.")
    return _("Taken.")


def _facts_of(call: Call) -> list[tuple[str, str]]:
    names = Names()
    return [
        (_("Agent"), names.agent(call.agent_id)),
        (_("Campaign"), names.campaigns.get(call.campaign_id, "")),
        (_("City"), names.cities.get(call.city_id, "")),
        (_("Result"), names.result(call.disposition_id)),
    ]


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Complaints"), reverse("qa:complaints"))]


# -- one ---------------------------------------------------------------------------------------------------------------


def _row(request: HttpRequest, pk: int) -> Complaint:
    must(request, rules.can_see_complaints(request.user))
    return get_object_or_404(queries.complaints_shown(request.user), pk=pk)


@never_cache
@require_GET
def complaint(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "qa/complaint.html", _page(request, _row(request, pk)))


def _page(request: HttpRequest, row: Complaint) -> dict[str, Any]:
    user, at, names = request.user, database_now(), Names()
    State, customer = Complaint.State, queries.customer_of(row)
    may_work = rules.can_work_on_complaint(user, row)
    is_open = row.state in (State.RECEIVED, State.IN_WORK)
    sees_customer = customer is not None and Customer.objects.visible_to(user).filter(pk=customer.pk).exists()
    version = ScriptVersion.objects.filter(pk=row.script_version_id).first() if row.script_version_id else None
    return {
        "complaint": row,
        "rest": services.why_it_rests(row),
        "at": at,
        "is_overdue": is_open and row.due_at < at,
        "steps": row.steps.select_related("by").order_by("pk"),
        "call": queries.call_of(user, row),
        "recording": queries.recording_of(user, row) if rules.can_hear(user) else None,
        "version": version,
        "campaign": names.campaigns.get(row.campaign_id or 0, ""),
        "city": names.cities.get(row.city_id, ""),
        "agent": names.agent(row.agent_id) if row.agent_id else "",
        "customer": customer if sees_customer and can_see_customers(user) else None,
        "may_keep_from_calls": may_work and customer is not None and not services.is_kept_from_calls(row, at),
        "may_work": may_work,
        "may_answer": may_work and is_open,
        "may_note": may_work and row.state != State.CLOSED,
        "may_close": may_work and row.state == State.ANSWERED,
        "may_reopen": may_work and not is_open,
        "may_weigh": is_open and rules.can_weigh_complaint(user, row),
        "give_form": GiveForm(people=queries.people_for(row, business_date(at)), initial={"to": row.in_charge_id}, prefix="give"),
        "note_form": NoteForm(prefix="note"),
        "answer_form": AnswerForm(prefix="answer"),
        "reopen_form": ReopenForm(prefix="reopen"),
        "weigh_form": WeighForm(initial={"severity": row.severity}, prefix="weigh"),
        "trace_form": TraceForm(complaint=row, prefix="trace"),
        "crumbs": _crumbs(),
    }  # fmt: skip


def _do(request: HttpRequest, row: Complaint, name: str, form: Form | None, verb: Callable[[], Any], done: str) -> HttpResponse:  # fmt: skip
    """One verb on the complaint's page; a refusal stays on the page as its sentence, with what was entered."""
    try:
        if form is not None and not form.is_valid():
            raise services.ComplaintSaysNothing(first_fault(form))
        verb()
    except PermissionRefused:
        raise
    except DomainError as refusal:
        page = _page(request, row) | ({name: form} if form is not None else {})
        return render(request, "qa/complaint.html", page | {"fault_said": str(refusal)}, status=409)
    messages.success(request, done)
    return redirect("qa:complaint", pk=row.pk)


@require_POST
def give(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    form = GiveForm(request.POST, people=queries.people_for(row, business_date(database_now())), prefix="give")
    return _do(request, row, "give_form", form, lambda: services.give_complaint(
        complaint=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Handed over."))  # fmt: skip


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _row(request, pk), NoteForm(request.POST, prefix="note")
    return _do(request, row, "note_form", form, lambda: services.note_step(
        complaint=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Written into the log."))  # fmt: skip


@require_POST
def weigh(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _row(request, pk), WeighForm(request.POST, prefix="weigh")
    return _do(request, row, "weigh_form", form, lambda: services.weigh_complaint(
        complaint=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Decided; the deadline follows."))  # fmt: skip


@require_POST
def trace(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    form = TraceForm(request.POST, complaint=row, prefix="trace")

    def verb() -> None:
        said = form.cleaned_data
        wanted = said.pop("call", None)
        call = Call.objects.visible_to(request.user).filter(pk=wanted).first() if wanted else None
        if wanted and call is None:
            raise services.NotTheCause(_("There is no call %(number)s.") % {"number": wanted})
        services.trace_complaint(complaint=row, by=request.user, at=database_now(), call=call, **said)

    return _do(request, row, "trace_form", form, verb, _("The cause is written down."))


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _row(request, pk), AnswerForm(request.POST, prefix="answer")
    return _do(request, row, "answer_form", form, lambda: services.answer_complaint(
        complaint=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Answered."))  # fmt: skip


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    return _do(request, row, "", None, lambda: services.close_complaint(
        complaint=row, by=request.user, at=database_now()
    ), _("Closed."))  # fmt: skip


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _row(request, pk), ReopenForm(request.POST, prefix="reopen")
    return _do(request, row, "reopen_form", form, lambda: services.reopen_complaint(
        complaint=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Open again, with a deadline of its own."))  # fmt: skip


@require_POST
def no_calls(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    return _do(request, row, "", None, lambda: services.keep_from_calls(
        complaint=row, by=request.user, at=database_now()
    ), _("The customer is not called any more; open leads are withdrawn."))  # fmt: skip
