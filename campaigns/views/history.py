"""Pages of the call history of another dialer: upload, watch, look, import."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import rules
from campaigns.forms_orders import CallFileForm
from campaigns.models import CallImport, CallVerdict, StagedCall
from campaigns.services import history
from campaigns.services.history_rejects import rows_rejected, write_rejects
from campaigns.wording import file_fault_sentence, row_fault_words
from core.audit import audit
from core.clock import database_now
from core.errors import DomainError
from core.files import attachment
from core.htmx import refresh
from core.jobs.panel import job_panel
from core.models import Job
from core.workbooks import XLSX_TYPE
from people.access import must
from people.exports import pass_door

PAGE = 50
MARKS = {
    "new": "is-new",
    "cancellation": "is-update",
    "unchanged": "is-duppool",
    "conflict": "is-ask",
    "invalid": "is-invalid",
}
STATES = {
    "waiting": "is-plain", "checking": "is-update", "checked": "is-ask", "importing": "is-update", "partly": "is-ask", "imported": "is-new", "failed": "is-invalid",
    "cancelled": "is-stop",
}  # fmt: skip


@require_http_methods(["GET", "POST"])
def call_import(request: HttpRequest) -> HttpResponse:
    """Upload a file, and the files of before."""
    must(request, rules.can_import_calls(request.user))
    form = CallFileForm(request.POST or None, request.FILES or None, user=request.user)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = history.receive_calls(
                file=file,
                file_name=file.name,
                makes_missing=form.cleaned_data.get("makes_missing", False),
                imports_at_once=False,
                by=request.user,
                at=database_now(),
            )
        except DomainError as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect("campaigns:call_import_detail", pk=row.pk)
    rows = CallImport.objects.visible_to(request.user).select_related("created_by").order_by("-created_at", "-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    for row in page:
        row.mark = STATES[row.status]
        row.rejected = row.counts.get("conflict", 0) + row.counts.get("invalid", 0)
    return render(
        request, "campaigns/calls_import.html", {"form": form, "page": page}, status=422 if form.errors else 200
    )


def _visible(request: HttpRequest, pk: int) -> CallImport:
    must(request, rules.can_import_calls(request.user))
    return get_object_or_404(
        CallImport.objects.visible_to(request.user).select_related("created_by", "imported_by"), pk=pk
    )


@never_cache
@require_GET
def call_import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    row = _visible(request, pk)
    verdict = request.GET.get("verdict", "")
    verdict = verdict if verdict in CallVerdict.Verdict.values else ""
    job = Job.objects.filter(pk=row.job_id).first()
    works = job is not None and (job.is_open or job.state == Job.State.DEAD)
    context: dict[str, Any] = {
        "row": row,
        "mark": STATES[row.status],
        "can_start": history.can_start(row),
        "fault": file_fault_sentence(row.fault, row.fault_detail) if row.fault else "",
        "panel": job_panel(job, at=database_now(), user=request.user, poll_url=_progress_url(row), reload=True)
        if job and works
        else None,
        "cells": _tally(row, verdict),
        "parts": [(MARKS[name], row.counts.get(name, 0)) for name in MARKS],
        "faults": [(row_fault_words(code), number) for code, number in row.counts.get("faults", {}).items()],
        "stored": row.counts.get("new", 0) + row.counts.get("cancellation", 0),
        "rejected": row.counts.get("conflict", 0) + row.counts.get("invalid", 0),
        "made": [(label, row.made.get(name)) for name, label in _made_labels() if row.made.get(name)],
        "page": _rows(request, row, verdict),
        "verdict": verdict,
        "crumbs": [(_("Calls of another dialer"), reverse("campaigns:call_import"))],
    }
    return render(request, "campaigns/calls_import_detail.html", context)


def _progress_url(row: CallImport) -> str:
    return reverse("campaigns:call_import_progress", args=[row.pk])


@never_cache
@require_GET
def call_import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment asked for each second while the job is at work; loads the page anew at its end."""
    row = _visible(request, pk)
    job = get_object_or_404(Job, pk=row.job_id)
    if not job.is_open:
        return refresh()
    panel = job_panel(job, at=database_now(), user=request.user, poll_url=_progress_url(row))
    return render(request, "core/_job.html", {"panel": panel, "job": job})


def _tally(row: CallImport, verdict: str) -> list[dict[str, Any]]:
    here = reverse("campaigns:call_import_detail", args=[row.pk])
    cells: list[dict[str, Any]] = [
        {"label": _("all rows"), "n": row.row_count, "url": here, "mark": "", "current": not verdict}
    ]
    for name, mark in MARKS.items():
        label, number = CallVerdict.Verdict(name).label, row.counts.get(name, 0)
        cells.append(
            {"label": label, "n": number, "url": f"{here}?verdict={name}", "mark": mark, "current": verdict == name}
        )
    return cells


def _made_labels() -> list[tuple[str, str]]:
    return [
        ("campaigns", _("campaigns")), ("products", _("products")), ("teams", _("teams")), ("agents", _("agents")), ("customers", _("customers")),
    ]  # fmt: skip


def _rows(request: HttpRequest, row: CallImport, verdict: str) -> Any:
    """A page of verdicts with their staged rows; two queries."""
    verdicts = CallVerdict.objects.filter(call_import=row).order_by("row_no")
    page = Paginator(verdicts.filter(verdict=verdict) if verdict else verdicts, PAGE).get_page(request.GET.get("page"))
    numbers = [found.row_no for found in page]
    staged = StagedCall.objects.filter(call_import=row, row_no__in=numbers).defer("cells", "phone_sealed")
    by_number = {call.row_no: call for call in staged}
    for found in page:
        found.call = by_number.get(found.row_no)
        found.mark = MARKS[found.verdict]
        found.why = row_fault_words(found.fault)
    return page


@require_GET
def call_import_rejects(request: HttpRequest, pk: int) -> HttpResponseBase:
    row = _visible(request, pk)
    rows = row.counts.get("conflict", 0) + row.counts.get("invalid", 0)
    with transaction.atomic():
        passed = pass_door(
            request, list_name="campaigns.rejects", title=_("Rejected rows"), path=reverse("campaigns:call_import_detail", args=[row.pk]),
            query=urlencode({"import": row.pk}), rows=rows, holding=rows_rejected(row),
        )  # fmt: skip
        if isinstance(passed, HttpResponseBase):
            return passed
        audit("campaigns.calls.rejects_downloaded", row, by=request.user, at=database_now(), rows=rows, **passed)
    target = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    write_rejects(row, target)
    return attachment(target, _("rejected calls %(number)s.xlsx") % {"number": row.pk}, XLSX_TYPE)


@require_POST
def call_import_start(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, history.start_import, _("The calls are being imported."))


@require_POST
def call_import_give_up(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, history.give_up, _("Given up; nothing was imported."))


def _act(request: HttpRequest, pk: int, verb: Callable[..., Any], done: str) -> HttpResponse:
    row = _visible(request, pk)
    try:
        verb(call_import=row, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("campaigns:call_import_detail", pk=row.pk)
