"""What is asked for: which periods, cut by what, of what, and how much of it the asker may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core.calendar import iso_week, month_label, month_start, next_month, week_start
from core.errors import DomainError
from metrics.columns import Level
from people.models import User

GRAINS = ("day", "week", "month", "total")
GROUPS = ("city", "team", "agent", "campaign")
MOST_DAYS = 3660


class RangeIsEmpty(DomainError):
    """The last day lies before the first."""


class RangeTooLong(DomainError):
    """More days than can be asked for at once."""


class NotAGrouping(DomainError):
    """Figures cannot be cut by this."""


@dataclass(frozen=True)
class Period:
    """A day, an ISO week, a month, or the whole range; clipped to the range asked for. `label` is how files name it."""

    label: str
    first: date
    last: date


@dataclass(frozen=True)
class Reach:
    """The rows somebody may see: of these cities whole, of these teams, and the own ones. `everything`: the region. `reader`: who asks, for
    what is kept from one person alone; what is counted and kept for all of the same reach does not hang on it."""

    everything: bool = True
    cities: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    agent: int | None = None
    reader: int | None = field(default=None, compare=False, repr=False)

    @property
    def is_agent_alone(self) -> bool:
        return self.agent is not None

    @property
    def keys(self) -> set[str]:
        """What rows must tell apart for this to be judged."""
        if self.everything:
            return set()
        found = {"city_id"} if self.cities else set()
        found |= {"team_id"} if self.teams else set()
        return found | ({"agent_id"} if self.agent is not None or not found else set())

    def condition(self, table: str = "") -> tuple[str, list[Any]]:
        """As SQL; what cannot be seen at all is FALSE."""
        if self.everything:
            return "TRUE", []
        parts: list[tuple[str, Any]] = []
        if self.cities:
            parts.append((f"{table}city_id = ANY(%s)", list(self.cities)))
        if self.teams:
            parts.append((f"{table}team_id = ANY(%s)", list(self.teams)))
        if self.agent is not None:
            parts.append((f"{table}agent_id = %s", self.agent))
        if not parts:
            return "FALSE", []
        return "(" + " OR ".join(text for text, _value in parts) + ")", [value for _text, value in parts]

    @property
    def rows(self) -> Q:
        """The same of rows that keep their city_id, team_id and agent_id: the list behind a figure is cut as the figure was counted."""
        if self.everything:
            return Q()
        places = Q(city_id__in=self.cities) | Q(team_id__in=self.teams)
        return places if self.agent is None else places | Q(agent_id=self.agent)


def reach_of(user: User | None) -> Reach:
    """A person of the region sees all, of a city its customers, of a team the team; who has neither role, oneself."""
    if user is None:
        return Reach()
    scope = user.scope()
    if scope.is_region or getattr(user, "is_superuser", False):
        return Reach(reader=user.pk)
    alone = not scope.city_ids and not scope.led_team_ids
    places = tuple(sorted(scope.city_ids)), tuple(sorted(scope.led_team_ids))
    return Reach(False, *places, user.pk if alone else None, user.pk)


@dataclass(frozen=True)
class Question:
    """One question to the rollups. `filters`: {"city": [ids], ...}; all given ones hold together."""

    periods: tuple[Period, ...]
    by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)

    @property
    def first(self) -> date:
        return self.periods[0].first

    @property
    def last(self) -> date:
        return self.periods[-1].last

    @property
    def key_columns(self) -> tuple[str, ...]:
        return tuple(f"{name}_id" for name in self.by)

    @property
    def level(self) -> int:
        return Level.for_keys({*self.key_columns, *(f"{name}_id" for name in self.filters), *self.reach.keys})

    def condition(self, table: str = "") -> tuple[str, list[Any]]:
        """Filters and reach as SQL over columns city_id, team_id, agent_id, campaign_id."""
        text, params = self.reach.condition(table)
        for name, ids in self.filters.items():
            text += f" AND {table}{name}_id = ANY(%s)"
            params.append(list(ids))
        return text, params


def ask(
    *,
    since: date,
    until: date,
    grain: str = "total",
    by: Iterable[str] = (),
    filters: Mapping[str, Iterable[int]] | None = None,
    user: User | None = None,
) -> Question:
    """A checked question. Raises RangeIsEmpty, RangeTooLong, NotAGrouping."""
    if until < since:
        raise RangeIsEmpty(_("The last day lies before the first."))
    if (until - since).days > MOST_DAYS:
        raise RangeTooLong(_("Ten years at most can be asked for at once."))
    wanted = tuple(dict.fromkeys(by))
    for name in (*wanted, *(filters or {})):
        if name not in GROUPS:
            raise NotAGrouping(
                _("Figures cannot be cut by %(name)s; only by city, team, agent, campaign.") % {"name": name}
            )
    if grain not in GRAINS:
        raise NotAGrouping(_("There is no grain %(name)s; only day, week, month, total.") % {"name": grain})
    kept = {name: tuple(ids) for name, ids in (filters or {}).items()}
    return Question(tuple(periods(since, until, grain)), wanted, kept, reach_of(user))


def periods(since: date, until: date, grain: str) -> Iterator[Period]:
    """The periods that the range touches, ascending, the first and last clipped to it."""
    if grain == "total":
        yield Period("total", since, until)
        return
    first = since
    while first <= until:
        start, end, label = _around(first, grain)
        yield Period(label, max(start, since), min(end, until))
        first = end + timedelta(days=1)


def _around(day: date, grain: str) -> tuple[date, date, str]:
    if grain == "day":
        return day, day, day.isoformat()
    if grain == "week":
        start = week_start(day)
        return start, start + timedelta(days=6), iso_week(day)
    start = month_start(day)
    return start, next_month(start) - timedelta(days=1), month_label(day)


def year_before(since: date, until: date) -> tuple[date, date]:
    """The same weekdays of 52 weeks before."""
    return since - timedelta(weeks=52), until - timedelta(weeks=52)


def before(since: date, until: date) -> tuple[date, date]:
    """The period of the same length just before; whole months before whole months."""
    if since.day == 1 and next_month(until) - timedelta(days=1) == until:
        months = (until.year - since.year) * 12 + until.month - since.month + 1
        first = since
        for _month in range(months):
            first = month_start(first - timedelta(days=1))
        return first, since - timedelta(days=1)
    length = until - since + timedelta(days=1)
    return since - length, since - timedelta(days=1)
