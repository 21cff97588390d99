"""What files say of themselves: the good ones are read, all others are told apart."""

from __future__ import annotations

import struct

import pytest

from qa.sound.heads import SoundFault, read_head
from qa.sound.parent import span_of, waveform_of
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
