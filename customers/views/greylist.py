"""Who is called only under conditions: the list, entering by number, lifting."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.audit import audit_refusal
from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from customers import rules
from customers.filters import GreyFilter
from customers.models import GreyEntry, NumberUse
from customers.person_forms import GreyNumberForm, LiftForm
from customers.services import greylist as services
from customers.services.persons import QuotaUsedUp
from customers.views.suppressions import state_of
from people.access import must

COLUMNS = [
    Column(
        "customer",
        gettext_lazy("Customer"),
        value=lambda row: str(row.customer) if row.customer else _("a number"),
        sort="customer__name_sort",
        link=lambda row: reverse("customers:customer", args=[row.customer_id]) if row.customer_id else None,
    ),
    Column(
        "city",
        gettext_lazy("City"),
        value=lambda row: row.customer.city.label if row.customer else "",
        sort="customer__city__name",
    ),
    Column("conditions", gettext_lazy("Conditions"), value=services.in_words, sort=""),
    Column("reason", gettext_lazy("Why")),
    Column("source", gettext_lazy("Source")),
    Column("valid_to", gettext_lazy("Until"), template="customers/_until.html"),
    Column("created_by", gettext_lazy("Entered by"), value=lambda row: str(row.created_by), sort="created_by__display_name"),
    Column("created_at", gettext_lazy("Entered"), kind="moment"),
    Column("state", gettext_lazy("State"), template="customers/_suppression_state.html", value=lambda row: state_of(row), sort=""),
]  # fmt: skip


@require_GET
def entries(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_suppressions(request.user))
    rows = GreyEntry.objects.visible_to(request.user).select_related("customer__city", "created_by")
    listing = Listing(
        request, rows, COLUMNS, name="customers.greylist", title=_("Greylist"), filterset=GreyFilter, order="-pk", may_export=False,
        row_link=lambda row: reverse("customers:grey-entry", args=[row.pk]), empty_title=_("Nobody is on the greylist."),
        empty_text=_("Enter a number here, or a customer on the customer's page."),
    )  # fmt: skip
    context = {"may_enter": rules.can_change_greylist(request.user), "crumbs": _crumbs()[:1]}
    return listing.page_or_export("customers/greylist.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Do not call"), reverse("customers:suppressions")), (_("Greylist"), reverse("customers:greylist"))]


@require_http_methods(["GET", "POST"])
def entry_new(request: HttpRequest) -> HttpResponse:
    """By number. The answer is the same whether the number is in the pool, in another city, or nowhere."""
    must(request, rules.can_change_greylist(request.user))
    form = GreyNumberForm(request.POST or None)
    if form.is_valid():
        try:
            services.add_grey_entry(**form.told(), by=request.user, at=database_now())
        except QuotaUsedUp as used:
            audit_refusal(request, quota=NumberUse.Kind.SEARCH)
            form.add_error(None, str(used))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The number is on the greylist, whoever it belongs to."))
            return redirect("customers:greylist")
    context = {
        "form": form,
        "title": _("Put a number on the greylist"),
        "back_url": reverse("customers:greylist"),
        "crumbs": _crumbs(),
    }
    return render(request, "customers/grey_form.html", context, status=422 if form.errors else 200)


def _entry_or_404(request: HttpRequest, pk: int) -> GreyEntry:
    rows = GreyEntry.objects.visible_to(request.user).select_related("customer__city", "created_by", "lifted_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_suppressions(request.user))
    return _page(request, _entry_or_404(request, pk), LiftForm())


def _page(request: HttpRequest, row: GreyEntry, form: LiftForm) -> HttpResponse:
    context = {
        "row": row,
        "form": form,
        "words": services.in_words(row),
        "state": state_of(row),
        "may_lift": row.lifted_at is None and rules.can_change_greylist(request.user),
        "crumbs": _crumbs(),
    }
    return render(request, "customers/grey_entry.html", context, status=422 if form.errors else 200)


@require_POST
def entry_lift(request: HttpRequest, pk: int) -> HttpResponse:
    row = _entry_or_404(request, pk)
    must(request, rules.can_change_greylist(request.user))
    form = LiftForm(request.POST)
    if form.is_valid():
        try:
            services.lift_grey_entry(entry=row, by=request.user, at=database_now(), reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The entry is lifted."))
            return redirect("customers:grey-entry", pk=row.pk)
    return _page(request, row, form)
