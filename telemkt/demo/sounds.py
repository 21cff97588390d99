"""What the simulated telephone sounds like: two recorded conversations, made up and spoken by a machine, one in each language, with their texts.

Calls of the demo get one of them, so that quality has something to hear. The bytes are stored once for all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from campaigns.models import Call, LiveCall
from qa.models import Sound
from qa.services.recordings import attach_sound, store_sound

PLACE = Path(__file__).resolve().parent / "sounds"
CHINESE, ENGLISH = "call_zh", "call_en"
DAYS = timedelta(days=2)
ONE_IN = 6  # of the past calls
IN_ENGLISH = 5  # every fifth of these
SHORTEST = 20
SAME_MOMENT = timedelta(seconds=1)


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((PLACE / f"{name}.mp3").read_bytes()).hexdigest()


@cache
def _words(name: str) -> dict[str, Any]:
    return json.loads((PLACE / f"{name}.json").read_text(encoding="utf-8"))


def _name_for(call_id: int) -> str:
    return ENGLISH if call_id % (ONE_IN * IN_ENGLISH) == 0 else CHINESE


def make_recordings(at: datetime) -> int:
    """Store the two conversations and give them to some of the calls of the last days; returns how many calls got one."""
    calls = Call.objects.filter(started_at__gte=at - DAYS, connected=True, talk_seconds__gte=SHORTEST)
    by_name: dict[str, list[Call]] = {CHINESE: [], ENGLISH: []}
    for call in calls.order_by("pk").iterator(chunk_size=2000):
        if call.pk % ONE_IN == 0:
            by_name[_name_for(call.pk)].append(call)
    return sum(_give(name, found, at) for name, found in by_name.items())


def _give(name: str, calls: list[Call], at: datetime) -> int:
    with (PLACE / f"{name}.mp3").open("rb") as stream:
        sound = store_sound(stream=stream, at=at)
    return attach_sound(sound=sound, calls=calls, at=at, transcript=_words(name))


def play_sample(*, call_id: int, started_at: datetime, clock: Callable[[], datetime]) -> int:
    """Give a call that the simulated telephone has just carried one of the conversations; 0 where the demo was not made, or nobody talked."""
    name = _name_for(call_id)
    sound = Sound.objects.filter(sha256=_hash(name)).first()
    if sound is None:
        return 0
    call = Call.objects.filter(pk=call_id, started_at=started_at, connected=True, talk_seconds__gt=0).first()
    if call is None or not _was_simulated(call):
        return 0
    return attach_sound(sound=sound, calls=[call], at=clock(), transcript=_words(name))


def _was_simulated(call: Call) -> bool:
    placed = (call.started_at - SAME_MOMENT, call.started_at + SAME_MOMENT)
    return LiveCall.objects.filter(lead=call.lead_id, adapter="simulator", placed_at__range=placed).exists()
