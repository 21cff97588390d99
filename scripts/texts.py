"""The text of a script as it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepText:
    """One part of a script as written: what to say, how, and what must not be left out."""

    part: str
    text: str
    hint: str = ""
    must_say: str = ""
