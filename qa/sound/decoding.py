"""What is decoded of a file of sound: its waveform, or a span of it. Only the process of qa.sound.child comes here."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import soundfile

from qa.sound import limits
from qa.sound.heads import SoundFault

BLOCK_SECONDS = 20
OPUS_RATES = {8000, 12000, 16000, 24000, 48000}


def decoded(path: str, span: tuple[int, int] | None) -> tuple[dict[str, Any], bytes]:
    """What is said of the whole file, or of a span of it in milliseconds, and its bytes. Raises SoundFault."""
    try:
        with soundfile.SoundFile(path) as file:
            return cut(file, *span) if span else waveform(file)
    except (soundfile.SoundFileError, RuntimeError, ValueError):
        raise SoundFault("undecodable") from None


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
            raise SoundFault("too_long")
        parts.append(_loudest(samples, frames_a_part))
    if not frames:
        raise SoundFault("no_sound")
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
        raise SoundFault("no_sound")
    target = io.BytesIO()
    if file.samplerate in OPUS_RATES:
        soundfile.write(target, samples, file.samplerate, format="OGG", subtype="OPUS")
    else:
        soundfile.write(target, samples, file.samplerate, format="WAV", subtype="PCM_16")
    said = {"channels": file.channels, "milliseconds": round(len(samples) * 1000 / file.samplerate)}
    return said, target.getvalue()
