"""What files say of themselves: the good ones are read, all others are told apart."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from qa.sound import decoding, limits, parent
from qa.sound.heads import SoundFault, read_head
from qa.sound.parent import head_of as asked_head, span_of, waveform_of
from qa.tests.factories import sample, wav
from qa.wording import FAULTS, fault_sentence


def head_of(tmp_path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_head(path)


def fault_of(tmp_path, content: bytes) -> str:
    with pytest.raises(SoundFault) as caught:
        head_of(tmp_path, content)
    assert fault_sentence(caught.value.code, caught.value.detail)
    return caught.value.code


def opus(*, seconds: float, channels: int = 2) -> bytes:
    """Two pages that hold the heads alone, with the last position of so many seconds."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 312, 8000, 0, 0)
    first = b"OggS" + struct.pack("<BBqIII", 0, 2, 0, 1, 0, 0) + bytes([1, len(head)]) + head
    last = b"OggS" + struct.pack("<BBqIII", 0, 4, int(seconds * 48000) + 312, 1, 1, 0) + bytes([0])
    return first + last


def mp3_frames(count: int) -> bytes:
    """MPEG 2, layer III, 8 kbit/s, 16 kHz, mono: 36 ms and 36 bytes a frame."""
    return (b"\xff\xf3\x18\xc0" + bytes(32)) * count


def test_wav_mp3_and_opus_say_their_channels_and_length(tmp_path):
    assert (lambda head: (head.format, head.channels, head.seconds))(head_of(tmp_path, wav(2))) == ("wav", 2, 2.0)
    assert head_of(tmp_path, wav(3, channels=1)).channels == 1
    assert head_of(tmp_path, opus(seconds=10)).seconds == 10
    english = head_of(tmp_path, sample())
    assert (english.format, english.channels, round(english.seconds)) == ("mp3", 2, 57)
    assert head_of(tmp_path, mp3_frames(100)).seconds == pytest.approx(3.6)


def test_tags_before_the_first_frame_and_behind_the_last_are_no_sound(tmp_path):
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 0]) + bytes(128)

    assert head_of(tmp_path, tag + mp3_frames(100) + b"TAG" + bytes(125)).seconds == pytest.approx(3.6)


def test_a_wav_written_as_a_stream_is_as_long_as_the_file(tmp_path):
    assert head_of(tmp_path, wav(2, claims=0xFFFFFFFF)).seconds == 2.0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (wav(0), "no_sound"),
        (opus(seconds=0), "no_sound"),
        (opus(seconds=4 * 3600), "too_long"),
        (wav(0.2, channels=3), "channels"),
        (wav(1)[:-100], "cut_off"),
        (wav(1)[:30], "broken"),
        (wav(1, codec=85), "codec"),
        (opus(seconds=5).replace(b"OpusHead", b"\x01vorbis "), "codec"),
        (mp3_frames(2), "broken"),
        (mp3_frames(3) + b"\x00" * 5000, "broken"),
        (b"%PDF-1.7 recording.mp3", "disguised"),
        (b"PK\x03\x04 recording.wav", "disguised"),
        (b"MZ\x90\x00 recording.opus", "disguised"),
        (b"\x00\x00\x00\x20ftypM4A ", "disguised"),
        (b"<html><audio>", "disguised"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "unknown"),
        (b"call me later", "unknown"),
        (b"\xff", "unknown"),
        (b"OggS", "broken"),
    ],
)
def test_what_is_no_recording_is_told_apart(tmp_path, content, code):
    assert fault_of(tmp_path, content) == code


# -- the process that reads them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (wav(2), ("wav", 2, 2.0)),
        (opus(seconds=10, channels=1), ("opus", 1, 10.0)),
        (b"%PDF-1.7 recording.mp3", ("disguised", {"kind": "PDF"})),
        (wav(0.2, channels=3), ("channels", {"channels": 3})),
        (b"", ("empty", {})),
        (opus(seconds=4 * 3600), ("too_long", {})),
    ],
)
def test_the_process_that_reads_heads_says_what_they_say(tmp_path, content, said):
    path = tmp_path / "file"
    path.write_bytes(content)

    assert told(path) == said


def told(path) -> tuple:
    try:
        head = asked_head(path)
    except SoundFault as fault:
        return fault.code, fault.detail
    return head.format, head.channels, head.seconds


def test_the_largest_file_finds_room(tmp_path):
    """A whole file lies in the address space of the process."""
    path = tmp_path / "file"
    whole = wav(1, channels=1, claims=limits.MOST_BYTES)
    path.write_bytes(whole)
    with path.open("r+b") as file:
        file.truncate(limits.MOST_BYTES + 44)

    with pytest.raises(SoundFault) as caught:
        asked_head(path)

    assert caught.value.code == "too_long"  # 200 MB at 16,000 bytes a second


def test_an_mp3_of_many_hours_is_not_read_to_its_end(tmp_path):
    """58 hours, 5,800,000 frames: as long as it takes to count them all, no desk of this web process would be answered."""
    path = tmp_path / "file"
    path.write_bytes(mp3_frames(5_800_000))

    with pytest.raises(SoundFault) as caught:
        asked_head(path)

    assert caught.value.code == "too_long"


