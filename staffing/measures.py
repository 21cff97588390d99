"""What metrics shows of coaching: of the agents who worked, how many had a session that both signed.

An agent counts where they called: in every city, team and campaign of which they have a call in the period. Sessions count on the
day for which they were planned.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext_lazy as _

from core.calendar import range_bounds
from metrics.columns import Level
from metrics.questions import Question
from metrics.registry import BY_WORK, Indicator, Measure, register, register_source

Answers = Mapping[tuple[int, tuple[int | None, ...]], Mapping[str, int]]
LEAST = 5  # agents: a team is small, and all of it is counted

COACHED = """
WITH p AS (SELECT * FROM unnest(%s::int[], %s::date[], %s::date[]) p(number, first, last)),
     s AS (SELECT DISTINCT p.number, c.agent_id FROM staffing_coachingsession c
           JOIN p ON (c.planned_at AT TIME ZONE %s)::date BETWEEN p.first AND p.last
           WHERE c.planned_at >= %s AND c.planned_at < %s AND c.coach_signed_at IS NOT NULL AND c.agent_signed_at IS NOT NULL)
SELECT p.number{keys}, count(DISTINCT f.agent_id), count(DISTINCT s.agent_id)
FROM p JOIN metrics_dayfigures f ON f.day BETWEEN p.first AND p.last
LEFT JOIN s ON s.number = p.number AND s.agent_id = f.agent_id
WHERE f.level = %s AND f.day BETWEEN %s AND %s AND f.calls + f.inbound_calls > 0 AND {seen}
GROUP BY p.number{keys}"""


class CoachedAgents:
    """Agents with a call in the period, and those of them who were coached in it."""

    name = "staffing_coached_agents"
    makes_rows = False
    absent = 0
    measures = (
        Measure("agents_worked", _("Agents with calls")),
        Measure("agents_coached", _("Agents of these with a coaching session signed by both")),
    )

    def read(self, question: Question) -> Answers:
        keys = [f"f.{name}" for name in question.key_columns]
        asked = {*question.key_columns, *(f"{name}_id" for name in question.filters), *question.reach.keys, "agent_id"}
        seen, params = question.condition("f.")
        numbers, firsts, lasts = zip(*((n, one.first, one.last) for n, one in enumerate(question.periods)), strict=True)
        sql = COACHED.format(keys="".join(f", {key}" for key in keys), seen=seen)
        bounds = range_bounds(question.first, question.last)
        values = [list(numbers), list(firsts), list(lasts), settings.TIME_ZONE, *bounds, Level.for_keys(asked), question.first, question.last, *params]  # fmt: skip
        with connections[settings.REPORTS_DATABASE].cursor() as cursor:
            cursor.execute(sql, values)
            rows = cursor.fetchall()
        width = 1 + len(keys)
        names = [measure.key for measure in self.measures]
        return {(row[0], tuple(row[1:width])): dict(zip(names, row[width:], strict=True)) for row in rows}


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
