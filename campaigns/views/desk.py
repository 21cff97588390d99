"""The agent's desk: one customer at a time, every step of a call, its result. The server's state decides what is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from campaigns import queries_inbound, rules
from campaigns.forms_desk import ResultForm
from campaigns.models import Lead
from campaigns.services import callbacks, claim, desk, inbound, results, withdrawal
from campaigns.services.desk_page import context_of
from campaigns.services.held import LeadNotYours
from campaigns.services.pulse import Pulse, pulse_of
from core import kept
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.idempotency import once
from core.numbers import LARGEST_ID, number_or_none
from core.rows import row
from people.backends import looking

SEEN_EVERY = timedelta(seconds=20)


def agent_of(request: HttpRequest) -> Any:
    if not rules.can_work_desk(request.user):
        raise PermissionRefused(_("Only agents of a team have a desk."))
    return request.user


def _body(request: HttpRequest, *, notice: str = "", status: int = 200) -> HttpResponse:
    """The desk as it stands now; what htmx puts into the page after every step."""
    with kept.look() as at:
        return _drawn(request, at, notice=notice, status=status)


def _drawn(request: HttpRequest, at: datetime, *, notice: str = "", status: int = 200) -> HttpResponse:
    context = context_of(agent=request.user, at=at) | {"notice": notice}
    return render(request, "campaigns/_desk.html", context, status=status)


def _held(request: HttpRequest) -> Lead:
    """The lead the page speaks of, when it is the one in hand. Raises LeadNotYours."""
    lead, shown = Lead.objects.held_by(request.user).first(), request.POST.get("lead", "")
    if lead is None or str(lead.pk) != shown:
        raise LeadNotYours(_why_gone(request.user, shown))
    return lead


def _why_gone(agent: Any, shown: str) -> str:
    """Why the customer whom the page shows is not in hand any more."""
    lead_id = number_or_none(shown, LARGEST_ID)
    why = withdrawal.why_gone(lead_id=lead_id, agent=agent, at=database_now()) if lead_id else ""
    return why or _("The desk went on meanwhile, perhaps in another window. This is where it stands.")


def _step(request: HttpRequest, verb: Callable[[], Any]) -> HttpResponse:
    """One verb, then the desk as it stands; a refusal stands above it as a sentence, and the header keeps what was typed (inbound.js)."""
    try:
        verb()
    except DomainError as error:
        answer = _body(request, notice=str(error))
        answer["X-Refused"] = "1"
        return answer
    return _body(request)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    with kept.look() as at:
        context = context_of(agent=agent, at=at)
        return render(request, "campaigns/desk.html", context | {"can_ring": queries_inbound.can_ring(context["team"])})


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Sign in to the desk, come back from a break, or ask again: the next lead."""
    agent = agent_of(request)
    return _step(request, lambda: inbound.next_lead(agent=agent, at=database_now()))