@pytest.fixture
def hostile(monkeypatch, tmp_path):
    """What becomes of a file whose reading does this."""
    monkeypatch.setattr(parent, "CHILD", "qa.tests.hostile_reader")

    def read(deed: str) -> SoundFault:
        path = tmp_path / "file"
        path.write_bytes(bytes(16) + deed.encode())
        with pytest.raises(SoundFault) as caught:
            asked_head(path)
        assert fault_sentence(caught.value.code)
        return caught.value

    return read


@pytest.mark.parametrize(
    ("deed", "code"),
    [("spin", "too_slow"), ("eat", "too_big"), ("die", "broken"), ("raise", "broken"), ("write", "broken")],
)  # fmt: skip
def test_a_file_that_makes_the_reader_hang_eat_or_die_is_refused_with_its_sentence(monkeypatch, hostile, deed, code):
    monkeypatch.setattr(limits, "OF_HEAD", replace(limits.OF_HEAD, cpu_seconds=1))

    assert hostile(deed).code == code


@pytest.mark.parametrize("deed", ["sleep", "killed"])
def test_a_reader_that_is_killed_or_too_late_says_nothing_of_the_file(monkeypatch, tmp_path, deed):
    """Want of memory and a busy machine pass."""
    monkeypatch.setattr(parent, "CHILD", "qa.tests.hostile_reader")
    monkeypatch.setattr(limits, "OF_HEAD", replace(limits.OF_HEAD, wall_seconds=2 if deed == "sleep" else 30))
    path = tmp_path / "file"
    path.write_bytes(bytes(16) + deed.encode())

    with pytest.raises(parent.ReaderLost):
        asked_head(path)


def test_a_reader_knows_no_settings_and_no_secrets(monkeypatch, hostile):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")

    told = hostile("environment").detail

    assert "DATABASE_URL" not in told["environment"]
    assert told["files"] <= 4  # its three pipes, and the one that lists them
    assert hostile("modules").detail == {"modules": []}


def test_every_fault_has_its_sentence():
    assert all(fault_sentence(code) for code in FAULTS)


def test_the_waveform_shows_who_speaks_when(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(wav(4))

    found = waveform_of(path)

    parts = len(found.body) // 2
    left, right = found.body[:parts], found.body[parts:]
    assert (found.channels, found.milliseconds) == (2, 4000)
    # 9000 of 32768 is 70 of 255; the agent speaks first, the customer after
    assert set(left[: parts // 2]) == {70}
    assert set(left[parts // 2 + 1 :]) == {0}
    assert set(right[: parts // 2]) == {0}
    assert set(right[parts // 2 + 1 :]) == {70}


def test_a_span_is_cut_out_as_a_file_of_its_own(tmp_path):
    path, cut = tmp_path / "file", tmp_path / "cut"
    path.write_bytes(sample())

    found = span_of(path, 5_000, 8_000)
    cut.write_bytes(found.body)

    head = read_head(cut)
    assert (head.format, head.channels, head.seconds) == ("opus", 2, pytest.approx(3.0, abs=0.05))


def test_what_cannot_be_decoded_is_a_fault_of_the_file_not_of_ours(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(opus(seconds=5))

    with pytest.raises(SoundFault):
        waveform_of(path)


# -- decoding ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def long_opus(tmp_path):
    """The sample twice, 113 seconds, as Opus."""
    samples, rate = soundfile.read(io.BytesIO(sample()), dtype="int16", always_2d=True)
    path = tmp_path / "file"
    soundfile.write(path, np.concatenate([samples, samples]), rate, format="OGG", subtype="OPUS")
    return path


def drawn_by(monkeypatch, path, workers: int) -> tuple:
    monkeypatch.setattr(decoding.os, "sched_getaffinity", lambda _pid: set(range(workers)))
    return decoding.decoded(str(path), None)


def test_a_waveform_drawn_by_several_processors_is_the_one_drawn_by_one(monkeypatch, long_opus):
    alone, shared = (drawn_by(monkeypatch, long_opus, workers) for workers in (1, 3))

    assert shared[0] == alone[0] == {"channels": 2, "milliseconds": 113_386}
    assert len(shared[1]) == len(alone[1])
    apart = np.frombuffer(shared[1], "u1").astype(int) - np.frombuffer(alone[1], "u1")
    assert abs(apart).max() <= 2  # where a piece begins the decoder has not heard what came before


def test_a_piece_that_is_not_where_the_file_says_has_the_file_read_from_its_beginning(monkeypatch, long_opus):
    whole = drawn_by(monkeypatch, long_opus, 1)
    read = decoding._piece

    def short(path, start, stop, frames_a_part):
        piece = read(path, start, stop, frames_a_part)
        return piece if stop is None else replace(piece, frames=piece.frames - 1)

    monkeypatch.setattr(decoding, "_piece", short)

    assert drawn_by(monkeypatch, long_opus, 3) == whole


def test_what_is_longer_than_a_call_is_too_long_also_where_several_read_it(monkeypatch, long_opus):
    monkeypatch.setattr(limits, "MOST_SECONDS", 50)  # and a minute of grace

    with pytest.raises(SoundFault) as caught:
        drawn_by(monkeypatch, long_opus, 3)

    assert caught.value.code == "too_long"
