"""Reads of recordings for screens. The small tables' names are read once per request (campaigns.queries_calls.Names)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from campaigns.models import Call
from campaigns.queries_calls import calls_shown
from campaigns.queries_script import must_say_of
from customers.models import Customer
from people.models import User
from qa import rules
from qa.hints import Hints, hints
from qa.models import Clip, Listening, Recording, RecordingNote, Sound
from qa.models.recordings import RecordingQuerySet
from scripts.models import Product, ProhibitedWord

OF_CALL = 10
LISTENERS = 50
LOCKED = Customer.objects.filter(is_locked=True).values("pk")  # their words are shown to nobody until the lock ends


def recordings_shown(user: User) -> RecordingQuerySet:
    """What the user may hear and is still there, with the state of its sound, whether the user heard it, and how many remarks it has."""
    notes = (
        RecordingNote.objects.filter(recording=OuterRef("pk")).order_by().values("recording").annotate(n=Count("pk"))
    )
    return (
        Recording.objects.visible_to(user)
        .kept()
        .annotate(
            sound_state=Subquery(Sound.objects.filter(pk=OuterRef("sound")).values("state")),
            is_heard=Exists(Listening.objects.filter(recording=OuterRef("pk"), by=user)),
            note_count=Subquery(notes.values("n")),
        )
    )


def recordings_of_call(user: User, call: Call) -> list[Recording]:
    """The recordings of a call that the user may hear, the newest first."""
    rows = Recording.objects.visible_to(user).kept().filter(call_id=call.pk, call_started_at=call.started_at)
    return list(rows.select_related("sound").order_by("-pk")[:OF_CALL])


def call_of(user: User, recording: Recording) -> Call | None:
    """The call of a recording, as the user may see it."""
    return calls_shown(user).filter(pk=recording.call_id, started_at=recording.call_started_at).first()


def hints_of(recording: Recording) -> Hints | None:
    """What the text of the call hints at, against the script it was made with and the words prohibited today. None without a text."""
    segments = (recording.transcript or {}).get("segments")
    call = Call.objects.filter(pk=recording.call_id, started_at=recording.call_started_at).first() if segments else None
    if not segments or call is None:
        return None
    product = Product.objects.get(pk=call.product_id) if call.product_id else None
    points = must_say_of(call.script_version_id, product)
    words = ProhibitedWord.objects.order_by("word").values_list("word", "why")
    return hints(segments, points, dict(words))


def notes_of(recording: Recording) -> list[RecordingNote]:
    return list(recording.notes.select_related("by").order_by("from_ms", "pk"))


def listeners_of(recording: Recording) -> list[Listening]:
    return list(recording.listenings.select_related("by").order_by("-at")[:LISTENERS])


@dataclass(frozen=True)
class Waveform:
    """The parts of a sound by channel, 0 to 255."""

    milliseconds: int
    channels: list[list[int]]


def waveform_of(sound: Sound) -> Waveform:
    """Empty channels while it is not drawn."""
    peaks = bytes(sound.peaks or b"")
    parts = len(peaks) // sound.channels
    return Waveform(sound.milliseconds, [list(peaks[n * parts : (n + 1) * parts]) for n in range(sound.channels)])


def clips_shown(user: User) -> QuerySet[Clip]:
    return Clip.objects.visible_to(user).kept().select_related("objection", "made_by", "sound", "recording")


def may_open_recording(user: User, clip: Clip) -> bool:
    return rules.can_hear(user) and Recording.objects.visible_to(user).kept().filter(pk=clip.recording_id).exists()
