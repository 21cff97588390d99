"""Starts the reading process and hands on what it says, batch by batch. The process may die of the file; we only hear of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from . import limits
from .child import FRAME, ROWS_HEAD
from .faults import FileFault

ROOT = Path(__file__).resolve().parent.parent.parent
FRAMES_AHEAD = 24  # about 1,000 rows each: what is held in memory when the database is slower than the reading
PIPE_BYTES = 1024 * 1024
LARGEST_FRAME = 256 * limits.MB


class ReaderDied(Exception):
    """The reading process ended without a word and not by one of its limits."""


@dataclass(frozen=True)
class Batch:
    """Lines for COPY, how many, the number of the last row, and of those that repeat an earlier one of this reading."""

    lines: list[bytes]
    count: int
    last_row: int
    again: list[int]


class Reader:
    """One reading of one file. Use as a context: at its end the process is gone.

    `headings` is known once the first batch has come. `make_city(name)` is asked for cities nobody knows, between batches.
    """

    def __init__(
        self,
        orders: dict[str, Any],
        *,
        make_city: Callable[[str], int | None] | None = None,
        module: str = "customers.reading.child",
    ) -> None:
        self._module = module  # the program of the process; other files have other columns
        self._orders = {
            **orders,
            "may_make_cities": make_city is not None,
            "limits": {"address_space": limits.ADDRESS_SPACE, "cpu_seconds": limits.CPU_SECONDS},
        }
        self._make_city = make_city
        self._frames: queue.Queue[tuple[bytes, bytes] | None] = queue.Queue(FRAMES_AHEAD)
        self._deadline = time.monotonic() + limits.WALL_SECONDS
        self._over = threading.Event()
        self.headings: dict[str, Any] = {}

    def __enter__(self) -> Reader:
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback might quote a cell
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYPINYIN_NO_PHRASES": "true"},
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # a smaller pipe is slower, nothing else
                fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._say(json.dumps(self._orders))
        self._thread = threading.Thread(
            target=self._listen, args=(self._process.stdout,), daemon=True, name="list-reader"
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._thread.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def batches(self, rows: int) -> Iterator[Batch]:
        """The rows in batches of about that many. Raises FileFault, ReaderDied."""
        lines: list[bytes] = []
        again: list[int] = []
        count = last = 0
        for kind, body in self._said():
            if kind == b"H":
                self.headings = json.loads(body)
            elif kind == b"C":
                self._answer_city(body.decode())
            elif kind == b"A":
                again += array("I", body)
            elif kind == b"R":
                number, last = ROWS_HEAD.unpack_from(body)
                lines.append(body[ROWS_HEAD.size :])
                count += number
                if count >= rows:
                    yield Batch(lines, count, last, again)
                    lines, again, count = [], [], 0
            elif kind == b"F":
                fault = json.loads(body)
                raise FileFault(fault["code"], **fault["detail"])
            elif kind == b"E":
                if count:
                    yield Batch(lines, count, last, again)
                return

    def _answer_city(self, name: str) -> None:
        made = self._make_city(name) if self._make_city else None
        self._say("" if made is None else str(made))

    def _say(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; how is told when its frames end

    def _said(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            try:
                frame = self._frames.get(timeout=max(0.1, self._deadline - time.monotonic()))
            except queue.Empty:
                raise FileFault("too_slow") from None
            if frame is None:
                raise self._why_it_died()
            yield frame

    def _why_it_died(self) -> Exception:
        code = self._process.wait()
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and not self._over.is_set()):
            return FileFault("too_slow")
        if code in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS):
            return FileFault("too_big")  # memory ran out where Python cannot say so
        return ReaderDied(f"the reading process ended with {code}")

    def _listen(self, stream: IO[bytes]) -> None:
        """Takes frames off the pipe in a thread of its own, so that reading and COPY run side by side."""
        try:
            while head := stream.read(FRAME.size):
                kind, length = FRAME.unpack(head)
                if length > LARGEST_FRAME:
                    break
                body = stream.read(length)
                if len(body) < length or not self._put((kind, body)):
                    break
        except (OSError, ValueError, struct.error):
            pass  # the pipe broke: the end of the frames says it
        self._put(None)

    def _put(self, frame: tuple[bytes, bytes] | None) -> bool:
        while not self._over.is_set():
            try:
                self._frames.put(frame, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False
