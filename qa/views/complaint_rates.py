"""Complaints per 1,000 customers reached, of the cities and teams the reader answers for."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.calendar import business_date
from core.clock import database_now
from people.access import must
from qa import rules
from qa.forms_complaints import DaysForm
from qa.queries_complaint_rates import LEAST, MOST_DAYS, RatesOf


@never_cache
@require_GET
def rates(request: HttpRequest) -> HttpResponse:
    """Of the last month of calls, or of the days chosen."""
    must(request, rules.can_see_complaint_rates(request.user))
    today = business_date(database_now())
    first = {"since": today - timedelta(days=MOST_DAYS - 1), "until": today}
    form = DaysForm({**first, **{name: request.GET[name] for name in first if request.GET.get(name)}})
    said = form.cleaned_data if form.is_valid() else None
    context = {
        "form": form,
        "rates": RatesOf(request.user, said["since"], said["until"]).all() if said else None,
        "least": LEAST,
        "crumbs": [(_("Complaints"), reverse("qa:complaints"))],
    }
    return render(request, "qa/complaint_rates.html", context, status=200 if said else 422)
