"""Whom to coach, and what a team has in common: figures for a choice and for a meeting."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.clock import database_now
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from people.models import Team
from staffing import queries_problems, queries_queue as queries, rules
from staffing.queries_growth import teams_shown
from staffing.views.places import place_of

PAGE = 100


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Coaching"), reverse("staffing:coaching"))]


def _whys() -> list[tuple[str, str]]:
    said = (_("room to grow"), _("new agent"), _("after an auto-fail"), _("stagnating"), _("long without coaching"))
    return list(zip(queries.WHYS, said, strict=True))


@never_cache
@require_GET
def whom(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_coach(request.user))
    place = place_of(request)
    why = request.GET.get("why", "")
    why = why if why in queries.WHYS else ""
    names = dict(_whys())
    found = queries.queue(request.user, database_now(), why=why, **place.filters)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    shown = [(line, [(name, names[name]) for name in queries.WHYS if name in line.whys]) for line in page.object_list]
    context = {"lines": shown, "page": page, "place": place, "why": why, "whys": _whys(), "crumbs": _crumbs(), **_spans()}  # fmt: skip
    return render(request, "staffing/coaching_whom.html", context)


def _spans() -> dict[str, int]:
    return {"days": queries.DAYS, "half": queries.HALF, "failed_days": queries.FAILED_DAYS, "new_days": queries.NEW_DAYS, "uncoached_days": queries.UNCOACHED_DAYS}  # fmt: skip


def _chosen(request: HttpRequest, teams: list[Team]) -> Team | None:
    asked = number_or_none(request.GET.get("team", ""), LARGEST_ID)
    return next((row for row in teams if row.pk == asked), None)


@never_cache
@require_GET
def problems(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_problems(request.user))
    teams = teams_shown(request.user)
    team = _chosen(request, teams) or next(iter(teams), None)
    asked = number_or_none(request.GET.get("days", ""), LARGEST_ID)
    days = asked if asked in queries_problems.SPANS else queries_problems.SPANS[0]
    found = queries_problems.problems(request.user, team, days, database_now()) if team else []
    context = {"problems": found, "teams": teams, "team": team, "days": days, "spans": queries_problems.SPANS, "crumbs": _crumbs()}  # fmt: skip
    return render(request, "staffing/team_problems.html", context)
