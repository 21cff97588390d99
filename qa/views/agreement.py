"""The page of agreement: unclear items first, then what scorers differ in, and the share of calls scored twice."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.clock import database_now
from people.access import must
from qa import queries_agreement as queries, rules
from qa.agreement import LEAST_PAIRS
from qa.forms_calibration import AgreementForm, ShareForm, scoring_forms
from qa.services import doubles
from qa.views.forms import first_fault


@never_cache
@require_GET
def agreement(request: HttpRequest) -> HttpResponse:
    """Of the form asked for, else of the first in force."""
    must(request, rules.can_see_agreement(request.user))
    asked = AgreementForm(request.GET, user=request.user)
    asked.is_valid()
    since, until = asked.bounds()
    form = asked.cleaned_data.get("form") or scoring_forms().first()
    city = asked.cleaned_data.get("city")
    context = {
        "asked": asked,
        "form": form,
        "board": queries.board(queries.Chosen(request.user, form, since, until, city)) if form else None,
        "least": LEAST_PAIRS,
        "clear_from": queries.CLEAR_FROM,
        "share": doubles.share(),
        "may_set": rules.can_set_double_share(request.user),
        "share_form": ShareForm(initial={"percent": doubles.share()}),
    }
    return render(request, "qa/agreement.html", context)


@require_POST
def share_set(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_set_double_share(request.user))
    form = ShareForm(request.POST)
    if form.is_valid():
        made = doubles.set_share(percent=form.cleaned_data["percent"], by=request.user, at=database_now())
        messages.success(request, _done(made.percent))
    else:
        messages.error(request, first_fault(form))
    return redirect("qa:agreement")


def _done(percent: int) -> str:
    return _("From the next night on %(percent)s of 100 drawn calls are scored twice.") % {"percent": percent}
