"""The same post twice is one deed: the second gets the answer of the first."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from core.access import id_of
from core.errors import DomainError
from core.models import IdempotencyKey
from core.sealed import key_ring

KEEP = timedelta(days=7)
WAIT = "10s"
LOCK_NOT_AVAILABLE = "55P03"


class KeyReused(DomainError):
    """The key was used before with other content."""


class KeyInUse(DomainError):
    """The first post with this key is still being answered."""


class KeyTooLong(DomainError):
    """A key has at most 200 characters."""


def once(*, user: Any, key: str, fingerprint: Any, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer of run(), or the stored one when this user sent this key before. run() and its answer commit together.

    `fingerprint` is what was posted (str, bytes or anything JSON can write); only a keyed hash of it is kept. The answer must be
    JSON without personal data. A repeat at the same moment waits for the first. Without a key run() is simply called.
    Raises KeyReused, KeyInUse, KeyTooLong and whatever run() raises (then nothing is stored and the key is free again).
    """
    if not key:
        return run()
    if len(key) > 200:
        raise KeyTooLong(_("An idempotency key has at most 200 characters."))
    digest = _digest(fingerprint)
    with transaction.atomic():
        if _take(id_of(user), key, digest):
            answer = json.loads(json.dumps(run(), cls=DjangoJSONEncoder))
            IdempotencyKey.objects.filter(user_id=id_of(user), key=key).update(answer=answer)
            return answer
    row = IdempotencyKey.objects.get(user_id=id_of(user), key=key)
    if not hmac.compare_digest(bytes(row.fingerprint), digest):
        raise KeyReused(_("This idempotency key was used before with other content. Send a new key."))
    return row.answer


def _take(user_id: int | None, key: str, digest: bytes) -> bool:
    """True when the key is ours now. A repeat at the same moment waits here, on the unique index, for the first to end."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT core_take_key(%s, %s, %s, %s)", [user_id, key, digest, WAIT])
            return cursor.fetchone()[0]
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") == LOCK_NOT_AVAILABLE:
            raise KeyInUse(
                _("The first request with this idempotency key is still being answered. Ask again in a moment.")
            ) from None
        raise


def _digest(fingerprint: Any) -> bytes:
    if isinstance(fingerprint, str):
        fingerprint = fingerprint.encode()
    if not isinstance(fingerprint, bytes):
        fingerprint = json.dumps(fingerprint, cls=DjangoJSONEncoder, sort_keys=True).encode()
    return hmac.new(key_ring().index_key, b"idempotency\0" + fingerprint, hashlib.sha256).digest()


def purge_keys(*, at: datetime) -> int:
    """Forget old answers; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=at - KEEP).delete()[0]
