"""Bulk work gives way to pages: the priority that counts is the one the kernel reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from telemkt.stack import priorities, urls

pytestmark = pytest.mark.django_db

# What a worker of bulk jobs does at its start, and then how high it and its process of the server stand: by process and by session.
WORKER = """
import os, sys
from pathlib import Path
from telemkt.stack import priorities, servers
servers.share_needed()
import django
django.setup()
from django.db import connection
priorities.give_way()
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
backend = connection.connection.info.backend_pid
def session(pid):
    # there is nothing to read where the kernel has no groups, and nothing in it for who descends from no session at all
    group = Path(f"/proc/{pid}/autogroup")
    return (group.read_text().split() or ["none"])[-1] if group.exists() else "none"
print(*(f"{os.getpriority(os.PRIO_PROCESS, pid)}/{session(pid)}" for pid in (os.getpid(), backend)))
"""


def _of_worker(*, own_session: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True, timeout=60, start_new_session=own_session,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "telemkt.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _shares_by_session() -> bool:
    switch = Path("/proc/sys/kernel/sched_autogroup_enabled")
    return switch.exists() and switch.read_text().strip() == "1"


@pytest.fixture
def embedded():
    if connection.settings_dict["HOST"] != urls.embedded_database()["HOST"]:
        pytest.skip("the priority of a server elsewhere is not ours")


def test_a_bulk_worker_and_its_process_of_the_server_stand_low_where_processors_are_shared_by_process(embedded):
    worker, backend = _of_worker(own_session=True)

    assert worker.startswith(f"{priorities.BULK}/")
    assert backend.startswith(f"{priorities.BULK}/")


@pytest.mark.skipif(not _shares_by_session(), reason="this kernel shares processors by process alone")
def test_they_stand_low_where_processors_are_shared_by_session(embedded):
    worker, backend = _of_worker(own_session=True)

    assert (worker, backend) == (f"{priorities.BULK}/{priorities.BULK}",) * 2


def test_a_worker_started_in_the_session_of_others_does_not_lower_them(embedded):
    before = Path("/proc/self/autogroup").read_text() if _shares_by_session() else ""

    worker, _backend = _of_worker(own_session=False)

    assert worker.startswith(f"{priorities.BULK}/")
    assert not before or Path("/proc/self/autogroup").read_text() == before
