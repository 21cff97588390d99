"""Drawing the waveform of a sound that was stored: the first time that the whole of it is decoded."""

from __future__ import annotations

from typing import Any

from core import files
from core.jobs import Run
from qa.models import Recording, Sound
from qa.sound.heads import SoundFault
from qa.sound.parent import waveform_of


def draw_waveform(run: Run) -> dict[str, Any]:
    """Decode in a process of its own; the sound is ready, or broken with its reason. Nothing to do when it has gone meanwhile."""
    sound = Sound.objects.select_related("file").filter(pk=run.args["sound"]).first()
    if sound is None or sound.state != Sound.State.CHECKED:
        return {"drawn": False}
    try:
        found = waveform_of(files.path_of(sound.file))
    except SoundFault as fault:
        with run.chunk():
            Sound.objects.filter(pk=sound.pk).update(state=Sound.State.BROKEN, fault=fault.code)
        return {"drawn": False, "fault": fault.code}
    with run.chunk():
        Sound.objects.filter(pk=sound.pk).update(
            state=Sound.State.READY, channels=found.channels, milliseconds=found.milliseconds, peaks=found.body
        )
        Recording.objects.filter(sound=sound.pk).update(seconds=round(found.milliseconds / 1000))
    return {"drawn": True}
