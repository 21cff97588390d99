"""The demo's agents at work: they sign in, are handed leads, talk and record, through the same services as the desk.

So that somebody who tries the product alone sees a floor that lives. Only agents of the demo who cannot sign in play.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from campaigns.models import Lead
from campaigns.services import desk
from campaigns.services.calls import record_call
from campaigns.services.orders import Sale
from campaigns.telephony import CallStatus
from core.errors import DomainError
from customers.services import contacts
from people.models import User
from scripts.models import ScriptStep
from telemkt.demo import history

PLAYERS = 26
BREAK_EVERY, BREAK_LASTS = 90 * 60, (120, 480)
HEARTBEAT = 30
LONGEST_AFTER_CALL = 180  # what lay in hand while nobody played is not after-call work


@dataclass
class Player:
    """One agent and when the next step is taken."""

    user: User
    due: datetime
    beat: datetime
    on_break: bool = False


def cast(at: datetime, rng: Random) -> list[Player]:
    """The agents who play: of those of the demo who have no usable password, a fixed choice across all teams."""
    codes = User.objects.filter(code__isnull=False, is_active=True, password__startswith="!").order_by("pk")
    chosen = sorted(rng.sample(list(codes), min(PLAYERS, len(codes))), key=lambda user: user.pk)
    return [Player(user, at + timedelta(seconds=rng.uniform(0, 40)), at) for user in chosen]


def play(players: list[Player], *, at: datetime, rng: Random) -> int:
    """Let everybody whose time has come take one step; returns how many did. A refusal is part of the work: the next try comes later."""
    moved = 0
    for player in players:
        if player.beat <= at:
            desk.heartbeat(agent=player.user, at=at)
            player.beat = at + timedelta(seconds=HEARTBEAT)
        if player.due > at:
            continue
        try:
            wait = step(player, at, rng)
        except DomainError:
            wait = 20.0
        player.due = at + timedelta(seconds=wait)
        moved += 1
    return moved


def step(player: Player, at: datetime, rng: Random) -> float:
    """One step of an agent's day; returns the seconds until the next."""
    agent = player.user
    lead = Lead.objects.held_by(agent).select_related("campaign").first()
    if lead is None:
        return _begin(player, at, rng)
    if lead.dialled_at is None:
        desk.dial(lead=lead, agent=agent, at=at)
        desk.follow_call(lead=lead, agent=agent, at=at)
        return 3.0
    status = desk.follow_call(lead=lead, agent=agent, at=at)
    if status is None:
        return 5.0
    if not status.is_over:
        return 4.0
    worked = (at - status.since).total_seconds()
    if status.is_connected and worked < 20:
        return rng.uniform(8, 70)
    _record(lead, agent, status, at, rng)
    desk.next_lead(agent=agent, at=at)
    return rng.uniform(4, 25)


def _begin(player: Player, at: datetime, rng: Random) -> float:
    if player.on_break:
        player.on_break = False
    elif rng.random() < 30 / BREAK_EVERY * 10:
        player.on_break = True
        desk.take_break(agent=player.user, reason=rng.choice(["short", "meal", "meeting"]), at=at)
        return rng.uniform(*BREAK_LASTS)
    return rng.uniform(4, 20) if desk.next_lead(agent=player.user, at=at) else rng.uniform(10, 40)


def _record(lead: Lead, agent: User, status: CallStatus, at: datetime, rng: Random) -> None:
    timing = desk.timing_of(lead=lead, agent=agent, at=at)
    code = _result(status, rng)
    details: dict[str, object] = {}
    if code == "sold":
        details["order"] = Sale()
    elif code == "callback":
        wished = (at + timedelta(hours=rng.randint(1, 50))).replace(minute=rng.choice([0, 30]), second=0, microsecond=0)
        wished = max(wished, at + timedelta(minutes=20))
        rules = contacts.rules_of(
            lead.campaign, at=wished, city_id=lead.city_id, segment_ids=lead.customer.rule_segments
        )
        details["callback_at"] = contacts.first_promised(lead.customer, rules, wished) or wished
    elif code == "complaint":
        details["reason"] = "资费说明不清楚"
    elif code == "refused_mid_call" and lead.campaign.script_version_id:
        steps = ScriptStep.objects.filter(version=lead.campaign.script_version_id).values_list("pk", flat=True)
        details["step_id"] = rng.choice(list(steps))
    record_call(
        lead=lead, agent=agent, disposition_code=code, started_at=timing.started_at, talk_seconds=timing.talk_seconds,
        ring_seconds=timing.ring_seconds, after_call_seconds=min(timing.after_call_seconds, LONGEST_AFTER_CALL), at=at, **details,
    )  # fmt: skip


def _result(status: CallStatus, rng: Random) -> str:
    if not status.is_connected:
        return status.outcome if status.outcome in dict(history.SILENT) else "no_answer"
    words, weights = zip(*history.CONNECTED, strict=True)
    return rng.choices(words, weights=weights)[0]


def leave(players: list[Player], *, at: datetime) -> None:
    """Sign everybody out whose hands are empty; the others' leads return by their lease."""
    for player in players:
        with suppress(DomainError):
            desk.sign_out(agent=player.user, at=at)
