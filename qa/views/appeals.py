"""Appeals: what waits for a decision, and how often items and scorers were found wrong."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from campaigns.queries_calls import Names
from core.clock import database_now
from people.access import must
from qa import queries_evaluations as queries, rules

PAGE = 50


@never_cache
@require_GET
def appeals(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_appeals(request.user))
    page = Paginator(queries.open_appeals(request.user), PAGE).get_page(request.GET.get("page"))
    names = Names()
    by_item, by_scorer = queries.overturned(request.user)
    rows = [
        (
            row,
            names.agent(row.answer.evaluation.agent_id),
            rules.can_decide_appeal(request.user, row),
        )
        for row in page
    ]
    context = {
        "page": page,
        "rows": rows,
        "decides_first": rules.decides_first(request.user),
        "at": database_now(),
        "by_item": by_item,
        "by_scorer": by_scorer,
    }
    return render(request, "qa/appeals.html", context)


@never_cache
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_appeals(request.user))
    return render(request, "core/_jobs_badge.html", {"dead": queries.open_appeals(request.user).count()})
