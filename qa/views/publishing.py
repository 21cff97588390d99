"""Publishing a form: what it would have changed last month, counted in the background, then the publishing; and the end of a version."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.jobs.panel import Panel, job_panel
from core.models import Job
from people.access import must
from qa import rules
from qa.models import FormPreview, FormVersion
from qa.queries_previews import preview_shown
from qa.services import forms as services, previews
from qa.views.forms import forms_crumbs


@never_cache
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """What publishing would have changed for the calls of the last month, then the publishing. Nobody waits for the count who does not want to."""
    must(request, rules.can_publish_forms(request.user))
    row = get_object_or_404(FormVersion.objects.with_items(), pk=pk)
    fault = ""
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        try:
            services.publish(version=row, by=request.user, at=database_now(), seen=seen)
        except DomainError as refusal:
            fault = str(refusal)
        else:
            messages.success(request, _("Calls are scored with this version from now on."))
            return redirect("qa:form-version", pk=pk)
    elif not row.is_draft:
        return redirect("qa:form-version", pk=pk)
    context = {
        "version": row,
        "findings": services.findings(row),
        "seen": services.fingerprint(row),
        **_preview(request, row),
        "fault": fault,
        "crumbs": [*forms_crumbs(), (str(row), reverse("qa:form-edit", args=[pk]))],
    }
    return render(request, "qa/form_publish.html", context, status=409 if fault else 200)


def _preview(request: HttpRequest, row: FormVersion) -> dict[str, Any]:
    """The count of the draft, and whether it says what publishing the draft as it stands would change."""
    in_force = FormVersion.objects.in_force_of(row) if row.is_draft else None
    if in_force is None:
        return {"in_force": None, "is_ready": True}
    shown = preview_shown(request.user, row, in_force)
    is_ready = shown is not None and shown.is_counted and not shown.is_old
    job = None if shown is None or shown.is_counted else shown.job
    panel = _panel(request, row, job) if job is not None else None
    is_counting = job is not None and job.is_open
    return {"in_force": in_force, "preview": shown, "is_ready": is_ready, "panel": panel, "is_counting": is_counting}


def _panel(request: HttpRequest, row: FormVersion, job: Job) -> Panel:
    url = reverse("qa:form-preview-progress", args=[row.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=url, reload=True)


@require_POST
def count(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the last month counted, or counted anew."""
    must(request, rules.can_publish_forms(request.user))
    row = get_object_or_404(FormVersion, pk=pk)
    try:
        previews.ask_preview(version=row, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("qa:form-publish", pk=pk)


@never_cache
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of the count at work; when it has ended, or another has begun, the whole page is loaded anew."""
    must(request, rules.can_publish_forms(request.user))
    preview = get_object_or_404(FormPreview.objects.select_related("version"), version=pk)
    job = Job.objects.filter(pk=preview.job_id or 0).first()
    if job is None or not job.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "core/_job.html", {"panel": _panel(request, preview.version, job)})


@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_publish_forms(request.user))
    row = get_object_or_404(FormVersion, pk=pk)
    services.archive(version=row, by=request.user, at=database_now())
    messages.success(request, _("Nobody scores with this version any more."))
    return redirect("qa:form-version", pk=pk)
