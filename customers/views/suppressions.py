"""Who is not to be called: the list, entering by number, lifting."""

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
from customers.by_number import suppressions_seen
from customers.filters import SuppressionFilter
from customers.models import NumberUse, Suppression
from customers.person_forms import LiftForm, SuppressNumberForm
from customers.services import suppress as services
from customers.services.persons import QuotaUsedUp, suppress_number
from people.access import must
from people.exports import two_persons


def scope_of(row: Suppression) -> str:
    """What the suppression covers, in words."""
    if row.campaign_id:
        return _("campaign %(id)s") % {"id": row.campaign_id}
    return _("product %(id)s") % {"id": row.product_id} if row.product_id else _("all calls")


COLUMNS = [
    Column(
        "customer",
        gettext_lazy("Customer"),
        # of another city's customer a number alone, as of nobody's
        value=lambda row: str(row.customer) if row.named_id else _("a number"),
        sort="shown_name",
        link=lambda row: reverse("customers:customer", args=[row.open_id]) if row.open_id else None,
        export=lambda row: row.named_id,
    ),
    Column(
        "city",
        gettext_lazy("City"),
        value=lambda row: row.customer.city.label if row.named_id else "",
        sort="shown_city",
    ),
    Column("kind", gettext_lazy("Reason"), value="get_kind_display", sort="kind"),
    Column("scope", gettext_lazy("Covers"), value=scope_of, sort=""),
    Column("valid_from", gettext_lazy("From"), kind="moment"),
    Column("valid_to", gettext_lazy("Until"), template="customers/_until.html"),
    Column("source", gettext_lazy("Source")),
    Column(
        "created_by",
        gettext_lazy("Entered by"),
        value=lambda row: str(row.created_by) if row.created_by else "",
        sort="created_by__display_name",
    ),
    Column(
        "state",
        gettext_lazy("State"),
        template="customers/_suppression_state.html",
        value=lambda row: state_of(row),
        sort="",
    ),
]


def state_of(row: Suppression) -> str:
    return _("lifted") if row.lifted_at else _("over") if row.is_over else _("in force")


@require_GET
def suppressions(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_suppressions(request.user))
    rows = suppressions_seen(request.user).select_related("customer__city", "created_by")
    listing = Listing(
        request, rows, COLUMNS, name="customers.suppressions", title=_("Do not call"), filterset=SuppressionFilter,
        order="-valid_from", door=two_persons, row_link=lambda row: reverse("customers:suppression", args=[row.pk]),
        empty_title=_("Nobody is suppressed."), empty_text=_("Refusals in calls appear here by themselves."),
    )  # fmt: skip
    return listing.page_or_export("customers/suppressions.html", {"may_enter": rules.can_suppress(request.user)})


@require_http_methods(["GET", "POST"])
def suppression_new(request: HttpRequest) -> HttpResponse:
    """By number. The answer is the same whether the number is in the pool, in another city, or nowhere."""
    must(request, rules.can_suppress(request.user))
    form = SuppressNumberForm(request.POST or None)
    if form.is_valid():
        try:
            suppress_number(number=form.cleaned_data["number"], **form.told(), by=request.user, at=database_now())
        except QuotaUsedUp as used:
            audit_refusal(request, quota=NumberUse.Kind.SEARCH)
            form.add_error(None, str(used))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The number is not called any more, whoever it belongs to."))
            return redirect("customers:suppressions")
    context = {
        "form": form,
        "title": _("Do not call a number"),
        "back_url": reverse("customers:suppressions"),
        "crumbs": [(_("Do not call"), reverse("customers:suppressions"))],
    }
    return render(request, "customers/suppression_form.html", context, status=422 if form.errors else 200)


def _suppression_or_404(request: HttpRequest, pk: int) -> Suppression:
    rows = suppressions_seen(request.user).select_related("customer__city", "created_by", "lifted_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def suppression(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_suppressions(request.user))
    return _page(request, _suppression_or_404(request, pk), LiftForm())


def _page(request: HttpRequest, row: Suppression, form: LiftForm) -> HttpResponse:
    context = {
        "row": row,
        "form": form,
        "scope": scope_of(row),
        "state": state_of(row),
        "may_lift": row.lifted_at is None and rules.can_lift(request.user, row),
        "history": row.events.select_related("lifted_by").order_by("pgh_id"),
        "crumbs": [(_("Do not call"), reverse("customers:suppressions"))],
    }
    return render(request, "customers/suppression_detail.html", context, status=422 if form.errors else 200)


@require_POST
def suppression_lift(request: HttpRequest, pk: int) -> HttpResponse:
    row = _suppression_or_404(request, pk)
    must(request, rules.can_lift(request.user, row))
    form = LiftForm(request.POST)
    if form.is_valid():
        try:
            services.lift(suppression=row, by=request.user, at=database_now(), reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The suppression is lifted."))
            return redirect("customers:suppression", pk=row.pk)
    return _page(request, row, form)
