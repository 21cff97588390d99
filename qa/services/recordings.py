"""Storing recordings: one door for page, API and folder. The bytes lie under a random name outside the web root, once for all calls that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Call, CallKey
from core import files
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from customers.models import Customer, PersonRequest
from customers.queries import former_ids
from people.models import User
from qa import rules
from qa.models import Recording, Sound
from qa.services.keeping import KeepTable
from qa.services.listening import check_open
from qa.services.transcripts import clean_transcript
from qa.sound.heads import Head, SoundFault
from qa.sound.limits import MOST_BYTES
from qa.sound.parent import ReaderLost, head_of
from qa.wording import fault_sentence

FILE_KIND = "qa.recording"
# how long the bytes stay is decided by the recordings and clips that have them (services.keeping)
BY_ITS_OWNERS = timedelta(days=36_500)
PIECE = 1024 * 1024
CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg"}
ENDINGS = {"wav": "wav", "mp3": "mp3", "opus": "ogg"}
Origin = Recording.Origin

files.register_kind(FILE_KIND, may_download=lambda user, private_file: False)  # only by its recording's own door


class RecordingRefused(DomainError):
    """The file is no recording that can be taken; `code` is the word of qa.wording.FAULTS."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotReadNow(DomainError):
    """The machine could not read the file; it says nothing of the file."""


class PersonErased(DomainError):
    """The customer was erased, and nothing new is kept of them."""


class TimeIsOver(DomainError):
    """A recording of a call so old would be destroyed at once."""


class CallUnknown(DomainError):
    """No call bears this number."""


class _KnownSound(Exception):
    """These bytes are here already: the new copy is dropped."""

    def __init__(self, sound: Sound) -> None:
        super().__init__()
        self.sound = sound


@dataclass(frozen=True)
class Stored:
    """`is_new` is false when the call had this recording already."""

    recording: Recording
    is_new: bool


def store_recording(
    *,
    call: Call,
    stream: IO[bytes],
    by: User | None,
    at: datetime,
    origin: str,
    transcript: dict[str, Any] | None = None,
) -> Stored:
    """Keep the sound of a call, read piece by piece; its waveform is drawn in the background. The same bytes for the same call are
    the recording that is there, with the newer text of the call if one came.

    In no transaction of the caller: the head is read first, by another process, which may take half a minute.
    Raises RecordingRefused (with the sentence), NotReadNow, PersonErased, TimeIsOver, TranscriptRefused, FileTooBig, DiskFull.
    """
    words = None if transcript is None else clean_transcript(transcript)
    _allowed_until(call, at)
    try:
        return _keep(call, stream, read_head(stream=stream), by, at, origin, words)
    except ReaderLost:
        raise NotReadNow(_("The recording could not be read just now. Try it again in a moment.")) from None


@transaction.atomic
def _keep(
    call: Call, stream: IO[bytes], head: Head | None, by: User | None, at: datetime, origin: str, words: dict[str, Any] | None
) -> Stored:  # fmt: skip
    sound = store_sound(stream=stream, head=head, at=at)
    if sound.state == Sound.State.BROKEN:
        raise RecordingRefused(fault_sentence(sound.fault), sound.fault)
    _hold_person(call.customer_id)  # while the bytes were written the person may have been erased
    keep_until = _allowed_until(call, at)
    recording, is_new = Recording.objects.get_or_create(
        call_id=call.pk,
        sound=sound,
        defaults={**circumstances(call), "seconds": round(sound.seconds), "origin": origin, "uploaded_by": by, "stored_at": at,
                  "keep_until": keep_until, "transcript": words},
    )  # fmt: skip
    if is_new:
        audit("qa.recording.stored", recording, by=by, at=at, call_id=call.pk, origin=origin)
    elif words is not None:
        _set_words(recording, words, by, at)
    return Stored(recording, is_new)


@transaction.atomic
def set_transcript(*, recording: Recording, transcript: Any, by: User, at: datetime) -> Recording:
    """The text of the call is this one from here on. Raises PermissionRefused, TranscriptRefused, PersonErased, SoundGone, PersonLocked."""
    if not rules.can_upload(by, recording):
        raise PermissionRefused(_("Your role does not allow this."))
    words = clean_transcript(transcript)
    _hold_person(recording.customer_id)
    _check_not_erased(recording.customer_id)
    recording = Recording.objects.select_for_update(of=("self",)).select_related("sound").get(pk=recording.pk)
    check_open(recording=recording)
    _set_words(recording, words, by, at)
    return recording


def _set_words(recording: Recording, words: dict[str, Any], by: User | None, at: datetime) -> None:
    if recording.transcript == words:
        return
    recording.transcript = words
    recording.save(update_fields=["transcript"])
    audit("qa.recording.text_set", recording, by=by, at=at, segments=len(words["segments"]))


def circumstances(call: Call) -> dict[str, Any]:
    """What a recording keeps of its call."""
    return {
        "call_started_at": call.started_at, "customer_id": call.customer_id, "city_id": call.city_id, "agent_id": call.agent_id,
        "team_id": call.team_id, "campaign_id": call.campaign_id, "product_id": call.product_id, "disposition_id": call.disposition_id,
        "sale": call.sale,
    }  # fmt: skip


