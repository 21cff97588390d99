"""What is decoded of a file of sound: its waveform, or a span of it. Only the process of qa.sound.child comes here."""

from __future__ import annotations

import io
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile

from qa.sound import limits
from qa.sound.heads import SoundFault

BLOCK_SECONDS = 20
MOST_WORKERS, SECONDS_TO_SHARE = 4, 60
OPUS_RATES = {8000, 12000, 16000, 24000, 48000}


def decoded(path: str, span: tuple[int, int] | None) -> tuple[dict[str, Any], bytes]:
    """What is said of the whole file, or of a span of it in milliseconds, and its bytes. Raises SoundFault."""
    try:
        with soundfile.SoundFile(path) as file:
            return cut(file, *span) if span else waveform(path, file)
    except (soundfile.SoundFileError, RuntimeError, ValueError):
        raise SoundFault("undecodable") from None


def waveform(path: str, file: soundfile.SoundFile) -> tuple[dict[str, Any], bytes]:
    """The loudest moment of each part, for each channel."""
    expected = min(file.frames, limits.MOST_SECONDS * file.samplerate)
    wanted = max(limits.FEWEST_PARTS, min(limits.MOST_PARTS, expected * limits.PARTS_A_SECOND // file.samplerate))
    frames_a_part = max(1, math.ceil(expected / wanted))
    pieces = _side_by_side(path, file, frames_a_part) or [_piece(path, 0, None, frames_a_part)]
    frames = sum(piece.frames for piece in pieces)
    if not frames:
        raise SoundFault("no_sound")
    peaks = np.concatenate([part for piece in pieces for part in piece.parts])
    said = {"channels": file.channels, "milliseconds": max(1, round(frames * 1000 / file.samplerate))}
    return said, peaks.T.tobytes()


@dataclass(frozen=True)
class Piece:
    frames: int
    parts: list[np.ndarray]


def _side_by_side(path: str, file: soundfile.SoundFile, frames_a_part: int) -> list[Piece]:
    """A long file of Opus in as many pieces as there are processors: decoding it takes several times as long as the other formats. Empty where
    that is not worth it, or where a piece is not where the file says: then it is read from its beginning to its end."""
    workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)))
    if file.format != "OGG" or workers < 2 or file.frames < SECONDS_TO_SHARE * file.samplerate:
        return []
    each = math.ceil(file.frames / workers / frames_a_part) * frames_a_part
    starts = range(0, file.frames, each)
    stops = [*starts[1:], None]
    try:
        with ThreadPoolExecutor(len(starts)) as pool:
            pieces = list(pool.map(lambda ends: _piece(path, *ends, frames_a_part), zip(starts, stops, strict=True)))
    except (soundfile.SoundFileError, RuntimeError, ValueError):
        return []
    return pieces if all(piece.frames == each for piece in pieces[:-1]) else []


def _piece(path: str, start: int, stop: int | None, frames_a_part: int) -> Piece:
    """From the frame `start` to before `stop`, or to the end."""
    with soundfile.SoundFile(path) as file:
        if start:
            file.seek(start)
        block = frames_a_part * max(1, BLOCK_SECONDS * file.samplerate // frames_a_part)
        parts, frames = [], 0
        for samples in file.blocks(block, frames=-1 if stop is None else stop - start, dtype="float32", always_2d=True):
            frames += len(samples)
            if start + frames > (limits.MOST_SECONDS + 60) * file.samplerate:
                raise SoundFault("too_long")
            parts.append(_loudest(samples, frames_a_part))
        return Piece(frames, parts)


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
