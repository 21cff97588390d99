"""The board of promises: one's own for an agent, those of the scope for who leads, with hand over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from campaigns import queries_promises, rules
from campaigns.models import Callback
from campaigns.periods import MOST_DAYS, period_of
from campaigns.queries_kept import KEPT_WITHIN, kept_rates, together
from campaigns.services import callbacks as services
from core.calendar import business_date, day_bounds
from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must
from people.models import Membership, Team, User

PAGE = 50
# So many promises are judged at once, those due first.
JUDGED = 500
WHENS = ("open", "late", "today", "later", "done")


def _filtered(user: User, when: str, at: datetime) -> QuerySet[Callback]:
    start, end = day_bounds(business_date(at))
    found = Callback.objects.visible_to(user)
    if user.is_agent:
        found = Callback.objects.filter(agent=user)
    found = found.filter(lead__customer__is_locked=False)  # nobody calls them, and the note says who they are
    if when == "done":
        return found.exclude(state=Callback.State.PROMISED).order_by("-due_at")
    found = found.filter(state=Callback.State.PROMISED).order_by("due_at")
    return found.filter(
        {"late": Q(due_at__lt=at), "today": Q(due_at__gte=start, due_at__lt=end), "later": Q(due_at__gte=end)}.get(
            when, Q()
        )
    )


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_callbacks(request.user))
    at = database_now()
    when = request.GET.get("when", "open")
    when = when if when in WHENS else "open"
    agent, team, risk = (request.GET.get(name, "") for name in ("agent", "team", "risk"))
    found = _filtered(request.user, when, at)
    if (chosen := number_or_none(agent)) is not None:
        found = found.filter(agent=chosen)
    if (chosen := number_or_none(team)) is not None:
        found = found.filter(agent__in=_members(chosen, at))
    found = found.select_related(
        "agent", "lead__customer__city__zone", "lead__campaign", "lead__data_request"
    ).prefetch_related("lead__customer__phones")
    leads = rules.can_hand_over(request.user)
    context = _judged(found, risk, request, at) if leads and when != "done" else _plain(found, request, at)
    context |= {
        "when": when, "at": at, "agent": agent, "team": team,
        "whens": [("open", _("Open")), ("late", _("Overdue")), ("today", _("Today")), ("later", _("Later")), ("done", _("Done"))],
        "agents": _agents(request.user, at), "teams": _teams(request.user), "may_hand_over": leads,
    }  # fmt: skip
    return render(request, "campaigns/callbacks.html", context)


def _plain(found: QuerySet[Callback], request: HttpRequest, at: datetime) -> dict[str, Any]:
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return {"page": page, "rows": queries_promises.plain(page, at), "count": page.paginator.count}


def _judged(found: QuerySet[Callback], risk: str, request: HttpRequest, at: datetime) -> dict[str, Any]:
    """The most endangered first, of the promises that are due next."""
    judged = queries_promises.judge(list(found[:JUDGED]), at)
    numbers = queries_promises.counts(judged)
    risk = risk if risk in queries_promises.WORDS else ""
    shown = [one for one in judged if not risk or risk in one.risks]
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    risks = [(code, label, numbers[code]) for code, label in queries_promises.WORDS.items()]
    is_cut = JUDGED if len(judged) == JUDGED else 0
    return {"page": page, "rows": page, "count": len(shown), "risk": risk, "risks": risks, "is_cut": is_cut}


def _members(team: int, at: datetime) -> QuerySet[Membership]:
    return Membership.objects.valid_on(business_date(at)).filter(role=Membership.Role.AGENT, team=team).values("user")


def _teams(user: User) -> QuerySet[Team]:
    if user.is_agent:
        return Team.objects.none()
    return Team.objects.visible_to(user).filter(is_active=True).order_by("name")


@require_GET
def kept(request: HttpRequest) -> HttpResponse:
    """How many promises were kept in time, by team and agent."""
    must(request, rules.can_hand_over(request.user))
    at = database_now()
    period = period_of(request.GET, business_date(at))
    team = request.GET.get("team", "")
    parts = kept_rates(user=request.user, first=period.first, last=period.last, at=at, team=number_or_none(team))
    context = {
        "period": period, "parts": parts, "whole": together(part.whole for part in parts), "teams": _teams(request.user),
        "team": team, "within": int(KEPT_WITHIN.total_seconds() // 60), "most_days": MOST_DAYS,
    }  # fmt: skip
    return render(request, "campaigns/promises_kept.html", context)


def _agents(user: User, at: datetime) -> QuerySet[User]:
    if user.is_agent:
        return User.objects.none()
    open_ones = _filtered(user, "open", at).order_by().values("agent")
    return User.objects.filter(pk__in=open_ones).order_by("display_name")


@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose another agent for a promise."""
    must(request, rules.can_hand_over(request.user))
    at = database_now()
    callback = get_object_or_404(
        Callback.objects.visible_to(request.user).select_related("lead__customer", "lead__campaign", "agent"), pk=pk
    )
    agents = services.agents_for(callback, at=at).exclude(pk=callback.agent_id)
    fault = ""
    if request.method == "POST":
        to = agents.filter(pk=number_or_none(request.POST.get("to", ""))).first()
        if to is None:
            fault = _("Choose the agent who keeps this promise.")
        else:
            try:
                services.hand_over(callback=callback, to=to, by=request.user, at=at)
            except DomainError as error:
                fault = str(error)
            else:
                messages.success(request, _("%(agent)s keeps this promise now.") % {"agent": to})
                return redirect("campaigns:callbacks")
    return render(
        request, "campaigns/callback_hand_over.html", {"callback": callback, "agents": agents, "fault": fault}
    )


@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    """How many promises are overdue; nothing when there is none."""
    if not rules.can_see_callbacks(request.user):
        return HttpResponse("")
    at = database_now()
    count = _filtered(request.user, "late", at)[:100].count()
    return HttpResponse(format_html('<span class="count">{}</span>', count) if count else "")
