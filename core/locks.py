"""Turns among transactions that do the same work, without a lock on rows that others need meanwhile."""

from __future__ import annotations

from django.db import connection


def one_at_a_time(name: str, pk: int) -> None:
    """Until the transaction ends nobody else does the work of this name for this row; whoever comes second reads what the first has stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s::int)", [name, pk])
