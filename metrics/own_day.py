"""An agent's own day beside the own measure: the mean of the last working days, the best day, a target where one is set. Nobody else's figures.

Past days come from the rollup, one row a day and city; today, which the rollup has not finished, from the agent's own calls of the day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Sum

from campaigns.queries_desk import own_figures
from core.calendar import business_date, is_workday
from metrics.columns import Level
from metrics.models import DayFigures
from people.models import User
from scripts.models import Phrase
from scripts.queries_treasury import phrases_since

MEAN_OF = 20
# the longest look back, for the best day
LOOK_BACK = timedelta(days=365)
WEEK = timedelta(days=7)

# What floors above know of an agent, by name: "target" (agent, day) -> deals | None, and "coaching" (agent, at) -> the next date | None.
Answer = Callable[[User, Any], Any]
_answers: dict[str, Answer] = {}


def offer(name: str, answer: Answer) -> None:
    """A floor above says how to ask it. Registered once, at the start."""
    _answers[name] = answer


def withdraw(name: str) -> None:
    _answers.pop(name, None)


def _asked(name: str, agent: User, when: Any) -> Any:
    return _answers[name](agent, when) if name in _answers else None


@dataclass(frozen=True)
class Day:
    """One past day of the agent: calls in and out, those connected, customers won."""

    day: date
    calls: int
    connected: int
    deals: int


@dataclass(frozen=True)
class Line:
    """A figure of today beside its measures; None where there is none yet. `scale` is what bars are drawn against."""

    name: str
    today: int
    mean: float | None
    best: int | None
    target: int | None = None

    @property
    def scale(self) -> float:
        return max(1, self.today, self.mean or 0, self.best or 0, self.target or 0)

    @property
    def expected(self) -> float | None:
        return self.target if self.target is not None else self.mean


@dataclass(frozen=True)
class OwnDay:
    lines: list[Line]
    mean_of: int
    best_day: date | None
    coaching_at: datetime | date | None
    phrases: list[Phrase]


def own_day(agent: User, at: datetime) -> OwnDay:
    """Today against the own mean and best. The mean is of the last 20 working days on which the agent called; the best day is the one of
    the last year with most deals, the younger of equals."""
    today, now = business_date(at), own_figures(agent, at)
    past = _past(agent, today)
    usual = [day for day in past if is_workday(day.day)][:MEAN_OF]
    best = max(past, key=lambda day: (day.deals, day.day), default=None)
    best = best if best and best.deals else None
    return OwnDay(
        lines=[
            Line(
                "deals",
                now.deals,
                _mean([day.deals for day in usual]),
                best.deals if best else None,
                _asked("target", agent, today),
            ),
            Line("connected", now.connected, _mean([day.connected for day in usual]), best.connected if best else None),
            Line("calls", now.calls, _mean([day.calls for day in usual]), best.calls if best else None),
        ],
        mean_of=len(usual),
        best_day=best.day if best else None,
        coaching_at=_asked("coaching", agent, at),
        phrases=phrases_since(at - WEEK),
    )


def _past(agent: User, today: date) -> list[Day]:
    """Newest first. A customer has one city and an agent one team on a day, so that the day's rows add up."""
    rows = (
        DayFigures.objects.filter(agent_id=agent.pk, level=Level.AGENT, day__gte=today - LOOK_BACK, day__lt=today)
        .values("day")
        .annotate(
            all_calls=Sum(F("calls") + F("inbound_calls")),
            all_connected=Sum(F("calls_connected") + F("inbound_calls_connected")),
            deals=Sum(F("customers_won") + F("inbound_won")),
        )
        .order_by("-day")
    )
    return [Day(row["day"], row["all_calls"], row["all_connected"], row["deals"]) for row in rows if row["all_calls"]]


def _mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None
