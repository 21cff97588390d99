"""What quality does in the background; each body is one service call."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from core.jobs import Run, handler


@handler("qa.draw_waveform", label=gettext_lazy("Draw the waveform of a recording"))
def draw_waveform(run: Run) -> dict[str, Any]:
    from qa.services.waveforms import draw_waveform as work

    return work(run)


@handler("qa.cut_clip", label=gettext_lazy("Cut a clip out of a recording"))
def cut_clip(run: Run) -> dict[str, Any]:
    from qa.services.clips import cut_clip as work

    return work(run)


@handler("qa.date_recordings", label=gettext_lazy("Date recordings again by the rules for keeping them"))
def date_recordings(run: Run) -> dict[str, Any]:
    from qa.services.keeping import date_recordings as work

    return {"changed": work()}
