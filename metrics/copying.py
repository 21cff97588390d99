"""PostgreSQL's binary COPY, in and out, for rows too many for one object each."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import connections

HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TAIL = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_length = struct.Struct(">i")


def render(sql: str, params: Sequence[Any] = (), using: str = "default") -> str:
    """The statement with its parameters written in: COPY takes none."""
    with connections[using].cursor() as cursor:
        return cursor.mogrify(sql, params).decode() if params else sql


def copy_out(sql: str, params: Sequence[Any] = (), using: str = "default") -> memoryview:
    """The rows of a query in binary, without the head of the stream."""
    target = io.BytesIO()
    statement = render(sql, params, using)
    with connections[using].cursor() as cursor:
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT binary)", target)
    return target.getbuffer()[19:-2]


def columns_out(sql: str, params: Sequence[Any], width: int, using: str = "default") -> list[np.ndarray]:
    """A query of `width` columns, all of them bigint and never NULL, as arrays."""
    kind = np.dtype(
        [("n", ">i2"), *((name, t) for i in range(width) for name, t in ((f"l{i}", ">i4"), (f"v{i}", ">i8")))]
    )
    rows = np.frombuffer(copy_out(sql, params, using), dtype=kind)
    return [rows[f"v{i}"].astype(np.int64) for i in range(width)]


def numbers_of(data: memoryview) -> np.ndarray:
    """A string of what int8send wrote."""
    return np.frombuffer(data, dtype=">i8").astype(np.int64)


def rows_out(sql: str, params: Sequence[Any], width: int, using: str = "default") -> Iterator[list[memoryview | None]]:
    """Each row of a query as its raw fields."""
    data = copy_out(sql, params, using)
    place, end = 0, len(data)
    unpack = _length.unpack_from
    while place < end:
        place += 2
        row: list[memoryview | None] = []
        for _field in range(width):
            (size,) = unpack(data, place)
            place += 4
            if size < 0:
                row.append(None)
            else:
                row.append(data[place : place + size])
                place += size
        yield row


def copy_in(table: str, columns: Sequence[str], pieces: Iterable[bytes], using: str = "default") -> None:
    """Write rows in binary: each piece holds whole rows or parts of them, in order."""
    stream = io.BytesIO(b"".join((HEAD, *pieces, TAIL)))
    names = ", ".join(f'"{name}"' for name in columns)
    with connections[using].cursor() as cursor:
        cursor.copy_expert(f'COPY "{table}" ({names}) FROM STDIN (FORMAT binary)', stream, 1 << 20)


def field(value: bytes | None) -> bytes:
    """One field of a row."""
    return NULL if value is None else _length.pack(len(value)) + value


def fixed_rows(fields: Sequence[tuple[str, np.ndarray | int | None]], count: int, width: int) -> np.ndarray:
    """The first fields of `count` rows of `width` fields, as one structured array of bytes: (">i8", values), (">i4", 7), ("", None).

    `None` is NULL. The kinds are ">i2", ">i4", ">i8".
    """
    kinds: list[tuple[str, str]] = [("n", ">i2")]
    for i, (kind, value) in enumerate(fields):
        kinds.append((f"l{i}", ">i4"))
        if value is not None:
            kinds.append((f"v{i}", kind))
    rows = np.zeros(count, dtype=np.dtype(kinds))
    rows["n"] = width
    for i, (kind, value) in enumerate(fields):
        if value is None:
            rows[f"l{i}"] = -1
        else:
            rows[f"l{i}"] = np.dtype(kind).itemsize
            rows[f"v{i}"] = value
    return rows
