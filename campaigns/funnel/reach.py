"""Who of the whole pool has a number that may be called, and who a consent in force.

Reading through all numbers and consents takes longer than the rest of a count. So what is true of a person for the next hour, whichever
campaign asks, is kept as bitmaps; of whom it depends on the campaign or the minute, or of whom something has changed since, it is looked
up. Every statement that changes numbers, consents or lists of numbers notes its persons in its own transaction (customers_reach_note);
which notes are new is told by the snapshot of the moment in which the bitmaps were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.core.cache import caches
from django.db import connection

KEY, HOLDS = "campaigns.funnel.reach.1", timedelta(hours=1)
# To look up so many persons takes about as long as to read through a pool of some hundred thousand.
MOST_LOOKED_UP = 10_000

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
MOMENT = """
SELECT d.oid || ' ' || pg_postmaster_start_time() || ' ' || 'customers_reach_note'::regclass::oid, pg_current_snapshot()::text,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_current_xact_id_if_assigned() IS NULL,
    (SELECT coalesce(max(id), 0) FROM customers_customer)
FROM pg_database d WHERE d.datname = current_database()"""
# Numbers on lists: whose they are is seen with the eyes of who reads. Notes out of another server's dump are of numbers yet to come.
NOTED = """
SELECT CASE WHEN o.persons IS NOT NULL
    THEN o.persons || ARRAY(SELECT n.customer_id FROM customers_phone n WHERE n.blind_index = ANY(o.numbers)) END
FROM customers_reach_note o
WHERE o.xid >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot) AND NOT pg_visible_in_snapshot(o.xid, %(snapshot)s::pg_snapshot)
    AND o.xid <= greatest(pg_snapshot_xmax(pg_current_snapshot()), pg_current_xact_id_if_assigned())"""


# With an OFFSET the planner makes no hash of the whole pool for them.
LOOKED_UP = """
SELECT EXISTS (SELECT FROM customers_phone n WHERE n.customer_id = person AND {usable} OFFSET 0),
    EXISTS (SELECT FROM customers_consent n WHERE n.customer_id = person AND {given} OFFSET 0)
FROM unnest(%(persons)s::bigint[]) WITH ORDINALITY u(person, n) ORDER BY n"""
Bits = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Moment:
    """What a statement sees: the work of every transaction before `first`, of some from there on, of none from `end` on. What one sees that has
    changed something itself is not clean, and not kept: it may be taken back."""

    server: str
    snapshot: str
    first: int
    end: int
    is_clean: bool
    last_person: int


@dataclass(frozen=True)
class Reach:
    """A bit of each person below `end`; of who is doubtful, or has none, nothing is known. Right from `since` until before `until`."""

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

    def unknown(self, changed: Sequence[int], last: int) -> Bits:
        """The persons to look up, with those changed since and those above `end` up to the last."""
        found = np.unpackbits(bits(self.doubtful), bitorder="little")
        found[[person for person in changed if person < self.end]] = 1
        return np.concatenate([np.flatnonzero(found), np.arange(self.end, last + 1)])


def moment(cursor: Any) -> Moment:
    cursor.execute(MOMENT)
    return Moment(*cursor.fetchone())


def of_campaign(cursor: Any, usable: str, given: str, asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """Bitmaps of the persons with a usable number and of those with a consent given, for one campaign in this moment. Inside the transaction
    of a count (see statement.TUNED).

    From what is kept, where a few are looked up; it is made anew when many have changed or the hour is over. Where much depends on the campaign
    or the minute, the whole pool is asked for this campaign alone.
    """
    at, now = asked["at"], moment(cursor)
    kept = caches["shared"].get(KEY)
    changed = _changed(cursor, kept.snapshot) if kept is not None and kept.is_of(now.server, at) else None
    if changed is None or len(changed) + now.last_person - kept.end > MOST_LOOKED_UP:
        kept, changed = _made(cursor, now.server, now.snapshot, at), []
        if now.is_clean:
            caches["shared"].set(KEY, kept, HOLDS.total_seconds())
    unknown = kept.unknown(changed, now.last_person)
    if len(unknown) <= 2 * MOST_LOOKED_UP:
        return _looked_up(cursor, kept, unknown, usable, given, asked)
    return (
        bitmap(cursor, "customers_phone n", "n.customer_id", usable, asked),
        bitmap(cursor, "customers_consent n", "n.customer_id", given, asked),
    )


def _looked_up(
    cursor: Any, kept: Reach, persons: Bits, usable: str, given: str, asked: dict[str, Any]
) -> tuple[bytes, bytes]:
    if not len(persons):
        return kept.numbers, kept.consents
    cursor.execute(LOOKED_UP.format(usable=usable, given=given), {**asked, "persons": persons.tolist()})
    answers = np.array(cursor.fetchall(), dtype=np.uint8)
    size = max(kept.end, int(persons.max()) + 1)
    found = []
    for bytes_kept, answer in ((kept.numbers, answers[:, 0]), (kept.consents, answers[:, 1])):
        each = np.zeros(size, dtype=np.uint8)
        each[: kept.end] = np.unpackbits(bits(bytes_kept), bitorder="little")
        each[persons] = answer
        found.append(np.packbits(each, bitorder="little").tobytes())
    return found[0], found[1]


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


def bits(found: bytes) -> Bits:
    return np.frombuffer(found, dtype=np.uint8)


def cut_alike(*found: bytes) -> list[Bits]:
    """All as long as the shortest: persons made meanwhile are in none."""
    end = min(map(len, found))
    return [bits(one[:end]) for one in found]
