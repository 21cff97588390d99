"""The real stack for the journeys: what `make run` starts, on a home and a port of its own, filled by the demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from telemkt.stack import home
from telemkt.tests.test_stack import free_port

URLS = {"DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"}
READY_SECONDS = 400  # the demo takes half a minute on a machine that has nothing else to do
STOP_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A stack that serves: its address, and the demo's accounts by role."""

    url: str
    place: Path
    accounts: dict[str, dict[str, str]]


@contextmanager
def running_stack() -> Iterator[Running]:
    """A stack of its own until the end of the block. JOURNEYS_HOME names the home of one that runs already, for those who write journeys."""
    given = os.environ.get("JOURNEYS_HOME", "")
    if given:
        yield _found(Path(given))
        return
    # Not pytest's directory: root's PostgreSQL runs as somebody else, who must be able to reach it.
    place = Path(tempfile.mkdtemp(prefix="telemkt-journeys-"))
    place.chmod(0o755)
    process = _start(place)
    try:
        yield _found(place)
    finally:
        _stop(process)
        shutil.rmtree(place, ignore_errors=True)


def _start(place: Path) -> subprocess.Popen:
    output = place / "output.txt"
    with open(output, "w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "telemkt.stack.supervisor"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            cwd=home.CHECKOUT, env=_environment(place), start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + READY_SECONDS
    while "is ready" not in output.read_text():
        if process.poll() is not None or time.monotonic() > until:
            _stop(process)
            raise AssertionError(f"The stack did not come up:\n{output.read_text()}")
        time.sleep(0.3)
    return process


def _environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in URLS and not name.startswith("PYTEST_")}
    # nobody but the journey's own people works, so that figures move by their hands alone
    given = {"DEMO": "1", "DEMO_AT_WORK": "0", "SIMULATOR_SPEED": "20"}
    return kept | {"TELEMKT_HOME": str(place), "PORT": str(free_port())} | given


def _found(place: Path) -> Running:
    state = json.loads((place / "run" / "supervisor.json").read_text())
    accounts = json.loads((place / "demo-accounts.json").read_text())
    return Running(state["address"].rstrip("/"), place, {account["role"]: account for account in accounts})


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
