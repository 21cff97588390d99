"""Pages of sampling plans: what is drawn by which rule, what came of it, and where there was too little."""

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

from campaigns.queries_calls import Names
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from qa import queries_sampling as queries, rules
from qa.forms_sampling import PlanForm
from qa.models import SampleDraw, SamplingPlan
from qa.services import sampling as services

PAGE, DRAWS, GAPS = 50, 24, 200


@never_cache
@require_GET
def plans(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_plans(request.user))
    page = Paginator(queries.plans_shown(request.user), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "plans": page.object_list, "may_plan": rules.can_plan(request.user)}
    return render(request, "qa/plans.html", context)


@require_http_methods(["GET", "POST"])
def plan_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_plan(request.user))
    form = PlanForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.make_plan(by=request.user, at=database_now(), **form.cleaned_data)
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The plan is on: it draws each period that is over, in the night."))
            return redirect("qa:plan", pk=made.pk)
    return render(request, "qa/plan_new.html", {"form": form, "crumbs": _crumbs()}, status=422 if form.errors else 200)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Sampling plans"), reverse("qa:plans"))]


def _plan(request: HttpRequest, pk: int) -> SamplingPlan:
    must(request, rules.can_see_plans(request.user))
    return get_object_or_404(queries.plans_shown(request.user), pk=pk)


@never_cache
@require_GET
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    row = _plan(request, pk)
    draws = queries.draws_shown(request.user, row, DRAWS)
    asked = number_or_none(request.GET.get("draw", ""), LARGEST_ID)
    chosen = next((draw for draw in draws if draw.pk == asked), draws[0] if draws else None)
    context = {
        "plan": row,
        "draws": draws,
        "draw": chosen,
        "may_plan": row.ended_at is None and rules.can_plan_in(request.user, row.city),
        "crumbs": _crumbs(),
        **(_drawn(request, chosen) if chosen else {}),
    }
    return render(request, "qa/plan.html", context)


def _drawn(request: HttpRequest, draw: SampleDraw) -> dict[str, Any]:
    """Picks and gaps of one draw. Whose call it is stays unsaid where the plan asks for that, until it is scored; so do what an agent can be told
    by (new, complained of, how many calls), and who scores it."""
    names = Names()
    page = Paginator(queries.picks_shown(request.user, draw), PAGE).get_page(request.GET.get("page"))
    gaps = queries.gaps_shown(request.user, draw)[:GAPS]
    return {
        "page": page,
        "picks": [
            (pick, hidden, "" if hidden else names.agent(pick.agent_id))
            for pick in page
            for hidden in [pick.task.blind and pick.task.is_open]
        ],
        "gaps_shown": GAPS,
        "gaps": [(gap, names.agent(gap.agent_id), names.cities.get(gap.city_id, "")) for gap in gaps],
    }


@require_POST
def plan_end(request: HttpRequest, pk: int) -> HttpResponse:
    services.end_plan(plan=_plan(request, pk), by=request.user, at=database_now())
    messages.success(request, _("The plan has ended. What was drawn stays to be scored."))
    return redirect("qa:plan", pk=pk)


@require_POST
def plan_draw(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        services.ask_draw(plan=_plan(request, pk), by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, _("The last period that is over is drawn in the background; drawn before, it stays as it is.")
        )
    return redirect("qa:plan", pk=pk)
