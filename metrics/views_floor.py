"""The floor page, and its panels asked for anew every few seconds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.clock import database_now
from metrics.floor.addresses import DEALS, STATE, STATES, Look
from metrics.floor.board import Board, read_board
from metrics.floor.panels import context
from metrics.floor.places import find_place
from metrics.floor.rules import can_see_floor
from people.access import must


@require_GET
def floor(request: HttpRequest) -> HttpResponse:
    """Today on the floor, of the place that the address names."""
    return render(request, "metrics/floor.html", context(_board(request)))


@require_GET
def floor_panels(request: HttpRequest) -> HttpResponse:
    """All panels as they stand now. The chart is drawn anew only when another hour runs; else its table is enough."""
    board = _board(request)
    is_same_hour = request.GET.get("hour") == str(board.hour)
    return render(request, "metrics/_floor_panels.html", context(board) | {"oob": True, "is_same_hour": is_same_hour})


def _board(request: HttpRequest) -> Board:
    must(request, can_see_floor(request.user), _("The floor is for those who lead teams."))
    order, show = request.GET.get("order", ""), request.GET.get("show", "")
    look = Look(order if order == DEALS else STATE, show if show in STATES else "")
    place = find_place(request.user, request.GET.dict())
    return read_board(user=request.user, place=place, look=look, at=database_now())
