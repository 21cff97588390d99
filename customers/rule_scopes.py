"""Names of what a rule may be narrowed to. Campaigns and products live floors above: they offer themselves here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from people.models import User

CAMPAIGN, PRODUCT = "campaign", "product"
_offered: dict[str, Callable[[User], Iterable[tuple[int, str]]]] = {}


def offer(kind: str, named: Callable[[User], Iterable[tuple[int, str]]]) -> None:
    """Say which (id, name) of a kind a user may choose and read."""
    _offered[kind] = named


_purposes: list[Callable[[], Iterable[tuple[str, object]]]] = []


def offer_purposes(named: Callable[[], Iterable[tuple[str, object]]]) -> None:
    """Say what campaigns are for: (stored word, name)."""
    _purposes[:] = [named]


def purposes() -> list[tuple[str, object]]:
    return list(_purposes[0]()) if _purposes else []


def choices(kind: str, user: User) -> list[tuple[int, str]]:
    return list(_offered[kind](user)) if kind in _offered else []
