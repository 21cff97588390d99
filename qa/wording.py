"""The sentences behind stored words: why a recording cannot be taken. Translated when shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _, gettext_noop

FAULTS: dict[str, Any] = {
    "empty": _("The file is empty: 0 bytes. Take the recording from the dialer again."),
    "no_sound": _("The recording holds no sound: its length is 0 seconds. Take it from the dialer again."),
    "too_long": _("The recording is longer than a call can be: at most 3 hours are taken. Cut it into its calls."),
    "too_big": _("The recording needs more memory than it may. Save it as MP3 or Opus and upload it again."),
    "too_slow": _("Reading the recording takes longer than it may. Take it from the dialer again, or save it as WAV."),
    "channels": _("The recording has %(channels)s channels. Mono and stereo are taken."),
    "cut_off": _("The recording is cut off: the file is shorter than it says. Take it from the dialer again."),
    "broken": _("The file begins like a recording, but what follows cannot be read. Take it from the dialer again."),
    "codec": _("The container is right, the sound in it is not: WAV with PCM or G.711, MP3 and Opus are taken."),
    "undecodable": _("The sound cannot be decoded. Take the recording from the dialer again."),
    "disguised": _("This is no recording, whatever its name says: it is a %(kind)s file. WAV, MP3 and Opus are taken."),
    "unknown": _("This is no recording, whatever its name says. WAV, MP3 and Opus are taken."),
}


def fault_sentence(code: str, detail: Mapping[str, Any] | None = None) -> str:
    """Why a file is not taken, and what to do."""
    if not code:
        return ""
    return str(FAULTS[code]) % {"channels": "?", "kind": "?", **(detail or {})}


# complaint categories that are shipped, which pages show in the reader's language
SHIPPED_CATEGORIES = (
    gettext_noop("Called too often or at a bad time"),
    gettext_noop("Misleading or wrong information"),
    gettext_noop("Rude or pressing manner"),
    gettext_noop("Ordered without consent"),
    gettext_noop("Price or billing"),
    gettext_noop("Where my number comes from"),
    gettext_noop("Other complaint"),
)

# the bases of the rules that are shipped, which the page shows in the reader's language
SHIPPED_BASES = (
    gettext_noop("Quality and complaints are settled within half a year."),
    gettext_noop("As long as the order of the call is kept."),
)
