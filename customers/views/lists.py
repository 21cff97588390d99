"""Lead lists in the browser: upload, watch the check, read the verdicts, decide, commit, give up."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.files import attachment
from core.htmx import refresh
from core.jobs.panel import job_panel
from core.listing import Column, Listing
from core.models import Job
from core.numbers import number_or_none
from core.workbooks import XLSX_TYPE
from customers import list_queries, list_rules
from customers.filters_lists import LeadListFilter
from customers.list_forms import TakeBackForm, UploadForm
from customers.models import LeadList, RowVerdict, Source
from customers.rules import can_see_sources
from customers.services import list_decisions, list_receiving, list_rejects, lists as services, mappings, undo_judging
from customers.services.repair_undo import last_repair
from customers.services.sources import create_source
from customers.views import list_pages
from customers.wording import reason_words
from people.access import must
from people.exports import pass_door
from people.models import User

PAGE_SIZE = 50
MARKS = {
    LeadList.Status.WAITING: ("is-plain", "·"), LeadList.Status.CHECKING: ("is-update", "↻"), LeadList.Status.CHECKED: ("is-ask", "?"),
    LeadList.Status.COMMITTING: ("is-update", "↻"), LeadList.Status.COMMITTED: ("is-new", "✓"), LeadList.Status.FAILED: ("is-invalid", "!"),
    LeadList.Status.CANCELLED: ("is-stop", "⊘"), LeadList.Status.UNDOING: ("is-update", "↻"), LeadList.Status.UNDONE: ("is-stop", "⊘"),
}  # fmt: skip


def _columns(user: User) -> list[Column]:
    """Rows as this reader is told; the region sees besides how many of them wait for its data team."""
    columns = [
        Column("name", gettext_lazy("Name"), width=32),
        Column("source", gettext_lazy("Source"), value="source.name", sort="source__name"),
        Column("city", gettext_lazy("City"), value=lambda row: row.city.label if row.city else _("whole region"), sort="city__name"),
        Column("status", gettext_lazy("Status"), value="get_status_display", template="customers/_list_status.html", sort="status"),
        Column("rows", gettext_lazy("Rows"), value="row_count", sort="row_count", num=True, kind="number"),
        Column("new", gettext_lazy("New"), value=lambda row: list_queries.counts_for(row, user)["new"], sort="", num=True, kind="number"),
        Column("update", gettext_lazy("Update"), value=lambda row: list_queries.counts_for(row, user)["update"], sort="", num=True, kind="number"),
        Column("created_by", gettext_lazy("Uploaded by"), value=lambda row: str(row.created_by), sort="created_by__display_name"),
        Column("created_at", gettext_lazy("Uploaded"), kind="moment"),
    ]  # fmt: skip
    if list_rules.works_for_region(user):
        columns.insert(
            7, Column("held", gettext_lazy("Held back"), value=list_queries.held_back, sort="", num=True, kind="number")
        )
    return columns


def visible_list(request: HttpRequest, pk: int) -> LeadList:
    must(request, list_rules.can_see_lists(request.user))
    rows = list_queries.lists_of(request.user).select_related("source", "city", "created_by", "committed_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def lists(request: HttpRequest) -> HttpResponseBase:
    must(request, list_rules.can_see_lists(request.user))
    rows = list_queries.lists_of(request.user).select_related("source", "city", "created_by")
    listing = Listing(
        request, rows, _columns(request.user), name="customers.lists",
        title=_("Lists"), filterset=LeadListFilter, order="-created_at", row_link=lambda row: reverse("customers:list", args=[row.pk]),
        empty_title=_("No list has been uploaded yet."), empty_text=_("A list is checked row by row first; nothing is stored before somebody commits it."),
    )  # fmt: skip
    return listing.page_or_export("customers/lists.html", {"may_upload": list_rules.can_upload_list(request.user)})


@require_http_methods(["GET", "POST"])
def list_upload(request: HttpRequest) -> HttpResponse:
    must(request, list_rules.can_upload_list(request.user))
    form = UploadForm(request.POST or None, request.FILES or None, user=request.user)
    if form.is_valid():
        try:
            lead_list = _receive(request, form.cleaned_data)
        except DomainError as refusal:
            form.add_error("file" if isinstance(refusal, list_receiving.FileRefused) else None, str(refusal))
        else:
            wants_mapping = form.cleaned_data["map_first"] and lead_list.job_id is None
            return redirect("customers:list-mapping" if wants_mapping else "customers:list", pk=lead_list.pk)
    crumbs = [(_("Lists"), reverse("customers:lists"))]
    return render(
        request, "customers/lists_upload.html", {"form": form, "crumbs": crumbs}, status=422 if form.errors else 200
    )


def _receive(request: HttpRequest, data: dict[str, Any]) -> LeadList:
    at = database_now()
    list_receiving.examine_file(data["file"])  # before a new source is made for a file that is refused
    return list_receiving.receive_list(
        file=data["file"], file_name=data["file"].name, name=data["name"] or data["file"].name.rsplit(".", 1)[0], source=_source(request, data, at),
        city=data["city"], consent_basis=data["consent_basis"], by=request.user, at=at, map_first=data["map_first"],
        known=data["known"], known_fields=data["known_fields"], known_days=data["known_days"],
        left_list=data["left_list"], left_campaign_id=data.get("left_campaign"), left_campaign_days=data.get("left_campaign_days"),
    )  # fmt: skip


def _source(request: HttpRequest, data: dict[str, Any], at: Any) -> Source:
    if data["source"]:
        return data["source"]
    known = Source.objects.filter(name=data["new_source"].strip()).first()
    kind = data["new_source_kind"] or Source.Kind.OWN
    return known or create_source(
        name=data["new_source"], kind=kind, supplier="", price_cents=0, by=request.user, at=at
    )


@require_GET
def list_template(request: HttpRequest) -> HttpResponseBase:
    must(request, list_rules.can_see_lists(request.user))
    target = tempfile.TemporaryFile()  # noqa: SIM115  closed by the answer
    list_rejects.write_template(target)
    return attachment(target, _("lead list template.xlsx"), XLSX_TYPE)


# -- one list ----------------------------------------------------------------------------------------------------------


@never_cache
@require_GET
def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    lead_list = visible_list(request, pk)
    context = frame(request, lead_list)
    if context["phase"] in ("checked", "committed", "undone"):
        context |= _result(request, lead_list)
    if context["phase"] == "checked" and context["may_work"]:
        context |= _last_repair(lead_list)
    if context["phase"] == "committed":
        may_undo = context["may_work"] and services.can_still_be_undone(lead_list, at=database_now())
        context |= {"may_undo": may_undo}
    if context["phase"] == "undone":
        context |= {"undone": list_queries.undone_counts(lead_list, request.user)}
    return render(request, "customers/lists_detail.html", context)


def _last_repair(lead_list: LeadList) -> dict[str, Any]:
    last = last_repair(lead_list)
    return {"last_repair": last, "last_fault": reason_words(last.fault)} if last else {}


def frame(request: HttpRequest, lead_list: LeadList, *, current: str = "") -> dict[str, Any]:
    """What every page about a list shows: title, steps, and the job while one is at work."""
    job = services.job_of(lead_list)
    phase = list_pages.phase_of(lead_list, job)
    return {
        "lead_list": lead_list,
        "phase": phase,
        "job": job,
        "steps": list_pages.steps_of(
            lead_list, list_queries.counts_for(lead_list, request.user), phase, current=current
        ),
        "panel": _panel(request, lead_list, job) if job and phase in ("checking", "committing", "undoing") else None,
        "repair": _repair_panel(request, lead_list, job) if phase == "checked" else None,
        "fault": list_pages.fault_of(lead_list),
        "may_work": list_rules.can_work_on_list(request.user, lead_list),
        "may_compare": can_see_sources(request.user),
        "may_map": _may_map(request, lead_list, phase, current),
        "is_region": list_rules.works_for_region(request.user),
        "crumbs": [(_("Lists"), reverse("customers:lists"))],
        "kept_until": list_pages.kept_until(lead_list),
    }


def _may_map(request: HttpRequest, lead_list: LeadList, phase: str, current: str) -> bool:
    """Asked only where a page leads to the columns."""
    leads_there = phase in ("mapping", "failed") or current == "columns"
    return leads_there and list_rules.can_work_on_list(request.user, lead_list) and mappings.is_mappable(lead_list)


def _panel(request: HttpRequest, lead_list: LeadList, job: Job) -> Any:
    """Progress for everybody who may see the list, Stop and Go on for those who may work on it."""
    panel = job_panel(
        job, at=database_now(), user=request.user, poll_url=reverse("customers:list-progress", args=[lead_list.pk])
    )
    if lead_list.status == LeadList.Status.UNDOING:
        return _undo_panel(panel, job)
    may_stop = job.is_open and list_rules.can_work_on_list(request.user, lead_list)
    stop = reverse("customers:list-stop", args=[lead_list.pk]) if may_stop else ""
    note = (
        panel.note
        if job.state != Job.State.RUNNING
        else _("You may leave this page; nothing is stored before somebody commits the list.")
    )
    return dataclasses.replace(
        panel, stop_url=stop, note=note if lead_list.status != LeadList.Status.COMMITTING else panel.note
    )


def _undo_panel(panel: Any, job: Job) -> Any:
    """Half taken back nobody wants to leave it: it is not stopped from here."""
    note = _("You may leave this page. Agents go on calling meanwhile; whom they call stays.")
    return dataclasses.replace(panel, stop_url="", note=note if job.is_open else panel.note)


def _repair_panel(request: HttpRequest, lead_list: LeadList, job: Job | None) -> Any:
    """The correction of very many rows while it is at work, or when it gave up."""
    if job is None or job.kind != services.REPAIR_JOB or job.state not in (*Job.OPEN_STATES, Job.State.DEAD):
        return None
    poll_url = reverse("customers:list-progress", args=[lead_list.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=poll_url)


def _result(request: HttpRequest, lead_list: LeadList) -> dict[str, Any]:
    counts = list_queries.counts_for(lead_list, request.user)
    wanted = list_pages.Wanted.of(request, lead_list, counts)
    verdicts = list_queries.verdicts_of(
        lead_list, request.user, verdict=wanted.verdict, reason=wanted.reason, search=wanted.search
    )
    page = _page(verdicts, lead_list, counts, wanted, request.GET.get("page"))
    return {
        "wanted": wanted,
        "counts": counts,
        "tally": list_pages.tally_of(lead_list, counts, wanted),
        "reasons": list_queries.reasons_of(lead_list, request.user),
        "page": page,
        "rows": list_queries.rows_of(lead_list, list(page), request.user),
        "good": counts["new"] + counts["update"],
        "rejected": sum(counts[verdict] for verdict in list_rejects.REJECTED),
        "accept_words": list_pages.ACCEPT_WORDS,
    }


def _page(
    verdicts: Any, lead_list: LeadList, counts: dict[str, int], wanted: list_pages.Wanted, number: str | None
) -> Page:
    paginator = Paginator(verdicts, PAGE_SIZE)
    if not wanted.reason and not wanted.search and wanted.verdict in ("", *counts):
        # counted already; counting 200,000 rows again for every page would cost more than showing them
        paginator.count = counts[wanted.verdict] if wanted.verdict else lead_list.row_count  # type: ignore[misc]
    return paginator.get_page(number)


@never_cache
@require_GET
def list_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment asked for each second; when the work has ended the whole page is loaded anew."""
    lead_list = visible_list(request, pk)
    job = services.job_of(lead_list)
    if job is None or job.is_final:
        return refresh()
    panel = _repair_panel(request, lead_list, job) or _panel(request, lead_list, job)
    return render(request, "core/_job.html", {"panel": panel, "job": job})


