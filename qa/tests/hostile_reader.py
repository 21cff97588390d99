"""The process that opens a file of sound, with a reader that does what a hostile file would make it do: the words after its first 16 bytes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from qa.sound import child, heads


def read_head(path: Path) -> heads.Head:
    deed = path.read_bytes()[16:].decode()
    if deed == "spin":
        while True:
            pass
    if deed == "sleep":
        time.sleep(60)
    if deed == "eat":
        bytearray(8 * 1024**3)
    if deed == "die":
        os.abort()
    if deed == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "raise":
        raise IndexError
    if deed == "write":
        Path(f"{path}.written").write_bytes(b"x")
    if deed == "environment":
        raise heads.SoundFault("unknown", environment=sorted(os.environ), files=len(os.listdir("/proc/self/fd")))
    raise heads.SoundFault(
        "unknown", modules=[name for name in ("django", "numpy", "soundfile") if name in sys.modules]
    )


def main() -> None:
    heads.read_head = read_head
    child.main()


if __name__ == "__main__":
    main()
