"""What the text of a call hints at: must-say points found or not, prohibited words said. Never a score, and no answer of a form.

The text is made by a machine that mishears, so a scorer is shown where to listen and decides by the sound. Points are held against
the text as scripts.checks holds them against a script: the words alone, whatever stands between them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from scripts.checks import bare, prohibited_in

AGENT = "agent"


@dataclass(frozen=True)
class Point:
    """A must-say point and the second at which the turn begins that says it first; None when no turn does."""

    text: str
    at: float | None


@dataclass(frozen=True)
class Word:
    """A prohibited word, with its reason, and the second at which the turn begins that has it."""

    text: str
    at: float


@dataclass(frozen=True)
class Hints:
    """Points in the order of the script, words in the order of the call."""

    points: Sequence[Point]
    words: Sequence[Word]

    @property
    def found(self) -> int:
        return sum(1 for point in self.points if point.at is not None)


def hints(segments: Sequence[Mapping[str, Any]], points: Sequence[str], prohibited: Mapping[str, str]) -> Hints:
    """Of the agent's turns alone: what the customer says is not the agent's to say.

    A point may run over several turns of the agent, as when the customer says "mm" in between; a word is looked for in one turn, since the
    end of one and the beginning of the next make words that nobody said.
    """
    turns = [turn for turn in segments if turn["speaker"] == AGENT]
    told = [bare(turn["text"]) for turn in turns]
    said, ends = "".join(told), list(accumulate(map(len, told)))
    found = []
    for point in points:
        place = said.find(bare(point)) if bare(point) else -1
        found.append(Point(point, turns[bisect_right(ends, place)]["start"] if place >= 0 else None))
    words = [Word(word, turn["start"]) for turn in turns for word in prohibited_in(turn["text"], prohibited)]
    return Hints(found, words)
