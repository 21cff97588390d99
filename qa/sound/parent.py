"""Starts the process that opens a file of sound, and hears what it says. The process may die of the file; we only hear of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.sound import limits
from qa.sound.heads import Head, SoundFault

# by these a process dies of what is in the file; by others (killed for want of memory of the machine, ended with its parent) of something else
OF_THE_FILE = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGXFSZ)
ROOT = Path(__file__).resolve().parent.parent.parent
CHILD = "qa.sound.child"


class ReaderLost(Exception):
    """The process has not answered, and the file is not to blame for what we know: worth another try."""


@dataclass(frozen=True)
class Decoded:
    channels: int
    milliseconds: int
    body: bytes


def head_of(path: Path) -> Head:
    """What the file says of itself, its heads read and nothing decoded. Raises SoundFault, ReaderLost."""
    said, _body = _ask({"ask": "head", "path": str(path)}, limits.OF_HEAD)
    return Head(**said)


def waveform_of(path: Path) -> Decoded:
    """The whole file decoded: its true length, and its waveform. Raises SoundFault, ReaderLost."""
    return _decoded({"ask": "waveform", "path": str(path)})


def span_of(path: Path, from_ms: int, until_ms: int) -> Decoded:
    """A span as a file of its own. Raises SoundFault, ReaderLost."""
    return _decoded({"ask": "span", "path": str(path), "span": [from_ms, until_ms]})


def _decoded(orders: dict[str, Any]) -> Decoded:
    said, body = _ask(orders, limits.OF_DECODER)
    return Decoded(said["channels"], said["milliseconds"], body)


def _ask(orders: dict[str, Any], may: limits.Limits) -> tuple[dict[str, Any], bytes]:
    """What it said, and the bytes. Raises SoundFault, also when it died of the file, else ReaderLost."""
    within = {"address_space": may.address_space, "cpu_seconds": may.cpu_seconds}
    try:
        process = subprocess.run(
            [sys.executable, "-s", "-m", CHILD],
            input=json.dumps({**orders, "limits": within}).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            timeout=may.wall_seconds,
            # a group, not a session: in a session of its own it would have as much of the processor as all pages together
            process_group=0,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReaderLost(
            "no answer in time"
        ) from None  # a file that keeps it busy meets the limit of the processor before
    line, _sep, body = process.stdout.partition(b"\n")
    if process.returncode == -signal.SIGXCPU:
        raise SoundFault("too_slow")
    if -process.returncode in OF_THE_FILE:
        raise SoundFault(may.fault_of_the_dead)
    if process.returncode or not line:
        raise ReaderLost(f"ended with {process.returncode}")
    said = json.loads(line)
    if "fault" in said:
        raise SoundFault(said["fault"] or may.fault_of_the_dead, **said["detail"])
    return said, body
