"""The agent dials on an own handset: the number is shown for one call, counted and audited; the agent says what happened."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import InboundCall, LiveCall
from campaigns.telephony.base import CallStatus, status_of


class Handset:
    name = "handset"
    shows_number = True
    knows_outcome = False

    def place(self, *, call: LiveCall, number: str, at: datetime) -> None:
        """Nothing to do: the agent's hand does it."""

    def status(self, *, call: LiveCall, at: datetime) -> CallStatus:
        return status_of(call, at=at, outcome=call.outcome)

    def ring(self, *, call: InboundCall, at: datetime) -> None:
        """It rings in the agent's hand, as long as it rings."""

    def answer(self, *, call: InboundCall, at: datetime) -> None:
        call.answered_at = call.answered_at or at

    def hang_up(self, *, call: LiveCall | InboundCall, at: datetime) -> None:
        if call.hung_up_at is None:
            call.hung_up_at = at
