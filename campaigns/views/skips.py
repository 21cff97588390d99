"""Who puts leads away undialled, how often and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.periods import MOST_DAYS, period_of
from campaigns.queries_skips import skip_report
from core.calendar import business_date
from core.clock import database_now
from core.numbers import number_or_none
from people.access import must
from people.models import Team


@require_GET
def skips(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_skips(request.user))
    period = period_of(request.GET, business_date(database_now()))
    team = request.GET.get("team", "")
    context = {
        "period": period,
        "report": skip_report(user=request.user, first=period.first, last=period.last, team=number_or_none(team)),
        "teams": Team.objects.visible_to(request.user).filter(is_active=True).order_by("name"),
        "team": team,
        "most_days": MOST_DAYS,
    }
    return render(request, "campaigns/skips.html", context)
