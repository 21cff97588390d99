"""The embedded servers as seen by those who use them: share one, for as long as this process lives."""

import os
import shutil
import subprocess
import sys
import time

from telemkt.stack import home, keeper, processes
from telemkt.stack.locks import FileLock, is_held
from telemkt.stack.trouble import Trouble, disk_full, from_os_error

LEAST_FREE = 300 * 1024 * 1024
VARIABLES = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}

_shares: dict[str, FileLock] = {}


def needed() -> list[str]:
    """The servers that no URL names."""
    return [name for name, variable in VARIABLES.items() if not os.environ.get(variable, "").strip()]


def share_needed() -> None:
    share(*needed())


def share(*names: str) -> None:
    """Use these servers until the end of this process, or until `leave`. Starts what does not run yet.

    Raises Trouble with one sentence.
    """
    if not names:
        return
    try:
        make_home()
        _check_space()
        _share([name for name in names if name not in _shares])
    except OSError as error:
        raise from_os_error(error, str(home.home())) from error


def leave() -> None:
    """Use them no more. The last one who leaves stops them."""
    while _shares:
        _shares.popitem()[1].release()


def leave_and_wait(seconds: float = 90) -> list[tuple[str, bool]]:
    """Use them no more, and wait until they are down. Says of each whether it is; others may still use it."""
    names = list(_shares)
    leave()
    return [(name, _wait_for_end(name, seconds)) for name in reversed(names)]


def _wait_for_end(name: str, seconds: float) -> bool:
    now = time.monotonic()
    until, used_until = now + seconds, now + 1.5
    while runs(name):
        now = time.monotonic()
        if not _has_users(name):
            used_until = now + 1.5  # the keeper that goes looks like a user for a moment
        if now > min(until, used_until):
            return False
        time.sleep(0.05)
    return True


def _has_users(name: str) -> bool:
    """A keeper that goes holds the lock of the users as well, but then the gate too."""
    users = keeper.lock(name, "users")
    free = users.acquire(timeout=0)
    users.release()
    return not free and not is_held(home.run_directory() / f"{name}.gate")


def revive() -> list[tuple[str, str]]:
    """Start again the keepers of servers that we share, where one was killed: their names, and why it failed."""
    return [(name, _revive(name)) for name in _shares if not runs(name)]


def _revive(name: str) -> str:
    with keeper.lock(name, "gate"):
        return "" if runs(name) else _wait(name, *_start_keeper(name))


def runs(name: str) -> bool:
    return is_held(home.run_directory() / f"{name}.keeper")


def make_home() -> None:
    # Others may pass through, not read: root's PostgreSQL runs as somebody else. What is closed below is 0700.
    for path in (home.home(), home.run_directory()):
        path.mkdir(parents=True, exist_ok=True, mode=0o755)
    home.log_directory().mkdir(exist_ok=True, mode=0o755)


def _share(names: list[str]) -> None:
    """All are started together, then waited for: PostgreSQL takes the longest."""
    gates = [keeper.lock(name, "gate") for name in names]
    for gate in gates:
        gate.acquire()
    try:
        started = []
        for name in names:
            users = keeper.lock(name, "users")
            users.acquire(shared=True)
            _shares[name] = users
            if not runs(name):
                started.append((name, *_start_keeper(name)))
        troubles = [text for text in [_wait(*each) for each in started] if text]
    finally:
        for gate in gates:
            gate.release()
    if troubles:
        leave()
        raise Trouble(troubles[0])


def _start_keeper(name: str) -> tuple[subprocess.Popen, int]:
    read_end, write_end = os.pipe()
    with processes.open_log(home.log_directory() / f"{name}.keeper.log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "telemkt.stack.keeper", name, str(write_end)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home.CHECKOUT, pass_fds=[write_end],
            start_new_session=True, env=os.environ | {"TELEMKT_HOME": str(home.home())},
        )  # fmt: skip
    os.close(write_end)
    return process, read_end


def _wait(name: str, process: subprocess.Popen, read_end: int) -> str:
    """The sentence that says why it did not start; empty when it is ready."""
    with os.fdopen(read_end) as pipe:
        said = pipe.read().strip()
    if said == "ready":
        # The keeper outlives its parent on purpose; nobody waits for it.
        process.returncode = 0
        return ""
    process.wait()
    return said or f"The keeper of {name} ended at once (see {home.log_directory() / (name + '.keeper.log')})."


def _check_space() -> None:
    if shutil.disk_usage(home.home()).free < LEAST_FREE:
        raise disk_full(str(home.home()))
