"""Of which calls a scorer may not read yet what others said."""

from __future__ import annotations

from django.db.models import QuerySet

from people.models import User

from .calibration import CalibrationSeat
from .work import ScoringTask

BLIND_SOURCES = (ScoringTask.Source.DOUBLE, ScoringTask.Source.CALIBRATION)


def waiting_calls(user: User | int) -> QuerySet:
    """Calls that the user is to score as a second scorer or in a session."""
    return ScoringTask.objects.open().filter(scorer=user, source__in=BLIND_SOURCES).values("call_id")


def blind_calls(user: User | int) -> QuerySet:
    """Those, and the calls of the user's sessions that are not closed: others may still score."""
    seats = CalibrationSeat.objects.filter(scorer=user, left_at=None, session__closed_at=None)
    return waiting_calls(user).union(seats.values("session__call_id"))


def blind_call_ids(user: User | int) -> list[int]:
    return [row["call_id"] for row in blind_calls(user)]
