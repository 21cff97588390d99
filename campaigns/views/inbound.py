"""Calls that come in at the desk: whose number it is, for whom and about what the call is. Answers are the desk as it stands then."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from campaigns.services import inbound
from campaigns.views.desk import _step, agent_of
from core.clock import database_now
from core.numbers import LARGEST_ID, number_or_none


def _id(text: str) -> int:
    """A number of a row; 0 for what is none."""
    return number_or_none(text, LARGEST_ID) or 0


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """The number of the caller, typed by the agent. It comes in the body and stands in no address."""
    agent, number = agent_of(request), request.POST.get("number", "")
    return _step(request, lambda: inbound.begin(agent=agent, number=number, at=database_now()))


@require_POST
def ring(request: HttpRequest) -> HttpResponse:
    """Let the simulated telephone ring."""
    agent = agent_of(request)
    return _step(request, lambda: inbound.ring(agent=agent, at=database_now(), is_asked=True))


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    return _step(request, lambda: inbound.answer(agent=agent, at=database_now()))


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """For whom and about which campaign the call is."""
    agent, asked = agent_of(request), request.POST
    return _step(
        request,
        lambda: inbound.take(
            agent=agent, campaign_id=_id(asked.get("campaign", "")), is_new=asked.get("person") == "new",
            name=asked.get("name", ""), city_id=_id(asked.get("city", "")), at=database_now(),
        ),
    )  # fmt: skip


@require_POST
def hang_up(request: HttpRequest) -> HttpResponse:
    agent = agent_of(request)
    return _step(request, lambda: inbound.hang_up(agent=agent, at=database_now()))


@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    """No result; then the next customer."""
    agent, at = agent_of(request), database_now()

    def verb() -> None:
        inbound.drop(agent=agent, reason=request.POST.get("reason", ""), at=at)
        inbound.next_lead(agent=agent, at=at)

    return _step(request, verb)
