"""The script in the middle of the desk: drawn once for a version and a language, with its blanks left open, and closed for every customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from campaigns import queries_guide, queries_script
from campaigns.queries_guide import Success
from campaigns.queries_script import Part
from core import kept
from scripts import blanks

# a long script is a megabyte when it is drawn
MOST_DRAWN = 12


@dataclass(frozen=True)
class Drawn:
    """`parts` for the lists of steps, `html` of all steps; `must_say` of the steps, each point once."""

    parts: Sequence[Part]
    must_say: Sequence[str]
    html: str

    def closed(self, values: Mapping[str, str]) -> SafeString:
        return blanks.closed(self.html, values)


def drawn(version_id: int | None, *, at: datetime) -> Drawn:
    """The version with what is at hand at its steps, and how often each answer helped as it was counted last."""
    if version_id is None:
        return Drawn((), (), "")
    answers = queries_script.answers_at_hand(version_id)
    success = queries_guide.answer_success([answer.pk for answer in answers], at=at)
    return _drawn(version_id, get_language() or "", tuple(sorted(success.items())))


@kept.by("scripts", most=MOST_DRAWN)
def _drawn(version_id: int, language: str, success: tuple[tuple[int, Success], ...]) -> Drawn:
    parts = queries_script.script(version_id)
    queries_guide.lay_at_hand(parts, dict(success))
    must_say = queries_script.points_of("\n".join(step.must_say) for part in parts for step in part.steps)
    return Drawn(tuple(parts), tuple(must_say), render_to_string("campaigns/_desk_steps.html", {"script": parts}))
