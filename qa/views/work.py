"""A scorer's queue: what waits, and the next call with one key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.queries_calls import Names
from core.calendar import business_date, midnight
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from people.access import must
from qa import queries_work as queries, rules
from qa.models import Evaluation
from qa.services import queue

PAGE = 50


@never_cache
@require_GET
def work(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_work(request.user))
    at, names = database_now(), Names()
    page = Paginator(queries.queue_shown(request.user), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(task, "" if task.blind else names.agent(task.agent_id), names.campaigns.get(task.campaign_id, "")) for task in page],
        "load": queries.load_of(request.user, since=midnight(business_date(at)), at=at),
        "at": at,
        "may_plan": rules.can_see_plans(request.user),
    }  # fmt: skip
    return render(request, "qa/work.html", context)


@never_cache
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_work(request.user))
    return render(request, "core/_jobs_badge.html", {"dead": queries.queue_shown(request.user).count()})


@require_POST
def next_call(request: HttpRequest) -> HttpResponse:
    """Begin what is due first."""
    must(request, rules.can_work(request.user))
    return _begun(request, lambda: queue.take_next(by=request.user, at=database_now()), _("Nothing waits for you."))


@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin this one."""
    must(request, rules.can_work(request.user))
    task = get_object_or_404(queries.queue_shown(request.user), pk=pk)
    return _begun(
        request, lambda: queue.begin(task=task, by=request.user, at=database_now()), _("The call is no longer there.")
    )


def _begun(request: HttpRequest, verb: Callable[[], Evaluation | None], nothing: str) -> HttpResponse:
    found: Any = None
    try:
        found = verb()
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("qa:work")
    if found is None:
        messages.info(request, nothing)
        return redirect("qa:work")
    return redirect("qa:evaluation" if found.is_submitted else "qa:score", pk=found.pk)
