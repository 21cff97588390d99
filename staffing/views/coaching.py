"""Pages of coaching: which sessions there are, planning one, and one session from plan to both signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from people.models import User
from staffing import queries_coaching as queries, queries_effect, rules
from staffing.filters import SessionFilter
from staffing.forms_coaching import CancelForm, MoveForm, SessionForm, ViewForm, WordsForm
from staffing.models import CoachingSession, CoachingStep
from staffing.queries_growth import agent_shown
from staffing.services import coaching as services
from staffing.views.places import place_of

PAGE = 50


@never_cache
@require_GET
def sessions(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_coaching(request.user))
    found = SessionFilter(request.GET, queryset=queries.sessions_shown(request.user), request=request)
    rows = found.qs if found.form.is_valid() else found.queryset.none()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "sessions": page.object_list, "filters": found.form, "is_filtered": any(map(request.GET.get, found.form.fields)), "is_counted": bool(request.GET.get("counted")), "may_coach": rules.can_coach(request.user), "may_see_problems": rules.can_see_problems(request.user)}  # fmt: skip
    return render(request, "staffing/coaching.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Coaching"), reverse("staffing:coaching"))]


@require_http_methods(["GET", "POST"])
def session_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_coach(request.user))
    members = queries.agents_coached_by(request.user)
    asked = number_or_none(request.GET.get("agent", ""), LARGEST_ID)
    chosen = members.filter(user=asked).first() if asked is not None else None
    if chosen is None and (asked is not None or request.method == "POST"):
        raise Http404
    place = place_of(request, home=chosen.team if chosen else None)
    listed = list(members.filter(**place.filters))
    # another city or team was chosen since: the agent is to be chosen anew
    agent = chosen.user if chosen in listed else None
    form = SessionForm(request.POST or None, coach=request.user, agent=agent) if agent else None
    if form is not None and form.is_valid() and agent is not None:
        made = _planned(request, form, agent)
        if made is not None:
            return made
    context = {"form": form, "agent": agent, "members": listed, "place": place, "crumbs": _crumbs()}
    return render(request, "staffing/coaching_new.html", context, status=422 if form and form.errors else 200)


def _planned(request: HttpRequest, form: SessionForm, agent: User) -> HttpResponse | None:
    """None: refused, as the form says."""
    try:
        made = services.plan_session(agent=agent, coach=request.user, at=database_now(), **form.cleaned_data)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(request, _("Planned. The agent sees the date and writes the own view first."))
    return redirect("staffing:coaching-session", pk=made.pk)


def _session(request: HttpRequest, pk: int) -> CoachingSession:
    must(request, rules.can_see_coaching(request.user))
    return get_object_or_404(queries.sessions_shown(request.user), pk=pk)


@never_cache
@require_GET
def session(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "staffing/coaching_session.html", _page(request, _session(request, pk)))


def _page(request: HttpRequest, row: CoachingSession, **forms_said: forms.Form) -> dict[str, Any]:
    """What the reader may see of it: the coach's words and the steps come after the agent's own view."""
    user = request.user
    leads, shows_words = rules.can_lead_session(user, row), row.shows_coach_words_to(user)
    sheets, clips = queries.prepared_for(user, row)
    signed = row.agent_signed_at if user.pk == row.agent_id else row.coach_signed_at
    return {
        "session": row, "sheets": sheets, "clips": clips, "crumbs": _crumbs(), "shows_words": shows_words,
        "steps": list(row.steps.order_by("pk")) if shows_words else [],
        "steps_before": list(queries.steps_before(user, row)),
        "effect": queries_effect.effect(row, database_now()) if row.state == "signed" else None, "effect_days": queries_effect.DAYS,
        "is_agent": user.pk == row.agent_id, "leads": leads, "may_see_growth": agent_shown(user, row.agent_id) is not None,
        "may_sign": user.pk in (row.agent_id, row.coach_id) and row.state in ("written", "half") and signed is None,
        "view_form": ViewForm(initial={"text": row.own_view}), "words_form": WordsForm(session=row),
        "move_form": MoveForm(initial={"planned_at": row.planned_at}), "cancel_form": CancelForm(auto_id="cancel_%s"),
    } | forms_said  # fmt: skip


def _done(
    request: HttpRequest, row: CoachingSession, form: forms.Form, name: str, deed: Callable[[], Any], told: str
) -> HttpResponse:
    """Do it and go back to the session, or show what is missing beside the form."""
    try:
        if form.is_valid():
            deed()
            messages.success(request, told)
            return redirect("staffing:coaching-session", pk=row.pk)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    context = _page(request, _session(request, row.pk), **{name: form})
    return render(request, "staffing/coaching_session.html", context, status=422)


@require_POST
def own_view(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _session(request, pk), ViewForm(request.POST)
    return _done(
        request, row, form, "view_form",
        lambda: services.write_own_view(session=row, by=request.user, at=database_now(), **form.cleaned_data),
        _("Written. Now you see what the coach writes."),
    )  # fmt: skip


@require_POST
def words(request: HttpRequest, pk: int) -> HttpResponse:
    row = _session(request, pk)
    must(request, rules.can_lead_session(request.user, row))
    form = WordsForm(request.POST, session=row)
    names = ("good", "improve", "expected", "aim", "next_on")
    return _done(
        request, row, form, "words_form",
        lambda: services.write_words(
            session=row, by=request.user, at=database_now(), steps=form.steps, **{name: form.cleaned_data[name] for name in names}
        ),
        _("Written. The agent sees it after the own view."),
    )  # fmt: skip


@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    row = _session(request, pk)
    try:
        services.sign(session=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Signed. What was signed stays as it is."))
    return redirect("staffing:coaching-session", pk=pk)


@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _session(request, pk), MoveForm(request.POST)
    return _done(
        request, row, form, "move_form",
        lambda: services.move_session(session=row, by=request.user, at=database_now(), **form.cleaned_data),
        _("Moved."),
    )  # fmt: skip


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _session(request, pk), CancelForm(request.POST, auto_id="cancel_%s")
    return _done(
        request, row, form, "cancel_form",
        lambda: services.cancel_session(session=row, by=request.user, at=database_now(), **form.cleaned_data),
        _("Called off."),
    )  # fmt: skip


@require_POST
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether an agreed step was done; back to the session from which it was asked."""
    must(request, rules.can_coach(request.user))
    row = get_object_or_404(CoachingStep.objects.visible_to(request.user), pk=pk)
    back = number_or_none(request.POST.get("back", ""), LARGEST_ID) or row.session_id
    try:
        services.look_at_step(step=row, by=request.user, is_done=request.POST.get("done") == "yes", at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("staffing:coaching-session", pk=back)
