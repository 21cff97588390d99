"""The test bench: one customer, one campaign, one moment, and what every rule says of a call."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns import queries_bench, rules
from campaigns.forms_bench import BenchForm
from core.audit import audit_refusal
from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from customers import rules as customer_rules
from customers.models import Customer
from customers.person_forms import NumberForm
from customers.rule_values import value_in_words
from customers.services import packs, persons
from customers.services.contacts import Verdict
from customers.views.contact_rules import Scopes
from people.access import must


def _must(request: HttpRequest) -> None:
    must(request, customer_rules.can_see_customers(request.user) and rules.can_read_campaigns(request.user))


@never_cache
@require_GET
def bench(request: HttpRequest) -> HttpResponse:
    """Without a customer the page asks for one, by number or from the customer's page."""
    _must(request)
    customer = _customer(request)
    at = database_now()
    now = timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")
    asked = {"campaign": request.GET.get("campaign", ""), "moment": request.GET.get("moment") or now}
    form = BenchForm(asked if asked["campaign"] else None, user=request.user, initial=asked)
    context: dict[str, Any] = {
        "form": form,
        "customer": customer,
        "number_form": NumberForm(),
        "may_search": customer_rules.can_change_customers(request.user),
        "carried": {name: value for name, value in asked.items() if request.GET.get(name)},
        "crumbs": [(_("Rules of contact"), reverse("customers:rules"))]
        if customer_rules.can_see_rules(request.user)
        else [],
    }
    if customer is not None and form.is_valid():
        campaign, moment = form.cleaned_data["campaign"], form.cleaned_data["moment"]
        answer = queries_bench.ask(customer=customer, campaign=campaign, at=moment)
        scopes = Scopes(request.user)
        rows = [_row(verdict, scopes) for verdict in answer.verdicts]
        context |= {"answer": answer, "rows": rows, "campaign": campaign, "moment": moment}
    return render(request, "campaigns/bench.html", context)


def _customer(request: HttpRequest) -> Customer | None:
    asked = number_or_none(request.GET.get("customer", ""), most=2**63 - 1)
    if asked is None:
        return None
    rows = Customer.objects.visible_to(request.user).select_related("city__zone")
    found: Customer = get_object_or_404(rows, pk=asked)
    return found


def _row(verdict: Verdict, scopes: Scopes) -> dict[str, Any]:
    rule = verdict.rule
    return {
        "verdict": verdict,
        "rule": rule,
        "words": value_in_words(rule.key, rule.value),
        "scope": scopes.of(rule),
        "basis": packs.shipped_text(rule.basis),
    }


@never_cache
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Choose the customer by the exact number. Posted and counted like the search on the customers' page."""
    _must(request)
    must(request, customer_rules.can_change_customers(request.user))
    back = {name: request.POST[name] for name in ("campaign", "moment") if request.POST.get(name)}
    form = NumberForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(form.errors["number"]))
        return _to_bench(back)
    try:
        found = persons.find_by_number(number=form.cleaned_data["number"], by=request.user, at=database_now())
    except DomainError as refusal:
        if isinstance(refusal, persons.QuotaUsedUp):
            audit_refusal(request, quota="search")
        messages.error(request, str(refusal))
        return _to_bench(back)
    if found is None:
        messages.warning(request, _("No customer that you may see has this number."))
        return _to_bench(back)
    return _to_bench({**back, "customer": str(found.pk)})


def _to_bench(query: dict[str, str]) -> HttpResponse:
    return redirect(f"{reverse('campaigns:bench')}?{urlencode(query)}" if query else reverse("campaigns:bench"))
