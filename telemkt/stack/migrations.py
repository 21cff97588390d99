"""Migrations beside people at work: they wait only briefly for a lock, and try again.

Whoever waits for a lock holds up all who come after, so one slow report would stop every page behind a migration.
"""

import time
from typing import Any

LOCK_TIMEOUT = "500ms"
LOCK_NOT_AVAILABLE = "55P03"
TRIES = 20


def migrate() -> None:
    """Carry out what is missing. Raises OperationalError when a lock is not to be had after all tries."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.utils import OperationalError

    wait_briefly()
    for left in reversed(range(TRIES)):
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            if not left or not is_lock_timeout(error):
                raise
            connection.close()
            time.sleep(0.5)
        else:
            return


def wait_briefly() -> None:
    """From now on every connection of this process gives up a lock it does not get soon."""
    from django.db.backends.signals import connection_created

    connection_created.connect(_set_timeout, dispatch_uid="telemkt.lock_timeout")


def is_lock_timeout(error: Exception) -> bool:
    return getattr(error.__cause__, "pgcode", "") == LOCK_NOT_AVAILABLE


def _set_timeout(connection: Any, **_: object) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
