"""The process that opens a file of sound. Run as `python -m qa.sound.child` with its orders as one line of JSON on stdin.

It knows no database and no settings and writes no file. Its limits are set before the file is opened; whatever the file does, only this
process dies of it. Answers on stdout: one line of JSON, and then bytes.

    {"ask": "head"}      {"format", "channels", "seconds"}
    {"ask": "waveform"}  {"channels", "milliseconds"}, then the waveform
    {"ask": "span"}      {"channels", "milliseconds"}, then the span as a file
    any of them          {"fault": code, "detail": {}}; without a code the reader stumbled over the file
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa.sound import heads


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    _limit(orders["limits"])
    try:
        said, body = _answer(orders)
    except MemoryError:
        said, body = {"fault": "too_big", "detail": {}}, b""
    except heads.SoundFault as fault:
        said, body = {"fault": fault.code, "detail": fault.detail}, b""
    except Exception:  # whatever the file made of its reader
        said, body = {"fault": "", "detail": {}}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + body)
    sys.stdout.buffer.flush()


def _limit(limits: dict[str, int]) -> None:
    cpu, memory = limits["cpu_seconds"], limits["address_space"]
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(orders: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if orders["ask"] == "head":
        return asdict(heads.read_head(Path(orders["path"]))), b""
    os.nice(10)  # desks first
    # loaded where something is decoded: a person waits for the head of an upload
    from qa.sound import decoding

    return decoding.decoded(orders["path"], orders.get("span"))


if __name__ == "__main__":
    main()
