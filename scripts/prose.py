"""Plain text as people write it in a box: headings (#), lists (-, 1.), paragraphs. Blocks for a template, which escapes them; hits and differences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

HEADING = re.compile(r"(#{1,3})\s+(.+)")
BULLET = re.compile(r"[-*•]\s+(.+)")
NUMBERED = re.compile(r"\d{1,3}[.)、]\s*(.+)")
AROUND = 60  # letters of the text shown on each side of a hit


@dataclass
class Block:
    """`kind`: "heading", "subheading", "bullets", "numbers" or "paragraph"; headings have one line."""

    kind: str
    lines: list[str] = field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """The text in blocks; an empty line ends a block."""
    found: list[Block] = []
    is_open = False
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            is_open = False
            continue
        kind, said = _kind_of(line)
        if is_open and found[-1].kind == kind and kind not in ("heading", "subheading"):
            found[-1].lines.append(said)
        else:
            found.append(Block(kind, [said]))
        is_open = True
    return found


def _kind_of(line: str) -> tuple[str, str]:
    if match := HEADING.fullmatch(line):
        return ("heading" if len(match[1]) == 1 else "subheading"), match[2]
    if match := BULLET.fullmatch(line):
        return "bullets", match[1]
    if match := NUMBERED.fullmatch(line):
        return "numbers", match[1]
    return "paragraph", line


@dataclass(frozen=True)
class Piece:
    text: str
    is_hit: bool = False


def marked(text: str, words: Sequence[str]) -> list[Piece]:
    """The text in pieces, those that are one of the words marked, whatever their case."""
    if not any(words):
        return [Piece(text)]
    hits = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word), re.IGNORECASE)
    found, end = [], 0
    for hit in hits.finditer(text):
        if hit.start() > end:
            found.append(Piece(text[end : hit.start()]))
        found.append(Piece(hit[0], is_hit=True))
        end = hit.end()
    return [*found, Piece(text[end:])] if end < len(text) else found


def snippet(text: str, words: Sequence[str]) -> list[Piece]:
    """A line of the text around its first hit, or its beginning."""
    flat = " ".join(line for block in blocks(text) for line in block.lines)
    starts = [place for word in words if word and (place := flat.lower().find(word.lower())) >= 0]
    first = max(0, min(starts, default=0) - AROUND)
    last = first + 2 * AROUND + max(map(len, words), default=0)
    cut = f"{'…' if first else ''}{flat[first:last]}{'…' if last < len(flat) else ''}"
    return marked(cut, words)


@dataclass(frozen=True)
class Row:
    """A line on either side; `kind`: "same", "changed", "gone" or "new". A side without the line is None."""

    kind: str
    old: str | None
    new: str | None


def compared(old: str, new: str) -> list[Row]:
    """Two texts line by line, side by side."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Row] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Row("same", line, line) for line in before[a:b]]
            continue
        for place in range(max(b - a, d - c)):
            left = before[a + place] if a + place < b else None
            right = after[c + place] if c + place < d else None
            found.append(Row("gone" if right is None else "new" if left is None else "changed", left, right))
    return found
