"""Remarks and markers at a moment of a recording, by whoever hears it: scorer and agent alike."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from people.models import User
from qa import rules
from qa.models import Recording, RecordingNote
from qa.services.listening import check_open

MOST_NOTES = 500


class OutsideRecording(DomainError):
    """The moment or span does not lie in the recording."""


class TooManyNotes(DomainError):
    """One recording has room for so many."""


@transaction.atomic
def add_note(
    *, recording: Recording, from_ms: int, until_ms: int | None, text: str, by: User, at: datetime
) -> RecordingNote:
    """Write a remark, or without words a marker. Raises OutsideRecording, TooManyNotes, SoundGone, PersonLocked."""
    recording = Recording.objects.select_for_update(of=("self",)).select_related("sound").get(pk=recording.pk)
    check_open(recording=recording)
    check_span(recording, from_ms, until_ms)
    if recording.notes.count() >= MOST_NOTES:
        raise TooManyNotes(_("This recording has %(most)s remarks. Delete some first.") % {"most": MOST_NOTES})
    note = recording.notes.create(by=by, at=at, from_ms=from_ms, until_ms=until_ms, text=text.strip())
    audit("qa.recording.noted", recording, by=by, at=at, note=note.pk)
    return note


@transaction.atomic
def delete_note(*, note: RecordingNote, by: User, at: datetime) -> None:
    """Take the own remark back. Raises PermissionRefused."""
    if not rules.can_delete_note(by, note):
        raise PermissionRefused(_("Only who wrote a remark takes it back."))
    audit("qa.recording.note_deleted", note.recording, by=by, at=at, note=note.pk)
    note.delete()


def check_span(recording: Recording, from_ms: int, until_ms: int | None) -> None:
    """Raises OutsideRecording."""
    length = recording.sound.milliseconds if recording.sound else 0
    if from_ms < 0 or from_ms > length or (until_ms is not None and not from_ms < until_ms <= length):
        raise OutsideRecording(_("This moment does not lie in the recording."))
