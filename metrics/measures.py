"""Measures beside the rollup of calls: agents' time and cancellations by the day they came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext_lazy as _

from core.calendar import next_month
from metrics.questions import Question
from metrics.registry import Measure, register_source

Answers = Mapping[tuple[int, tuple[int | None, ...]], Mapping[str, int]]


class AgentTimes:
    """Signed-in time of agents, from the log of their states."""

    name = "agent_times"
    makes_rows = True  # who was signed in without a call is seen
    absent = 0
    measures = (
        Measure("signed_in_seconds", _("Signed in, seconds")),
        Measure("handling_seconds", _("Talking and after call, seconds")),
        Measure("waiting_seconds", _("Waiting, reading and dialling, seconds")),
        Measure("away_seconds", _("Away, seconds")),
    )

    def read(self, question: Question) -> Answers:
        items = [
            (kind, start, number)
            for number, period in enumerate(question.periods)
            for kind, start in _months_and_days(period.first, period.last)
        ]
        return _sums(
            question,
            "metrics_agenttime",
            "p.kind = f.kind AND p.start = f.start",
            "f.level = %s",
            [question.level],
            items,
            self.measures,
        )


class Cancellations:
    """Cancellations and reinstatements by the day they happened, whatever the day of the sale."""

    name = "cancellations"
    makes_rows = (
        False  # a file has a row where somebody called: a day on which only a cancellation came is in the total
    )
    absent = 0
    measures = (
        Measure("cancellations", _("Cancellations that came")),
        Measure("reinstatements", _("Reinstatements that came")),
    )

    def read(self, question: Question) -> Answers:
        items = [
            ("day", period.first + timedelta(days=i), number)
            for number, period in enumerate(question.periods)
            for i in range((period.last - period.first).days + 1)
        ]
        return _sums(
            question,
            "metrics_cancellationday",
            "p.start = f.day",
            "f.day BETWEEN %s AND %s",
            [question.first, question.last],
            items,
            self.measures,
        )


def _months_and_days(first: date, last: date) -> list[tuple[str, date]]:
    found: list[tuple[str, date]] = []
    day = first
    while day <= last:
        whole = day.day == 1 and next_month(day) - timedelta(days=1) <= last
        found.append(("month" if whole else "day", day))
        day = next_month(day) if whole else day + timedelta(days=1)
    return found


def _sums(
    question: Question,
    table: str,
    joined: str,
    where: str,
    params: list[Any],
    items: list[tuple[str, date, int]],
    measures: tuple[Measure, ...],
) -> Answers:
    keys = [f"f.{name}" for name in question.key_columns]
    sums = [f"sum(f.{measure.key})::bigint" for measure in measures]
    seen, more = question.condition("f.")
    sql = (
        f"SELECT {', '.join(['p.number', *keys, *sums])} FROM {table} f"
        f" JOIN unnest(%s::text[], %s::date[], %s::int[]) p(kind, start, number) ON {joined}"
        f" WHERE {where} AND {seen} GROUP BY {', '.join(['p.number', *keys])}"
    )
    with connections[settings.REPORTS_DATABASE].cursor() as cursor:
        cursor.execute(sql, [*map(list, zip(*items, strict=True)), *params, *more])
        rows = cursor.fetchall()
    names = [measure.key for measure in measures]
    width = 1 + len(keys)
    return {(row[0], tuple(row[1:width])): dict(zip(names, map(int, row[width:]), strict=True)) for row in rows}


register_source(AgentTimes())
register_source(Cancellations())
