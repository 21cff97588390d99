"""The agent dials on an own handset: the number is shown for one call, counted and audited; the agent says what happened."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import LiveCall
from campaigns.telephony.base import CallStatus, status_of


class Handset:
    name = "handset"
    shows_number = True
    knows_outcome = False

    def place(self, *, call: LiveCall, number: str, at: datetime) -> None:
        """Nothing to do: the agent's hand does it."""

    def status(self, *, call: LiveCall, at: datetime) -> CallStatus:
        return status_of(call, at=at, outcome=call.outcome)

    def hang_up(self, *, call: LiveCall, at: datetime) -> None:
        if call.hung_up_at is None:
            call.hung_up_at = at
