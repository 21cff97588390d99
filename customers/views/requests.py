"""Requests of persons: what waits and how long still, and the answers to one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.calendar import business_date
from core.clock import database_now
from core.files import can_download
from core.listing import Column, Listing
from core.models import PrivateFile
from customers import rules
from customers.filters_requests import RequestFilter
from customers.models import PersonRequest
from customers.queries import overdue_requests, requests_by_urgency
from customers.request_forms import AnswerForm, CorrectForm, RefuseForm, UnlockForm
from customers.services import erasing, requests as services
from customers.services.person_copy import write_copy
from customers.views.persons import has_done
from people.access import must
from people.models import City

Kind, State = PersonRequest.Kind, PersonRequest.State
Verb = Callable[[PersonRequest, datetime], Any]

COLUMNS = [
    Column("due_on", gettext_lazy("Days left"), template="customers/_request_due.html", value="due_on", sort="waits_until"),
    Column("kind", gettext_lazy("Request"), value="get_kind_display", sort="kind"),
    Column("customer", gettext_lazy("Customer"), value=lambda row: f"#{row.customer_id}", sort=""),
    Column("city", gettext_lazy("City"), value="customer.city.label", sort="customer__city__name"),
    Column("way", gettext_lazy("Came by"), value="get_way_display", sort=""),
    Column("received_on", gettext_lazy("Received"), kind="day"),
    Column("received_by", gettext_lazy("Received by"), value=lambda row: str(row.received_by), sort=""),
    Column("state", gettext_lazy("State"), template="customers/_request_state.html", value="get_state_display", sort="state"),
    Column("decided_by", gettext_lazy("Decided by"), value=lambda row: str(row.decided_by or ""), sort=""),
]  # fmt: skip


class RequestListing(Listing):
    """Each row knows how many days are left today."""

    @cached_property
    def page(self) -> Page:
        page: Page = Listing.page.func(self)  # type: ignore[attr-defined]
        today = business_date(database_now())
        for row in page:
            count_days(row, today)
        return page


def count_days(row: PersonRequest, today: Any) -> None:
    row.days_left = (row.due_on - today).days if row.state == State.OPEN else None  # type: ignore[attr-defined]
    row.days_over = -row.days_left if row.days_left is not None and row.days_left < 0 else 0  # type: ignore[attr-defined]


@never_cache
@require_GET
def requests(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_requests(request.user))
    listing = RequestListing(
        request, requests_by_urgency(request.user), COLUMNS, name="customers.requests", title=_("Requests of persons"),
        filterset=RequestFilter, order="waits_until", may_export=False,
        row_link=lambda row: reverse("customers:request", args=[row.pk]), empty_title=_("Nobody has asked about their data."),
        empty_text=_("When somebody does, open the customer's page and enter the request there: the clock runs from its receipt."),
    )  # fmt: skip
    late = overdue_requests(request.user, business_date(database_now()))
    return listing.page_or_export("customers/requests.html", {"late": late})


@never_cache
@require_GET
def requests_badge(request: HttpRequest) -> HttpResponse:
    """How many are overdue, for the navigation; nothing when none is."""
    must(request, rules.can_see_requests(request.user))
    late = overdue_requests(request.user, business_date(database_now()))
    return render(request, "core/_jobs_badge.html", {"dead": late})


def _request_or_404(request: HttpRequest, pk: int) -> PersonRequest:
    rows = PersonRequest.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("customer__city", "received_by", "decided_by", "lifted_by"), pk=pk)


@never_cache
@require_GET
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_requests(request.user))
    return _page(request, _request_or_404(request, pk))


def _page(request: HttpRequest, row: PersonRequest, **bound: forms.Form) -> HttpResponse:
    at = database_now()
    may_answer = rules.can_answer_requests(request.user)
    count_days(row, business_date(at))
    is_open = may_answer and row.state == State.OPEN
    context: dict[str, Any] = {
        "row": row,
        "may_answer": may_answer,
        "is_open": is_open,
        "may_unlock": may_answer and row.kind == Kind.LOCK and row.state == State.DONE and not row.lifted_at,
        "may_open_customer": rules.can_see_customers(request.user) and (may_answer or not row.customer.is_locked),
        "kept": erasing.reasons_to_keep(customer=row.customer, at=at) if is_open and row.kind == Kind.ERASE else [],
        "proof_until": erasing.proof_kept_until(customer=row.customer, at=at) if row.kind == Kind.ERASE else None,
        "is_erased": row.kind == Kind.ERASE and row.state == State.DONE,
        "is_own": row.received_by_id == request.user.pk,
        "file": _file_of(request, row),
        "corrected": _corrected(row) if may_answer else [],
        "form": CorrectForm(customer=row.customer, user=request.user) if is_open and row.kind == Kind.CORRECT else AnswerForm(),
        "refuse_form": RefuseForm(auto_id="refuse_%s"),
        "unlock_form": UnlockForm(),
        "crumbs": [(_("Requests of persons"), reverse("customers:requests"))],
    }  # fmt: skip
    return render(request, "customers/request_detail.html", context | bound, status=422 if bound else 200)


def _file_of(request: HttpRequest, row: PersonRequest) -> PrivateFile | None:
    found = PrivateFile.objects.filter(pk=row.file_id or 0, destroyed_at=None).first()
    return found if found and can_download(request.user, found) else None


def _corrected(row: PersonRequest) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of a correction; attributes one by one."""
    if not row.evidence:
        return []
    told = json.loads(row.evidence)
    before, after = _flat(told["before"]), _flat(told["after"])
    names = {"name": _("Name"), "type": _("Type"), "gender": _("Gender"), "age": _("Age"), "city": _("City")}
    fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [(str(names.get(name, name)), before.get(name), after.get(name)) for name in fields]


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    flat = {**values, **values.get("attributes", {})}
    flat.pop("attributes", None)
    if "city" in flat:
        flat["city"] = City.objects.get(pk=flat["city"]).label
    return flat


