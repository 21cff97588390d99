"""The text of a call as it comes from outside: read, and cleaned of everything but what was said when by whom. A fault is told with its place."""

from __future__ import annotations

import json
from typing import IO, Any

from django.utils.translation import gettext as _

from core.errors import DomainError

MOST_BYTES = 10 * 1024 * 1024
SEGMENTS, CHARACTERS = 5000, 10_000
DAY = 24 * 3600
SPEAKERS = ("agent", "customer")


class TranscriptRefused(DomainError):
    """The text of the call is not in the form that is read."""


def read_transcript(stream: IO[bytes] | bytes | str) -> dict[str, Any]:
    """A file or its content, as clean_transcript() gives it. Raises TranscriptRefused with the place of the fault."""
    given = stream if isinstance(stream, bytes | str) else stream.read(MOST_BYTES + 1)
    if len(given) > MOST_BYTES:
        raise TranscriptRefused(_("The text of the call is larger than %(most)s MB.") % {"most": MOST_BYTES // 1024**2})
    try:
        parsed = json.loads(given.decode("utf-8-sig") if isinstance(given, bytes) else given)
    except UnicodeDecodeError as fault:
        raise TranscriptRefused(
            _("The text of the call is not UTF-8: byte %(place)s. Save it as UTF-8.") % {"place": fault.start + 1}
        ) from None
    except json.JSONDecodeError as fault:
        place = {"line": fault.lineno, "column": fault.colno}
        raise TranscriptRefused(
            _("The text of the call is not JSON: line %(line)s, character %(column)s.") % place
        ) from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, lists in lists without end
        raise TranscriptRefused(_("The text of the call is not JSON.")) from None
    return clean_transcript(parsed)


def clean_transcript(given: Any) -> dict[str, Any]:
    """{"language", "segments": [{"speaker", "start", "end", "text"}]} with nothing besides. Raises TranscriptRefused with the place of the fault."""
    segments = given.get("segments") if isinstance(given, dict) else None
    if not isinstance(segments, list):
        raise TranscriptRefused(
            _("The text of the call is JSON with segments, each with speaker (agent or customer), start, end and text.")
        )
    if len(segments) > SEGMENTS:
        raise TranscriptRefused(
            _("The text of the call has %(count)s segments; at most %(most)s are taken.")
            % {"count": len(segments), "most": SEGMENTS}
        )
    language = _storable(str(given.get("language") or ""), 0)[:8]
    return {"language": language, "segments": [_segment(row, place) for place, row in enumerate(segments, start=1)]}


def _segment(row: Any, place: int) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _fault(place, _("it has no speaker, start, end and text."))
    for name in ("speaker", "start", "end", "text"):
        if name not in row:
            raise _fault(place, _("“%(name)s” is missing.") % {"name": name})
    if row["speaker"] not in SPEAKERS:
        raise _fault(place, _("the speaker is “agent” or “customer”."))
    start, end = _seconds(row["start"], "start", place), _seconds(row["end"], "end", place)
    if end < start:
        raise _fault(place, _("it ends before it starts."))
    text = _storable(str(row["text"]), place)
    if len(text) > CHARACTERS:
        raise _fault(place, _("its text is longer than %(most)s characters.") % {"most": CHARACTERS})
    return {"speaker": row["speaker"], "start": start, "end": end, "text": text}


def _seconds(value: Any, name: str, place: int) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds <= DAY:
        raise _fault(place, _("“%(name)s” is no number of seconds within a day.") % {"name": name})
    return seconds


def _storable(text: str, place: int) -> str:
    """Without NUL, which the database does not take; halves of characters it takes neither."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _fault(place, _("it holds characters that cannot be kept.")) from None
    return text.replace("\0", "")


def _fault(place: int, words: str) -> TranscriptRefused:
    return TranscriptRefused(
        _("The text of the call, segment %(number)s: %(fault)s") % {"number": place, "fault": words}
    )
