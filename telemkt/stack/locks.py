"""Locks between processes that end with the process, however it ends."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType


class FileLock:
    """One lock on one file; held from a successful acquire to release, or to the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, *, shared: bool = False, timeout: float | None = None) -> bool:
        """True when the lock is held. `timeout` 0 asks once, None waits for ever."""
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if timeout is None:
            fcntl.flock(self._fd, mode)
            return True
        until = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self._fd, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    self.release()
                    return False
                time.sleep(0.05)
            else:
                return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> "FileLock":
        self.acquire()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """True when some process holds the exclusive lock on this file."""
    lock = FileLock(path)
    free = lock.acquire(shared=True, timeout=0)
    lock.release()
    return not free
