"""Proposed changes of rules of contact: the list, one of them, approving, refusing, withdrawing."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.listing import Column, Listing
from customers import rules as may
from customers.models import RuleChange
from customers.person_forms import RefuseForm
from customers.services import packs, rule_changes as services
from customers.views.contact_rules import Scopes, in_words
from people.access import must

COLUMNS = [
    Column("asked_at", gettext_lazy("Proposed at"), kind="moment", width=18),
    Column("pack", gettext_lazy("Pack"), value="pack.code", sort="pack__code"),
    Column("key", gettext_lazy("Rule"), value="get_key_display", sort="key"),
    Column("kind", gettext_lazy("What"), value="get_kind_display", sort="kind"),
    Column("says", gettext_lazy("Says"), value=in_words, sort=""),
    Column("holds_from", gettext_lazy("Holds from"), kind="day"),
    Column("asked_by", gettext_lazy("Proposed by"), value=lambda row: str(row.asked_by), sort="asked_by__display_name"),
    Column("decided_by", gettext_lazy("Decided by"), value=lambda row: str(row.decided_by or ""), sort=""),
    Column("state", gettext_lazy("State"), template="customers/_rule_change_state.html", value="get_state_display"),
]


@require_GET
def changes(request: HttpRequest) -> HttpResponseBase:
    """What was proposed about rules, what waits for a second person at the top of the navigation's count."""
    must(request, may.can_see_rules(request.user))
    rows = RuleChange.objects.visible_to(request.user).select_related("pack", "asked_by", "decided_by")
    if request.GET.get("waiting") == "1":
        rows = rows.waiting()
    listing = Listing(
        request, rows, COLUMNS, name="customers.rule_changes", title=_("Changes of rules"), order="-asked_at", may_export=False,
        row_link=lambda row: reverse("customers:rule-change", args=[row.pk]),
        empty_title=_("No change of a rule was proposed."), empty_text=_("Open a pack and propose another value; a second person decides."),
    )  # fmt: skip
    context = {"crumbs": [(_("Rules of contact"), reverse("customers:rules"))]}
    return listing.page_or_export("customers/rule_changes.html", context)


@never_cache
@require_GET
def changes_badge(request: HttpRequest) -> HttpResponse:
    """How many proposals this person could decide, for the navigation."""
    waiting = 0
    if may.can_change_rules(request.user):
        waiting = RuleChange.objects.visible_to(request.user).waiting().exclude(asked_by=request.user).count()
    return render(request, "core/_jobs_badge.html", {"dead": waiting})


def _change_or_404(request: HttpRequest, pk: int) -> RuleChange:
    rows = RuleChange.objects.visible_to(request.user).select_related(
        "pack", "city", "rule", "made", "asked_by", "decided_by"
    )
    return get_object_or_404(rows, pk=pk)


@require_GET
def change(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, may.can_see_rules(request.user))
    return _page(request, _change_or_404(request, pk), RefuseForm())


def _page(request: HttpRequest, row: RuleChange, form: RefuseForm) -> HttpResponse:
    before = row.rule
    context = {
        "row": row,
        "form": form,
        "scope": Scopes(request.user).of(row),
        "words": in_words(row),
        "before_words": in_words(before) if before else "",
        "basis": packs.shipped_text(row.basis),
        "before_basis": packs.shipped_text(before.basis) if before else "",
        "may_decide": may.can_decide_rule_change(request.user, row),
        "may_withdraw": may.can_withdraw_rule_change(request.user, row),
        "is_own": row.asked_by_id == request.user.pk,
        "crumbs": [
            (_("Rules of contact"), reverse("customers:rules")),
            (_("Changes of rules"), reverse("customers:rule-changes")),
        ],
    }
    return render(request, "customers/rule_change.html", context, status=422 if form.errors else 200)


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    row = _change_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    try:
        services.approve_change(change=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Approved. The version before stays on record."))
    return redirect("customers:rule-change", pk=row.pk)


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    row = _change_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    form = RefuseForm(request.POST)
    if form.is_valid():
        try:
            services.refuse_change(change=row, by=request.user, at=database_now(), reason=form.cleaned_data["reason"])
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The change is refused."))
            return redirect("customers:rule-change", pk=row.pk)
    return _page(request, row, form)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    row = _change_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    try:
        services.withdraw_change(change=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The proposal is withdrawn."))
    return redirect("customers:rule-change", pk=row.pk)
