"""Compiles translations without GNU gettext: .po to .mo, plurals and contexts included.

python -m telemkt.stack.messages
"""

import ast
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from telemkt.stack import home

MAGIC = 0x950412DE
CONTEXT = "\x04"


class BadCatalogue(Exception):
    """A .po file that cannot be read; the text names the file and the line."""


@dataclass
class Entry:
    context: str | None = None
    id: str | None = None
    plural: str | None = None
    strings: dict[int, str] = field(default_factory=dict)
    is_fuzzy: bool = False

    @property
    def is_whole(self) -> bool:
        return self.id is not None and bool(self.strings) and all(self.strings.values())

    @property
    def key(self) -> str:
        key = (self.id or "") if self.context is None else f"{self.context}{CONTEXT}{self.id}"
        return key if self.plural is None else key + "\0" + self.plural

    @property
    def value(self) -> str:
        return "\0".join(self.strings[number] for number in sorted(self.strings))


def refresh() -> None:
    """Compile what is stale; a catalogue that cannot be compiled is told of, and stops nobody."""
    try:
        compile_all()
    except (BadCatalogue, OSError) as problem:
        print(f"A translation could not be compiled: {problem}", file=sys.stderr)


def compile_all(root: Path | None = None) -> list[Path]:
    """Compile every catalogue that is newer than its .mo file. Returns what was written."""
    catalogues = sorted((root or home.CHECKOUT / "locale").glob("*/LC_MESSAGES/*.po"))
    return [written for source in catalogues if (written := compile_file(source))]


def compile_file(source: Path) -> Path | None:
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return None
    content = pack(entries(source))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(target)
    return target


def entries(source: Path) -> list[Entry]:
    """The entries that count: translated ones, and the header even when it is marked fuzzy."""
    found = list(_parse(source))
    return [entry for entry in found if entry.is_whole and (not entry.is_fuzzy or entry.id == "")]


def pack(found: list[Entry]) -> bytes:
    """The bytes of a .mo file: header, table of ids, table of strings, both sorted, then all texts."""
    pairs = sorted((entry.key.encode(), entry.value.encode()) for entry in found)
    count = len(pairs)
    offset = 28 + 16 * count
    tables: list[list[int]] = []
    blobs = []
    for column in (0, 1):
        table: list[int] = []
        for pair in pairs:
            table += [len(pair[column]), offset]
            blobs.append(pair[column] + b"\0")
            offset += len(pair[column]) + 1
        tables.append(table)
    header = struct.pack("<7I", MAGIC, 0, count, 28, 28 + 8 * count, 0, 0)
    return header + b"".join(struct.pack(f"<{len(table)}I", *table) for table in tables) + b"".join(blobs)


def _parse(source: Path) -> Iterator[Entry]:
    entry, last = Entry(), ("", 0)
    for number, raw in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if line.startswith("#~"):
            continue
        if line.startswith("#") or not line:
            if entry.strings:
                yield entry
                entry = Entry()
            if line.startswith("#,") and "fuzzy" in line:
                entry.is_fuzzy = True
            continue
        keyword, text = _split(line, source, number)
        if keyword in {"msgctxt", "msgid"} and entry.strings:
            yield entry
            entry = Entry()
        last = _add(entry, keyword, text, last)
    if entry.strings:
        yield entry


def _split(line: str, source: Path, number: int) -> tuple[str, str]:
    keyword, _, quoted = line.partition('"') if line.startswith('"') else line.partition(" ")
    quoted = line if line.startswith('"') else quoted.strip()
    try:
        text = ast.literal_eval(quoted)
    except (SyntaxError, ValueError):
        text = None
    if not isinstance(text, str):
        raise BadCatalogue(f"{source}, line {number}: this is not a keyword with a quoted text.")
    return keyword, text


def _add(entry: Entry, keyword: str, text: str, last: tuple[str, int]) -> tuple[str, int]:
    """Put the text where the keyword says; a line without keyword goes on where the last one was."""
    if not keyword:
        name, index = last
    elif keyword.startswith("msgstr["):
        name, index = "msgstr", int(keyword[7:-1])
    else:
        name, index = keyword, 0
    if name == "msgstr":
        entry.strings[index] = entry.strings.get(index, "") + text
    else:
        attribute = {"msgctxt": "context", "msgid": "id", "msgid_plural": "plural"}[name]
        setattr(entry, attribute, (getattr(entry, attribute) or "") + text)
    return name, index


if __name__ == "__main__":
    try:
        for path in compile_all():
            print(f"compiled {path.relative_to(home.CHECKOUT)}")
    except BadCatalogue as problem:
        sys.exit(str(problem))