@require_POST
def dial(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    return _step(request, lambda: desk.dial(lead=_held(request), agent=agent, at=database_now()))


@require_POST
def hang_up(request: HttpRequest) -> HttpResponse:
    """Answers with the parts that change, so that what was typed stays."""
    agent = agent_of(request)
    try:
        desk.hang_up(lead=_held(request), agent=agent, at=database_now())
    except DomainError as error:
        return _whole(_body(request, notice=str(error)))
    return _phase(request)


@require_POST
def answered(request: HttpRequest) -> HttpResponse:
    """With an own handset: somebody has answered."""
    agent = agent_of(request)
    try:
        desk.mark_answered(lead=_held(request), agent=agent, at=database_now())
    except DomainError as error:
        return _whole(_body(request, notice=str(error)))
    return _phase(request)


@require_POST
def number(request: HttpRequest) -> HttpResponse:
    """The digits to dial by hand; never kept in a page's history or a cache."""
    agent = agent_of(request)
    try:
        digits = desk.reveal_number(
            lead=_held(request), agent=agent, reason=request.POST.get("reason", ""), at=database_now()
        )
        answer = render(request, "campaigns/_desk_number.html", {"digits": digits})
    except DomainError as error:
        answer = render(request, "campaigns/_desk_number.html", {"fault": str(error)}, status=409)
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
def phase(request: HttpRequest) -> HttpResponse:
    """Asked every second or so by the page: what changed in the call, or that the desk went on elsewhere. 204: nothing."""
    agent = agent_of(request)
    now = pulse_of(agent)
    at = now.at
    if now.seen_at is None or now.seen_at < at - SEEN_EVERY:
        desk.heartbeat(agent=agent, at=at)
    shown = request.GET.get("lead", "")
    if shown != (str(now.lead_id) if now.lead_id else ""):
        return _whole(_body(request, notice=_why_gone(agent, shown)))
    if now.lead_id is None:
        return _without_lead(request, at)
    if now.is_in_step and _seen(request, now):
        return HttpResponse(status=204)
    return _changed(request, now)


def _seen(request: HttpRequest, now: Pulse) -> bool:
    """Whether the page shows what the pulse says; who is withdrawn before the dial leaves the desk, whatever it shows."""
    phase, withdrawn = request.GET.get("phase", ""), request.GET.get("withdrawn", "")
    return phase == now.phase and now.withdrawn == (withdrawn if now.status else "")


def _changed(request: HttpRequest, now: Pulse) -> HttpResponse:
    """The call has gone on, or something was set against it."""
    lead = Lead.objects.held_by(request.user).first()
    if lead is None:
        return _whole(_body(request, notice=_why_gone(request.user, request.GET.get("lead", ""))))
    if desk.follow_call(lead=lead, agent=request.user, at=now.at) is None:
        return _preview(request, lead, now.at)
    return HttpResponse(status=204) if _seen(request, now) else _phase(request)


def _without_lead(request: HttpRequest, at: datetime) -> HttpResponse:
    """A call may have come in, have been answered elsewhere, or be over."""
    _call, now = inbound.follow(agent=request.user, at=at)
    if request.GET.get("phase", "") == (f"in-{now.phase}" if now else ""):
        return HttpResponse(status=204)
    return _whole(_body(request))


def _preview(request: HttpRequest, lead: Lead, at: datetime) -> HttpResponse:
    """Who was withdrawn while the agent read about them leaves the desk at once, with the reason."""
    try:
        why = withdrawal.take_withdrawn(lead=lead, agent=request.user, at=at)
    except LeadNotYours:
        why = _why_gone(request.user, str(lead.pk))
    except claim.AlreadyDialled:
        return _phase(request)
    if why:
        return _whole(_body(request, notice=why))
    return HttpResponse(status=204) if request.GET.get("phase", "") == "preview" else _phase(request)


def _phase(request: HttpRequest) -> HttpResponse:
    with kept.look() as at:
        context = context_of(agent=request.user, at=at) | {"is_swap": True}
        return render(request, "campaigns/_desk_phase.html", context)


def _whole(answer: HttpResponse) -> HttpResponse:
    """Put the answer in place of the whole desk, wherever the request came from."""
    answer["HX-Retarget"], answer["HX-Reswap"] = "#desk", "innerHTML"
    return answer


@require_POST
def result(request: HttpRequest) -> HttpResponse:
    """Save. 200 with what asks for the next customer, or with the desk where none comes or there is something to say; 409 and 422 with {"detail"} when the result could not be kept."""
    agent = agent_of(request)
    with looking(agent) as at:
        return _result(request, agent, at)


def _result(request: HttpRequest, agent: Any, at: datetime) -> HttpResponse:
    form = ResultForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"detail": form.first_fault(), "code": "BadResult"}, status=422)
    number = form.cleaned_data["lead"]
    lead = row(Lead, "id = %s", [number]) if 0 < number <= LARGEST_ID else None
    if lead is None:
        return JsonResponse({"detail": _("There is no such lead."), "code": "LeadNotYours"}, status=409)

    def run() -> dict[str, Any]:
        call = results.record_result(lead=lead, agent=agent, at=at, **form.for_service(at=at))
        return {"call_id": call.pk, "left_out": list(call.left_out)}

    try:
        key = request.headers.get("Idempotency-Key", "")
        done = once(user=agent, key=key, fingerprint=form.fingerprint(), run=run)
    except DomainError as error:
        return JsonResponse({"detail": str(error), "code": type(error).__name__}, status=409)
    told = _told(done.get("left_out", []))
    return _drawn(request, at, notice=told) if told or not desk.is_at_work(agent) else _follow(request)


def _follow(request: HttpRequest) -> HttpResponse:
    """The result is kept: what asks for the next customer, beside the picture that is still there."""
    answer = render(request, "campaigns/_desk_next.html")
    answer["HX-Reswap"] = "beforeend"
    return answer


@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    """After a result: the next customer, if the agent has not left the desk meanwhile."""
    agent = agent_of(request)
    with looking(agent) as at:
        _next_quietly(agent, at)
        return _drawn(request, at)


def _told(left_out: list[str]) -> str:
    """What became of the result, where not all of it could be kept."""
    return " ".join([_("The result is kept."), *left_out]) if left_out else ""


def _next_quietly(agent: Any, at: datetime) -> None:
    """The result is kept whatever comes next."""
    try:
        inbound.next_lead(agent=agent, at=at, goes_on=True)
    except DomainError:
        desk.sign_out(agent=agent, at=at)


@require_POST
def skip(request: HttpRequest) -> HttpResponse:
    """Give the lead back undialled, with a reason, and take the next one."""
    agent, at = agent_of(request), database_now()

    def verb() -> None:
        claim.give_back(lead=_held(request), agent=agent, at=at, reason=request.POST.get("reason", ""), is_skip=True)
        desk.next_lead(agent=agent, at=at)

    return _step(request, verb)


@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """A break, or the end of work."""
    agent, at = agent_of(request), database_now()
    reason = request.POST.get("reason", "")
    if reason == "end":
        return _step(request, lambda: desk.sign_out(agent=agent, at=at))
    return _step(request, lambda: desk.take_break(agent=agent, reason=reason, at=at))


@require_GET
def promises(request: HttpRequest) -> HttpResponse:
    """The board of own promises, asked for every half minute."""
    from campaigns import queries_desk

    agent, at = agent_of(request), database_now()
    context = {
        "promises": queries_desk.own_promises(agent, at),
        "handed": callbacks.handed_today(agent, at),
        "at": at,
    }
    return render(request, "campaigns/_desk_promises.html", context)
