"""Chinese names in the order of their sound."""

from __future__ import annotations

import os
import unicodedata

# surnames that are read otherwise than the character alone
SURNAMES = dict(
    zip(
        "曾单仇解查区盖任缪冼翟覃朴召尉员燕华宁纪葛那隗",
        "zeng shan qiu xie zha ou ge ren miao xian zhai qin piao shao yu yun yan hua ning ji ge na wei".split(),
        strict=True,
    )
)
LONGEST = 200
_sounds: dict[str, str] = {}
_readings: dict[int, str] | None = None


def sort_key(name: str) -> str:
    """Pinyin without tones, one word a character ("张国" -> "zhang guo"); other letters as they are, small."""
    if name.isascii():
        return name.lower()[:LONGEST]
    first = SURNAMES.get(name[0])
    words = [f"{first} " if first else _sound(name[0]), *(_sounds.get(letter) or _sound(letter) for letter in name[1:])]
    return "".join(words).strip()[:LONGEST]


def _sound(letter: str) -> str:
    """The sound of one character with a blank behind it; remembered."""
    if letter not in _sounds:
        reading = _all_readings().get(ord(letter), "")
        _sounds[letter] = _toneless(reading.split(",")[0]) + " " if reading else letter.lower()
    return _sounds[letter]


def _toneless(reading: str) -> str:
    plain = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


def _all_readings() -> dict[int, str]:
    global _readings
    if _readings is None:
        os.environ.setdefault(
            "PYPINYIN_NO_PHRASES", "true"
        )  # the table of phrases is 40 MB that single characters do not need
        from pypinyin.constants import PINYIN_DICT

        _readings = PINYIN_DICT
    return _readings
