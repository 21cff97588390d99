"""The trail of what was done and refused, and its seals."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from core.access import id_of, name_of
from core.clock import database_now
from core.models import AuditEvent, AuditSeal

logger = logging.getLogger(__name__)

BATCH = 5_000
LATE_COMMITS = "1 hour"
HASHED = (
    "id",
    "at",
    "action",
    "actor_id",
    "actor_name",
    "subject_type",
    "subject_id",
    "city_id",
    "refused",
    "detail",
    "recorded_at",
)
START = bytes(32)


def audit(
    action: str,
    subject: models.Model | None = None,
    *,
    by: Any,
    at: datetime,
    city_id: int | None = None,
    refused: bool = False,
    **detail: Any,
) -> AuditEvent:
    """Write one row in the caller's transaction, so that the deed and its trace stand or fall together.

    `action` is "app.noun.past"; `by` a user or None for the system; `detail` JSON without personal data: ids, counts, words.
    """
    return AuditEvent.objects.create(
        at=at,
        action=action,
        actor_id=id_of(by),
        actor_name=name_of(by),
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        city_id=city_id if city_id is not None else _city_of(subject),
        refused=refused,
        detail=detail,
    )


def _city_of(subject: models.Model | None) -> int | None:
    found = getattr(subject, "city_id", None)
    return found if isinstance(found, int) else None


def audit_refusal(request: Any, **detail: Any) -> None:
    """Record once that a request was turned away. Called at the edge, outside the transaction that failed."""
    if getattr(request, "refusal_is_recorded", False):
        return
    request.refusal_is_recorded = True
    match = getattr(request, "resolver_match", None)
    audit(
        "core.request.refused",
        by=request.user if getattr(request.user, "is_authenticated", False) else None,
        at=database_now(),
        refused=True,
        view=getattr(match, "view_name", "") or "",
        method=request.method,
        ids={name: str(value) for name, value in (getattr(match, "kwargs", None) or {}).items()},
        **detail,
    )


# ---------------------------------------------------------------- seals


def seal_events(*, limit: int = 1_000_000) -> int:
    """Bind the rows not yet sealed to the chain, in batches; returns how many. One sealer at a time.

    Rows whose transaction commits late carry a low id: each seal names its ids, and the search for unsealed rows goes back
    over the last hour. What commits even later is found by verify_chain(), which looks at all.
    """
    sealed = 0
    while sealed < limit:
        count = _seal_batch()
        sealed += count
        if count < BATCH:
            break
    return sealed


@transaction.atomic
def _seal_batch(events: list[tuple] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core.audit.seal'))")
    last = AuditSeal.objects.order_by("-seq").first()
    rows = list(_unsealed()) if events is None else events
    if not rows:
        return 0
    previous = bytes(last.hash) if last else START
    seal = AuditSeal.objects.create(
        seq=last.seq + 1 if last else 1,
        event_ids=[row[0] for row in rows],
        last_id=max(rows[-1][0], last.last_id if last else 0),
        previous_hash=previous,
        hash=chain_hash(previous, rows),
    )
    # the head of the chain also goes to the log, which lies outside the database
    logger.info("audit seal %s of %s events: %s", seal.seq, len(rows), bytes(seal.hash).hex())
    return len(rows)


def _unsealed() -> Iterator[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT last_id FROM core_auditseal WHERE sealed_at < now() - %s::interval ORDER BY seq DESC LIMIT 1), 0)",
            [LATE_COMMITS],
        )
        floor = cursor.fetchone()[0]
        cursor.execute(
            "SELECT id FROM core_auditevent e WHERE id > %s AND NOT EXISTS ("
            "  SELECT 1 FROM (SELECT unnest(event_ids) AS id FROM core_auditseal WHERE last_id > %s) s WHERE s.id = e.id)"
            " ORDER BY id LIMIT %s",
            [floor, floor, BATCH],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return _rows(ids)


def _rows(ids: list[int]) -> Iterator[tuple]:
    return AuditEvent.objects.filter(pk__in=ids).order_by("pk").values_list(*HASHED).iterator(chunk_size=BATCH)


def chain_hash(previous: bytes, rows: list[tuple]) -> bytes:
    """Keyed hash over the previous seal and every field of every row, so that who holds the database alone cannot mend it."""
    from core.sealed import chain_key

    mac = hmac.new(chain_key(), previous, hashlib.sha256)
    for row in rows:
        mac.update(_canonical(row))
    return mac.digest()


def _canonical(row: tuple) -> bytes:
    return (
        json.dumps(
            row,
            default=_plain,
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        + b"\n"
    )


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True)
class Verdict:
    """What verify_chain found. `broken` is the first seal that does not fit, `missing` the ids of its rows that are gone."""

    seals: int
    events: int
    unsealed: int
    broken: int | None
    missing: list[int]
    head: str

    @property
    def is_sound(self) -> bool:
        return self.broken is None


def verify_chain() -> Verdict:
    """Read the whole chain again and compare. Nothing is changed."""
    previous, seals, events = START, 0, 0
    for seal in AuditSeal.objects.order_by("seq").iterator(chunk_size=20):
        rows = list(_rows(seal.event_ids))
        fits = (
            seal.seq == seals + 1
            and bytes(seal.previous_hash) == previous
            and bytes(seal.hash) == chain_hash(previous, rows)
        )
        if not fits:
            missing = sorted(set(seal.event_ids) - {row[0] for row in rows})
            return Verdict(seals, events, _count_unsealed(), seals + 1, missing, previous.hex())
        previous, seals, events = bytes(seal.hash), seals + 1, events + len(rows)
    return Verdict(seals, events, _count_unsealed(), None, [], previous.hex())


def _count_unsealed() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM core_auditevent e LEFT JOIN (SELECT unnest(event_ids) AS id FROM core_auditseal) s ON s.id = e.id"
            " WHERE s.id IS NULL"
        )
        return cursor.fetchone()[0]
