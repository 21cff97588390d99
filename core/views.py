"""Jobs, audit trail, calendar and private files over HTTP."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import calendar, files
from core.access import ADMINISTRATOR, require, sees_everything
from core.audit import audit, audit_refusal
from core.clock import database_now
from core.deeds import deed, kind_of, name_subjects
from core.errors import DomainError
from core.filters import AuditFilter, JobPageFilter
from core.forms import HolidayForm
from core.htmx import refresh
from core.jobs import request_cancel, run_again, words
from core.jobs.panel import job_panel
from core.jobs.registry import find_handler, label_of
from core.listing import Column, Listing
from core.models import AuditEvent, Holiday, Job, PrivateFile
from core.numbers import number_or_none

MAY_SEE_CALENDAR = (ADMINISTRATOR, "campaign_manager", "regional_manager")

JOB_COLUMNS = [
    Column("kind", gettext_lazy("Work"), value=lambda job: label_of(job.kind), sort="kind"),
    Column("state", gettext_lazy("State"), value="get_state_display", sort="state", template="core/_job_state.html"),
    Column("done", gettext_lazy("Done"), num=True, kind="number"),
    Column("total", gettext_lazy("Of"), num=True, kind="number"),
    Column("who", gettext_lazy("Started by"), value="created_by_name", sort="created_by_name"),
    Column("created_at", gettext_lazy("Asked for"), kind="moment"),
    Column("finished_at", gettext_lazy("Ended"), kind="moment"),
    Column("last_error", gettext_lazy("Reason"), sort="", css="cut"),
]


def jobs(request: HttpRequest) -> HttpResponseBase:
    listing = Listing(
        request,
        Job.objects.visible_to(request.user),
        JOB_COLUMNS,
        name="core.jobs",
        title=_("Jobs"),
        filterset=JobPageFilter,
        order="-created_at",
        row_link=lambda job: reverse("core:job", args=[job.pk]),
        empty_title=_("No work in the background yet."),
        empty_text=_(
            "Uploads and exports appear here while they run and after. What the clock asks for is shown by the filter."
        ),
    )
    dead = Job.objects.visible_to(request.user).dead().count()
    return listing.page_or_export("core/jobs.html", {"dead": dead})


def _job_or_404(request: HttpRequest, pk: int) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user), pk=pk)


@require_GET
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    job = _job_or_404(request, pk)
    found = find_handler(job.kind)
    return render(
        request,
        "core/job_detail.html",
        {
            "job": job,
            "label": label_of(job.kind),
            "thing_url": found.link(job) if found and found.link else "",
            "facts": words.facts(job.result),
            "args": words.facts(job.args),
            "raw": words.raw(job),
            "trail": [(event, deed(event.action)) for event in AuditEvent.objects.about(job).order_by("-at")[:20]],
        },
    )


def _facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in (data or {}).items()
    ]


@never_cache
@require_GET
def job_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment that a page asks for each second while the job is at work."""
    job = _job_or_404(request, pk)
    reload = request.GET.get("then") == "reload"
    if reload and job.is_final:
        return refresh()
    panel = job_panel(job, at=timezone.now(), user=request.user, reload=reload)
    return render(request, "core/_job.html", {"panel": panel, "job": job})


@never_cache
@require_GET
def jobs_badge(request: HttpRequest) -> HttpResponse:
    """How many jobs gave up, for the navigation; nothing when none did."""
    dead = Job.objects.visible_to(request.user).dead().count()
    return render(request, "core/_jobs_badge.html", {"dead": dead})


@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = _job_or_404(request, pk)
    return _act(request, job, _("The work stops."), lambda: request_cancel(job, by=request.user, at=database_now()))


@require_POST
def job_again(request: HttpRequest, pk: int) -> HttpResponse:
    job = _job_or_404(request, pk)
    return _act(request, job, _("The work goes on."), lambda: run_again(job=job, by=request.user, at=database_now()))


def _act(request: HttpRequest, job: Job, done: str, verb: Any) -> HttpResponse:
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("core:job", pk=job.pk)


