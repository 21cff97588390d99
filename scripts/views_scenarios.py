"""Pages of scenarios; their conditions are built as those of segments are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.htmx import is_htmx
from customers import segment_builder as builder
from customers.conditions import BadConditions
from people.access import must
from scripts import queries_treasury as queries, rules, services_scenarios as services
from scripts.forms_treasury import ScenarioForm
from scripts.models import Scenario
from scripts.views_treasury import common

PAGE = 50


@require_GET
def scenario_list(request: HttpRequest) -> HttpResponse:
    context = common(request) | {"status": request.GET.get("status", ""), "statuses": Scenario.Status.choices}
    rows = queries.scenarios(request.user, product=context["product"], status=context["status"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "scripts/scenarios.html", context | {"page": page})


@require_http_methods(["GET", "POST"])
def scenario_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Draw the form, change the conditions by a button, or save."""
    must(request, rules.can_write_treasury(request.user))
    scenario = get_object_or_404(Scenario, pk=pk) if pk else Scenario()
    if request.method == "GET":
        return _page(request, scenario, scenario.conditions or builder.new_draft(), ScenarioForm(instance=scenario))
    draft, do = builder.draft_of(request.POST), request.POST.get("do", "save")
    if do != "save":
        draft = builder.changed(draft, do)
        if is_htmx(request):
            return render(request, "customers/_segment_builder.html", _drawn(request, draft))
        form = ScenarioForm(instance=scenario)
        form.initial |= {name: request.POST.get(name, "") for name in form.fields}
        return _page(request, scenario, draft, form)
    return _save(request, scenario, draft)


def _save(request: HttpRequest, scenario: Scenario, draft: dict[str, Any]) -> HttpResponse:
    form, faults = ScenarioForm(request.POST, instance=scenario), None
    if form.is_valid():
        found = form.save(commit=False)
        found.conditions = {} if request.POST.get("for_all") else draft
        try:
            saved = services.save_scenario(scenario=found, by=request.user, at=database_now())
        except BadConditions as bad:
            faults = bad.faults
            form.add_error(None, _("The conditions are not finished."))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The scenario is saved."))
            return redirect("scripts:scenario", pk=saved.pk)
    return _page(request, scenario, draft, form, faults=faults, status=422)


def _page(
    request: HttpRequest,
    scenario: Scenario,
    draft: dict[str, Any],
    form: ScenarioForm,
    *,
    faults: Any = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "scenario": scenario,
        "form": form,
        "for_all": bool(request.POST.get("for_all"))
        if request.method == "POST"
        else bool(scenario.pk) and not scenario.conditions,
        **_drawn(request, draft, faults),
    }
    return render(request, "scripts/scenario.html", context, status=status)


def _drawn(request: HttpRequest, draft: dict[str, Any], faults: Any = None) -> dict[str, Any]:
    return {"root": builder.Drawing(request.user, faults).draw(draft), "attributes": []}


@require_POST
def scenario_move(request: HttpRequest, pk: int, status: str) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    scenario = get_object_or_404(Scenario, pk=pk)
    if status in Scenario.Status.values:
        try:
            services.set_scenario_status(scenario=scenario, status=status, by=request.user, at=database_now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The scenario is now: %(status)s.") % {"status": scenario.get_status_display()})
    return redirect("scripts:scenario", pk=pk)
