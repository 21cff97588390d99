"""Rules of contact: the packs, their rules, and a change as a new version from a day on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from customers import rules as may
from customers.models import ContactRule, RulePack
from customers.person_forms import PackForm, RuleForm
from customers.rule_values import value_in_words
from customers.services import packs
from people.access import must


def in_words(rule: ContactRule) -> str:
    return value_in_words(rule.key, rule.value)


def _state(rule: ContactRule, today: date) -> str:
    if rule.valid_to and rule.valid_to <= today:
        return "over"
    return "planned" if rule.valid_from > today else "in_force"


def _rows(rows: list[ContactRule], today: date) -> list[dict[str, Any]]:
    order = {key: place for place, key in enumerate(ContactRule.Key.values)}
    ranked = sorted(rows, key=lambda row: (order[row.key], row.valid_from, row.pk))
    return [
        {"rule": row, "words": in_words(row), "basis": packs.shipped_text(row.basis), "state": _state(row, today)}
        for row in ranked
    ]


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """Every pack with the rules in force."""
    must(request, may.can_see_rules(request.user))
    today = timezone.localdate()
    visible = ContactRule.objects.visible_to(request.user).in_force(today).select_related("city")
    by_pack: dict[int, list[ContactRule]] = {}
    for row in visible:
        by_pack.setdefault(row.pack_id, []).append(row)
    shown = [
        {"pack": pack, "name": packs.shipped_text(pack.name), "rows": _rows(by_pack.get(pack.pk, []), today)}
        for pack in RulePack.objects.order_by("code")
    ]
    context = {"packs": shown, "default": packs.DEFAULT_PACK, "may_change": may.can_change_rules(request.user)}
    return render(request, "customers/rules.html", context)


@require_GET
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    """One pack with every version of its rules."""
    must(request, may.can_see_rules(request.user))
    row = get_object_or_404(RulePack, pk=pk)
    today = timezone.localdate()
    versions = _rows(
        list(ContactRule.objects.visible_to(request.user).filter(pack=row).select_related("city", "changed_by")), today
    )
    context = {
        "pack": row,
        "name": packs.shipped_text(row.name),
        "versions": versions,
        "keys": ContactRule.Key.choices,
        "may_change": may.can_change_rules(request.user),
        "tomorrow": today + timedelta(days=1),
        "crumbs": [(_("Rules of contact"), reverse("customers:rules"))],
    }
    return render(request, "customers/rules_pack.html", context)


@require_http_methods(["GET", "POST"])
def pack_new(request: HttpRequest) -> HttpResponse:
    must(request, may.can_change_rules(request.user))
    form = PackForm(request.POST or None)
    if form.is_valid():
        try:
            row = packs.create_pack(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, _("The pack is made. Give it calling hours first: without them nobody is called.")
            )
            return redirect("customers:rule-pack", pk=row.pk)
    return _form_page(request, form, _("New rule pack"), reverse("customers:rules"))


@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    must(request, may.can_change_rules(request.user))
    row = get_object_or_404(RulePack, pk=pk)
    if key not in ContactRule.Key.values:
        raise Http404
    form = RuleForm(request.POST or None, key=key, with_place=True, initial={"valid_from": _tomorrow()})
    if form.is_valid():
        try:
            packs.add_rule(pack=row, key=key, **form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The rule is added."))
            return redirect("customers:rule-pack", pk=row.pk)
    title = _("New rule: %(rule)s") % {"rule": ContactRule.Key(key).label}
    return _form_page(request, form, title, reverse("customers:rule-pack", args=[row.pk]), row)


def _rule_or_404(request: HttpRequest, pk: int) -> ContactRule:
    return get_object_or_404(ContactRule.objects.visible_to(request.user).select_related("pack", "city"), pk=pk)


@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule: a new version from a day on."""
    row = _rule_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    form = RuleForm(request.POST or None, key=row.key, initial=_initial(row))
    if form.is_valid():
        try:
            packs.change_rule(rule=row, **form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The new version holds from the day you chose; the old one stays on record."))
            return redirect("customers:rule-pack", pk=row.pack_id)
    title = _("Change: %(rule)s") % {"rule": row.get_key_display()}
    return _form_page(request, form, title, reverse("customers:rule-pack", args=[row.pack_id]), row.pack, row)


def _initial(row: ContactRule) -> dict[str, Any]:
    value = {name: ("1" if part else "0") if isinstance(part, bool) else part for name, part in row.value.items()}
    return {
        **value,
        "severity": row.severity,
        "basis": row.basis,
        "valid_from": max(_tomorrow(), row.valid_from + timedelta(days=1)),
    }


def _tomorrow() -> date:
    return timezone.localdate() + timedelta(days=1)


@require_POST
def rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The rule holds to the end of today and no longer."""
    row = _rule_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    try:
        packs.end_rule(
            rule=row, valid_to=max(_tomorrow(), row.valid_from + timedelta(days=1)), by=request.user, at=database_now()
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.warning(request, _("The rule ends with today; it stays on record."))
    return redirect("customers:rule-pack", pk=row.pack_id)


def _form_page(
    request: HttpRequest,
    form: Any,
    title: str,
    back_url: str,
    row: RulePack | None = None,
    before: ContactRule | None = None,
) -> HttpResponse:
    crumbs = [(_("Rules of contact"), reverse("customers:rules"))]
    if row is not None:
        crumbs.append((row.code, reverse("customers:rule-pack", args=[row.pk])))
    context = {
        "form": form,
        "title": title,
        "back_url": back_url,
        "crumbs": crumbs,
        "before": before,
        "before_words": in_words(before) if before else "",
    }
    return render(request, "customers/rules_form.html", context, status=422 if form.errors else 200)
