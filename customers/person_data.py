"""What higher floors hold about a person: their facts for a copy, how they forget, and what forbids them to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.workbooks import Column
from customers.models import Customer


@dataclass(frozen=True)
class Sheet:
    """One sheet of the file that a person is given."""

    title: str
    columns: Sequence[str | Column]
    rows: Iterable[Sequence[Any]]


Facts = Callable[[Customer], Iterable[Sheet]]
Forget = Callable[[Customer, datetime], None]
Duty = Callable[[Customer, datetime], str]

_facts: list[Facts] = []
_forgets: list[Forget] = []
_duties: list[Duty] = []


def register(*, facts: Facts | None = None, forget: Forget | None = None, duty: Duty | None = None) -> None:
    """Called once by an app when it is ready.

    `facts(customer)` gives sheets; `forget(customer, at)` empties what the app holds, inside the transaction of the erasing, while the
    numbers are still there; `duty(customer, at)` says in a sentence why the person's data must be kept, or "".
    """
    for known, more in ((_facts, facts), (_forgets, forget), (_duties, duty)):
        if more is not None and more not in known:
            known.append(more)  # type: ignore[attr-defined]


def facts_of(customer: Customer) -> list[Sheet]:
    return [sheet for facts in _facts for sheet in facts(customer)]


def forget(customer: Customer, at: datetime) -> None:
    for one in _forgets:
        one(customer, at)


def duties_of(customer: Customer, at: datetime) -> list[str]:
    return [sentence for duty in _duties if (sentence := duty(customer, at))]
