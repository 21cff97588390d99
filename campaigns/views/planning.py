"""Pages of campaigns: plan, gates, teams, retry rules, lists, the switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import queries_planning, rules
from campaigns.forms_planning import AllocateForm, CampaignForm, ReasonForm, RetryForm, TeamsForm
from campaigns.models import Campaign, Gate, ListAllocation, ListSample, SegmentAllocation
from campaigns.queries_likeness import likeness_of
from campaigns.queries_maps import map_of
from campaigns.queries_registers import stale_register
from campaigns.services import allocation, planning, sampling
from campaigns.wording import left_out_words
from campaigns.wording_likeness import refusal_sentence
from core.clock import database_now
from core.errors import DomainError
from customers.models import LeadList
from customers.rules import can_see_segments, can_see_sources
from people.access import must

PAGE = 50


def _campaign(request: HttpRequest, pk: int) -> Campaign:
    must(request, rules.can_read_campaigns(request.user))
    seen = Campaign.objects.visible_to(request.user)
    return get_object_or_404(seen.select_related("product", "offer", "script", "script_version__script", "city"), pk=pk)


def _tried(request: HttpRequest, verb: Callable[[], Any], done: str) -> bool:
    """Run one verb; its refusal stays on the page as a sentence."""
    try:
        verb()
    except DomainError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, done)
    return True


@require_GET
def campaign_list(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_read_campaigns(request.user))
    search, stage = request.GET.get("q", "").strip(), request.GET.get("stage", "")
    found = queries_planning.campaigns_for(
        request.user, search=search, stage=stage if stage in Campaign.Stage.values else ""
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    counts = queries_planning.lead_counts([c.pk for c in page], request.user, database_now())
    for campaign in page:
        campaign.lead_counts = counts.get(campaign.pk)
    context = {
        "page": page,
        "q": search,
        "stage": stage,
        "stages": Campaign.Stage.choices,
        "may_plan": rules.can_plan(request.user),
    }
    return render(request, "campaigns/campaigns.html", context)


@require_GET
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    user = request.user
    gates = {gate.stage: gate for gate in campaign.gates.select_related("decided_by", "second_by")}
    stages = [_stage_row(campaign, stage, gates.get(stage), user) for stage in Campaign.ORDER]
    counts = queries_planning.lead_counts([campaign.pk], user, database_now()).get(campaign.pk)
    likeness = likeness_of(campaign, user)
    return render(
        request,
        "campaigns/campaign.html",
        {
            "campaign": campaign,
            "stages": [] if campaign.stage == Campaign.Stage.HISTORY else stages,
            "next_stage": planning.next_stage(campaign),
            "counts": counts,
            "likeness": likeness,
            "likeness_refusal": refusal_sentence(likeness.newest) if likeness.newest else "",
            "teams": campaign.team_links.select_related("team__city").order_by("team__city__name", "team__name"),
            "allocations": _allocations(campaign, user),
            "segment_allocations": SegmentAllocation.objects.visible_to(user)
            .filter(campaign=campaign)
            .select_related("segment", "by")
            .order_by("-at", "-pk")
            if can_see_segments(user)
            else [],
            "retry_rules": campaign.retry_rules.select_related("disposition").order_by("disposition__position"),
            "packs": campaign.packs.order_by("code"),
            "guidance": map_of(campaign, user),
            "may_keep_map": rules.can_keep_map(user, campaign)
            and campaign.stage not in (Campaign.Stage.CLOSED, Campaign.Stage.HISTORY),
            "stale_register": stale_register(campaign, at=database_now()),
            "retry_form": RetryForm(campaign=campaign),
            "may_plan": rules.can_plan(user, campaign),
            "may_see_gates": rules.can_see_gates(user),
            "may_switch": rules.can_switch(user, campaign),
            "may_allocate": rules.can_allocate(user),
            "may_ask_data": rules.can_ask_data(user),
            "may_compare": can_see_sources(user),
        },
    )


def _allocations(campaign: Campaign, user: Any) -> list[ListAllocation]:
    """Lists given to the campaign, each with who of it was left out and why."""
    seen = campaign.allocations.filter(lead_list__in=LeadList.objects.visible_to(user))
    rows = list(seen.select_related("lead_list", "by", "sample").order_by("-at"))
    for row in rows:
        row.why_left_out = left_out_words(row.left_out)  # type: ignore[attr-defined]
    return rows


def _stage_row(campaign: Campaign, stage: str, gate: Gate | None, user: Any) -> dict[str, Any]:
    order = Campaign.ORDER
    here = order.index(campaign.stage) if campaign.stage in order else len(order)
    place = order.index(stage)
    asked = gate is not None and gate.status == Gate.Status.PENDING and gate.decided_by_id is not None
    return {
        "stage": stage,
        "label": Campaign.Stage(stage).label,
        "state": "done" if place < here else "now" if place == here else "",
        "gate": gate,
        "is_next": place == here + 1,
        "asked": asked,
        "open": gate is not None and gate.status in (Gate.Status.PASSED, Gate.Status.OVERRIDDEN),
        "may_decide": rules.can_decide_gate(user, campaign),
        "may_confirm": asked and rules.can_confirm_override(user, gate),
        "may_ask": rules.can_plan(user, campaign) and not asked,
    }


@require_http_methods(["GET", "POST"])
def campaign_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    campaign = _campaign(request, pk) if pk else Campaign()
    must(request, rules.can_plan(request.user, campaign if pk else None))
    form = CampaignForm(request.POST or None, instance=campaign, user=request.user)
    if request.method == "POST" and form.is_valid():
        told = {"packs": form.cleaned_data["packs"], "by": request.user, "at": database_now()}
        try:
            written = form.save(commit=False)
            saved = (
                planning.change_campaign(campaign=written, changed=form.changed_data, **told)
                if pk
                else planning.plan_campaign(campaign=written, **told)
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("%(campaign)s is stored.") % {"campaign": saved.name})
            return redirect("campaigns:campaign", pk=saved.pk)
    return render(request, "campaigns/campaign_edit.html", {"form": form, "campaign": campaign})


@require_POST
def campaign_switch(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_switch(request.user, campaign))
    is_on = request.POST.get("is_on") == "1"
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    done = _("The campaign may call again.") if is_on else _("The campaign is stopped: nobody is handed out any more.")
    _tried(
        request,
        lambda: planning.switch_campaign(
            campaign=campaign, is_on=is_on, reason=reason, by=request.user, at=database_now()
        ),
        done,
    )
    return redirect("campaigns:campaign", pk=pk)


@require_http_methods(["GET", "POST"])
def campaign_teams(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_plan(request.user, campaign))
    form = TeamsForm(request.POST or None, user=request.user, campaign=campaign)
    if request.method == "POST" and form.is_valid():
        planning.set_teams(
            campaign=campaign,
            teams=form.cleaned_data["teams"],
            offered=form.fields["teams"].queryset,
            by=request.user,
            at=database_now(),
        )
        messages.success(request, _("The teams are stored."))
        return redirect("campaigns:campaign", pk=pk)
    return render(request, "campaigns/campaign_teams.html", {"form": form, "campaign": campaign})


@require_POST
def campaign_retry(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_plan(request.user, campaign))
    form = RetryForm(request.POST, campaign=campaign)
    if form.is_valid():
        _tried(
            request,
            lambda: planning.set_retry_rule(campaign=campaign, by=request.user, at=database_now(), **form.cleaned_data),
            _("The retry rule is stored."),
        )
    else:
        messages.error(request, " ".join(str(fault) for faults in form.errors.values() for fault in faults))
    return redirect("campaigns:campaign", pk=pk)


@require_POST
def campaign_enter(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_plan(request.user, campaign))
    stage = request.POST.get("stage", "")
    if stage in Campaign.Stage.values:
        _tried(
            request,
            lambda: planning.enter_stage(campaign=campaign, stage=stage, by=request.user, at=database_now()),
            _("The campaign is now in stage %(stage)s.") % {"stage": Campaign.Stage(stage).label},
        )
    return redirect("campaigns:campaign", pk=pk)


@require_POST
def gate_act(request: HttpRequest, pk: int, gate_pk: int) -> HttpResponse:
    """Pass, send back, ask for or confirm an override, by the button pressed."""
    campaign = _campaign(request, pk)
    gate = get_object_or_404(Gate, pk=gate_pk, campaign=campaign)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    user, at, act = request.user, database_now(), request.POST.get("act")
    if act in ("pass", "refuse"):
        must(request, rules.can_decide_gate(user, campaign))
        passed = act == "pass"
        done = _("The gate is passed.") if passed else _("The campaign is sent back.")
        _tried(request, lambda: planning.decide_gate(gate=gate, passed=passed, reason=reason, by=user, at=at), done)
    elif act == "ask":
        must(request, rules.can_plan(user, campaign))
        _tried(
            request,
            lambda: planning.ask_override(gate=gate, reason=reason, by=user, at=at),
            _("A second person has to confirm."),
        )
    elif act == "confirm":
        _tried(request, lambda: planning.confirm_override(gate=gate, by=user, at=at), _("The gate is overridden."))
    return redirect("campaigns:campaign", pk=pk)


@require_http_methods(["GET", "POST"])
def list_allocate(request: HttpRequest) -> HttpResponse:
    """Give a list to a campaign: from the list's page (?list=) or the campaign's (?campaign=)."""
    must(request, rules.can_allocate(request.user))
    initial = {"lead_list": request.GET.get("list"), "campaign": request.GET.get("campaign")}
    form = AllocateForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = allocation.allocate_list(by=request.user, at=database_now(), **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The leads are being made; the campaign's page counts them."))
            return redirect("campaigns:campaign", pk=made.campaign_id)
    return render(request, "campaigns/allocate.html", {"form": form})


def _sample(request: HttpRequest, pk: int) -> ListSample:
    must(request, rules.can_allocate(request.user))
    seen = ListSample.objects.filter(
        allocation__campaign__in=Campaign.objects.visible_to(request.user),
        allocation__lead_list__in=LeadList.objects.visible_to(request.user),
    )
    return get_object_or_404(seen.select_related("allocation"), pk=pk)


@require_POST
def sample_rest(request: HttpRequest, pk: int) -> HttpResponse:
    """The sample did well: the others of the list are called too."""
    sample = _sample(request, pk)
    _tried(
        request,
        lambda: sampling.call_the_rest(sample=sample, by=request.user, at=database_now()),
        _("The leads of the rest are being made; the campaign's page counts them."),
    )
    return redirect("campaigns:campaign", pk=sample.allocation.campaign_id)


@require_POST
def sample_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """The sample did badly: the others of the list are not called."""
    sample = _sample(request, pk)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    _tried(
        request,
        lambda: sampling.stop_here(sample=sample, reason=reason, by=request.user, at=database_now()),
        _("Stopped here: the rest of the list is not called in this campaign."),
    )
    return redirect("campaigns:campaign", pk=sample.allocation.campaign_id)
