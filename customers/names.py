"""Chinese names in the order of their sound."""

from __future__ import annotations

import os
import unicodedata

# surnames that are read otherwise than the character alone
SURNAMES = {
    "曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "盖": "ge", "任": "ren", "缪": "miao", "冼": "xian", "翟": "zhai", "覃": "qin",
    "朴": "piao", "召": "shao", "尉": "yu", "员": "yun", "燕": "yan", "华": "hua", "宁": "ning", "纪": "ji", "葛": "ge", "那": "na", "隗": "wei",
}  # fmt: skip
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
