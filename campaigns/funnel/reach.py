"""Who of the whole pool has a number that may be called, and who a consent in force.

Reading through all numbers and consents takes longer than the rest of a count. So what is true of a person for the next hour, whichever
campaign asks, is kept as bitmaps; of whom it depends on the campaign or the minute, or of whom something has changed since, it is looked
up. Every statement that changes numbers, consents or lists of numbers notes its persons in its own transaction (customers_reach_note);
which notes are new is told by the snapshot of the moment in which the bitmaps were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import connection

KEY, HOLDS = "campaigns.funnel.reach", timedelta(hours=1)
# To look up so many persons takes about as long as to read through a pool of a million.
MOST_LOOKED_UP = 20_000

NOT_ENDED = "s.lifted_at IS NULL AND (s.valid_to IS NULL OR s.valid_to > %(at)s)"
# What no campaign and no minute of the hour changes ...
SURE_NUMBER = f"""NOT n.is_dead AND NOT EXISTS (
    SELECT FROM customers_suppression s WHERE s.phone_blind = n.blind_index AND {NOT_ENDED})"""
SURE_CONSENT = "n.withdrawn_at IS NULL AND n.given_at <= %(at)s AND (n.expires_at IS NULL OR n.expires_at > %(until)s)"
# ... and what one may.
UNSURE_NUMBER = f"""NOT n.is_dead AND n.blind_index IN (
    SELECT s.phone_blind FROM customers_suppression s WHERE s.phone_blind IS NOT NULL AND {NOT_ENDED}
        AND (s.campaign_id IS NOT NULL OR s.product_id IS NOT NULL OR s.valid_from > %(at)s OR s.valid_to <= %(until)s))"""
UNSURE_CONSENT = """n.withdrawn_at IS NULL AND (n.given_at > %(at)s AND n.given_at <= %(until)s
    OR n.expires_at > %(at)s AND n.expires_at <= %(until)s)"""

# 64 persons in each number, turned (by # 56) so that the bytes one after the other have the person's bit where get_bit looks for it. Ids are
# dense, so that it has few holes. The volatile column hides from the planner whose number the block is made of: taking as many blocks as
# persons it would send no workers.
BITMAP = """
SELECT string_agg(int8send(coalesce(b.bits, 0)), '' ORDER BY block) FROM generate_series(0, (SELECT max(id) >> 6 FROM customers_customer)) block
LEFT JOIN (SELECT block, bit_or(1::bigint << place) AS bits
    FROM (SELECT {person} >> 6 AS block, (({person} & 63) # 56)::int AS place, clock_timestamp() AS fence FROM {table} WHERE {condition}) x
    GROUP BY 1) b USING (block)"""
# The transaction that has changed something itself may be taken back: what it sees is not kept.
MOMENT = """
SELECT d.oid || ' ' || pg_postmaster_start_time(), pg_current_snapshot()::text, pg_current_xact_id_if_assigned() IS NULL,
    (SELECT coalesce(max(id), 0) FROM customers_customer)
FROM pg_database d WHERE d.datname = current_database()"""
NOTED = """
SELECT persons FROM customers_reach_note
WHERE xid >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, %(snapshot)s::pg_snapshot)"""


@dataclass(frozen=True)
class Reach:
    """A bit of each person below `end`. Who is doubtful, or has no bit, is looked up. Right from `since` until before `until`."""

    server: str
    snapshot: str
    since: datetime
    until: datetime
    numbers: bytes
    consents: bytes
    doubtful: bytes

    @property
    def end(self) -> int:
        return len(self.numbers) * 8

    def is_of(self, server: str, at: datetime) -> bool:
        return self.server == server and self.since <= at < self.until

    def doubting(self, persons: Sequence[int]) -> Reach:
        ids = np.array([person for person in persons if person < self.end], dtype=np.int64)
        doubtful = bits(self.doubtful).copy()
        np.bitwise_or.at(doubtful, ids >> 3, np.left_shift(np.uint8(1), (ids & 7).astype(np.uint8)))
        return replace(self, doubtful=doubtful.tobytes())

    def or_none(self) -> Reach | None:
        return self if int(np.unpackbits(bits(self.doubtful)).sum()) <= 2 * MOST_LOOKED_UP else None


def known(cursor: Any, at: datetime) -> Reach | None:
    """What is kept, with those doubted of whom something changed since; made anew when that are many, or when the hour is over. None: so
    many depend on the campaign or the minute that it has to find out for itself. Inside a transaction of a count (see statement.TUNED)."""
    cursor.execute(MOMENT)
    server, snapshot, is_clean, last = cursor.fetchone()
    kept = cache.get(KEY)
    if kept is not None and kept.is_of(server, at) and last < kept.end + MOST_LOOKED_UP:
        changed = _changed(cursor, kept.snapshot)
        if changed is not None:
            return kept.doubting(changed).or_none()
    made = _made(cursor, server, snapshot, at)
    if is_clean:
        cache.set(KEY, made, HOLDS.total_seconds())
    return made.or_none()


def of_campaign(cursor: Any, usable: str, given: str, asked: dict[str, Any]) -> Reach:
    """For one campaign in this moment; nobody is doubtful."""
    numbers, consents = cut_alike(
        bitmap(cursor, "customers_phone n", "n.customer_id", usable, asked),
        bitmap(cursor, "customers_consent n", "n.customer_id", given, asked),
    )
    at = asked["at"]
    return Reach("", "", at, at, numbers.tobytes(), consents.tobytes(), bytes(len(numbers)))


def forget_notes() -> int:
    """Delete the notes of which nothing that is kept can know; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_reach_note WHERE at < clock_timestamp() - interval '1 day'")
        return cursor.rowcount


def _changed(cursor: Any, snapshot: str) -> list[int] | None:
    """Persons of whom something changed since; None: many."""
    cursor.execute(NOTED, {"snapshot": snapshot})
    found: list[int] = []
    for (persons,) in cursor:
        if persons is None:
            return None
        found += persons
        if len(found) > MOST_LOOKED_UP:
            return None
    return found


def _made(cursor: Any, server: str, snapshot: str, at: datetime) -> Reach:
    asked = {"at": at, "until": at + HOLDS}
    numbers, unsure_numbers, consents, unsure_consents = cut_alike(
        bitmap(cursor, "customers_phone n", "n.customer_id", SURE_NUMBER, asked),
        bitmap(cursor, "customers_phone n", "n.customer_id", UNSURE_NUMBER, asked),
        bitmap(cursor, "customers_consent n", "n.customer_id", SURE_CONSENT, asked),
        bitmap(cursor, "customers_consent n", "n.customer_id", UNSURE_CONSENT, asked),
    )
    doubtful = unsure_numbers & ~numbers | unsure_consents & ~consents
    return Reach(server, snapshot, at, at + HOLDS, numbers.tobytes(), consents.tobytes(), doubtful.tobytes())


def bitmap(cursor: Any, table: str, person: str, condition: str, asked: dict[str, Any]) -> bytes:
    """A bit for each person of the pool: has it such a row?"""
    # each worker hashes the numbers on lists for itself: in a hash of all together, the planner would rather put all numbers of the pool
    cursor.execute("SET LOCAL enable_parallel_hash = off")
    cursor.execute(BITMAP.format(table=table, person=person, condition=condition), asked)
    found = bytes(cursor.fetchone()[0] or b"")
    cursor.execute("SET LOCAL enable_parallel_hash = on")
    return found


def bits(found: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(found, dtype=np.uint8)


def cut_alike(*found: bytes) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """All as long as the shortest: persons made meanwhile are in none."""
    end = min(map(len, found))
    return [bits(one[:end]) for one in found]