@require_GET
def list_columns(request: HttpRequest, pk: int) -> HttpResponse:
    lead_list = visible_list(request, pk)
    context = frame(request, lead_list, current="columns")
    return render(request, "customers/lists_columns.html", context | {"columns": list_pages.columns_of(lead_list)})


# -- verbs -------------------------------------------------------------------------------------------------------------


def _act(request: HttpRequest, lead_list: LeadList, verb: Any) -> bool:
    """Do it, or say why not on the page."""
    must(request, list_rules.can_work_on_list(request.user, lead_list))
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return False
    return True


@require_POST
def list_commit(request: HttpRequest, pk: int) -> HttpResponse:
    lead_list = visible_list(request, pk)
    _act(request, lead_list, lambda: services.commit_list(lead_list=lead_list, by=request.user, at=database_now()))
    return redirect("customers:list", pk=pk)


@never_cache
@require_http_methods(["GET", "POST"])
def list_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """What would go, stay and be restored, in numbers, and then the word to do it. A post while it goes on, or has stopped, goes on."""
    lead_list = visible_list(request, pk)
    must(request, list_rules.can_work_on_list(request.user, lead_list))
    is_going_on = lead_list.status == LeadList.Status.UNDOING
    form = TakeBackForm(request.POST or None, must_say_why=not is_going_on)
    if form.is_valid() and _act(request, lead_list, partial(_undo, request, lead_list, form.cleaned_data["reason"])):
        return redirect("customers:list", pk=pk)
    if not services.can_still_be_undone(lead_list, at=database_now()):
        return redirect("customers:list", pk=pk)
    context = {
        "lead_list": lead_list,
        "form": form,
        "plan": list_queries.undo_counts(lead_list, request.user, _foreseen(lead_list)),
        "crumbs": [
            (_("Lists"), reverse("customers:lists")),
            (lead_list.name, reverse("customers:list", args=[pk])),
        ],
    }
    return render(request, "customers/lists_take_back.html", context, status=422 if form.errors else 200)


