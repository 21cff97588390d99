"""Pages of likeness: what it is worth, the training, the switch, why a lead stands where it stands, and what is protected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import rules
from campaigns.forms_planning import ProtectForm, ReasonForm
from campaigns.models import Campaign, Lead, LikenessModel, LikenessUse, ProtectedAttribute
from campaigns.queries_likeness import Likeness, first_leads, likeness_of
from campaigns.services import likeness, likeness_data
from campaigns.wording_likeness import attributes_told, reasons, refusal_sentence
from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must


def _campaign(request: HttpRequest, pk: int) -> Campaign:
    must(request, rules.can_read_campaigns(request.user))
    return get_object_or_404(Campaign.objects.visible_to(request.user).select_related("product", "city"), pk=pk)


@require_GET
def likeness_page(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    state = likeness_of(campaign, request.user)
    protected = likeness_data.protected_names()
    is_outdated = state.newest is not None and likeness.uses_any_of(state.newest, protected)
    context = {
        "campaign": campaign,
        "state": state,
        "refusal": refusal_sentence(state.newest) if state.newest else "",
        "told": attributes_told(state.newest) if state.newest else [],
        "protected": protected,
        "is_outdated": is_outdated,
        "may_switch_on": rules.can_plan(request.user, campaign) and _can_be_used(state) and not is_outdated,
        "leads": first_leads(campaign, request.user, database_now()) if state.use else [],
        "scopes": LikenessModel.Scope.choices,
        "may_change": rules.can_plan(request.user, campaign),
        "may_see_names": rules.can_see_names(request.user),
        "crumbs": _crumbs(campaign),
    }
    return render(request, "campaigns/likeness.html", context)


def _can_be_used(state: Likeness) -> bool:
    return state.newest is not None and state.newest.is_usable and not state.is_newest_in_use


def _crumbs(campaign: Campaign, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        (_("Campaigns"), reverse("campaigns:campaigns")),
        (campaign.name or campaign.code, reverse("campaigns:campaign", args=[campaign.pk])),
        *more,
    ]


@require_POST
def likeness_train(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    must(request, rules.can_plan(request.user, campaign))
    scope = request.POST.get("scope", "")
    scope = scope if scope in LikenessModel.Scope.values else LikenessModel.Scope.CAMPAIGN
    try:
        likeness.train_likeness(campaign=campaign, scope=scope, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The training begins; this page shows its figures when it is done."))
    return redirect("campaigns:likeness", pk=pk)


@require_POST
def likeness_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """On with the model named by the page, or off."""
    campaign = _campaign(request, pk)
    must(request, rules.can_plan(request.user, campaign))
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    if request.POST.get("is_on") != "1":
        likeness.switch_off(campaign=campaign, reason=reason, by=request.user, at=database_now())
        messages.success(request, _("Leads go back into the order of their lists."))
        return redirect("campaigns:likeness", pk=pk)
    number = request.POST.get("model", "")
    seen = LikenessModel.objects.visible_to(request.user)
    model = get_object_or_404(seen, pk=number_or_none(number))
    try:
        likeness.switch_on(campaign=campaign, model=model, reason=reason, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Those like past buyers come first, within the priority of their list."))
    return redirect("campaigns:likeness", pk=pk)


@require_GET
def likeness_lead(request: HttpRequest, pk: int, lead_pk: int) -> HttpResponse:
    """Why this lead comes early or late. For managers; agents are not told."""
    campaign = _campaign(request, pk)
    seen = Lead.objects.visible_to(request.user).filter(campaign=campaign, customer__is_locked=False)
    lead = get_object_or_404(seen.select_related("customer", "city"), pk=lead_pk)
    context: dict[str, Any] = {
        "campaign": campaign,
        "lead": lead,
        "may_see_names": rules.can_see_names(request.user),
        "crumbs": _crumbs(campaign, (_("Likeness to buyers"), reverse("campaigns:likeness", args=[pk]))),
    }
    if lead.likeness_use_id:
        models = LikenessModel.objects.visible_to(request.user)
        use = get_object_or_404(LikenessUse.objects.filter(model__in=models), pk=lead.likeness_use_id)
        known = likeness_data.known_of([lead.customer_id], use.model.protected)[lead.customer_id]
        context["reasons"] = reasons(use.model, known)
    return render(request, "campaigns/likeness_lead.html", context)


@require_http_methods(["GET", "POST"])
def protected_attributes(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_protect_attributes(request.user))
    form = ProtectForm(request.POST or None)
    if form.is_valid():
        try:
            row = likeness.protect_attribute(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("%(attribute)s is never used from now on.") % {"attribute": row.name})
            return redirect("campaigns:protected_attributes")
    rows = ProtectedAttribute.objects.select_related("by").order_by("name")
    context = {"form": form, "rows": rows}
    return render(request, "campaigns/protected_attributes.html", context, status=422 if form.errors else 200)


@require_POST
def protected_release(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_protect_attributes(request.user))
    row = get_object_or_404(ProtectedAttribute, pk=pk)
    likeness.release_attribute(attribute=row, by=request.user, at=database_now())
    messages.success(request, _("Later trainings may use %(attribute)s again.") % {"attribute": row.name})
    return redirect("campaigns:protected_attributes")