AUDIT_COLUMNS = [
    Column("at", gettext_lazy("Time"), kind="moment_exact", css="nowrap"),
    Column("actor", gettext_lazy("Who"), value="actor_name", sort="actor_name", css="nowrap"),
    Column(
        "action",
        gettext_lazy("Action"),
        value=lambda row: deed(row.action),
        sort="action",
        export=lambda row: row.action,
    ),
    Column(
        "outcome",
        gettext_lazy("Outcome"),
        value=lambda row: _("refused") if row.refused else _("done"),
        sort="refused",
        template="core/_outcome.html",
    ),
    Column(
        "subject",
        gettext_lazy("Subject"),
        value=kind_of,
        sort="subject_type",
        template="core/_audit_subject.html",
        export=lambda row: f"{row.subject_type} {row.subject_id}".strip(),
    ),
    Column(
        "detail",
        gettext_lazy("Detail"),
        value=lambda row: _facts(row.detail),
        sort="",
        template="core/_audit_detail.html",
        export=lambda row: json.dumps(row.detail, ensure_ascii=False) if row.detail else "",
        width=40,
    ),
]


def audit_trail(request: HttpRequest) -> HttpResponseBase:
    require(request, ADMINISTRATOR)
    listing = Listing(
        request,
        AuditEvent.objects.visible_to(request.user),
        AUDIT_COLUMNS,
        name="core.audit",
        title=_("Audit trail"),
        filterset=AuditFilter,
        order="-at",
        page_size=100,
    )
    name_subjects(listing.page)
    return listing.page_or_export("core/audit.html")


@require_http_methods(["GET", "POST"])
def calendar_page(request: HttpRequest) -> HttpResponseBase:
    require(request, *MAY_SEE_CALENDAR)
    may_edit = sees_everything(request.user)
    year = _year(request)
    form = HolidayForm(request.POST or None, initial={"day": f"{year}-01-01"})
    if request.method == "POST":
        require(request, ADMINISTRATOR)
        if form.is_valid():
            row = calendar.set_day(by=request.user, at=database_now(), **form.cleaned_data)
            messages.success(request, _("%(day)s is entered.") % {"day": row.day.isoformat()})
            return redirect(f"{reverse('core:calendar')}?year={row.day.year}")
    rows = _named(list(Holiday.objects.filter(day__year=year).order_by("day")), year)
    context = {
        "form": form,
        "may_edit": may_edit,
        "year": year,
        "rows": rows,
        "before": year - 1,
        "after": year + 1,
        "has_make_up_days": any(row.is_workday for row in rows),
    }
    return render(request, "core/calendar.html", context, status=422 if form.errors else 200)


def _named(rows: list[Holiday], year: int) -> list[Holiday]:
    """Days of the public calendar bear their name in the reader's language."""
    names = calendar.library_days(year)
    for row in rows:
        if row.source == Holiday.Source.LIBRARY and row.day in names:
            row.name = names[row.day][0]
    return rows


def _year(request: HttpRequest) -> int:
    this = calendar.business_date(timezone.now()).year
    year = number_or_none(request.GET.get("year", ""))
    return year if year is not None and 2000 <= year <= this + 10 else this


@require_POST
def calendar_fill(request: HttpRequest) -> HttpResponse:
    """Take the public calendar of a year over; days entered by hand stay."""
    require(request, ADMINISTRATOR)
    year = _year(request)
    added = calendar.fill_year(year)
    audit("core.calendar.year_filled", by=request.user, at=database_now(), year=year, days=added)
    messages.success(
        request, _("%(count)s days of %(year)s were taken from the public calendar.") % {"count": added, "year": year}
    )
    return redirect(f"{reverse('core:calendar')}?year={year}")


@require_POST
def calendar_clear(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, ADMINISTRATOR)
    holiday = get_object_or_404(Holiday, pk=pk)
    year = holiday.day.year
    calendar.clear_day(holiday=holiday, by=request.user, at=database_now())
    return redirect(f"{reverse('core:calendar')}?year={year}")


@require_GET
def file_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A private file, for whom its kind's rule allows it. For all others it does not exist."""
    private_file = get_object_or_404(PrivateFile, pk=pk)
    if not files.can_download(request.user, private_file):
        audit_refusal(request, file=private_file.pk, kind=private_file.kind)
        raise Http404
    # a player asks for many ranges of one recording: the first is the download
    if files.is_audited(private_file) and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        audit("core.file.downloaded", private_file, by=request.user, at=database_now(), kind=private_file.kind)
    try:
        return files.respond(request, private_file, inline=private_file.content_type.startswith("audio/"))
    except files.FileGone as gone:
        raise Http404(str(gone)) from None
