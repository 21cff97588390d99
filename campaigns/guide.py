"""What an agent notes while a call runs, as desk and API send it and as it is kept: answers, path, ticks, what was shown and used.

    {"version": 7, "writer": "k3f9", "script": 12, "answers": {"31": "Yes", "32": ["TV", "phone"]},
     "path": [[101, 40], [104, 22], [101, 9, 1]], "said": ["Price after the offer 149"],
     "shown": {"5": {"step": 104, "helped": true}}, "scenarios": {"2": false}}

A visit of the path is [step, seconds ago that it was entered] and a 1 when it was reached by going back; step 0 is the end of the
script. Seconds ago, so that nobody's clock matters.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from core.errors import DomainError

MOST_ANSWERS, MOST_VISITS, MOST_POINTS, MOST_USES = 200, 500, 100, 60
LONGEST_ANSWER, LARGEST = 2_000, 65_536
END = 0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)([.]\d+)?")
# What PostgreSQL keeps in no text: NUL, and half of a pair of surrogates (an emoji that was cut in two).
NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError, IndexError, RecursionError)


class NotesUnreadable(DomainError):
    """What was sent is not what this module describes."""


@dataclass(frozen=True)
class Visit:
    """A step (0: the end of the script) and when it was entered."""

    step: int
    at: datetime
    is_back: bool = False


@dataclass(frozen=True)
class Shown:
    """An answer to an objection that was opened, at which step, and whether it helped (None: nobody said)."""

    step: int | None
    helped: bool | None


@dataclass(frozen=True)
class Notes:
    """`answers` by question, `shown` by answer to an objection, `scenarios` (used or not) by scenario."""

    version: int = 0
    writer: str = ""
    script: int | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)
    path: Sequence[Visit] = ()
    said: Sequence[str] = ()
    shown: Mapping[int, Shown] = field(default_factory=dict)
    scenarios: Mapping[int, bool] = field(default_factory=dict)

    @property
    def walked(self) -> list[int]:
        """The steps that led to where the call is: a way that was gone back is not among them."""
        way: list[int] = []
        for visit in self.path:
            if visit.is_back and way:
                way.pop()
            if not way or way[-1] != visit.step:
                way.append(visit.step)
        return [step for step in way if step != END]

    def as_json(self, at: datetime) -> dict[str, Any]:
        """As it is sent, seen from this moment."""
        return {
            "version": self.version,
            "writer": self.writer,
            "script": self.script,
            "answers": {str(question): value for question, value in self.answers.items()},
            "path": [
                [visit.step, max(0, round((at - visit.at).total_seconds())), *([1] if visit.is_back else [])]
                for visit in self.path
            ],
            "said": list(self.said),
            "shown": {str(pk): {"step": use.step, "helped": use.helped} for pk, use in self.shown.items()},
            "scenarios": {str(pk): used for pk, used in self.scenarios.items()},
        }

    def stored(self) -> dict[str, Any]:
        """As it is kept: with the moments themselves."""
        moments = [[visit.step, visit.at.timestamp(), *([1] if visit.is_back else [])] for visit in self.path]
        return replace(self, path=()).as_json(EPOCH) | {"path": moments}


def read_text(text: str, *, at: datetime) -> Notes:
    """Of a form's field. Raises NotesUnreadable."""
    if len(text) > LARGEST:
        raise _unreadable()
    try:
        return read(json.loads(text), at=at)
    except UNREADABLE:
        raise _unreadable() from None


def read(data: Any, *, at: datetime) -> Notes:
    """What was sent at this moment. Raises NotesUnreadable."""
    try:
        return _read(data, lambda ago: at - timedelta(seconds=min(max(0.0, float(ago)), 86_400)))
    except UNREADABLE:
        raise _unreadable() from None


