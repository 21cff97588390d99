"""Export requests: ask, see, approve, refuse."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.clock import database_now
from core.deeds import list_title
from core.errors import DomainError
from core.listing import Column, Listing
from people import rules
from people.access import must
from people.exports import SALT
from people.models import ExportRequest
from people.services import exports as services

ASK_WITHIN = 3600  # seconds between the page that asks and its answer

COLUMNS = [
    Column("asked_at", gettext_lazy("Asked for"), kind="moment", width=18),
    Column("asked_by", gettext_lazy("Asked by"), value=lambda row: str(row.asked_by), sort="asked_by__display_name"),
    Column("title", gettext_lazy("List"), value=lambda row: list_title(row.list_name, otherwise=row.title), sort=""),
    Column("query", gettext_lazy("Filters"), template="people/_export_filters.html", sort="", css="cut"),
    Column("row_count", gettext_lazy("Rows"), num=True, kind="number"),
    Column("purpose", gettext_lazy("What for"), sort="", css="cut"),
    Column("state", gettext_lazy("State"), value="get_state_display", sort="state"),
    Column("decided_by", gettext_lazy("Decided by"), value=lambda row: str(row.decided_by or ""), sort=""),
    Column("verbs", gettext_lazy("Next"), template="people/_export_verbs.html", value=lambda row: row.pk, sort=""),
]


class RequestListing(Listing):
    """Each row knows what its reader may do with it."""

    @cached_property
    def page(self) -> Page:
        page: Page = Listing.page.func(self)  # type: ignore[attr-defined]
        at, user = database_now(), self.request.user
        for row in page:
            row.is_own = row.asked_by_id == user.pk
            row.may_decide = rules.can_decide_export(user, row)
            row.may_download = row.is_own and services.is_open(row, at)
        return page


@never_cache
@require_GET
def exports(request: HttpRequest) -> HttpResponseBase:
    """Own requests, and for who may decide those of the cities one sees."""
    must(request, rules.can_see_exports(request.user))
    rows = ExportRequest.objects.visible_to(request.user).select_related("asked_by", "decided_by")
    if not rules.can_decide_exports(request.user):
        rows = rows.filter(asked_by=request.user)
    listing = RequestListing(
        request, rows, COLUMNS, name="people.exports", title=_("Export requests"), order="-asked_at", may_export=False,
        empty_title=_("No file waits for a second person."),
        empty_text=_("Whoever exports many rows with personal data asks here by the export itself."),
    )  # fmt: skip
    return listing.page_or_export("people/exports.html")


@never_cache
@require_GET
def exports_badge(request: HttpRequest) -> HttpResponse:
    """How many requests this person could decide, for the navigation."""
    waiting = 0
    if rules.can_decide_exports(request.user):
        rows = ExportRequest.objects.visible_to(request.user).waiting().exclude(asked_by=request.user)
        waiting = rows.count()
    return render(request, "core/_jobs_badge.html", {"dead": waiting})


@require_POST
def export_ask(request: HttpRequest) -> HttpResponse:
    """The answer to the page that the export gave: what was to leave is signed, so that nobody writes another number of rows."""
    try:
        what: dict[str, Any] = signing.loads(request.POST.get("what", ""), salt=SALT, max_age=ASK_WITHIN)
    except signing.BadSignature:
        what = {}
    must(request, what.pop("user", None) == request.user.pk, _("This request is too old. Export the list again."))
    try:
        services.ask_export(**what, purpose=request.POST.get("purpose", ""), by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{what['path']}?{what['query']}")
    messages.success(
        request, _("The request is made. When a second person has approved it, the file can be downloaded here.")
    )
    return redirect("people:exports")


@require_POST
def export_decide(request: HttpRequest, pk: int) -> HttpResponse:
    asked = get_object_or_404(ExportRequest.objects.visible_to(request.user), pk=pk)
    must(request, rules.can_decide_exports(request.user))
    approve = request.POST.get("approve") == "1"
    try:
        services.decide_export(asked=asked, approve=approve, by=request.user, at=database_now())
    except services.DecidedAlready as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The file may be downloaded now.") if approve else _("The request is refused."))
    return redirect("people:exports")
