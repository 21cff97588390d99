"""What metrics shows of quality: the score, calls failed outright, answers that did not apply. Of calls chosen at random alone.

A call counts on its own day, with the city, team, agent and campaign of that day, whenever it was scored. A call chosen with
probability p stands for 1/p calls, so that a small group drawn more densely does not count for more. Weights are kept in
thousandths, because counts are whole.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from metrics.grouped import GroupedRows
from metrics.questions import GROUPS, Question
from metrics.registry import BY_CALL, RATIO, Measure, Rows, register, register_source
from qa import rules
from qa.means import ClusteredShare, WeightedMean, WeightedShare
from qa.models import Evaluation
from qa.models.blindness import blind_call_ids

LEAST = 30  # evaluations

# OFFSET 0 keeps the weight and the number as they were counted for the row; merged into the sums, each of them would count them anew, which
# takes four times as long (240,000 evaluations).
SCORED = """
SELECT f.number{keys}, count(*), count(f.x), coalesce(sum(f.w * f.x), 0), coalesce(sum(f.w) FILTER (WHERE f.x IS NOT NULL), 0),
       coalesce(sum(f.w) FILTER (WHERE f.is_grave), 0), sum(f.w), sum(f.na), sum(f.n), count(*) FILTER (WHERE f.is_grave),
       coalesce(sum(f.w * f.w) FILTER (WHERE f.x IS NOT NULL), 0), coalesce(sum(f.w * f.w * f.x), 0), coalesce(sum(f.w * f.w * f.x * f.x), 0),
       sum(f.w * f.w), sum(f.n * f.n), sum(f.n * f.na), sum(f.na * f.na)
FROM (SELECT width_bucket(call_started_at, %s::timestamptz[]) - 1 AS number, city_id, team_id, agent_id, campaign_id,
             1000 / probability AS w, reported::float8 AS x, answers_given::int AS n, answers_na::int AS na, is_grave
      FROM qa_evaluation
      WHERE call_started_at >= %s AND call_started_at < %s AND pick IN ('random', 'stratified')
            AND submitted_at IS NOT NULL AND withdrawn_at IS NULL AND call_id <> ALL(%s)
      OFFSET 0) f
WHERE {seen} GROUP BY f.number{keys}"""
assert set(Evaluation.PUBLISHED_PICKS) == {"random", "stratified"}  # as the index and the text above have them


# how addresses of the lists name the days and the groups of a figure (qa.filters.OfFigureFilter)
DAYS = ("since", "until")
OF = {name: f"of_{name}" for name in GROUPS}


def _evaluations(**more: str) -> Rows:
    """The list of the evaluations that count in published figures."""
    return Rows("qa:evaluations", {"pick": "published", **more}, rules.can_see_evaluations, days=DAYS, groups=OF)


class ScoredCalls(GroupedRows):
    """Submitted evaluations of calls chosen at random."""

    name = "qa_scored_calls"
    sql = SCORED
    measures = (
        Measure("qa_evaluations", _("Calls scored, chosen at random"), rows=_evaluations()),
        Measure("qa_scores", _("Calls of these with a score"), rows=_evaluations(found="score")),
        Measure("qa_score_sum", _("Reported scores by weight, thousandths")),
        Measure("qa_score_weight", _("Weight of the calls with a score, thousandths")),
        Measure("qa_failed_weight", _("Weight of the calls failed by one answer, thousandths")),
        Measure("qa_weight", _("Weight of the calls scored, thousandths")),
        Measure("qa_answers_na", _("Answers “does not apply”")),
        Measure("qa_answers", _("Answers of evaluations")),
        Measure("qa_failed", _("Calls failed by one answer"), rows=_evaluations(found="grave")),
        Measure("qa_score_ww", _("Squared weight of the calls with a score, millionths")),
        Measure("qa_score_wwx", _("Reported scores by squared weight, millionths")),
        Measure("qa_score_wwxx", _("Squared scores by squared weight, millionths")),
        Measure("qa_weight_ww", _("Squared weight of the calls scored, millionths")),
        Measure("qa_answers_squared", _("Squared answers of each call")),
        Measure("qa_answers_by_na", _("Answers by “does not apply” of each call")),
        Measure("qa_na_squared", _("Squared “does not apply” of each call")),
    )

    def values(self, question: Question) -> list[Any]:
        """A call that the reader is to score blind is no more in the figures than in the list: of one agent's day the mean would tell its score."""
        reader = question.reach.reader
        return [*super().values(question), [] if reader is None else blind_call_ids(reader)]


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
        behind="qa_scores",
        counted="qa_scores",
        squares=("qa_score_ww", "qa_score_wwx", "qa_score_wwxx"),
    ),
    WeightedShare(
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
        behind="qa_failed",
        counted="qa_evaluations",
        squares=("qa_weight_ww", "", ""),
    ),
    ClusteredShare(
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
        behind="qa_evaluations",
        counted="qa_evaluations",
        squares=("qa_answers_squared", "qa_answers_by_na", "qa_na_squared"),
    ),
)

# metrics looks for `measures` alone; the indicators of satisfaction and complaints follow those of the score, then the columns of them all
from qa import measures_surveys  # noqa: E402, F401, I001
from qa import measures_complaints  # noqa: E402, F401
from qa import columns  # noqa: E402, F401
