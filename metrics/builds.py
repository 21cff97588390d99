"""When the figures of a range were counted: asked for once by whoever needs it several times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, reduce
from operator import or_

from django.conf import settings
from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import Extract

from metrics.models import Partition
from metrics.questions import Question

LATE = Q(built_at=None) | Q(recorded_until__gt=F("built_at"))


@dataclass(frozen=True)
class Built:
    """Over days, all cities: how many partitions and how many of them built, when the newest was, the sum of these times, how many have
    facts recorded that the figures do not hold yet, and how many of the cities asked about have figures."""

    all: int = 0
    built: int = 0
    newest: datetime | None = None
    times: Decimal = Decimal()
    late: int = 0
    filled: int = 0


class Builds:
    """The builds behind these questions, read by one query. They speak of the same cities: those of the first question."""

    def __init__(self, *questions: Question) -> None:
        self.ranges = [(question.first, question.last) for question in questions]
        self.cities = tuple(questions[0].filters.get("city") or questions[0].reach.cities)

    def of(self, question: Question) -> Built:
        return _sum(list(self._days_of(question)))

    def days_with_figures(self, question: Question) -> set[date]:
        """Days on which a city that the questions may speak of has figures."""
        return {day for day, built in self._by_day.items() if question.first <= day <= question.last and built.filled}

    def _days_of(self, question: Question) -> Iterator[Built]:
        return (built for day, built in self._by_day.items() if question.first <= day <= question.last)

    @cached_property
    def _by_day(self) -> dict[date, Built]:
        inside = reduce(or_, (Q(day__range=each) for each in self.ranges))
        filled = Q(rows__gt=0, city_id__in=self.cities) if self.cities else Q(rows__gt=0)
        rows = Partition.objects.using(settings.REPORTS_DATABASE).filter(inside).values("day").annotate(
            all=Count("pk"), built=Count("built_at"), newest=Max("built_at"), times=Sum(Extract("built_at", "epoch")),
            late=Count("pk", filter=LATE), filled=Count("pk", filter=filled),
        )  # fmt: skip
        return {row.pop("day"): Built(**row | {"times": row["times"] or Decimal()}) for row in rows}


def _sum(days: Sequence[Built]) -> Built:
    return Built(
        all=sum(day.all for day in days),
        built=sum(day.built for day in days),
        newest=max((day.newest for day in days if day.newest), default=None),
        times=sum((day.times for day in days), Decimal()),
        late=sum(day.late for day in days),
        filled=sum(day.filled for day in days),
    )
