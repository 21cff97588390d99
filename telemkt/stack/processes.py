"""Children that never outlive the one who answers for them."""

import ctypes
import os
import platform
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """For `preexec_fn`: the child gets this signal when its parent ends. It runs after a change of user, which
    would clear it. To be used from the main thread: the kernel means the thread that forked.
    """
    parent = os.getpid()
    libc = _libc()

    def in_child() -> None:
        _ask_kernel(libc, signal_number)
        if os.getppid() != parent:  # it ended between fork and prctl
            os._exit(1)

    return in_child


def end_with_parent(signal_number: int) -> None:
    """This process gets the signal when its parent ends."""
    _ask_kernel(_libc(), signal_number)


def _libc() -> ctypes.CDLL | None:
    # Linux only. Elsewhere the next start finds the orphan by what was written down about it.
    return ctypes.CDLL(None, use_errno=True) if platform.system() == "Linux" else None


def _ask_kernel(libc: ctypes.CDLL | None, signal_number: int) -> None:
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def open_log(path: Path, *, limit: int = 20 * 1024 * 1024) -> BinaryIO:
    """The log to append to; a large one is put aside first, so that at most two such files lie there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with suppress(FileNotFoundError):
        if path.stat().st_size > limit:
            path.replace(path.with_suffix(".log.old"))
    return open(path, "ab")


def stop(process: subprocess.Popen, signal_number: int, grace: float) -> None:
    """Ask the process to end, wait, and kill its whole group when it does not."""
    ask(process, signal_number)
    wait(process, grace)


def ask(process: subprocess.Popen, signal_number: int) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            process.send_signal(signal_number)


def wait(process: subprocess.Popen, grace: float) -> None:
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Backoff:
    """How long to wait before the next start: at once, then longer, and short again after a quiet while."""

    def __init__(self, *, first: float = 0.2, longest: float = 15.0, quiet: float = 60.0) -> None:
        self.first, self.longest, self.quiet = first, longest, quiet
        self._delay = first
        self._last: float | None = None

    def next(self, at: float) -> float:
        """Seconds to wait for a failure at this moment (a monotonic clock)."""
        calm = self._last is None or at - self._last > self.quiet
        self._delay = self.first if calm else min(self._delay * 2, self.longest)
        self._last = at
        return self._delay


def command_line(pid: int) -> list[str]:
    """The words a process was started with; empty when there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return []
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.split()
