"""What metrics shows of coaching: of the agents who worked, how many had a session that both signed.

An agent counts where they called: in every city, team and campaign of which they have a call in the period. Sessions count on the
day for which they were planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext_lazy as _

from core.calendar import range_bounds
from metrics.column_sets import Column, extend_columns
from metrics.grouped import Answers, GroupedRows
from metrics.pieces import Pieces, pieces_of
from metrics.questions import Question
from metrics.registry import BY_WORK, Indicator, Measure, Rows, register, register_source
from qa.columns import QUALITY
from staffing import rules

LEAST = 5  # agents: a team is small, and all of it is counted

# Whoever has a call in a month, a week or a day of the rollup.
WORKED = """SELECT DISTINCT p.number{keys} FROM {table} f JOIN unnest(%s::text[], %s::date[], %s::int[]) p(kind, start, number) ON {joined}
WHERE f.level = %s AND f.calls + f.inbound_calls > 0 AND {seen}"""
# The periods follow one another without a gap: their first days alone say in which of them a session lies.
COACHED = """
WITH worked AS ({worked}),
     s AS (SELECT DISTINCT width_bucket((c.planned_at AT TIME ZONE %s)::date, %s::date[]) - 1 AS number, c.agent_id FROM staffing_coachingsession c
           WHERE c.planned_at >= %s AND c.planned_at < %s AND c.coach_signed_at IS NOT NULL AND c.agent_signed_at IS NOT NULL)
SELECT f.number{keys}, count(*), count(s.agent_id) FROM worked f LEFT JOIN s ON s.number = f.number AND s.agent_id = f.agent_id
GROUP BY f.number{keys}"""
Statement = tuple[str, list[Any]]


class CoachedAgents(GroupedRows):
    """Agents with a call in the period, and those of them who were coached in it."""

    name = "staffing_coached_agents"
    measures = (
        Measure("agents_worked", _("Agents with calls")),
        Measure(
            "agents_coached",
            _("Agents of these with a coaching session signed by both"),
            rows=Rows(
                "staffing:coaching",
                {"counted": "agents"},
                rules.can_see_coaching,
                days=("since", "until"),
                groups={"city": "called_city", "team": "called_team", "campaign": "called_campaign"},
            ),
        ),
    )

    def read(self, question: Question) -> Answers:
        by_agent = replace(question, by=tuple(dict.fromkeys([*question.by, "agent"])))
        parts = list(_worked(by_agent, pieces_of(by_agent)))
        keys = "".join(f", f.{name}" for name in question.key_columns)
        sql = COACHED.format(worked=" UNION ".join(text for text, _params in parts), keys=keys)
        params = [value for _text, values in parts for value in values]
        bounds = range_bounds(question.first, question.last)
        with connections[settings.REPORTS_DATABASE].cursor() as cursor:
            cursor.execute(sql, [*params, settings.TIME_ZONE, [one.first for one in question.periods], *bounds])
            rows = cursor.fetchall()
        return {(row[0], tuple(row[1:-2])): {"agents_worked": row[-2], "agents_coached": row[-1]} for row in rows}


def _worked(question: Question, pieces: Pieces) -> Iterator[Statement]:
    """Of the question by agent: from days, and from weeks and months where they are whole."""
    sums = [*(("week", *item) for item in pieces.weeks), *(("month", *item) for item in pieces.months)]
    if sums:
        yield _statement(question, "metrics_periodfigures", "p.kind = f.kind AND p.start = f.start", sums)
    if pieces.days or not sums:
        days = [("day", *item) for item in pieces.days]
        yield _statement(question, "metrics_dayfigures", "p.start = f.day", days)


def _statement(question: Question, table: str, joined: str, items: Sequence[tuple[str, date, int]]) -> Statement:
    seen, params = question.condition("f.")
    keys = "".join(f", f.{name}" for name in question.key_columns)
    columns = [[item[n] for item in items] for n in range(3)]
    return WORKED.format(keys=keys, table=table, joined=joined, seen=seen), [*columns, question.level, *params]


register_source(CoachedAgents())
register(
    Indicator(
        "coaching_coverage",
        _("Coaching coverage"),
        _("agents with a coaching session signed by both / agents with calls"),
        _(
            "Of the agents who called in the period, how many were coached in it. It says nothing of what the coaching was worth."
        ),
        ("agents_coached",),
        ("agents_worked",),
        BY_WORK,
        least=LEAST,
    )
)
extend_columns(
    QUALITY,
    cards=("coaching_coverage",),
    block=(Column("agents_coached", _("Coached")), Column("coaching_coverage", _("Coached %"))),
)
