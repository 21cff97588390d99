"""What metrics shows of satisfaction: the mean answer and how many of those asked have answered.

An answer counts on the day of its call, with the city, team, agent and campaign of that call. As scores, an answer about a call chosen with
probability p stands for 1/p calls.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.grouped import GroupedRows
from metrics.registry import BY_CALL, RATIO, Indicator, Measure, Rows, register, register_source
from qa import rules
from qa.means import WeightedMean
from qa.measures import DAYS, LEAST, OF

# OFFSET 0 as in qa.measures
ASKED = """
SELECT f.number{keys}, count(*), count(f.score), coalesce(sum(f.w * f.score), 0), coalesce(sum(f.w) FILTER (WHERE f.score IS NOT NULL), 0),
       coalesce(sum(f.w * f.w) FILTER (WHERE f.score IS NOT NULL), 0), coalesce(sum(f.w * f.w * f.score), 0),
       coalesce(sum(f.w * f.w * f.score * f.score), 0)
FROM (SELECT width_bucket(s.call_started_at, %s::timestamptz[]) - 1 AS number, s.city_id, s.team_id, s.agent_id, s.campaign_id,
             1000 / s.probability AS w, a.score
      FROM qa_surveyask s LEFT JOIN qa_surveyanswer a ON a.ask_id = s.id
      WHERE s.call_started_at >= %s AND s.call_started_at < %s AND s.state IN ('sent', 'answered', 'expired')
      OFFSET 0) f
WHERE {seen} GROUP BY f.number{keys}"""


def _asks(**more: str) -> Rows:
    """The list of the calls whose customers were asked."""
    return Rows("qa:survey-answers", more, rules.can_see_surveys, days=DAYS, groups=OF)


class AskedCalls(GroupedRows):
    """Calls whose customers were asked. Agents see no answer about the own calls (SurveyAsk.visible_to), so they see no figure of it."""

    name = "qa_asked_calls"
    sql = ASKED
    measures = (
        Measure("qa_asked", _("Calls whose customers were asked"), rows=_asks(), for_agent=False),
        Measure("qa_answered", _("Calls of these with an answer"), rows=_asks(answered="1"), for_agent=False),
        Measure("qa_answer_sum", _("Answers from 1 to 5 by weight, thousandths"), for_agent=False),
        Measure("qa_answer_weight", _("Weight of the calls with an answer, thousandths"), for_agent=False),
        Measure("qa_answer_ww", _("Squared weight of the calls with an answer, millionths"), for_agent=False),
        Measure("qa_answer_wwx", _("Answers by squared weight, millionths"), for_agent=False),
        Measure("qa_answer_wwxx", _("Squared answers by squared weight, millionths"), for_agent=False),
    )


register_source(AskedCalls())
register(
    WeightedMean(
        "satisfaction",
        _("Satisfaction"),
        _("answers from 1 to 5 / calls with an answer, each by the inverse of its chance to be chosen"),
        _(
            "From 1 to 5, of the customers who answered. Look at the response rate beside it: who does not answer may think otherwise."
        ),
        ("qa_answer_sum",),
        ("qa_answer_weight",),
        BY_CALL,
        unit=RATIO,
        least=LEAST,
        is_share=False,
        places=2,
        behind="qa_answered",
        counted="qa_answered",
        squares=("qa_answer_ww", "qa_answer_wwx", "qa_answer_wwxx"),
        bounds=(1.0, 5.0),
        matures_days=14,
    ),
    Indicator(
        "response_rate",
        _("Response rate of surveys"),
        _("calls with an answer / calls whose customers were asked"),
        _("How many of those asked how the call was have answered. Who was chosen and not asked does not count."),
        ("qa_answered",),
        ("qa_asked",),
        BY_CALL,
        least=LEAST,
        matures_days=14,
    ),
)
