"""Sources of customers: whose they are, who sold them, what a row costs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from customers import rules
from customers.filters import SourceFilter
from customers.models import Source
from customers.person_forms import SourceForm
from customers.services import sources as services
from people.access import must

COLUMNS = [
    Column("name", gettext_lazy("Name")),
    Column("kind", gettext_lazy("Kind"), value="get_kind_display", sort="kind"),
    Column("supplier", gettext_lazy("Supplier")),
    Column(
        "price",
        gettext_lazy("Price per row"),
        value=lambda source: source.price_cents / 100,
        sort="price_cents",
        num=True,
        kind="fixed",
        format="0.00",
    ),
]


@require_GET
def sources(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_sources(request.user))
    may_edit = rules.can_change_sources(request.user)
    listing = Listing(
        request, Source.objects.all(), COLUMNS, name="customers.sources", title=_("Sources"), filterset=SourceFilter, order="name",
        row_link=(lambda source: reverse("customers:source", args=[source.pk])) if may_edit else None,
    )  # fmt: skip
    return listing.page_or_export("customers/sources.html", {"may_edit": may_edit})


@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_change_sources(request.user))
    return _edit(request, None, _("New source"))


@require_http_methods(["GET", "POST"])
def source(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_change_sources(request.user))
    row = get_object_or_404(Source, pk=pk)
    return _edit(request, row, row.name)


def _edit(request: HttpRequest, row: Source | None, title: str) -> HttpResponse:
    initial: dict[str, Any] = {}
    if row is not None:
        initial = {
            "name": row.name,
            "kind": row.kind,
            "supplier": row.supplier,
            "price": f"{row.price_cents / 100:.2f}",
        }
    form = SourceForm(request.POST or None, initial=initial or None)
    if form.is_valid():
        try:
            if row is None:
                services.create_source(**form.told(), by=request.user, at=database_now())
            else:
                services.update_source(source=row, **form.told(), by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The source is saved."))
            return redirect("customers:sources")
    context = {
        "form": form,
        "title": title,
        "back_url": reverse("customers:sources"),
        "crumbs": [(_("Sources"), reverse("customers:sources"))],
    }
    return render(request, "customers/sources_form.html", context, status=422 if form.errors else 200)
