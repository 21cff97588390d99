"""Month partitions of big fact tables: made ahead, cut at the region's midnight, the default partition kept empty."""

from __future__ import annotations

from datetime import date

from django.db import connection, transaction

from core.calendar import midnight, next_month
from core.errors import DomainError

LOCK_TIMEOUT = "500ms"


class OutsidePartitions(DomainError):
    """The date lies in no partition that was made."""


def ensure_partitions(parent: str, first: date, count: int) -> int:
    """Make the month partitions of `parent` from the month of `first` on; returns how many were missing.

    LIKE and ATTACH instead of PARTITION OF, which would wait for every open transaction that touched the parent.
    Raises OperationalError after half a second when a reader of the whole table is in the way: call again later.
    """
    made = 0
    lower = first.replace(day=1)
    for _ in range(count):
        upper = next_month(lower)
        made += _ensure_month(parent, lower, upper)
        lower = upper
    return made


def _ensure_month(parent: str, lower: date, upper: date) -> bool:
    quote = connection.ops.quote_name
    name = f"{parent}_{lower:%Y_%m}"
    if _exists(name):
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        # two processes at once: the second waits here and then finds the table
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        if _exists(name):
            return False
        cursor.execute(
            f"CREATE TABLE {quote(name)} (LIKE {quote(parent)} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
        )
        cursor.execute(
            f"ALTER TABLE {quote(parent)} ATTACH PARTITION {quote(name)} FOR VALUES FROM (%s) TO (%s)",
            [midnight(lower), midnight(upper)],
        )
    return True


def _exists(name: str) -> bool:
    """Asked of the catalogue by a query: to_regclass() would answer from a cache that an advisory lock does not refresh."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid))", [name])
        return cursor.fetchone()[0]


def default_rows(parent: str) -> int:
    """Rows that fell into the default partition. Must be 0: their month can no longer be attached."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {quote(parent + '_default')}")
        return cursor.fetchone()[0]


def partition_months(parent: str) -> list[str]:
    """Names of the month partitions attached to the parent, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(%s) AND c.relname ~ '_[0-9]{4}_[0-9]{2}$' ORDER BY c.relname",
            [connection.ops.quote_name(parent)],
        )
        return [row[0] for row in cursor.fetchall()]
