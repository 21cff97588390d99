"""How a desk stands, for the page that asks every second of every agent: one statement, planned once in a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.models import LiveCall
from campaigns.services import desk
from campaigns.telephony import CallStatus
from people.models import User

PULSE = "SELECT p.now, p.state, p.seen_at, p.lead_id, p.withdrawn, (p.call).* FROM campaigns_pulse(%s) p"
OF_DESK = 5


@dataclass(frozen=True)
class Pulse:
    """`at`: the database's clock. `state`: what the agent's log says, "" when no stretch is open. `withdrawn`: the code of what was just set
    against calling the lead in hand. `status`: how its call stands, None before the dial."""

    at: datetime
    state: str
    seen_at: datetime | None
    lead_id: int | None
    withdrawn: str
    status: CallStatus | None

    @property
    def phase(self) -> str:
        return self.status.phase if self.status else "preview"

    @property
    def is_in_step(self) -> bool:
        """Whether the agent's log says what the call does."""
        return self.status is None or self.state == desk.STATE_IN[self.status.phase]


def pulse_of(agent: User) -> Pulse:
    with connection.cursor() as cursor:
        cursor.execute(PULSE, [agent.pk])
        row = cursor.fetchone()
        columns = [column.name for column in cursor.description]
    at, state, seen_at, lead_id, withdrawn = row[:OF_DESK]
    of_call = dict(zip(columns[OF_DESK:], row[OF_DESK:], strict=True))
    call = LiveCall(**of_call) if of_call["id"] is not None else None
    return Pulse(at, state or "", seen_at, lead_id, withdrawn or "", desk.status(call, at) if call else None)
