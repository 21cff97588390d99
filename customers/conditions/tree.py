"""The tree as JSON, and its check.

    {"version": 1, "root": {"group": "and", "parts": [
        {"is": "age", "op": "at_least", "value": 30},
        {"group": "not", "parts": [{"is": "called", "op": "within", "value": 30, "where": {"campaign": ["7"]}}]},
        {"is": "attribute", "name": "ARPU", "op": "between", "value": [50, 100]}]}}

Groups: "and" all of the parts, "or" any of them, "not" none of them. The form is stable: what is stored is read for ever.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from core.errors import DomainError
from customers.conditions.registry import Condition, Kind, Operator, Takes, find
from people.models import User

VERSION = 1
DEEPEST = 4
MOST_CONDITIONS = 40
MOST_VALUES = 200
LONGEST_WORD = 100
LARGEST = 16_384
MOST_DAYS = 1_095
BIGGEST = 1e15
GROUPS = ("and", "or", "not")


@dataclass(frozen=True)
class Fault:
    """`path` of the node ("0", "0-1"); `sentence` says what is wrong with it."""

    path: str
    sentence: str

    @property
    def place(self) -> str:
        """As people count: the second part of the first is 1.2; "" for the whole."""
        return ".".join(str(int(part) + 1) for part in self.path.split("-")[1:])

    def __str__(self) -> str:
        if not self.place:
            return self.sentence
        return _("Condition %(place)s: %(sentence)s") % {"place": self.place, "sentence": self.sentence}


class BadConditions(DomainError):
    """The conditions cannot be understood; `faults` say why, one for each place."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Leaf:
    path: str
    key: str
    op: str
    value: Any = None
    name: str = ""
    where: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"is": self.key, "op": self.op}
        if self.value is not None:
            found["value"] = self.value
        if self.name:
            found["name"] = self.name
        return {**found, "where": self.where} if self.where else found


@dataclass(frozen=True)
class Group:
    path: str
    op: str
    parts: tuple[Group | Leaf, ...]

    def as_json(self) -> dict[str, Any]:
        return {"group": self.op, "parts": [part.as_json() for part in self.parts]}


@dataclass(frozen=True)
class Tree:
    root: Group

    def as_json(self) -> dict[str, Any]:
        return {"version": VERSION, "root": self.root.as_json()}

    def leaves(self) -> list[Leaf]:
        return _leaves_of(self.root)


def _leaves_of(node: Group | Leaf) -> list[Leaf]:
    return [node] if isinstance(node, Leaf) else [leaf for part in node.parts for leaf in _leaves_of(part)]


def unknown_condition(path: str) -> Fault:
    return Fault(path, _("There is no such condition (any more). Choose another one."))


def parse(data: Any, *, user: User | None) -> Tree:
    """The checked tree of this JSON. With a user, values must be among those that the user may choose. Raises BadConditions."""
    return _Reader(user).tree(data)


class _Bad(Exception):
    """One sentence, about the node at hand."""


