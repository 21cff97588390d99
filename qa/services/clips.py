"""The library of best calls: choose a span, cut it in the background, take it out again."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Call
from core import files
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import Run, enqueue
from people.models import User
from qa import rules
from qa.models import Clip, Recording
from qa.services import keeping
from qa.services.listening import check_open
from qa.services.notes import check_span
from qa.services.recordings import read_head, store_sound
from qa.sound.heads import SoundFault
from qa.sound.limits import MOST_CLIP_SECONDS
from qa.sound.parent import span_of
from scripts.models import Objection


class ClipTooLong(DomainError):
    """A clip shows one thing."""


class WordsMissing(DomainError):
    """What is good about the clip was not said."""


@transaction.atomic
def choose_clip(
    *, recording: Recording, from_ms: int, until_ms: int, title: str, stage: str, objection: Objection | None, consent: str, keep_days: int,
    by: User, at: datetime,
) -> Clip:  # fmt: skip
    """Put a span into the library; its bytes are cut in the background and kept for `keep_days`, also after the recording has gone.

    Raises PermissionRefused, OutsideRecording, ClipTooLong, WordsMissing, SoundGone, PersonLocked.
    """
    if not rules.can_choose_clips(by, recording):
        raise PermissionRefused(_("Your role does not allow this."))
    recording = Recording.objects.select_for_update(of=("self",)).select_related("sound").get(pk=recording.pk)
    check_open(recording=recording)
    check_span(recording, from_ms, until_ms)
    if until_ms - from_ms > MOST_CLIP_SECONDS * 1000:
        raise ClipTooLong(_("A clip is at most %(most)s minutes long.") % {"most": MOST_CLIP_SECONDS // 60})
    if not title.strip():
        raise WordsMissing(_("Say in a few words what is good about it."))
    call = Call.objects.filter(pk=recording.call_id, started_at=recording.call_started_at).only("team_city_id").first()
    clip = Clip.objects.create(
        recording=recording, customer_id=recording.customer_id, city_id=recording.city_id, team_city_id=call.team_city_id if call else None,
        title=title.strip(), stage=stage, objection=objection, consent=consent, from_ms=from_ms, until_ms=until_ms, made_by=by, made_at=at,
        keep_until=at + timedelta(days=keep_days),
    )  # fmt: skip
    audit("qa.clip.chosen", clip, by=by, at=at, recording=recording.pk, stage=stage, consent=consent, days=keep_days)
    enqueue(kind="qa.cut_clip", key=str(clip.pk), args={"clip": clip.pk}, by=by)
    return clip


def cut_clip(run: Run) -> dict[str, Any]:
    """Cut the bytes of a clip out of its recording; nothing to do when either has gone meanwhile."""
    clip = Clip.objects.select_related("recording__sound__file").get(pk=run.args["clip"])
    sound = clip.recording.sound
    if clip.destroyed_at or clip.state != Clip.State.CUTTING or sound is None:
        return {"cut": False}
    try:
        span = span_of(files.path_of(sound.file), clip.from_ms, clip.until_ms)
    except SoundFault:
        Clip.objects.filter(pk=clip.pk, state=Clip.State.CUTTING).update(state=Clip.State.BROKEN)
        return {"cut": False}
    head = read_head(stream=BytesIO(span.body))
    with run.chunk():
        row = Clip.objects.select_for_update().get(pk=clip.pk)
        if row.state == Clip.State.CUTTING and row.destroyed_at is None:
            row.sound = store_sound(stream=BytesIO(span.body), head=head, at=run.now())
            row.state = Clip.State.READY
            row.save(update_fields=["sound", "state"])
    return {"cut": True}


@transaction.atomic
def drop_clip(*, clip: Clip, by: User, at: datetime) -> None:
    """Take a clip out of the library, with its bytes. Raises PermissionRefused."""
    if not rules.can_drop_clip(by, clip):
        raise PermissionRefused(_("Who chose a clip takes it out again, or QA."))
    if keeping.destroy_clips(rows=Clip.objects.filter(pk=clip.pk), at=at):
        audit("qa.clip.dropped", clip, by=by, at=at, recording=clip.recording_id)
