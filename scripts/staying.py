"""What must stay as it is for now because an app above works with it: whoever would change it is told why not.

Apps above add look-ups. Each is given an offer or a scenario and who would change it, and answers with a sentence, or "" when it knows of
nothing. Script versions need none of this: their text never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import Model

from core.errors import DomainError
from people.models import User
from scripts.models import Offer, Scenario

Thing = Offer | Scenario
LookUp = Callable[[Thing, User], str]
Row = TypeVar("Row", bound=Model)

_look_ups: list[LookUp] = []


class MustStay(DomainError):
    """It is being worked with as it is."""


def add_look_up(look_up: LookUp) -> None:
    """`look_up` is asked with the row locked; whoever begins to work with the row locks it as well, so that one sees the other."""
    _look_ups.append(look_up)


def must_stay(thing: Thing, by: User) -> None:
    """Raises MustStay with the first sentence that somebody above has against a change."""
    for look_up in _look_ups:
        if told := look_up(thing, by):
            raise MustStay(told)


def keep_wording(thing: Thing, fields: Iterable[str], by: User) -> None:
    """Before a changed row is stored: lock it, and refuse when one of these fields differs and must stay. Raises MustStay."""
    if thing.pk is None:
        return
    stored = locked(thing)
    if any(getattr(stored, field) != getattr(thing, field) for field in fields):
        must_stay(stored, by)


def locked(row: Row) -> Row:
    """The row as it is stored, until the end of the transaction; rows that point to it are let in."""
    return type(row)._default_manager.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