class _Reader:
    """Reads a whole tree and gathers the faults of all its nodes."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.faults: list[Fault] = []
        self.count = 0
        self._choices: dict[tuple[str, str], set[str]] = {}

    def tree(self, data: Any) -> Tree:
        if not isinstance(data, dict) or not isinstance(data.get("root"), dict):
            raise BadConditions([Fault("0", _("Conditions are a group with a version and a root."))])
        if data.get("version") != VERSION:
            raise BadConditions([Fault("0", _("Conditions of this version are not understood here."))])
        if _size(data) > LARGEST:
            raise BadConditions([Fault("0", _("The conditions are too long. Split them into two segments."))])
        root = self.node(data["root"], "0", 1)
        if self.faults:
            raise BadConditions(self.faults)
        if not isinstance(root, Group):
            raise BadConditions([Fault("0", _("Conditions begin with a group: all, any or none of its parts."))])
        return Tree(root)

    def node(self, data: Any, path: str, depth: int) -> Group | Leaf | None:
        try:
            if isinstance(data, dict) and "group" in data:
                return self.group(data, path, depth)
            return self.leaf(data, path)
        except _Bad as bad:
            self.faults.append(Fault(path, str(bad)))
            return None

    def group(self, data: dict[str, Any], path: str, depth: int) -> Group:
        if data["group"] not in GROUPS:
            raise _Bad(_("A group asks for all, any or none of its parts."))
        if depth > DEEPEST:
            raise _Bad(_("Groups lie at most %(count)s deep.") % {"count": DEEPEST})
        parts = data.get("parts")
        if not isinstance(parts, list) or not parts:
            raise _Bad(_("The group is empty. Add a condition or remove the group."))
        read = [self.node(part, f"{path}-{place}", depth + 1) for place, part in enumerate(parts)]
        return Group(path, data["group"], tuple(part for part in read if part is not None))

    def leaf(self, data: Any, path: str) -> Leaf:
        self.count += 1
        if self.count > MOST_CONDITIONS:
            raise _Bad(_("There are more than %(count)s conditions.") % {"count": MOST_CONDITIONS})
        condition = find(data.get("is")) if isinstance(data, dict) else None
        if condition is None:
            raise _Bad(unknown_condition(path).sentence)
        op = data.get("op")
        operator = condition.operators.get(op) if isinstance(op, str) else None
        if operator is None:
            raise _Bad(_("%(condition)s: choose how it is compared.") % {"condition": condition.label})
        name = _attribute_name(condition, data)
        value = self.value(condition, operator, data.get("value"))
        return Leaf(path, condition.key, str(op), value, name, self.where(condition, data.get("where")))

    def value(self, condition: Condition, operator: Operator, value: Any) -> Any:
        if operator.takes == Takes.CHOICES:
            return self.chosen(condition, "", condition.choices, value)
        read = _READ[operator.takes](value)
        if condition.key == "prefix" and not all(word.isascii() and word.isdigit() and len(word) == 3 for word in read):
            raise _Bad(_("Write three digits, for example 199; several with commas between them."))
        return read

    def chosen(self, condition: Condition, of: str, choices: Any, value: Any) -> list[str]:
        if not isinstance(value, list) or not value or not all(isinstance(one, str | int) for one in value):
            raise _Bad(_("%(condition)s: choose at least one.") % {"condition": condition.label})
        if len(value) > MOST_VALUES:
            raise _Bad(_("At most %(count)s values.") % {"count": MOST_VALUES})
        wanted = [str(one) for one in value]
        known = self._choices.setdefault((condition.key, of), {key for key, _label in choices(self.user)})
        if not known.issuperset(wanted):
            raise _Bad(_("%(condition)s: a value is not among those you may choose.") % {"condition": condition.label})
        return wanted

    def where(self, condition: Condition, data: Any) -> dict[str, list[str]]:
        if data in (None, {}):
            return {}
        if not isinstance(data, dict) or not set(data) <= set(condition.narrowings):
            raise _Bad(_("%(condition)s cannot be narrowed like this.") % {"condition": condition.label})
        return {
            name: self.chosen(condition, name, condition.narrowings[name].choices, value)
            for name, value in data.items()
            if value
        }


def _size(data: Any) -> int:
    try:
        return len(json.dumps(data, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return LARGEST + 1


def _attribute_name(condition: Condition, data: dict[str, Any]) -> str:
    if condition.kind != Kind.ATTRIBUTE:
        return ""
    name = data.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _Bad(_("Write which attribute: the heading of the column in the list."))
    return _printable(name.strip())


def _printable(word: str) -> str:
    if len(word) > LONGEST_WORD:
        raise _Bad(_("At most %(count)s characters.") % {"count": LONGEST_WORD})
    if "\x00" in word or any("\ud800" <= letter <= "\udfff" for letter in word):
        raise _Bad(_("A character cannot be stored."))
    return word


def _nothing(value: Any) -> None:
    return None


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        try:
            value = float(value) if value.strip() else None
        except ValueError:
            value = None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # the bound first: an integer of 400 digits has no finite form to ask for
    if not is_number or abs(value) > BIGGEST or not math.isfinite(value):
        raise _Bad(_("Write a number, for example 30 or 9.5."))
    return int(value) if float(value).is_integer() else value


def _two_numbers(value: Any) -> list[int | float]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Bad(_("Write two numbers, from and to."))
    low, high = _number(value[0]), _number(value[1])
    if low > high:
        raise _Bad(_("The first number is greater than the second."))
    return [low, high]


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise _Bad(_("Write a day, for example 2026-11-28.")) from None


def _days(value: Any) -> int:
    try:
        found = _number(value)
    except _Bad:
        found = 0
    if not isinstance(found, int) or not 1 <= found <= MOST_DAYS:
        raise _Bad(_("Write how many days, 1 to %(most)s.") % {"most": MOST_DAYS})
    return found


def _word(value: Any) -> str:
    if isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise _Bad(_("Write what to compare with."))
    return _printable(value.strip())


def _words(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise _Bad(_("Write at least one value; several with commas between them."))
    if len(value) > MOST_VALUES:
        raise _Bad(_("At most %(count)s values.") % {"count": MOST_VALUES})
    return [_word(one) for one in value]


_READ: dict[Takes, Callable[[Any], Any]] = {
    Takes.NOTHING: _nothing,
    Takes.NUMBER: _number,
    Takes.TWO_NUMBERS: _two_numbers,
    Takes.DAY: _day,
    Takes.DAYS: _days,
    Takes.WORD: _word,
    Takes.WORDS: _words,
}
