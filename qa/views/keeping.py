"""How long recordings are kept, by rule and product."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from people.access import must
from qa import rules
from qa.forms import KeepRuleForm
from qa.models import KeepRule
from qa.services import keeping


@require_http_methods(["GET", "POST"])
def keep_rules(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_keep_rules(request.user))
    may_set = rules.can_set_keep_rules(request.user)
    if request.method == "POST":
        must(request, may_set)
    form = KeepRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        keeping.set_keep_rule(by=request.user, at=database_now(), **form.cleaned_data)
        messages.success(request, _("The rule is set; recordings get their new dates in the background."))
        return redirect("qa:keep-rules")
    context = {
        "rows": KeepRule.objects.select_related("product").order_by("product__name", "of_sales"),
        "form": form if may_set else None,
        "crumbs": [(_("Recordings"), reverse("qa:recordings"))] if rules.can_hear(request.user) else [],
    }
    return render(request, "qa/keep_rules.html", context, status=422 if form.errors else 200)


@require_POST
def keep_rule_drop(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_set_keep_rules(request.user))
    try:
        keeping.drop_keep_rule(rule=get_object_or_404(KeepRule, pk=pk), by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("qa:keep-rules")
