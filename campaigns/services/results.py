"""The result of a call, as the desk sends it: times from the telephone, once, also when it comes late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from campaigns.guide import Notes
from campaigns.models import Call, Lead, LiveCall
from campaigns.services import calls, desk, guide
from campaigns.services.held import lock_lead, lock_person
from customers.models import Customer
from people.models import User

# A result that waited in a browser without a connection is believed for so long.
LONGEST_WAIT = timedelta(hours=12)


@transaction.atomic
def record_result(
    *,
    lead: Lead,
    agent: User,
    at: datetime,
    waited: timedelta = timedelta(),
    notes: Notes | None = None,
    answers: Mapping[int, Any] | None = None,
    **result: Any,
) -> Call:
    """Record the result of the call in hand with the telephone's own times; the call is ended when it still goes on.

    `waited`: how long ago the agent saved it, when the connection was gone. If the lead went back to its queue meanwhile and nobody has
    taken it since, it is fetched once more. `notes`: what the window knew; what was kept during the call is taken where it is ahead.
    `answers` go before both. Raises what desk.timing_of_locked, calls.record_locked and guide.keep_notes raise.
    """
    saved_at = saved_when(at, waited)
    customer, lead, was_gone = _fetch_back(lead, agent)
    noted = guide.newest(notes, guide.notes_of(lead))
    saved_at = max(saved_at, lead.dialled_at or saved_at)
    times = desk.timing_of_locked(lead, agent, saved_at)
    call = calls.record_locked(
        lead=lead, customer=customer, agent=agent, at=at, started_at=times.started_at, ring_seconds=times.ring_seconds, talk_seconds=times.talk_seconds,
        after_call_seconds=times.after_call_seconds, answers={**(noted.answers if noted else {}), **(answers or {})},
        script_version_id=noted.script if noted else None, saved_at=saved_at, inbound=times.inbound, **result,
    )  # fmt: skip
    if noted is not None:
        guide.keep_notes(
            call=call, notes=replace(noted, answers={**noted.answers, **(answers or {})}), is_late=was_gone
        )
    return call


def waited_for(seconds: int) -> timedelta:
    """What a window says of its waiting, cut before it becomes more than an interval holds."""
    return timedelta(seconds=min(seconds, LONGEST_WAIT // timedelta(seconds=1)))


def saved_when(at: datetime, waited: timedelta) -> datetime:
    """When the agent saved what has waited so long in a browser."""
    return at - min(max(waited, timedelta()), LONGEST_WAIT)


def _fetch_back(lead: Lead, agent: User) -> tuple[Customer, Lead, bool]:
    """Person and lead as they stand, locked; in the agent's hand again when only its lease had run out (True)."""
    customer = lock_person(lead)
    fresh = lock_lead(lead)
    ended_elsewhere = fresh.outcome == Lead.Outcome.SUPPRESSED  # while it was dialled
    if fresh.state == Lead.State.HELD:
        return customer, fresh, False
    if customer.held_lead_id is not None or Lead.objects.held_by(agent).exists():
        return customer, fresh, False
    call = LiveCall.objects.filter(lead=fresh, agent=agent).order_by("-placed_at").first()
    if fresh.state == Lead.State.DONE and not ended_elsewhere and not (call and call.is_inbound):
        return customer, fresh, False
    if (
        call is None
        or call.placed_at != fresh.last_call_at
        or Call.objects.filter(lead_id=fresh.pk, started_at=call.placed_at).exists()
    ):
        return customer, fresh, False
    LiveCall.objects.filter(pk=call.pk).update(settled_at=None)
    fresh.state, fresh.outcome, fresh.agent = Lead.State.HELD, "", agent
    fresh.held_at = fresh.dialled_at = call.placed_at
    fresh.lease_until = call.placed_at + LONGEST_WAIT
    fresh.attempts_made = max(0, fresh.attempts_made - (0 if call.is_inbound else 1))
    fresh.save(update_fields=["state", "outcome", "agent", "held_at", "dialled_at", "lease_until", "attempts_made"])
    customer.held_lead_id = fresh.pk
    customer.save(update_fields=["held_lead_id"])
    return customer, fresh, True
