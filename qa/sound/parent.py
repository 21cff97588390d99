"""Starts the decoding process and hears what it says of a file. The process may die of the file; we only hear of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.sound.heads import SoundFault
from qa.sound.limits import WALL_SECONDS

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Decoded:
    channels: int
    milliseconds: int
    body: bytes


def waveform_of(path: Path) -> Decoded:
    """The whole file decoded: its true length, and its waveform. Raises SoundFault."""
    return _ask({"path": str(path)})


def span_of(path: Path, from_ms: int, until_ms: int) -> Decoded:
    """A span as a file of its own. Raises SoundFault."""
    return _ask({"path": str(path), "span": [from_ms, until_ms]})


def _ask(orders: dict[str, Any]) -> Decoded:
    try:
        process = subprocess.run(
            [sys.executable, "-s", "-m", "qa.sound.child"],
            input=json.dumps(orders).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            timeout=WALL_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SoundFault("undecodable") from None
    line, _sep, body = process.stdout.partition(b"\n")
    if process.returncode or not line:
        raise SoundFault("undecodable")
    said = json.loads(line)
    if "fault" in said:
        raise SoundFault(said["fault"])
    return Decoded(said["channels"], said["milliseconds"], body)