def _undo(request: HttpRequest, lead_list: LeadList, reason: str) -> None:
    services.undo_list(lead_list=lead_list, by=request.user, reason=reason, at=database_now())


def _foreseen(lead_list: LeadList) -> list[tuple[str, str, bool, int]]:
    return [(*key, n) for key, n in undo_judging.foresee(lead_list).items()]


@require_POST
def list_give_up(request: HttpRequest, pk: int) -> HttpResponse:
    lead_list = visible_list(request, pk)
    if _act(request, lead_list, lambda: services.give_up_list(lead_list=lead_list, by=request.user, at=database_now())):
        messages.success(request, _("The list is given up; nothing of it was stored."))
    return redirect("customers:list", pk=pk)


@require_POST
def list_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a check: the list is given up. Stop a commit: the list waits, checked, for another."""
    lead_list = visible_list(request, pk)
    if lead_list.status == LeadList.Status.COMMITTING:
        _act(request, lead_list, lambda: services.stop_commit(lead_list=lead_list, by=request.user, at=database_now()))
        return redirect("customers:list", pk=pk)
    return list_give_up(request, pk)


@require_POST
def list_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes or no to rows that need a decision: `reason`, or `row` (one or more), with `accept` 1 or 0."""
    lead_list = visible_list(request, pk)
    told = (number_or_none(row) for row in request.POST.getlist("row"))
    rows = [row for row in told if row is not None] or None
    reason = request.POST.get("reason", "")
    must(request, bool(rows or reason))
    done = {"n": 0}

    def decide() -> None:
        done["n"] = list_decisions.decide_rows(
            lead_list=lead_list,
            accept=request.POST.get("accept") == "1",
            by=request.user,
            at=database_now(),
            reason=reason,
            rows=rows,
        )

    if _act(request, lead_list, decide):
        messages.success(request, _("Rows decided: %(count)s.") % {"count": f"{done['n']:,}"})
    query = {"verdict": RowVerdict.Verdict.UNDECIDED} if reason or rows else {}
    return redirect(f"{reverse('customers:list', args=[pk])}?{urlencode(query)}")


