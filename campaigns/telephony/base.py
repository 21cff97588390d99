"""What every telephone can do, and how a call stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from campaigns.models import InboundCall, LiveCall


class UnknownTelephony(Exception):
    """A campaign names a telephone that this installation does not have."""


class Phase(StrEnum):
    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"


@dataclass(frozen=True)
class CallStatus:
    """How a call stands at a moment. `since`: when this phase began. Seconds are whole, as they are recorded."""

    phase: Phase
    since: datetime
    started_at: datetime
    ring_seconds: int
    talk_seconds: int
    is_connected: bool
    # None: the telephone cannot tell, the agent does
    outcome: str | None = None

    @property
    def is_over(self) -> bool:
        return self.phase is Phase.OVER


class Telephony(Protocol):
    """One way of calling. `shows_number`: the agent dials and may see the digits; `knows_outcome`: the network tells what happened."""

    name: str
    shows_number: bool
    knows_outcome: bool

    def place(self, *, call: LiveCall, number: str, at: datetime) -> None:
        """Dial; fills the fields of the row, which the caller saves."""
        ...

    def status(self, *, call: LiveCall, at: datetime) -> CallStatus:
        """How the call stands at `at`."""
        ...

    def ring(self, *, call: InboundCall, at: datetime) -> None:
        """Somebody calls in: fills how long it rings; the caller saves the row."""
        ...

    def answer(self, *, call: InboundCall, at: datetime) -> None:
        """Take the call that rings; fills the fields of the row, which the caller saves."""
        ...

    def hang_up(self, *, call: LiveCall | InboundCall, at: datetime) -> None:
        """End the call if it still goes on; fills the fields of the row, which the caller saves."""
        ...


def whole_seconds(start: datetime | None, end: datetime | None) -> int:
    return max(0, int((end - start).total_seconds())) if start and end else 0


def status_of(call: LiveCall, *, at: datetime, outcome: str | None) -> CallStatus:
    """The phase from the times of the row: what lies ahead of `at` has not happened yet."""
    ends = [moment for moment in (call.hung_up_at, call.ends_at) if moment is not None]
    ended_at = min(ends) if ends and min(ends) <= at else None
    answered_at = call.answered_at if call.answered_at and call.answered_at <= (ended_at or at) else None
    phase = Phase.OVER if ended_at else Phase.TALKING if answered_at else Phase.RINGING
    until = ended_at or at
    return CallStatus(
        phase=phase,
        since=ended_at or answered_at or call.placed_at,
        started_at=call.placed_at,
        ring_seconds=whole_seconds(call.placed_at, answered_at or until),
        talk_seconds=whole_seconds(answered_at, until),
        is_connected=answered_at is not None,
        outcome=(outcome or None) if phase is Phase.OVER or answered_at else None,
    )
