"""One process per embedded server: starts it, restarts it when it dies, stops it when nobody uses it any more.

    python -m telemkt.stack.keeper postgres|valkey READY_FD

Who uses the server holds a shared lock on `<name>.users` (servers.share). The kernel drops it when the user ends, in
whatever way, so the last one out always stops the server. A newcomer and a keeper that goes exclude each other by
`<name>.gate`. A keeper lives as long as it holds `<name>.keeper`.
"""

import os
import signal
import subprocess
import sys
import time
from types import ModuleType
from typing import Any

from telemkt.stack import home, postgres, processes, valkey
from telemkt.stack.locks import FileLock
from telemkt.stack.trouble import Trouble, from_os_error

KINDS: dict[str, ModuleType] = {"postgres": postgres, "valkey": valkey}
TICK = 0.1


def lock(name: str, role: str) -> FileLock:
    return FileLock(home.run_directory() / f"{name}.{role}")


class Keeper:
    def __init__(self, name: str) -> None:
        self.name, self.server = name, KINDS[name]
        self.users, self.gate = lock(name, "users"), lock(name, "gate")
        self.backoff = processes.Backoff()
        self.identity: Any = None
        self.process: subprocess.Popen

    def start(self) -> None:
        self.identity = self.server.prepare()
        self.process = self.server.start(self.identity)

    def watch(self) -> None:
        """Until the last user is gone."""
        while not self._nobody_is_left():
            if self.process.poll() is not None:
                self._restart()
            time.sleep(TICK)

    def stop(self) -> None:
        processes.stop(self.process, self.server.STOP_SIGNAL, self.server.GRACE)

    def _nobody_is_left(self) -> bool:
        """True holds both locks, so nobody can begin to use a server that is about to stop."""
        if not self.users.acquire(timeout=0):
            return False
        if self.gate.acquire(timeout=0):
            return True
        self.users.release()
        return False

    def _restart(self) -> None:
        delay = self.backoff.next(time.monotonic())
        say(f"{self.name} ended with {self.process.returncode}; starting it again in {delay:.1f} s")
        time.sleep(delay)
        try:
            self.process = self.server.start(self.identity)
        except (Trouble, OSError) as trouble:
            say(str(trouble))  # it stays dead, so the next round waits longer and tries again


def say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} keeper: {text}", file=sys.stderr, flush=True)


def main(name: str, ready_fd: int) -> int:
    # Ctrl-C at the terminal means those who use the server; they leave in their own order.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the server would inherit
    alive = lock(name, "keeper")
    if not alive.acquire(timeout=20):
        return tell(ready_fd, f"Another keeper of {name} does not end. Wait a moment and start again.")
    keeper = Keeper(name)
    try:
        keeper.start()
    except Trouble as trouble:
        return tell(ready_fd, str(trouble))
    except OSError as error:
        return tell(ready_fd, str(from_os_error(error, str(home.home()))))
    tell(ready_fd, "")
    try:
        keeper.watch()
    finally:
        keeper.stop()
        # Before users and gate, which end with this process: whoever gets in after that must not take us for alive.
        alive.release()
    return 0


def tell(ready_fd: int, text: str) -> int:
    """The one who waits reads "ready", or the sentence that says why not."""
    with os.fdopen(ready_fd, "w") as pipe:
        pipe.write(text or "ready")
    return 1 if text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