@require_POST
def list_rejects_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The workbook of rejected rows. A post: it is recorded, counts against a quota, and many rows need a second person."""
    lead_list = visible_list(request, pk)
    must(request, list_rules.can_work_on_list(request.user, lead_list))
    try:
        with transaction.atomic():
            passed = _rejects_door(request, lead_list)
            if isinstance(passed, HttpResponseBase):
                return passed
            whole = list_rejects.announce_rejects(lead_list=lead_list, by=request.user, at=database_now(), **passed)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("customers:list", pk=pk)
    target = tempfile.TemporaryFile()  # noqa: SIM115  closed by the answer
    is_region = list_rules.works_for_region(request.user)
    list_rejects.write_rejects(lead_list=lead_list, target=target, whole=whole, is_region=is_region)
    return attachment(target, _("rejected rows %(list)s.xlsx") % {"list": lead_list.pk}, XLSX_TYPE)


def _rejects_door(request: HttpRequest, lead_list: LeadList) -> HttpResponseBase | dict[str, Any]:
    """The rows count with all other files of this person; an approval leads back to the page of the list, where the file is fetched."""
    return pass_door(
        request, list_name="customers.rejects", title=_("Rejected rows"), path=reverse("customers:list", args=[lead_list.pk]),
        query=urlencode({"list": lead_list.pk}), rows=list_rejects.count_rejects(lead_list=lead_list, by=request.user),
        is_masked=False, holding=list_rejects.rows_rejected(lead_list=lead_list, by=request.user),
    )  # fmt: skip
