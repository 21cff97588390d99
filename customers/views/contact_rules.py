"""Rules of contact: the packs, their rules with every version, and the pages on which a change is proposed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from customers import rule_scopes, rules as may
from customers.models import ContactRule, RuleChange, RulePack, Segment
from customers.person_forms import PackForm, RuleEndForm, RuleForm
from customers.rule_values import value_in_words
from customers.services import packs, rule_changes
from people.access import must
from people.models import User

SEGMENT = "segment"


def in_words(rule: ContactRule | RuleChange) -> str:
    return value_in_words(rule.key, rule.value)


class Scopes:
    """What a rule is narrowed to, in words; names of campaigns only for who sees them."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._names: dict[str, dict[int, str]] = {}

    def of(self, rule: ContactRule | RuleChange) -> list[str]:
        found = [str(rule.city)] if rule.city_id else []
        if rule.campaign_id:
            name = self._name(rule_scopes.CAMPAIGN, rule.campaign_id)
            found.append(name or _("campaign %(id)s") % {"id": rule.campaign_id})
        if rule.product_id:
            name = self._name(rule_scopes.PRODUCT, rule.product_id)
            found.append(name or _("product %(id)s") % {"id": rule.product_id})
        if rule.segment_id:
            name = self._segment(rule.segment_id) or str(rule.segment_id)
            found.append(_("segment %(name)s") % {"name": name})
        return found

    def _segment(self, pk: int) -> str:
        """Also archived ones: old versions of rules name them."""
        if SEGMENT not in self._names:
            self._names[SEGMENT] = dict(Segment.objects.visible_to(self.user).values_list("pk", "name"))
        return self._names[SEGMENT].get(pk, "")

    def _name(self, kind: str, pk: int) -> str:
        if kind not in self._names:
            self._names[kind] = dict(rule_scopes.choices(kind, self.user))
        return self._names[kind].get(pk, "")


def _state(rule: ContactRule, today: date) -> str:
    if rule.valid_to and rule.valid_to <= today:
        return "over"
    return "planned" if rule.valid_from > today else "in_force"


def _rows(rows: list[ContactRule], today: date, user: User) -> list[dict[str, Any]]:
    order = {key: place for place, key in enumerate(ContactRule.Key.values)}
    ranked = sorted(rows, key=lambda row: (order[row.key], row.valid_from, row.pk))
    scopes = Scopes(user)
    changes = RuleChange.objects.visible_to(user).waiting()
    waiting = {change.made_id if change.at_once else change.rule_id: change for change in changes}
    return [
        {
            "rule": row, "words": in_words(row), "basis": packs.shipped_text(row.basis), "state": _state(row, today), "scope": scopes.of(row),
            "waiting": waiting.get(row.pk),
        }
        for row in ranked
    ]  # fmt: skip


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """Every pack with the rules in force."""
    must(request, may.can_see_rules(request.user))
    today = timezone.localdate()
    visible = ContactRule.objects.visible_to(request.user).in_force(today).select_related("city")
    by_pack: dict[int, list[dict[str, Any]]] = {}
    for row in _rows(list(visible), today, request.user):
        by_pack.setdefault(row["rule"].pack_id, []).append(row)
    shown = [
        {"pack": pack, "name": packs.shipped_text(pack.name), "rows": by_pack.get(pack.pk, [])}
        for pack in RulePack.objects.order_by("code")
    ]
    context = {
        "packs": shown,
        "default": packs.DEFAULT_PACK,
        "may_change": may.can_change_rules(request.user),
        "waiting": RuleChange.objects.visible_to(request.user).waiting().count(),
    }
    return render(request, "customers/rules.html", context)


@require_GET
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    """One pack with every version of its rules: who proposed it, who approved it, when, on what basis."""
    must(request, may.can_see_rules(request.user))
    row = get_object_or_404(RulePack, pk=pk)
    today = timezone.localdate()
    versions = ContactRule.objects.visible_to(request.user).filter(pack=row)
    versions = versions.select_related("city", "changed_by", "change__asked_by", "change__decided_by")
    context = {
        "pack": row,
        "name": packs.shipped_text(row.name),
        "versions": _rows(list(versions), today, request.user),
        "keys": ContactRule.Key.choices,
        "may_change": may.can_change_rules(request.user),
        "new_ones": RuleChange.objects.visible_to(request.user).waiting().filter(pack=row, kind="add", at_once=False),
        "crumbs": [(_("Rules of contact"), reverse("customers:rules"))],
    }
    return render(request, "customers/rules_pack.html", context)


def _rule_or_404(request: HttpRequest, pk: int) -> ContactRule:
    return get_object_or_404(ContactRule.objects.visible_to(request.user).select_related("pack", "city"), pk=pk)


