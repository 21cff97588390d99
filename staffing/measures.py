"""What metrics shows of coaching: of the agents who worked, how many had a session that both signed.

An agent counts where they called: in every city, team and campaign of which they have a call in the period. Sessions count on the
day for which they were planned.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.calendar import range_bounds
from metrics.column_sets import Column, extend_columns
from metrics.columns import Level
from metrics.grouped import GroupedRows
from metrics.questions import Question
from metrics.registry import BY_WORK, Indicator, Measure, Rows, register, register_source
from qa.columns import QUALITY
from staffing import rules

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


class CoachedAgents(GroupedRows):
    """Agents with a call in the period, and those of them who were coached in it."""

    name = "staffing_coached_agents"
    sql = COACHED
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

    def values(self, question: Question) -> list[Any]:
        asked = {*question.key_columns, *(f"{name}_id" for name in question.filters), *question.reach.keys, "agent_id"}
        bounds = range_bounds(question.first, question.last)
        level = Level.for_keys(asked)
        return [*self.periods(question), settings.TIME_ZONE, *bounds, level, question.first, question.last]


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