def restored(content: Any, *, version: int, writer: str) -> Notes:
    """What was kept."""
    notes = _read(content, lambda moment: datetime.fromtimestamp(float(moment), tz=UTC))
    return replace(notes, version=version, writer=writer)


def _read(data: Any, moment: Any) -> Notes:
    script = data.get("script")
    return Notes(
        version=_whole(data.get("version", 0)),
        writer=_clean(str(data.get("writer", "")))[:40],
        script=_whole(script) if script else None,
        answers=_some(
            {
                _whole(pk): answer_value(value)
                for pk, value in data.get("answers", {}).items()
                if value not in ("", [], None)
            },
            MOST_ANSWERS,
        ),
        path=_some(
            [Visit(_whole(row[0]), moment(row[1]), bool(len(row) > 2 and row[2])) for row in data.get("path", [])],
            MOST_VISITS,
        ),
        said=_some([_text(point) for point in data.get("said", [])], MOST_POINTS),
        shown=_some(
            {
                _whole(pk): Shown(_whole(use["step"]) if use.get("step") else None, _truth(use.get("helped")))
                for pk, use in data.get("shown", {}).items()
            },
            MOST_USES,
        ),
        scenarios=_some({_whole(pk): bool(used) for pk, used in data.get("scenarios", {}).items()}, MOST_USES),
    )


def _whole(value: Any) -> int:
    number = int(value)
    if not 0 <= number < 2**31:
        raise ValueError
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_ANSWER:
        raise ValueError
    return _clean(value)


def _clean(text: str) -> str:
    return NO_TEXT.sub("", text)


def answer_value(value: Any) -> Any:
    """An answer as it can be kept: a text, texts, a number or a truth. Raises ValueError."""
    if isinstance(value, list):
        return [_text(item) for item in _some(value, MOST_ANSWERS)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value if isinstance(value, int | float | bool) else _text(value)


def read_answers(found: Mapping[Any, Any]) -> dict[int, Any]:
    """{question id: answer} of a form or an API, where a question is named by its id. Raises NotesUnreadable."""
    try:
        return _some({_whole(pk): answer_value(value) for pk, value in found.items()}, MOST_ANSWERS)
    except UNREADABLE:
        raise _unreadable() from None


def fitting(kind: str, choices: Sequence[Any], value: Any) -> Any:
    """The answer as it is kept with a question of this kind ("choice", "several", "number", "date", "text"); None: it does not fit."""
    if kind == "several":
        many = value if isinstance(value, list) else [value]
        return many if _among(many, choices) else None
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if kind == "choice":
        return value if value is not None and _among([value], choices) else None
    if kind == "number":
        return value if _is_number(value) else None
    return value if kind != "date" or _is_date(value) else None


def _among(values: Sequence[Any], choices: Sequence[Any]) -> bool:
    return not choices or {str(value) for value in values} <= {str(choice) for choice in choices}


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    return isinstance(value, str) and bool(NUMBER.fullmatch(unicodedata.normalize("NFKC", value).strip()))


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _some(found: Any, most: int) -> Any:
    if len(found) > most:
        raise ValueError
    return found


def _unreadable() -> NotesUnreadable:
    return NotesUnreadable(_("What was noted in this call could not be read. Load the desk again."))


@dataclass(frozen=True)
class Spent:
    """A step that was spoken at, and for how long."""

    step: int
    seconds: int


def spent(path: Sequence[Visit], *, begins: datetime, ends: datetime) -> list[Spent]:
    """The visits within the talk. What was read before it began is left out; who stood at a step when it began, spoke from there."""
    found = []
    for index, visit in enumerate(path):
        left = path[index + 1].at if index + 1 < len(path) else ends
        if visit.step == END or (left <= begins and index + 1 < len(path)):
            continue
        seconds = (min(left, ends) - max(visit.at, begins)).total_seconds()
        if visit.at > ends and found:
            continue  # walked after the customer had gone
        found.append(Spent(visit.step, max(0, round(seconds))))
    return found
