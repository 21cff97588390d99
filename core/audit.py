"""The trail of what was done and refused, and its seals."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
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


def seal_events(*, limit: int = 1_000_000, all_rows: bool = False) -> int:
    """Bind the rows not yet sealed to the chain, in batches; returns how many. One sealer at a time.

    Rows whose transaction commits late carry a low id: each seal names its ids, and the search for unsealed rows goes back
    over the last hour. With `all_rows`, every night, it goes back to the beginning, for what commits even later.

    Not to be called within a transaction: the head of the chain is written outside the database once a seal is committed.
    """
    sealed = 0
    while sealed < limit:
        count = _seal_batch(all_rows)
        sealed += count
        if count < BATCH:
            break
    return sealed


def _seal_batch(all_rows: bool) -> int:
    seal = _seal(all_rows)
    if seal is None:
        return 0
    _keep_head(seal)
    return len(seal.event_ids)


@transaction.atomic
def _seal(all_rows: bool) -> AuditSeal | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core.audit.seal'))")
    last = AuditSeal.objects.order_by("-seq").first()
    rows = list(_unsealed(all_rows))
    if not rows:
        return None
    previous = bytes(last.hash) if last else START
    return AuditSeal.objects.create(
        seq=last.seq + 1 if last else 1,
        event_ids=[row[0] for row in rows],
        last_id=max(rows[-1][0], last.last_id if last else 0),
        previous_hash=previous,
        hash=chain_hash(previous, rows),
    )


def heads_file() -> Path | None:
    """Where the heads of this database's chain are kept, outside of it; None keeps none."""
    directory = settings.AUDIT_HEADS_DIR
    return Path(directory) / f"audit-{connection.settings_dict['NAME']}.heads" if directory else None


def _keep_head(seal: AuditSeal) -> None:
    """Whoever takes the newest seals out of the database together with their rows leaves this line standing."""
    logger.info("audit seal %s of %s events: %s", seal.seq, len(seal.event_ids), bytes(seal.hash).hex())
    path = heads_file()
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as stream:
        stream.write(f"{seal.seq} {bytes(seal.hash).hex()}\n")


def _kept_head() -> tuple[int, bytes] | None:
    """(seq, hash) of the newest seal that was kept outside. Two sealers may have swapped their lines."""
    path = heads_file()
    if path is None or not path.exists():
        return None
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        lines = stream.read().decode().splitlines()[-10:]
    heads = [(int(seq), bytes.fromhex(text)) for seq, _sep, text in (line.partition(" ") for line in lines) if text]
    return max(heads, default=None)


def _unsealed(all_rows: bool) -> Iterator[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT last_id FROM core_auditseal WHERE sealed_at < now() - %s::interval ORDER BY seq DESC LIMIT 1), 0)",
            [LATE_COMMITS],
        )
        floor = 0 if all_rows else cursor.fetchone()[0]
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
    """What verify_chain found. `broken` is the first seal that does not fit or is gone, `missing` the ids of its rows that are gone."""

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
    """Read the whole chain again and compare, also with the newest head kept outside the database. Nothing is changed."""
    previous, seals, events = START, 0, 0
    kept = _kept_head()  # first: what is sealed while this reads comes on top
    for seal in AuditSeal.objects.order_by("seq").iterator(chunk_size=20):
        rows = list(_rows(seal.event_ids))
        fits = (
            seal.seq == seals + 1
            and bytes(seal.previous_hash) == previous
            and bytes(seal.hash) == chain_hash(previous, rows)
            and (kept is None or kept[0] != seal.seq or kept[1] == bytes(seal.hash))
        )
        if not fits:
            missing = sorted(set(seal.event_ids) - {row[0] for row in rows})
            return Verdict(seals, events, _count_unsealed(), seals + 1, missing, previous.hex())
        previous, seals, events = bytes(seal.hash), seals + 1, events + len(rows)
    broken = seals + 1 if kept is not None and kept[0] > seals else None
    return Verdict(seals, events, _count_unsealed(), broken, [], previous.hex())


def _count_unsealed() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM core_auditevent e LEFT JOIN (SELECT unnest(event_ids) AS id FROM core_auditseal) s ON s.id = e.id"
            " WHERE s.id IS NULL"
        )
        return cursor.fetchone()[0]
