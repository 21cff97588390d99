"""An agent's own figures, asked for by the desk at sign-in and by a key."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from campaigns.rules import can_work_desk
from core.clock import database_now
from metrics.own_day import own_day
from people.access import must


@require_GET
def own_figures(request: HttpRequest) -> HttpResponse:
    must(request, can_work_desk(request.user))
    return render(request, "metrics/_own_day.html", {"own_day": own_day(request.user, database_now())})
