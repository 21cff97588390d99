"""What a list may leave customers out for, besides that they are known: campaigns live a floor above and offer themselves here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from people.models import User


@dataclass(frozen=True)
class Scope:
    """`choices`: (id, name) that a user may choose. `ids`: a SELECT of ids of customers in the chosen one since a moment, of which it
    takes %(scope)s and %(since)s."""

    choices: Callable[[User], Iterable[tuple[int, str]]]
    name_of: Callable[[int], str]
    ids: str


CAMPAIGN = "campaign"
_scopes: dict[str, Scope] = {}


def offer(kind: str, scope: Scope) -> None:
    _scopes[kind] = scope


def choices(kind: str, user: User) -> list[tuple[int, str]]:
    return list(_scopes[kind].choices(user)) if kind in _scopes else []


def name_of(kind: str, pk: int) -> str:
    return _scopes[kind].name_of(pk) if kind in _scopes else str(pk)


def ids(kind: str) -> str:
    """The SELECT; nobody while the floor above is not there."""
    return _scopes[kind].ids if kind in _scopes else "SELECT NULL::bigint WHERE %(scope)s IS NULL AND %(since)s IS NULL"
