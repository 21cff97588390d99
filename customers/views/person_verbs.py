"""What people do with one customer by hand: tags, consents, do-not-disturb times, the greylist, suppression, a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.clock import database_now
from core.errors import DomainError
from customers import rules
from customers.models import Customer
from customers.person_forms import ConsentForm, GreyForm, QuietTimeForm, SuppressForm, TagForm
from customers.request_forms import RequestForm
from customers.services import greylist, persons, quiet_times
from customers.services.requests import open_request
from customers.services.suppress import suppress
from customers.views.persons import customer_or_404, has_done, page_of
from people.access import must


def _verb(
    request: HttpRequest,
    pk: int,
    name: str,
    form: Any,
    allowed: bool,
    done: str,
    verb: Callable[[Customer, datetime], Any],
) -> HttpResponse:
    row = customer_or_404(request, pk)
    must(request, allowed)
    if has_done(request, form, lambda: verb(row, database_now()), done):
        return redirect("customers:customer", pk=row.pk)
    return page_of(request, row, **{name: form})


@require_POST
def tag_add(request: HttpRequest, pk: int) -> HttpResponse:
    form = TagForm(request.POST)
    return _verb(
        request, pk, "tag_form", form, rules.can_change_customers(request.user), _("The tag is set."),
        lambda row, at: persons.add_tag(customer=row, name=form.cleaned_data["name"], by=request.user, at=at),
    )  # fmt: skip


@require_POST
def request_open(request: HttpRequest, pk: int) -> HttpResponse:
    form = RequestForm(request.POST)
    return _verb(
        request, pk, "request_form", form, rules.can_see_requests(request.user), _("The request is entered; the clock runs."),
        lambda row, at: open_request(customer=row, **form.cleaned_data, by=request.user, at=at),
    )  # fmt: skip


@require_POST
def tag_remove(request: HttpRequest, pk: int, tag: int) -> HttpResponse:
    row = customer_or_404(request, pk)
    must(request, rules.can_change_customers(request.user))
    link = get_object_or_404(row.tags.select_related("tag"), tag=tag)
    persons.remove_tag(customer=row, tag=link.tag, by=request.user, at=database_now())
    messages.success(request, _("The tag is taken off."))
    return redirect("customers:customer", pk=row.pk)


@require_POST
def consent_add(request: HttpRequest, pk: int) -> HttpResponse:
    form = ConsentForm(request.POST, request.FILES)
    return _verb(
        request, pk, "consent_form", form, rules.can_change_customers(request.user), _("The consent is entered."),
        lambda row, at: persons.add_consent(customer=row, **form.told(), by=request.user, at=at),
    )  # fmt: skip


@require_POST
def consent_withdraw(request: HttpRequest, pk: int, consent: int) -> HttpResponse:
    row = customer_or_404(request, pk)
    must(request, rules.can_change_customers(request.user))
    item = get_object_or_404(row.consents, pk=consent)
    try:
        persons.withdraw_consent(consent=item, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The consent is withdrawn. Without another one the customer is not called."))
    return redirect("customers:customer", pk=row.pk)


@require_POST
def quiet_time_add(request: HttpRequest, pk: int) -> HttpResponse:
    form = QuietTimeForm(request.POST)
    return _verb(
        request, pk, "quiet_form", form, rules.can_add_quiet_time(request.user), _("The do-not-disturb time is entered and holds at once."),
        lambda row, at: quiet_times.add_quiet_time(customer=row, **form.cleaned_data, by=request.user, at=at),
    )  # fmt: skip


@require_POST
def quiet_time_end(request: HttpRequest, pk: int, quiet: int) -> HttpResponse:
    row = customer_or_404(request, pk)
    must(request, rules.can_end_quiet_time(request.user))
    item = get_object_or_404(row.quiet_times, pk=quiet)
    try:
        quiet_times.end_quiet_time(quiet_time=item, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The do-not-disturb time is ended."))
    return redirect("customers:customer", pk=row.pk)


@require_POST
def grey_add(request: HttpRequest, pk: int) -> HttpResponse:
    form = GreyForm(request.POST)
    return _verb(
        request, pk, "grey_form", form, rules.can_change_greylist(request.user), _("The customer is on the greylist from now on."),
        lambda row, at: greylist.add_grey_entry(customer=row, **form.told(), by=request.user, at=at),
    )  # fmt: skip


@require_POST
def suppress_customer(request: HttpRequest, pk: int) -> HttpResponse:
    form = SuppressForm(request.POST)
    return _verb(
        request, pk, "suppress_form", form, rules.can_suppress(request.user), _("The customer is not called any more; open leads are withdrawn."),
        lambda row, at: suppress(customer=row, **form.told(), by=request.user, at=at, source="by hand"),
    )  # fmt: skip
