"""How long recordings, what was said about them, clips and the words of evaluations stay, and why."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from core.retention import register


def forget_recordings(at: datetime) -> int:
    from qa.services.keeping import destroy_overdue

    return destroy_overdue(at=at)


def forget_clips(at: datetime) -> int:
    from qa.services.keeping import destroy_overdue_clips

    return destroy_overdue_clips(at=at)


register(
    "qa.Recording",
    fields=("transcript",),
    basis=_(
        "Recordings stay as long as the rule of their product says; the sound goes with the last call that has it."
    ),
    apply=forget_recordings,
)
register("qa.RecordingNote", fields=("text",), basis=_("Remarks go with their recording."))
register(
    "qa.Clip",
    fields=("title",),
    basis=_("Clips of the library of best calls stay until their own date."),
    apply=forget_clips,
)

EVALUATIONS = _("Remarks of an evaluation stay with it as evidence, and are forgotten when the customer is erased.")
register("qa.Evaluation", fields=("remark",), basis=EVALUATIONS)
register("qa.EvaluationAnswer", fields=("remark",), basis=EVALUATIONS)
APPEALS = _("The words of an appeal stay with its evaluation, and are forgotten when the customer is erased.")
register(
    "qa.Appeal",
    fields=("reason", "ground"),
    basis=APPEALS,
)
register("qa.FirstRuling", fields=("reason", "ground"), basis=APPEALS)


def forget_survey_words(at: datetime) -> int:
    from qa.services.surveys import forget_words

    return forget_words(at=at)


register(
    "qa.SurveyAnswer",
    fields=("words",),
    basis=_(
        "The words of an answer to a survey stay for two years, or until the customer is erased; the number stays."
    ),
    apply=forget_survey_words,
)

COMPLAINTS = _("Complaints stay as evidence; their words are forgotten when the customer is erased.")
register("qa.Complaint", fields=("words", "answer"), basis=COMPLAINTS)
register("qa.ComplaintStep", fields=("words",), basis=COMPLAINTS)

IMPERSONAL = _("Words for the floor hold no personal data: numbers and addresses are refused where they are written.")
register("qa.Suggestion", fields=("words",), basis=IMPERSONAL)
register("qa.Bulletin", fields=("text",), basis=IMPERSONAL)


register(
    "qa.CalibrationDecision",
    fields=("ground",),
    basis=_("Why a session agreed on an answer stays as a precedent, and is forgotten when the customer is erased."),
)
