"""A telephone that calls nobody: draws what would happen and lets it happen in time. For the demo, for load and for tests.

Everything is drawn at the dial from the lead, its attempt and the moment, and written to the row. A number that is not in use stays so at
every dial. Customers call in as well: they ring until somebody answers or their patience ends.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from campaigns.models import InboundCall, LiveCall
from campaigns.telephony.base import CallStatus, status_of

Outcome = LiveCall.Outcome

# Shares of 1000 calls, and seconds of ringing until the network or the customer decides.
OUTCOMES: list[tuple[Outcome, int, tuple[float, float]]] = [
    (Outcome.ANSWERED, 420, (2.5, 9.0)),
    (Outcome.NO_ANSWER, 380, (14.0, 22.0)),
    (Outcome.BUSY, 80, (1.5, 3.0)),
    (Outcome.SWITCHED_OFF, 90, (2.0, 4.0)),
    (Outcome.INVALID_NUMBER, 30, (1.5, 2.5)),
]
# Somebody who calls in waits so many seconds for an answer.
PATIENCE = (18.0, 32.0)
# A customer hangs up by himself after a while; half of the conversations last longer than this many seconds.
HALF_LAST = 140
LONGEST_TALK = 900


class Simulator:
    name = "simulator"
    shows_number = False
    knows_outcome = True

    def place(self, *, call: LiveCall, number: str, at: datetime) -> None:
        draw = random.Random(f"{call.lead_id}:{call.lead.attempts_made}:{at.isoformat()}")
        names, shares, rings = zip(*OUTCOMES, strict=True)
        index = self._drawn(call, draw, shares)
        decided_at = at + self._length(draw.uniform(*rings[index]))
        call.outcome = names[index]
        if call.outcome == Outcome.ANSWERED:
            call.answered_at = decided_at
            call.ends_at = decided_at + self._talk(draw)
        else:
            call.ends_at = decided_at

    def _drawn(self, call: LiveCall, draw: random.Random, shares: Sequence[int]) -> int:
        """Which of OUTCOMES it is: whether a number is in use is told by the number, the rest by the moment."""
        last = len(shares) - 1
        if random.Random(f"{call.lead_id}:{call.phone_id}").random() * sum(shares) < shares[last]:
            return last
        return draw.choices(range(last), weights=shares[:last])[0]

    def ring(self, *, call: InboundCall, at: datetime) -> None:
        draw = random.Random(f"{call.agent_id}:{at.isoformat()}")
        call.ends_at = at + self._length(draw.uniform(*PATIENCE))

    def answer(self, *, call: InboundCall, at: datetime) -> None:
        if call.answered_at is None:
            call.answered_at = at
            call.ends_at = at + self._talk(random.Random(f"{call.agent_id}:{at.isoformat()}"))

    def status(self, *, call: LiveCall, at: datetime) -> CallStatus:
        status = status_of(call, at=at, outcome=call.outcome)
        gave_up = call.hung_up_at is not None and call.ends_at is not None and call.hung_up_at < call.ends_at
        if gave_up and not status.is_connected:
            # the agent stopped before the network had decided: nobody has answered
            return status_of(call, at=at, outcome=Outcome.NO_ANSWER)
        return status

    def hang_up(self, *, call: LiveCall | InboundCall, at: datetime) -> None:
        if call.hung_up_at is None and (call.ends_at is None or call.ends_at > at):
            call.hung_up_at = at

    def _talk(self, draw: random.Random) -> timedelta:
        return self._length(min(LONGEST_TALK, 20 + draw.expovariate(0.693 / (HALF_LAST - 20))))

    def _length(self, seconds: float) -> timedelta:
        """`settings.SIMULATOR_SPEED` times faster than life, so that tests in a browser need not wait."""
        return timedelta(seconds=seconds / getattr(settings, "SIMULATOR_SPEED", 1.0))
