"""Who heard what: a listening is written down before the first byte goes out."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.models import PrivateFile
from customers.models import Customer
from people.models import User
from qa.models import Clip, Listening, Recording

ONE_LISTENING = timedelta(minutes=10)


class PersonLocked(DomainError):
    """The customer's data are locked: nobody works with them until that ends."""


class SoundGone(DomainError):
    """The recording is no longer kept."""


@transaction.atomic
def hear(*, recording: Recording, by: User, at: datetime) -> PrivateFile:
    """The bytes of a recording that the user may see, and a row that says who heard it. A player asks for many pieces of one recording:
    what comes within ten minutes is the same listening. Raises SoundGone, PersonLocked."""
    check_open(recording=recording)
    assert recording.sound is not None
    lately = Listening.objects.filter(recording=recording, by=by, at__gt=at - ONE_LISTENING)
    if not lately.exists():
        Listening.objects.create(recording=recording, by=by, at=at)
        audit("qa.recording.heard", recording, by=by, at=at, call_id=recording.call_id)
    return recording.sound.file


@transaction.atomic
def take_away(*, recording: Recording, by: User, at: datetime) -> PrivateFile:
    """The bytes to keep: each time is written down. Whether the role allows it is asked at the edge. Raises SoundGone, PersonLocked."""
    check_open(recording=recording)
    assert recording.sound is not None
    audit("qa.recording.downloaded", recording, by=by, at=at, call_id=recording.call_id)
    return recording.sound.file


@transaction.atomic
def hear_clip(*, clip: Clip, by: User, at: datetime, is_begin: bool) -> PrivateFile:
    """The bytes of a clip; its beginning is written down. Raises SoundGone, PersonLocked."""
    _check_person(clip.customer_id)
    if clip.sound is None:
        raise SoundGone(_("This clip is not cut yet, or no longer kept."))
    if is_begin:
        audit("qa.clip.heard", clip, by=by, at=at, city_id=clip.city_id)
    return clip.sound.file


def check_open(*, recording: Recording) -> None:
    """Raises SoundGone, PersonLocked."""
    if recording.sound is None:
        raise SoundGone(_("This recording is no longer kept."))
    _check_person(recording.customer_id)


def _check_person(customer_id: int) -> None:
    if Customer.objects.filter(pk=customer_id, is_locked=True).exists():
        raise PersonLocked(_("This person's data are locked: the recording rests until the lock ends."))
