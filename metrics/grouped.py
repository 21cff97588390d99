"""Measures that one statement over the rows of a floor above counts, as no rollup holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections

from core.calendar import midnight, range_bounds
from metrics.questions import Question
from metrics.registry import Measure

Answers = Mapping[tuple[int, tuple[int | None, ...]], Mapping[str, int]]


class GroupedRows:
    """A source whose `sql` counts its measures, in their order, behind the number of the period and the keys asked for.

    The text finds the number by `width_bucket(moment, starts) - 1`, as periods follow one another without a gap: joined to them, twelve months
    would be tried for every row of a year. Its rows are called `f`; it has {keys} where they are selected and grouped and {seen} where rows are
    left out. `values` gives its parameters up to those of {seen}. Counts come rounded to whole numbers.
    """

    name: str
    sql: str
    measures: tuple[Measure, ...]
    makes_rows = False
    absent = 0

    def read(self, question: Question) -> Answers:
        keys = [f"f.{name}" for name in question.key_columns]
        seen, params = question.condition("f.")
        sql = self.sql.format(keys="".join(f", {key}" for key in keys), seen=seen)
        with connections[settings.REPORTS_DATABASE].cursor() as cursor:
            cursor.execute(sql, [*self.values(question), *params])
            rows = cursor.fetchall()
        width = 1 + len(keys)
        names = [measure.key for measure in self.measures]
        return {(row[0], tuple(row[1:width])): dict(zip(names, map(round, row[width:]), strict=True)) for row in rows}

    def values(self, question: Question) -> list[Any]:
        """The first moments of the periods, the first moment of all and the one after the last."""
        starts = [midnight(period.first) for period in question.periods]
        return [starts, *range_bounds(question.first, question.last)]

    @staticmethod
    def periods(question: Question) -> list[list[Any]]:
        """Numbers, first days and last days."""
        return [
            list(range(len(question.periods))),
            [one.first for one in question.periods],
            [one.last for one in question.periods],
        ]
