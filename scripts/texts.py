"""The text of a script as it is written and as it is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StepText:
    """One part of a script as written: what to say, how, and what must not be left out."""

    part: str
    text: str
    hint: str = ""
    must_say: str = ""


FIELD = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its merge fields filled: `{name|customer}` is the value of `name`, or "customer" when there is none.

    A field without a value and without a fallback disappears; braces that are no field stay as they are.
    """

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        return str(found) if found not in (None, "") else (match[2] or "")

    return FIELD.sub(value, text)
