"""The one clock. The edge (view, task, command) reads it once and passes `at` on; nothing below reads a clock."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """PostgreSQL's wall clock, aware, UTC. All machines share it, so leases and gaps mean the same everywhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
