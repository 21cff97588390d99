"""The process that decodes a file of sound. Run as `python -m qa.sound.child` with its orders as one line of JSON on stdin.

It knows no database and no settings and writes no file. Whatever the file does, only this process dies of it. Answers on stdout: one line of
JSON {"channels", "milliseconds"} and then bytes: the waveform, or the span that was cut out; or {"fault": code}.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import sys
from typing import Any

import numpy as np
import soundfile

from qa.sound import limits

BLOCK_SECONDS = 20
OPUS_RATES = {8000, 12000, 16000, 24000, 48000}


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    os.nice(10)  # desks first
    resource.setrlimit(resource.RLIMIT_CPU, (limits.CPU_SECONDS, limits.CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (limits.ADDRESS_SPACE, limits.ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with soundfile.SoundFile(orders["path"]) as file:
            said, body = cut(file, *orders["span"]) if orders.get("span") else waveform(file)
    except MemoryError:
        said, body = {"fault": "too_big"}, b""
    except (soundfile.SoundFileError, RuntimeError, ValueError):
        said, body = {"fault": "undecodable"}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + body)
    sys.stdout.buffer.flush()


def waveform(file: soundfile.SoundFile) -> tuple[dict[str, Any], bytes]:
    """The loudest moment of each part, for each channel."""
    expected = min(file.frames, limits.MOST_SECONDS * file.samplerate)
    wanted = max(limits.FEWEST_PARTS, min(limits.MOST_PARTS, expected * limits.PARTS_A_SECOND // file.samplerate))
    frames_a_part = max(1, math.ceil(expected / wanted))
    block = frames_a_part * max(1, BLOCK_SECONDS * file.samplerate // frames_a_part)
    parts, frames = [], 0
    for samples in file.blocks(block, dtype="float32", always_2d=True):
        frames += len(samples)
        if frames > (limits.MOST_SECONDS + 60) * file.samplerate:
            return {"fault": "too_long"}, b""
        parts.append(_loudest(samples, frames_a_part))
    if not frames:
        return {"fault": "no_sound"}, b""
    peaks = np.concatenate(parts)
    said = {"channels": file.channels, "milliseconds": max(1, round(frames * 1000 / file.samplerate))}
    return said, peaks.T.tobytes()


def _loudest(samples: np.ndarray, frames_a_part: int) -> np.ndarray:
    missing = -len(samples) % frames_a_part
    if missing:
        samples = np.pad(samples, ((0, missing), (0, 0)))
    loudest = np.abs(samples).reshape(-1, frames_a_part, samples.shape[1]).max(axis=1)
    return np.clip(np.nan_to_num(loudest) * 255, 0, 255).astype("uint8")


def cut(file: soundfile.SoundFile, from_ms: int, until_ms: int) -> tuple[dict[str, Any], bytes]:
    """A span of the file, as Opus where its rate allows it, else as WAV."""
    file.seek(min(file.frames, from_ms * file.samplerate // 1000))
    samples = file.read((until_ms - from_ms) * file.samplerate // 1000, dtype="float32", always_2d=True)
    if not len(samples):
        return {"fault": "no_sound"}, b""
    target = io.BytesIO()
    if file.samplerate in OPUS_RATES:
        soundfile.write(target, samples, file.samplerate, format="OGG", subtype="OPUS")
    else:
        soundfile.write(target, samples, file.samplerate, format="WAV", subtype="PCM_16")
    said = {"channels": file.channels, "milliseconds": round(len(samples) * 1000 / file.samplerate)}
    return said, target.getvalue()


if __name__ == "__main__":
    main()