def _allowed_until(call: Call, at: datetime) -> datetime:
    """Until when the recording will be kept. Raises PersonErased, TimeIsOver."""
    _check_not_erased(call.customer_id)
    until = KeepTable().until(product_id=call.product_id, sale=call.sale, started_at=call.started_at)
    if until <= at:
        raise TimeIsOver(_("Recordings of this call are kept no longer: by the rules their time is over."))
    return until


def _hold_person(customer_id: int) -> None:
    """Whoever erases the person holds these rows until all is gone."""
    list(Customer.objects.select_for_update(no_key=True).filter(pk__in=_all_of_person(customer_id)).order_by("pk"))


def _check_not_erased(customer_id: int) -> None:
    """Raises PersonErased."""
    erased = PersonRequest.objects.filter(
        customer__in=_all_of_person(customer_id), kind=PersonRequest.Kind.ERASE, state=PersonRequest.State.DONE
    )
    if erased.exists():
        raise PersonErased(_("This person was erased at their own request; no recording of them is kept."))


def _all_of_person(customer_id: int) -> list[int]:
    """The rows of whoever this row was merged into, and all that were merged into them."""
    while (
        above := Customer.objects.filter(pk=customer_id).values_list("merged_into_id", flat=True).first()
    ) is not None:
        customer_id = above
    return [customer_id, *former_ids(customer_id)]


def read_head(*, stream: IO[bytes]) -> Head | None:
    """What the bytes say of themselves; None: they are stored already. Raises RecordingRefused, FileTooBig, DiskFull, ReaderLost."""
    digest = sha256()
    with files.scratch() as copy:
        for piece in _pieces(stream):
            digest.update(piece)
            copy.write(piece)
        if Sound.objects.filter(sha256=digest.hexdigest()).exists():
            return None
        copy.flush()
        return _head_of(Path(copy.name))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(0)
    size = 0
    for piece in iter(lambda: stream.read(PIECE), b""):
        size += len(piece)
        if size > MOST_BYTES:
            raise files.FileTooBig(
                _("The recording is larger than %(limit)s MB. Save it as MP3 or Opus and upload it again.")
                % {"limit": MOST_BYTES // PIECE}
            )
        yield piece


@transaction.atomic
def store_sound(*, stream: IO[bytes], head: Head | None = None, at: datetime) -> Sound:
    """The bytes as a sound, which is the one that is there when they are known. Without their `head`, as read_head() gives it, it is read here.
    Raises RecordingRefused, FileTooBig, DiskFull, ReaderLost."""
    try:
        with files.writing(
            name="recording", kind=FILE_KIND, by=None, at=at, keep_for=BY_ITS_OWNERS, content_type="audio/wav"
        ) as draft:
            for piece in _pieces(stream):
                draft.write(piece)
            known = Sound.objects.select_for_update().filter(sha256=draft.sha256).first()
            if known is not None:
                raise _KnownSound(known)
            draft.flush()
            head = head or _head_of(draft.path)
            draft.row.content_type = CONTENT_TYPES[head.format]
            draft.row.name = f"recording-{draft.sha256[:8]}.{ENDINGS[head.format]}"
    except _KnownSound as found:
        return found.sound
    sound, is_new = Sound.objects.get_or_create(
        sha256=draft.sha256,
        defaults={
            "file": draft.row, "format": head.format, "channels": head.channels, "milliseconds": max(1, round(head.seconds * 1000)),
            "size_bytes": draft.size, "stored_at": at,
        },
    )  # fmt: skip
    if is_new:
        enqueue(kind="qa.draw_waveform", key=str(sound.pk), args={"sound": sound.pk})
    else:  # two uploads met: the other's copy stays
        files.destroy(private_file=draft.row, at=at)
    return sound


def _head_of(path: Path) -> Head:
    try:
        return head_of(path)
    except SoundFault as fault:
        raise RecordingRefused(fault_sentence(fault.code, fault.detail), fault.code) from None


@transaction.atomic
def attach_sound(*, sound: Sound, calls: Iterable[Call], at: datetime, transcript: dict[str, Any] | None = None) -> int:
    """Give many calls of the telephone one sound that is stored already; returns how many had none of it yet."""
    words = None if transcript is None else clean_transcript(transcript)
    Sound.objects.select_for_update().get(pk=sound.pk)
    table = KeepTable()
    rows = [
        Recording(
            call_id=call.pk, **circumstances(call), sound=sound, seconds=round(sound.seconds), origin=Origin.TELEPHONY, stored_at=at,
            transcript=words, keep_until=table.until(product_id=call.product_id, sale=call.sale, started_at=call.started_at),
        )
        for call in calls
    ]  # fmt: skip
    before = Recording.objects.filter(sound=sound).count()
    Recording.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return Recording.objects.filter(sound=sound).count() - before


def find_call(*, system: str, number: str, among: Any) -> Call:
    """The call that bears a number of a dialer, of those `among` which it may be. Raises CallUnknown."""
    key = CallKey.objects.filter(system=system, external_id=number).first()
    call = among.filter(pk=key.call_id, started_at=key.call_started_at).first() if key else None
    if call is None:
        raise CallUnknown(
            _("No call of %(system)s bears the number %(number)s.") % {"system": system, "number": number}
        )
    return call