@require_GET
def rule_history(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule through all its versions, the newest first, with everything that was proposed about it."""
    must(request, may.can_see_rules(request.user))
    row = _rule_or_404(request, pk)
    chain = _chain(row, request.user)
    ids = [version.pk for version in chain]
    changes = RuleChange.objects.visible_to(request.user).select_related("asked_by", "decided_by", "city", "pack")
    proposed = changes.filter(rule__in=ids) | changes.filter(made__in=ids)
    context = {
        "rule": row,
        "scope": Scopes(request.user).of(row),
        "versions": list(reversed(_rows(chain, timezone.localdate(), request.user))),
        "changes": [
            {"change": change, "words": in_words(change)} for change in proposed.order_by("-asked_at", "-pk").distinct()
        ],
        "crumbs": [
            (_("Rules of contact"), reverse("customers:rules")),
            (row.pack.code, reverse("customers:rule-pack", args=[row.pack_id])),
        ],
    }
    return render(request, "customers/rules_history.html", context)


def _chain(rule: ContactRule, user: User) -> list[ContactRule]:
    """All versions of one rule, the oldest first."""
    rows = ContactRule.objects.visible_to(user).filter(pack=rule.pack_id, key=rule.key)
    known = {row.pk: row for row in rows.select_related("city", "changed_by", "change__asked_by", "change__decided_by")}
    after = {row.supersedes_id: row for row in known.values() if row.supersedes_id}
    first = known[rule.pk]
    while first.supersedes_id in known:
        first = known[first.supersedes_id]
    chain = [first]
    while chain[-1].pk in after:
        chain.append(after[chain[-1].pk])
    return chain


# ---------------------------------------------------------------- proposing


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
    return _form_page(request, form, _("New rule pack"), reverse("customers:rules"), submit=_("Save"))


@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Propose a rule that does not exist yet."""
    must(request, may.can_change_rules(request.user))
    row = get_object_or_404(RulePack, pk=pk)
    if key not in ContactRule.Key.values:
        raise Http404
    initial = {"holds_from": _tomorrow(), "campaign_id": request.GET.get("campaign")}
    form = RuleForm(request.POST or None, key=key, user=request.user, with_place=True, initial=initial)
    if form.is_valid():
        change = _proposed(request, form, rule_changes.propose_rule, pack=row, key=key)
        if change is not None:
            return redirect("customers:rule-change", pk=change.pk)
    title = _("New rule: %(rule)s") % {"rule": ContactRule.Key(key).label}
    return _form_page(request, form, title, reverse("customers:rule-pack", args=[row.pk]), row)


@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose another value of a rule from a day on."""
    row = _rule_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    form = RuleForm(request.POST or None, key=row.key, user=request.user, initial=_initial(row))
    if form.is_valid():
        change = _proposed(request, form, rule_changes.propose_change, rule=row)
        if change is not None:
            return redirect("customers:rule-change", pk=change.pk)
    title = _("Change: %(rule)s") % {"rule": row.get_key_display()}
    return _form_page(request, form, title, reverse("customers:rule-pack", args=[row.pack_id]), row.pack, row)


@require_http_methods(["GET", "POST"])
def rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose that a rule ends."""
    row = _rule_or_404(request, pk)
    must(request, may.can_change_rules(request.user))
    first = max(_tomorrow(), row.valid_from + timedelta(days=1))
    form = RuleEndForm(request.POST or None, initial={"holds_from": first})
    if form.is_valid():
        change = _proposed(request, form, rule_changes.propose_end, rule=row)
        if change is not None:
            return redirect("customers:rule-change", pk=change.pk)
    title = _("End: %(rule)s") % {"rule": row.get_key_display()}
    return _form_page(request, form, title, reverse("customers:rule-pack", args=[row.pack_id]), row.pack, row)


def _proposed(request: HttpRequest, form: forms.Form, propose: Any, **of: Any) -> RuleChange | None:
    """The proposal; None when it was refused, with the sentence on the form."""
    try:
        change: RuleChange = propose(**of, **form.cleaned_data, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return None
    if change.at_once:
        messages.warning(request, _("It holds from now on. A second person still has to confirm it."))
    else:
        messages.success(request, _("Proposed. Until a second person approves it, nothing changes."))
    return change


def _initial(row: ContactRule) -> dict[str, Any]:
    value = {name: ("1" if part else "0") if isinstance(part, bool) else part for name, part in row.value.items()}
    return {
        **value,
        "severity": row.severity,
        "basis": row.basis,
        "holds_from": max(_tomorrow(), row.valid_from + timedelta(days=1)),
    }


def _tomorrow() -> date:
    return timezone.localdate() + timedelta(days=1)


def _form_page(
    request: HttpRequest,
    form: Any,
    title: str,
    back_url: str,
    row: RulePack | None = None,
    before: ContactRule | None = None,
    submit: str = "",
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
        "submit": submit or _("Propose"),
    }
    return render(request, "customers/rules_form.html", context, status=422 if form.errors else 200)
