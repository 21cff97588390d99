"""What the page "Why not now" of a campaign shows: the classes with counts and shares, the cities, the stock, a page of leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.funnel import classes, counting, statement, words
from campaigns.funnel.counting import Counted, Funnel
from campaigns.funnel.places import places
from campaigns.funnel.reasons import LeadWhy, why_of
from campaigns.models import Campaign, Lead
from people.models import City, Team, User

OPEN_ELSE = (classes.HELD, classes.OWNED, classes.CONSENT, classes.GREY, classes.NUMBER, classes.SUPPRESSED)


@dataclass(frozen=True)
class Row:
    name: str
    label: Any
    meaning: Any
    leads: int
    share: float | None
    when: str


@dataclass(frozen=True)
class CityRow:
    """`waiting`: promised, not to be disturbed, cooling down or at their cap; `held_back`: with an agent or another campaign, or barred."""

    city: City
    total: int
    callable: int
    hours: int
    waiting: int
    off: int
    held_back: int
    finished: int
    next_at: datetime | None


def cities_counted(user: User) -> set[int] | None:
    """Cities whose counts the user sees (None: all): those of the role, and those that the own teams call, as on the floor."""
    scope = user.scope()
    if scope.is_region:
        return None
    called = set(Team.objects.visible_to(user).values_list("city", flat=True))
    return None if None in called else called | scope.city_ids


def cities_listed(user: User) -> set[int] | None:
    """Cities whose single leads the user sees (None: all)."""
    scope = user.scope()
    return None if scope.is_region else set(scope.city_ids)


def rows(funnel: Funnel) -> list[Row]:
    """The classes that hold leads, and always those that can be called."""
    total = funnel.total
    return [
        Row(name, label, classes.MEANINGS[name], n, n / total if total else None, words.first_free(funnel, name))
        for name, label in classes.WORDS.items()
        if (n := funnel.counts[name]) or name == classes.CALLABLE
    ]


def city_rows(counted: Counted, seen: Collection[int] | None) -> list[CityRow]:
    ids = {city for city, _name in counted.leads if seen is None or city in seen}
    return [
        _city_row(city, counting.cut([counted], {city.pk})) for city in City.objects.filter(pk__in=ids).order_by("name")
    ]


def _city_row(city: City, funnel: Funnel) -> CityRow:
    def of(*names: str) -> int:
        return sum(funnel.counts[name] for name in names)

    return CityRow(
        city, funnel.total, of(classes.CALLABLE), of(classes.HOURS), of(classes.PROMISED, classes.QUIET, classes.COOLING, classes.CAP), of(classes.OFF),
        of(*OPEN_ELSE), of(*classes.FINISHED), funnel.next_at,
    )  # fmt: skip


class LeadsOfClass(Sequence):
    """The leads of a class for a Paginator: as many as were counted, read a page at a time."""

    def __init__(
        self, campaign: Campaign, name: str, cities: Collection[int] | None, user: User, at: datetime, count: int
    ) -> None:
        self.campaign, self.name, self.cities, self.user, self.at, self.length = campaign, name, cities, user, at, count

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, part: Any) -> list[LeadWhy]:  # type: ignore[override]
        where = places([self.campaign], self.at)
        start, most = part.start or 0, part.stop - (part.start or 0)
        ids = statement.class_page(where, self.at, self.name, cities=self.cities, start=start, most=most)
        found = Lead.objects.visible_to(self.user).filter(pk__in=ids).select_related("customer", "city").order_by("pk")
        return why_of(list(found), where, self.at)
