"""What metrics shows of quality: the score, calls failed outright, answers that did not apply. Of calls chosen at random alone.

A call counts on its own day, with the city, team, agent and campaign of that day, whenever it was scored. A call chosen with
probability p stands for 1/p calls, so that a small group drawn more densely does not count for more. Weights are kept in
thousandths, because counts are whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from metrics.grouped import GroupedRows
from metrics.registry import BY_CALL, RATIO, Counts, Indicator, Measure, register, register_source
from qa.models import Evaluation

LEAST = 30  # evaluations

# Answers are counted for the call first, calls for the group: one pass over both, which may hash a whole region's answers.
SCORED = """
SELECT p.number{keys}, count(*),
       count(*) FILTER (WHERE f.reported IS NOT NULL),
       coalesce(sum(1000 / f.probability * f.reported) FILTER (WHERE f.reported IS NOT NULL), 0),
       coalesce(sum(1000 / f.probability) FILTER (WHERE f.reported IS NOT NULL), 0),
       coalesce(sum(1000 / f.probability) FILTER (WHERE f.is_fatal), 0),
       coalesce(sum(1000 / f.probability), 0), sum(f.na), sum(f.n)
FROM (SELECT e.city_id, e.team_id, e.agent_id, e.campaign_id, e.reported, e.probability,
             (e.call_started_at AT TIME ZONE %s)::date AS day, count(g.id) AS n,
             count(*) FILTER (WHERE g.answer = 'na') AS na, bool_or(qa_is_fatal(g.answer, i.fails_on, i.fails_up_to)) AS is_fatal
      FROM qa_evaluation e
      LEFT JOIN qa_evaluationanswer g ON g.evaluation_id = e.id LEFT JOIN qa_formitem i ON i.id = g.item_id
      WHERE e.call_started_at >= %s AND e.call_started_at < %s AND e.pick IN ('random', 'stratified')
            AND e.submitted_at IS NOT NULL AND e.withdrawn_at IS NULL
      GROUP BY e.id) f
JOIN unnest(%s::int[], %s::date[], %s::date[]) p(number, first, last) ON f.day BETWEEN p.first AND p.last
WHERE {seen} GROUP BY p.number{keys}"""
assert set(Evaluation.PUBLISHED_PICKS) == {"random", "stratified"}  # as the index and the text above have them


class ScoredCalls(GroupedRows):
    """Submitted evaluations of calls chosen at random."""

    name = "qa_scored_calls"
    sql = SCORED
    measures = (
        Measure("qa_evaluations", _("Calls scored, chosen at random")),
        Measure("qa_scores", _("Calls of these with a score")),
        Measure("qa_score_sum", _("Reported scores by weight, thousandths")),
        Measure("qa_score_weight", _("Weight of the calls with a score, thousandths")),
        Measure("qa_failed_weight", _("Weight of the calls failed by one answer, thousandths")),
        Measure("qa_weight", _("Weight of the calls scored, thousandths")),
        Measure("qa_answers_na", _("Answers “does not apply”")),
        Measure("qa_answers", _("Answers of evaluations")),
    )


@dataclass(frozen=True)
class WeightedMean(Indicator):
    """Its denominator is a weight; whether it means much is asked of `counted`, the number of observations."""

    counted: str = ""

    @property
    def measures(self) -> set[str]:
        return super().measures | {self.counted}

    def is_small(self, counts: Counts) -> bool:
        return (counts.get(self.counted) or 0) < self.least


register_source(ScoredCalls())
register(
    WeightedMean(
        "quality_score",
        _("Quality score"),
        _("reported scores / calls with a score, each by the inverse of its chance to be chosen"),
        _(
            "From 0 to 100 (qa_score.v1), as reported when it was submitted. Only calls chosen at random; those chosen by hand, for a risk, for coaching or calibration do not count. Sheets on which too little applied have no score."
        ),
        ("qa_score_sum",),
        ("qa_score_weight",),
        BY_CALL,
        unit=RATIO,
        least=LEAST,
        is_share=False,
        counted="qa_scores",
    ),
    WeightedMean(
        "auto_fail_rate",
        _("Auto-fail rate"),
        _("calls failed by one answer / calls scored, each by the inverse of its chance to be chosen"),
        _(
            "Calls with a grave error, whatever the rest of the sheet came to. Only calls chosen at random. A decided appeal stands beside the answer and does not change it."
        ),
        ("qa_failed_weight",),
        ("qa_weight",),
        BY_CALL,
        better="down",
        least=LEAST,
        is_share=False,
        counted="qa_evaluations",
    ),
    WeightedMean(
        "na_rate",
        _("NA rate"),
        _("answers “does not apply” / answers"),
        _(
            "How often an item does not apply, of calls chosen at random. A high rate tells of items that do not fit the calls, or of scorers who avoid an answer."
        ),
        ("qa_answers_na",),
        ("qa_answers",),
        BY_CALL,
        better="",
        least=LEAST,
        is_share=False,
        counted="qa_evaluations",
    ),
)

# metrics looks for `measures` alone; the indicators of satisfaction follow those of the score
from qa import measures_surveys  # noqa: E402, F401
