"""What the text of a call hints at: must-say points found or not, prohibited words said. Never a score, and no answer of a form.

The text is made by a machine that mishears, so a scorer is shown where to listen and decides by the sound. Points are held against
the text by their words alone, whatever stands between them. Of a point that is said in other
words, the turn with most of its words is shown as one that may say it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from scripts.checks import prohibited_in

AGENT = "agent"
# So much of a point's words in one turn may be the point in other words.
ALIKE = 0.6
# Of a word in letters so much is compared: "calls", "calling" and "called" are one word. Shorter ones say little.
STEM = 4
WORD = re.compile(rf"[a-z]{{{STEM},}}|[0-9]+|[\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Point:
    """A must-say point and the second at which the turn begins that says it first; None when no turn does. `is_exact`: word by word."""

    text: str
    at: float | None
    is_exact: bool = True


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
        return sum(1 for point in self.points if point.at is not None and point.is_exact)


def hints(segments: Sequence[Mapping[str, Any]], points: Sequence[str], prohibited: Mapping[str, str]) -> Hints:
    """Of the agent's turns alone: what the customer says is not the agent's to say.

    A point may run over several turns of the agent, as when the customer says "mm" in between; a word is looked for in one turn, since the
    end of one and the beginning of the next make words that nobody said.
    """
    turns = [turn for turn in segments if turn["speaker"] == AGENT]
    told = [_spaced(turn["text"]) for turn in turns]
    said, ends = "".join(told), list(accumulate(map(len, told)))
    stems: list[set[str]] = []  # of each turn, when a point is not found word by word
    found = []
    for point in points:
        # whole words: "no fee" is not said by "no feeling"
        place = f" {said}".find(f" {_spaced(point)}") if _spaced(point) else -1
        if place < 0 and not stems:
            stems = [_stems(turn["text"]) for turn in turns]
        found.append(
            Point(point, turns[bisect_right(ends, place)]["start"]) if place >= 0 else _alike(point, turns, stems)
        )
    words = [Word(word, turn["start"]) for turn in turns for word in prohibited_in(turn["text"], prohibited)]
    return Hints(found, words)


def _spaced(text: str) -> str:
    """The words alone, each with a space behind it; of Chinese each sign is one."""
    return "".join(f"{word} " for word in re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.casefold()))


def _alike(point: str, turns: Sequence[Mapping[str, Any]], stems: Sequence[set[str]]) -> Point:
    """The point at the turn that has most of its words, the first of equals; nowhere when none has enough of them."""
    wanted = _stems(point)
    shares = (
        [(len(wanted & found) / len(wanted), turn["start"]) for turn, found in zip(turns, stems, strict=True)]
        if wanted
        else []
    )
    share, at = max(shares, key=lambda found: found[0], default=(0.0, 0.0))
    return Point(point, at, is_exact=False) if share >= ALIKE else Point(point, None)


def _stems(text: str) -> set[str]:
    """Stems of words in letters, numbers whole, and each two signs of Chinese that stand together."""
    found: set[str] = set()
    for run in WORD.findall(text.casefold()):
        if run.isascii():
            found.add(run if run.isdigit() else run[:STEM])
        else:
            found.update(run[n : n + 2] for n in range(max(1, len(run) - 1)))
    return found
