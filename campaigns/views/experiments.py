"""Pages of experiments: those of a campaign, the plan, and the verbs. What came of one is told by metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import rules
from campaigns.forms_experiments import ExperimentForm, things_of
from campaigns.forms_planning import ReasonForm
from campaigns.models import Campaign, Experiment
from campaigns.services import experiments as verbs
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must

PAGE = 50


def _campaign(request: HttpRequest, pk: int) -> Campaign:
    must(request, rules.can_see_experiments(request.user))
    seen = Campaign.objects.visible_to(request.user)
    return get_object_or_404(seen.select_related("product", "offer", "script_version"), pk=pk)


def _experiment(request: HttpRequest, pk: int) -> Experiment:
    """One that the user may change."""
    must(request, rules.can_see_experiments(request.user))
    seen = Experiment.objects.visible_to(request.user).select_related("campaign__product")
    found = get_object_or_404(seen, pk=pk)
    must(request, rules.can_experiment(request.user, found.campaign))
    return found


def _crumbs(campaign: Campaign, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        (_("Campaigns"), reverse("campaigns:campaigns")),
        (campaign.name or campaign.code, reverse("campaigns:campaign", args=[campaign.pk])),
        *more,
    ]


@require_GET
def experiments(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    seen = Experiment.objects.visible_to(request.user).filter(campaign=campaign)
    rows = seen.select_related("created_by", "adopted").prefetch_related("arms").order_by("-created_at", "-pk")
    context = {
        "campaign": campaign,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "kinds": Experiment.Kind.choices,
        "may_plan": rules.can_experiment(request.user, campaign) and campaign.stage != Campaign.Stage.HISTORY,
        "crumbs": _crumbs(campaign),
    }
    return render(request, "campaigns/experiments.html", context)


@require_http_methods(["GET", "POST"])
def experiment_new(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_experiment(request.user, campaign))
    kind = request.GET.get("kind", "")
    kind = kind if kind in Experiment.Kind.values else Experiment.Kind.SCRIPT
    return _edit(request, Experiment(usual_percent=campaign.target_success_percent), campaign, kind)


@require_http_methods(["GET", "POST"])
def experiment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    found = _experiment(request, pk)
    if found.state != Experiment.State.DRAFT:
        messages.error(request, _("This experiment has begun: what was fixed beforehand is not changed any more."))
        return redirect("metrics:experiment", pk=pk)
    return _edit(request, found, found.campaign, found.kind)


def _edit(request: HttpRequest, experiment: Experiment, campaign: Campaign, kind: str) -> HttpResponse:
    at = database_now()
    today = business_date(at)
    form = ExperimentForm(request.POST or None, instance=experiment, campaign=campaign, kind=kind, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            planned = form.save(commit=False)
            saved = verbs.save_experiment(experiment=planned, arms=form.arms(), by=request.user, at=at)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The experiment is planned. Nobody meets it before it is started."))
            return redirect("metrics:experiment", pk=saved.pk)
    list_url = reverse("campaigns:experiments", args=[campaign.pk])
    context: dict[str, Any] = {
        "form": form,
        "kind": Experiment.Kind(kind).label,
        "experiment": experiment,
        "is_possible": things_of(kind, campaign, today).count() >= 2,
        "back_url": reverse("metrics:experiment", args=[experiment.pk]) if experiment.pk else list_url,
        "crumbs": _crumbs(campaign, (_("Experiments"), list_url)),
    }
    return render(request, "campaigns/experiment_form.html", context, status=422 if form.errors else 200)


def _tried(request: HttpRequest, verb: Callable[[], Any], done: str) -> None:
    """Run one verb; its refusal stays on the page as a sentence."""
    try:
        verb()
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)


@require_POST
def experiment_start(request: HttpRequest, pk: int) -> HttpResponse:
    found = _experiment(request, pk)
    _tried(
        request,
        lambda: verbs.start_experiment(experiment=found, by=request.user, at=database_now()),
        _("The experiment runs: from the next call on every person meets one arm, and stays with it."),
    )
    return redirect("metrics:experiment", pk=pk)


@require_POST
def experiment_stop(request: HttpRequest, pk: int) -> HttpResponse:
    found, form = _experiment(request, pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    _tried(
        request,
        lambda: verbs.stop_experiment(experiment=found, reason=reason, by=request.user, at=database_now()),
        _("The experiment is stopped. Everybody goes on with what the campaign has."),
    )
    return redirect("metrics:experiment", pk=pk)


@require_POST
def experiment_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Adopt the arm of this number, or keep it as it is (no number)."""
    found, form = _experiment(request, pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    number = number_or_none(request.POST.get("arm", ""))
    arm = get_object_or_404(found.arms, number=number) if number is not None else None
    _tried(
        request,
        lambda: verbs.decide_experiment(experiment=found, arm=arm, reason=reason, by=request.user, at=database_now()),
        _("Decided: the campaign works with what was adopted.") if arm else _("Decided: it stays as it is."),
    )
    return redirect("metrics:experiment", pk=pk)
