"""The columns of quality on the page of indicators, in its files and in the API."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _, pgettext_lazy

from metrics.column_sets import Column, ColumnSet, register_columns

QUALITY = "quality"

register_columns(
    ColumnSet(
        QUALITY,
        _("Quality"),
        figure="quality_score",
        cards=("quality_score", "auto_fail_rate", "na_rate", "complaint_rate", "satisfaction"),
        blocks=(
            (
                Column("qa_evaluations", pgettext_lazy("calls", "Scored")),
                Column("quality_score", _("Score")),
                Column("auto_fail_rate", _("Auto-fail %")),
                Column("na_rate", _("NA %")),
            ),
            (
                Column("qa_complaints", _("Complaints")),
                Column("complaint_rate", _("Complaint %")),
                Column("complaints_taken_rate", _("Taken %")),
            ),
            (
                Column("qa_answered", pgettext_lazy("survey", "Answered")),
                Column("satisfaction", _("Satisfaction")),
                Column("response_rate", _("Response %")),
            ),
        ),
        counted=_("calls chosen at random, complaints and answers about the calls of the row"),
        note=_(
            "▲ ▼ only where the whole interval lies off the figure of all. Scores count calls chosen at random alone, each by the inverse of its chance to be chosen. A few scored calls of one agent are for coaching, not for a ranking: five leave ±12 to 19 points open. Complaints and answers still come after the call."
        ),
        for_agent=(
            _("your calls chosen at random"),
            _(
                "Scores count calls chosen at random alone, each by the inverse of its chance to be chosen. A few scored calls are for coaching, not for a ranking: five leave ±12 to 19 points open."
            ),
        ),
    )
)
