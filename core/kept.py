"""What pages read again and again and people change now and then, kept in the memory of each process: scripts, products, results, rules.

A trigger of each table notes every change inside the change's own transaction (core_note_change), and who looks reads the notes first, all in
one small query: what is shown is never older than the look. What was read under other notes is read anew.

    with kept.look() as at:          # the notes and the clock
        products = to_sell(...)      # decorated with @kept.by("scripts"): out of memory, when nothing of the scripts has changed

Outside of a look the decorated functions simply read. What they return is shared by all who look: nobody changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection

P, T = ParamSpec("P"), TypeVar("T")

# so many answers of one function; the one that was kept longest falls away first
MOST = 500
# rooms with more notes than that are folded
FOLDED_ABOVE = 100

LOOK = """
SELECT clock_timestamp(), (SELECT json_object_agg(room, number) FROM (SELECT room, sum(weight)::text AS number FROM core_change GROUP BY room) c)"""
FOLD = """
WITH gone AS (DELETE FROM core_change WHERE (SELECT count(*) FROM core_change) > %s RETURNING room, weight)
INSERT INTO core_change (room, weight) SELECT room, sum(weight) FROM gone GROUP BY room"""

# every function whose answers are kept, with its rooms
KEPT: list[tuple[Callable[..., Any], tuple[str, ...]]] = []

_notes: ContextVar[Mapping[str, str] | None] = ContextVar("kept_notes", default=None)


@dataclass(frozen=True)
class Seen:
    """What somebody saw who looked: the database's clock, and the notes."""

    at: datetime
    notes: Mapping[str, str]


def see() -> Seen:
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        at, notes = cursor.fetchone()
    return Seen(at, notes or {})


@contextmanager
def look(seen: Seen | None = None) -> Iterator[datetime]:
    """Inside, what is kept may answer. Gives the database's clock, which the same query read. `seen`: what was seen a moment ago, in the same
    request and before it changed anything of the rooms."""
    seen = seen or see()
    before = _notes.set(seen.notes)
    try:
        yield seen.at
    finally:
        _notes.reset(before)


def by(*rooms: str, most: int = MOST) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the answers of a function that reads rows of these rooms and nothing else; its arguments are hashable and say all it needs."""

    def decorate(read: Callable[P, T]) -> Callable[P, T]:
        shelf: dict[Any, tuple[Any, T]] = {}
        KEPT.append((read, rooms))

        @wraps(read)
        def kept(*args: P.args, **more: P.kwargs) -> T:
            notes = _notes.get()
            stamp = _stamp(notes, rooms)
            if stamp is None:
                return read(*args, **more)
            key = (args, tuple(more.items()))
            found = shelf.get(key)
            if found is not None and found[0] == stamp:
                return found[1]
            if connection.in_atomic_block:
                # rows that this transaction changed itself are kept under its own notes, which nobody sees if it is taken back
                stamp = _stamp(see().notes, rooms)
            answer = read(*args, **more)
            if stamp is not None:
                shelf.pop(key, None)
                shelf[key] = stamp, answer
                _make_room(shelf, most)
            return answer

        return kept

    return decorate


def _stamp(notes: Mapping[str, str] | None, rooms: tuple[str, ...]) -> tuple[str, ...] | None:
    """The sums of these rooms; None where nobody looks, or a room has none."""
    found = tuple(notes[room] for room in rooms if room in notes) if notes is not None else ()
    return found if len(found) == len(rooms) else None


def _make_room(shelf: dict[Any, Any], most: int) -> None:
    while len(shelf) > most:
        # another thread may have been quicker
        shelf.pop(next(iter(list(shelf))), None)


def fold() -> None:
    """Of many notes one per room, with the same sum: nobody who looks sees a difference."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD, [FOLDED_ABOVE])
