"""Rows of the rollup tables, written and read in bulk."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from pyroaring import BitMap

from metrics import copying
from metrics.columns import BITMAPS, COUNTS, KEYS, SETS, Level
from metrics.groups import Group, Groups

DATE_ZERO = date(2000, 1, 1)
NUMBERS = (*KEYS, *COUNTS)
_big = struct.Struct(">q")
_small = struct.Struct(">h")


def days_since_2000(day: date) -> int:
    return (day - DATE_ZERO).days


Head = Sequence[tuple[str, bytes]]


def write_groups(table: str, head: Head, levels: Mapping[int, Groups]) -> int:
    """Rows of these levels, in one stream; returns how many. `head`: leading columns that all rows share, with their binary values."""
    if any(levels.values()):
        copying.copy_in(table, _columns(head), _rows(head, levels))
    return sum(map(len, levels.values()))


def rows_of_day(day: date, levels: Mapping[int, Groups]) -> bytes:
    """The rows of a day as they are sent, so that they can be made before they are written."""
    return b"".join(_rows(head_of(day), levels))


def write_rows_of_day(table: str, day: date, rows: bytes) -> None:
    if rows:
        copying.copy_in(table, _columns(head_of(day)), [rows])


def head_of(day: date) -> Head:
    """The leading column of a day's rows."""
    return [("day", struct.pack(">i", days_since_2000(day)))]


def _columns(head: Head) -> list[str]:
    return [*(name for name, _value in head), "level", *KEYS, *COUNTS, *SETS, *BITMAPS]


def _rows(head: Head, levels: Mapping[int, Groups]) -> Iterator[bytes]:
    width = len(_columns(head))
    return (piece for level, groups in levels.items() if groups for piece in _pieces(head, level, groups, width))


def _pieces(head: Head, level: int, groups: Groups, width: int) -> Iterator[bytes]:
    start = (
        struct.pack(">h", width)
        + b"".join(copying.field(value) for _name, value in head)
        + copying.field(_small.pack(level))
    )
    fixed = _fixed(level, groups)
    size = fixed.dtype.itemsize - 2
    body = memoryview(fixed.tobytes())
    null, pack = copying.NULL, struct.Struct(">i").pack
    for i, group in enumerate(groups.values()):
        place = i * (size + 2) + 2
        out = [start, body[place : place + size]]
        for name in SETS:
            members = group.sets.get(name)
            if members is None:
                out.append(null)
            else:
                data = members.serialize()
                out.append(pack(len(data)))
                out.append(data)
        yield b"".join(out)


def _fixed(level: int, groups: Groups) -> np.ndarray:
    names = Level.OF[level]
    keys = np.array(list(groups), dtype=np.int64).reshape(len(groups), len(names))
    counts = np.array([group.counts for group in groups.values()], dtype=np.int64)
    sizes = np.array(
        [[len(group.sets[name]) if name in group.sets else 0 for name in SETS] for group in groups.values()],
        dtype=np.int64,
    )
    fields: list[tuple[str, Any]] = [(">i8", keys[:, names.index(name)] if name in names else None) for name in KEYS]
    fields += [(">i8", counts[:, i]) for i in range(len(COUNTS))]
    fields += [(">i4", sizes[:, i]) for i in range(len(SETS))]
    return copying.fixed_rows(fields, len(groups), 0)


def read_groups(table: str, where: str, params: Sequence[Any]) -> Iterator[tuple[int, tuple[int | None, ...], Group]]:
    """Level, (city, team, agent, campaign) and figures of each row."""
    columns = ", ".join(f'"{name}"' for name in ("level", *NUMBERS, *BITMAPS))
    width = 1 + len(NUMBERS) + len(BITMAPS)
    keys, counts = 1 + len(KEYS), 1 + len(NUMBERS)
    for row in copying.rows_out(f'SELECT {columns} FROM "{table}" WHERE {where}', params, width):
        key = tuple(None if value is None else _big.unpack(value)[0] for value in row[1:keys])
        group = Group([_big.unpack(value)[0] for value in row[keys:counts]])
        for name, data in zip(SETS, row[counts:], strict=True):
            if data is not None:
                group.sets[name] = BitMap.deserialize(bytes(data))
        yield _small.unpack(row[0])[0], key, group


def bare(level: int, key: tuple[int | None, ...]) -> tuple[int, ...]:
    """The parts of a stored key that the level has."""
    return tuple(key[KEYS.index(name)] for name in Level.OF[level])  # type: ignore[misc]


def named_rows(names: Sequence[Sequence[int | None]]) -> tuple[str, list[int | None]]:
    """A condition for the rows named as [level, key parts ...], and its parameters."""
    conditions, values = [], []
    for name in {tuple(name) for name in names}:
        parts = Level.OF[int(name[0] or 0)]
        conditions.append("(" + " AND ".join(["level = %s", *(f"{part} = %s" for part in parts)]) + ")")
        values += name
    return "(" + " OR ".join(conditions) + ")", values
