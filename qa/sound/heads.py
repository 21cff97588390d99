"""What a file of sound says of itself: its format by its first bytes and its headers, never by its name.

Nothing is decoded here, and only the process of qa.sound.child comes here: a hostile file meets neither a decoder nor a reader in a web process.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from qa.sound.limits import LEAST_SECONDS, MOST_SECONDS

OGG_TAIL = 128 * 1024
OPUS_RATE = 48_000
FRAMES_TO_BELIEVE = 3
WAV_CODECS = {1, 3, 6, 7, 0xFFFE}
# the beginnings of files that are often taken for recordings
DISGUISES = [
    (b"%PDF", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"MZ", "EXE"), (b"\x7fELF", "ELF"),
    (b"GIF8", "GIF"), (b"fLaC", "FLAC"), (b"#!AMR", "AMR"), (b"<", "HTML"), (b"Rar!", "RAR"), (b"\x1f\x8b", "GZIP"), (b"FORM", "AIFF"),
]  # fmt: skip


class SoundFault(Exception):
    """The file cannot be taken; `code` is the word of qa.wording.FAULTS, `detail` fills its sentence."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Head:
    format: str
    channels: int
    seconds: float


def read_head(path: Path) -> Head:
    """Format, channels and length of a file. Raises SoundFault."""
    size = path.stat().st_size
    if size == 0:
        raise SoundFault("empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = _head(data)
    if head.channels not in (1, 2):
        raise SoundFault("channels", channels=head.channels)
    if head.seconds < LEAST_SECONDS:
        raise SoundFault("no_sound")
    if head.seconds > MOST_SECONDS:
        raise SoundFault("too_long")
    return head


def _head(data: mmap.mmap) -> Head:
    start = data[:16]
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return _wav(data)
    if start[:4] == b"OggS":
        return _opus(data)
    if start[:3] == b"ID3" or _frame(data, 0):
        return _mp3(data)
    if start[4:8] == b"ftyp":
        raise SoundFault("disguised", kind="MP4")
    kind = next((name for mark, name in DISGUISES if start.startswith(mark)), "")
    if kind:
        raise SoundFault("disguised", kind=kind)
    raise SoundFault("unknown")


# -- wav ---------------------------------------------------------------------------------------------------------------


def _wav(data: mmap.mmap) -> Head:
    place, shape = 12, None
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"fmt " and place + 16 <= len(data):
            shape = struct.unpack_from("<HHIIHH", data, place)
        if name == b"data":
            return _wav_data(shape, size, len(data) - place)
        place += size + size % 2
    raise SoundFault("broken")


def _wav_data(shape: tuple[int, ...] | None, size: int, left: int) -> Head:
    if shape is None:
        raise SoundFault("broken")
    codec, channels, _rate, bytes_a_second, _align, _bits = shape
    if codec not in WAV_CODECS:
        raise SoundFault("codec")
    if bytes_a_second == 0:
        raise SoundFault("broken")
    if size in (0xFFFFFFFF, 0) and left > 0:  # written as a stream: the length was never put in
        size = left
    if size > left:
        raise SoundFault("cut_off")
    return Head("wav", channels, size / bytes_a_second)


# -- opus --------------------------------------------------------------------------------------------------------------


def _opus(data: mmap.mmap) -> Head:
    if len(data) < 47:
        raise SoundFault("broken")
    body = 27 + data[26]
    if data[body : body + 8] != b"OpusHead" or body + 19 > len(data):
        raise SoundFault("codec")
    channels, skip = data[body + 9], struct.unpack_from("<H", data, body + 10)[0]
    last = _last_position(data)
    if last is None:
        raise SoundFault("broken")
    return Head("opus", channels, max(0, last - skip) / OPUS_RATE)


def _last_position(data: mmap.mmap) -> int | None:
    """The position of the last page that ends a packet."""
    end = len(data)
    first = max(0, end - OGG_TAIL)
    while (found := data.rfind(b"OggS", first, end)) >= 0:
        if found + 14 <= len(data):
            position = struct.unpack_from("<q", data, found + 6)[0]
            if position >= 0:
                return position
        end = found
    return None


# -- mp3 ---------------------------------------------------------------------------------------------------------------

BITRATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _frame(data: mmap.mmap, place: int) -> tuple[int, int, int, int] | None:
    """(bytes, samples, rate, channels) of a layer III frame at this place, or None."""
    if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[place + 1] >> 3 & 3, data[place + 1] >> 1 & 3
    rate_at, bitrate_at = data[place + 2] >> 2 & 3, data[place + 2] >> 4
    if version == 1 or layer != 1 or rate_at == 3:
        return None
    bitrate = BITRATES[1 if version == 3 else 2][bitrate_at] * 1000
    if not bitrate:
        return None
    rate, samples = RATES[version][rate_at], 1152 if version == 3 else 576
    size = samples // 8 * bitrate // rate + (data[place + 2] >> 1 & 1)
    return size, samples, rate, 1 if data[place + 3] >> 6 == 3 else 2


def _after_tags(data: mmap.mmap) -> int:
    place = 0
    while data[place : place + 3] == b"ID3" and place + 10 <= len(data):
        sizes = data[place + 6 : place + 10]
        place += 10 + (sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])
    return place


def _mp3(data: mmap.mmap) -> Head:
    """The frames one after the other: what a frame claims of the whole is not believed."""
    place = _after_tags(data)
    frames, seconds, channels = 0, 0.0, 0
    while (frame := _frame(data, place)) is not None:
        size, samples, rate, channels = frame
        if not (frames == 0 and _is_table(data[place : place + size])):
            seconds += samples / rate
        frames += 1
        place += size
        if seconds > MOST_SECONDS:  # how much longer it is says nothing
            return Head("mp3", channels, seconds)
    if frames < FRAMES_TO_BELIEVE:
        raise SoundFault("unknown" if frames == 0 else "broken")
    if place < len(data) // 2:  # most of the file is no sound
        raise SoundFault("broken")
    return Head("mp3", channels, seconds)


def _is_table(frame: bytes) -> bool:
    """The first frame may hold a table of the file in place of sound."""
    return b"Xing" in frame[:64] or b"Info" in frame[:64] or b"VBRI" in frame[:64]
