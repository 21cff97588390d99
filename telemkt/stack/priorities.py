"""Who waits for whom on one machine: bulk work gives way to the pages of people who have a customer on the line."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from telemkt.stack import urls

# a thirtieth of what a page gets when both want the processor; all of it when nobody else does
BULK = 15
# On a machine this small helpers of one big query would take what pages need: helpers are children of the server and keep its priority.
SMALL = 2
# The kernel is asked again so often, and after so long, when it has no time for a change of priority.
TURNS, TURN_SECONDS = 10, 0.1


def give_way() -> None:
    """This process, and the database's own processes that serve it, run at low priority from here on."""
    from django.db import connections
    from django.db.backends.signals import connection_created

    _lower(0)
    connection_created.connect(_lower_server_process, dispatch_uid="telemkt.give_way")
    connections.close_all()


def _lower_server_process(connection: Any, **_: Any) -> None:
    """The embedded server runs beside us; the process of a server elsewhere is not ours to touch, whatever its number is."""
    if connection.vendor != "postgresql" or not _is_embedded(connection):
        return
    with suppress(FileNotFoundError):
        pid = connection.connection.info.backend_pid
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres:"):
            _lower(pid)
    if (os.cpu_count() or 1) <= SMALL:
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")


def _is_embedded(connection: Any) -> bool:
    return connection.settings_dict["HOST"] == urls.embedded_database()["HOST"]


def _lower(pid: int) -> None:
    # it may be another user's, where the server was started for one: then it keeps its priority
    with suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, max(BULK, os.getpriority(os.PRIO_PROCESS, pid)))
        if os.getsid(pid) == (pid or os.getpid()):
            _lower_session(pid or os.getpid())


def _lower_session(pid: int) -> None:
    """Where the kernel shares the processors out by session, a priority counts within its session alone: the worker, and each process of
    the server, has a session of its own and would get as much as all pages together."""
    group = Path(f"/proc/{pid}/autogroup")
    for _turn in range(TURNS):
        try:
            group.write_text(str(BULK))
        except FileNotFoundError:
            return  # the kernel knows no groups, or the process is gone
        except BlockingIOError:
            time.sleep(TURN_SECONDS)  # it takes ten such changes a second, from all users together
        except OSError:
            return  # switched off
        else:
            return
