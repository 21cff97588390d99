"""Pages of the first hours of full runs: which are monitored, the limits, the sheets of hours 2, 4 and 6, the decisions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from people.access import must
from qa import limits, rules
from qa.forms_full_run import DecisionForm, LimitsForm, PrepareForm
from qa.models import FullRun, FullRunSheet
from qa.services import full_run as services
from qa.views.forms import first_fault

PAGE = 50


@never_cache
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_runs(request.user))
    rows = FullRun.objects.visible_to(request.user).select_related("campaign", "form").prefetch_related("sheets")
    page = Paginator(rows.order_by("-prepared_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    shown = [(row, sorted(row.sheets.all(), key=lambda sheet: sheet.hour)) for row in page]
    context = {"page": page, "runs": shown, "may_prepare": rules.can_prepare_runs(request.user)}
    return render(request, "qa/full_runs.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("First hours"), reverse("qa:full-runs"))]


@require_http_methods(["GET", "POST"])
def run_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_prepare_runs(request.user))
    form = PrepareForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.prepare(
                campaign=said["campaign"], form=said["form"], picks=said["picks"], shares=form.shares(), by=request.user, at=database_now()
            )  # fmt: skip
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Prepared. The sheets come by themselves at hours 2, 4 and 6 of work."))
            return redirect("qa:full-run", pk=made.pk)
    form.order_fields(["campaign", "form", "picks"])
    context = {"form": form, "crumbs": _crumbs()}
    return render(request, "qa/full_run_new.html", context, status=422 if form.errors else 200)


def _run(request: HttpRequest, pk: int) -> FullRun:
    must(request, rules.can_see_runs(request.user))
    return get_object_or_404(FullRun.objects.visible_to(request.user).select_related("campaign", "form"), pk=pk)


@never_cache
@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "qa/full_run.html", _page(request, _run(request, pk)))


def _page(request: HttpRequest, row: FullRun) -> dict[str, Any]:
    may_watch = rules.can_watch_run(request.user, row.campaign)
    sheets = list(row.sheets.select_related("decided_by").order_by("-hour"))
    return {
        "run": row,
        "sheets": [services.as_shown(sheet) for sheet in sheets],
        "limits": [(limits.label(limit.indicator), limit) for limit in row.limits.order_by("pk")],
        "quarters": len(row.quarters),
        "minutes": 15 * len(row.quarters),
        "next_hour": next((hour for hour in FullRun.HOURS if hour not in {sheet.hour for sheet in sheets}), None),
        "may_decide": may_watch,
        "may_set": may_watch and row.began_at is None,
        "limits_form": LimitsForm(run=row),
        "decision_form": DecisionForm(auto_id=False),
        "crumbs": _crumbs(),
    }


@require_POST
def run_limits(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _run(request, pk), LimitsForm(request.POST)
    try:
        if not form.is_valid():
            raise services.NotDecided(first_fault(form))
        services.set_limits(run=row, shares=form.shares(), by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/full_run.html", {**_page(request, row), "fault_said": str(refusal)}, status=409)
    messages.success(request, _("The limits are set."))
    return redirect("qa:full-run", pk=pk)


@require_POST
def decide(request: HttpRequest, pk: int, hour: int) -> HttpResponse:
    row = _run(request, pk)
    sheet, form = get_object_or_404(FullRunSheet, run=row, hour=hour), DecisionForm(request.POST)
    try:
        if not form.is_valid():
            raise services.NotDecided(first_fault(form))
        services.decide(sheet=sheet, by=request.user, at=database_now(), **form.cleaned_data)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/full_run.html", {**_page(request, row), "fault_said": str(refusal)}, status=409)
    messages.success(request, _("Decided. It stays with the sheet."))
    return redirect("qa:full-run", pk=pk)
