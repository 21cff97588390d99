"""Pages of calibration sessions: the list, a new one, and one with its answers side by side once it shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.models import Call
from campaigns.queries_calls import Names
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from people.models import User
from qa import queries_calibration as queries, queries_work, rules
from qa.forms_calibration import AgreedForm, CallForm, SessionForm
from qa.models import CalibrationSession
from qa.services import calibration as services, queue
from qa.views.forms import first_fault

PAGE = 50


@never_cache
@require_GET
def sessions(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_calibrate(request.user))
    page = Paginator(queries.sessions_shown(request.user), PAGE).get_page(request.GET.get("page"))
    return render(request, "qa/calibrations.html", {"page": page, "sessions": page.object_list})


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Calibration"), reverse("qa:calibrations"))]


@require_http_methods(["GET", "POST"])
def session_new(request: HttpRequest) -> HttpResponse:
    """First which call; then who scores it on which form."""
    user, at = request.user, database_now()
    must(request, rules.can_calibrate(user))
    asked = request.GET.get("call", "")
    number = number_or_none(asked, LARGEST_ID)
    call = Call.objects.visible_to(user).exclude(agent_id=user.pk).filter(pk=number).first() if number else None
    if call is None or not rules.can_calibrate_in(user, call.city_id, call.team_id):
        first = CallForm(request.GET if asked else None)
        if asked and first.is_valid():
            first.add_error("call", _("There is no such call in your places."))
        context = {"first": first, "crumbs": _crumbs()}
        return render(request, "qa/calibration_new.html", context, status=422 if first.errors else 200)
    form = SessionForm(request.POST or None, call=call, at=at)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.open_session(
                call=call, form=said["form"], scorers=list(said["scorers"]), name=said["name"], by=user, at=at,
                due_at=at + timedelta(days=said["due_days"]),
            )  # fmt: skip
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The session is open: each of them has the call in the own queue."))
            return redirect("qa:calibration", pk=made.pk)
    context = {"form": form, "call": call, "crumbs": _crumbs()}
    return render(request, "qa/calibration_new.html", context, status=422 if form.errors else 200)


def _session(request: HttpRequest, pk: int) -> CalibrationSession:
    must(request, rules.can_calibrate(request.user))
    return get_object_or_404(queries.sessions_shown(request.user), pk=pk)


@never_cache
@require_GET
def session(request: HttpRequest, pk: int) -> HttpResponse:
    row, user, names = _session(request, pk), request.user, Names()
    seats = queries.seats_of(row)
    evaluations, lines = queries.side_by_side(row)
    own = next((seat for seat in seats if seat.scorer_id == user.pk and seat.left_at is None), None)
    is_shown = queries.is_shown(row)
    context = {
        "session": row,
        "seats": seats,
        "is_shown": is_shown,
        "is_locked": not lines and queries.is_locked(row),
        "evaluations": evaluations,
        "lines": lines,
        "split": sum(line.is_split for line in lines),
        "own": own,
        "agent": names.agent(row.agent_id) if is_shown else "",
        "campaign": names.campaigns.get(row.campaign_id, ""),
        "may_lead": rules.can_calibrate_in(user, row.city_id, row.team_id),
        "crumbs": _crumbs(),
    }
    return render(request, "qa/calibration.html", context)


@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """The user's own evaluation in the session."""
    row = _session(request, pk)
    seat = get_object_or_404(row.seats.select_related("task"), scorer=request.user, left_at=None)
    try:
        task = get_object_or_404(queries_work.queue_shown(request.user), pk=seat.task_id)
        made = queue.begin(task=task, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("qa:calibration", pk=pk)
    if made is None:
        messages.info(request, _("The call is no longer there."))
        return redirect("qa:calibration", pk=pk)
    return redirect("qa:evaluation" if made.is_submitted else "qa:score", pk=made.pk)


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    row = _session(request, pk)
    return _do(
        request,
        row,
        lambda: services.close(session=row, by=request.user, at=database_now()),
        _("The session is closed; the answers stand side by side."),
    )


@require_POST
def take_out(request: HttpRequest, pk: int, scorer_pk: int) -> HttpResponse:
    row = _session(request, pk)
    scorer = get_object_or_404(User, pk__in=row.seats.values("scorer"), id=scorer_pk)
    return _do(
        request,
        row,
        lambda: services.take_out(session=row, scorer=scorer, by=request.user, at=database_now()),
        _("The session goes on without %(scorer)s.") % {"scorer": scorer},
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _session(request, pk), AgreedForm(request.POST)

    def verb() -> Any:
        if not form.is_valid():
            raise services.NotASession(first_fault(form))
        return services.decide(session=row, by=request.user, at=database_now(), **form.cleaned_data)

    return _do(request, row, verb, _("Recorded; scorers see it at this item from now on."))


def _do(request: HttpRequest, row: CalibrationSession, verb: Callable[[], Any], done: str) -> HttpResponse:
    try:
        verb()
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("qa:calibration", pk=row.pk)
