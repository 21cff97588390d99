"""Which conditions there are: their words, their kind of value, and how each becomes a Q over customers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.models import User

Choices = Callable[["User | None"], list[tuple[str, str]]]


class Kind(enum.StrEnum):
    CHOICE = "choice"
    NUMBER = "number"
    DAY = "day"
    FLAG = "flag"
    WORDS = "words"
    ATTRIBUTE = "attribute"
    HISTORY = "history"


class Takes(enum.StrEnum):
    """What stands behind an operator."""

    NOTHING = "nothing"
    CHOICES = "choices"
    NUMBER = "number"
    TWO_NUMBERS = "two_numbers"
    DAY = "day"
    DAYS = "days"
    WORD = "word"
    WORDS = "words"


@dataclass(frozen=True)
class Operator:
    """`words` say it together with its value, where the label and the value behind it do not read well."""

    label: Any
    takes: Takes
    words: Any = ""


_ONE_OF = Operator(_("is one of"), Takes.CHOICES)
_NONE_OF = Operator(_("is none of"), Takes.CHOICES)
_AT_LEAST = Operator(_("is at least"), Takes.NUMBER)
_AT_MOST = Operator(_("is at most"), Takes.NUMBER)
_BETWEEN = Operator(_("is between"), Takes.TWO_NUMBERS)
_KNOWN = Operator(_("is known"), Takes.NOTHING)
_UNKNOWN = Operator(_("is not known"), Takes.NOTHING)

OPERATORS: dict[Kind, dict[str, Operator]] = {
    Kind.CHOICE: {"one_of": _ONE_OF, "none_of": _NONE_OF},
    Kind.NUMBER: {
        "equals": Operator(_("is"), Takes.NUMBER),
        "at_least": _AT_LEAST,
        "at_most": _AT_MOST,
        "between": _BETWEEN,
        "known": _KNOWN,
        "unknown": _UNKNOWN,
    },
    Kind.DAY: {
        "from": Operator(_("is on or after"), Takes.DAY),
        "before": Operator(_("is before"), Takes.DAY),
        "last_days": Operator(_("is within the last days"), Takes.DAYS, _("in the last %(value)s days")),
        "older_days": Operator(_("is longer ago than days"), Takes.DAYS, _("more than %(value)s days ago")),
    },
    Kind.FLAG: {
        "yes": Operator(_("yes"), Takes.NOTHING),
        "no": Operator(_("no"), Takes.NOTHING),
    },
    Kind.WORDS: {
        "one_of": Operator(_("is one of"), Takes.WORDS),
        "none_of": Operator(_("is none of"), Takes.WORDS),
    },
    Kind.ATTRIBUTE: {
        "equals": Operator(_("is"), Takes.WORD),
        "one_of": Operator(_("is one of"), Takes.WORDS),
        "contains": Operator(_("contains"), Takes.WORD),
        "at_least": _AT_LEAST,
        "at_most": _AT_MOST,
        "between": _BETWEEN,
        "known": _KNOWN,
        "unknown": _UNKNOWN,
    },
    Kind.HISTORY: {
        "within": Operator(_("in the last days"), Takes.DAYS, _("in the last %(value)s days")),
        "not_within": Operator(_("not in the last days"), Takes.DAYS, _("not in the last %(value)s days")),
    },
}


@dataclass(frozen=True)
class Ask:
    """One condition as somebody set it, ready to be compiled. `at` is the moment for which it is asked."""

    op: str
    value: Any
    name: str
    where: dict[str, list[str]]
    at: datetime


@dataclass(frozen=True)
class Narrowing:
    """Something more that a history condition may be narrowed by: a campaign, a result."""

    label: Any
    choices: Choices


OWN = _("Customer")


@dataclass(frozen=True)
class Condition:
    """`compile` turns an Ask into a Q that is true or false for every customer, never null, so that NOT means what it says."""

    key: str
    label: Any
    kind: Kind
    compile: Callable[[Ask], Q]
    group: Any = OWN
    choices: Choices | None = None
    narrowings: dict[str, Narrowing] = field(default_factory=dict)

    @property
    def operators(self) -> dict[str, Operator]:
        return OPERATORS[self.kind]


_conditions: dict[str, Condition] = {}


def register(*conditions: Condition) -> None:
    """In the order of the builder. A key stands in stored segments for ever: it is never renamed."""
    for condition in conditions:
        _conditions[condition.key] = condition


def find(key: Any) -> Condition | None:
    return _conditions.get(key) if isinstance(key, str) else None


def all_conditions() -> list[Condition]:
    return list(_conditions.values())