# ---------------------------------------------------------------- answers


def _answer(
    request: HttpRequest, pk: int, form: forms.Form, verb: Verb, done: str, place: str = "form"
) -> HttpResponse:
    row = _request_or_404(request, pk)
    must(request, rules.can_answer_requests(request.user))
    if has_done(request, form, lambda: verb(row, database_now()), done):
        return redirect("customers:request", pk=row.pk)
    return _page(request, row, **{place: form})


@require_POST
def request_copy(request: HttpRequest, pk: int) -> HttpResponse:
    form = AnswerForm(request.POST)
    return _answer(
        request, pk, form, lambda row, at: write_copy(asked=row, by=request.user, at=at, **form.cleaned_data),
        _("The file is written. You can download it here for 24 hours."),
    )  # fmt: skip


@require_POST
def request_correct(request: HttpRequest, pk: int) -> HttpResponse:
    row = _request_or_404(request, pk)
    must(request, rules.can_answer_requests(request.user))
    form = CorrectForm(request.POST, customer=row.customer, user=request.user)
    return _answer(
        request, pk, form,
        lambda row, at: services.correct(asked=row, changes=form.changes(), answer=form.cleaned_data["answer"], by=request.user, at=at),
        _("The data are corrected."),
    )  # fmt: skip


@require_POST
def request_erase(request: HttpRequest, pk: int) -> HttpResponse:
    form = AnswerForm(request.POST)
    return _answer(
        request, pk, form, lambda row, at: erasing.erase(asked=row, by=request.user, at=at, **form.cleaned_data),
        _("The person is erased. The numbers are gone; should a list bring one again, it is refused."),
    )  # fmt: skip


@require_POST
def request_lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lock as was asked, or in place of an erasing that a duty forbids."""
    form = AnswerForm(request.POST)

    def verb(row: PersonRequest, at: datetime) -> PersonRequest:
        if row.kind == Kind.ERASE:
            return erasing.lock_instead(asked=row, by=request.user, at=at)
        return services.lock(asked=row, by=request.user, at=at, **form.cleaned_data)

    return _answer(request, pk, form, verb, _("The person is locked: nobody calls, and nobody else sees the data."))


@require_POST
def request_unlock(request: HttpRequest, pk: int) -> HttpResponse:
    form = UnlockForm(request.POST)
    return _answer(
        request, pk, form, lambda row, at: services.unlock(asked=row, by=request.user, at=at, **form.cleaned_data),
        _("The lock is lifted."), "unlock_form",
    )  # fmt: skip


@require_POST
def request_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    form = RefuseForm(request.POST, auto_id="refuse_%s")
    return _answer(
        request, pk, form, lambda row, at: services.refuse_request(asked=row, by=request.user, at=at, **form.cleaned_data),
        _("The request is refused."), "refuse_form",
    )  # fmt: skip
