"""The words of the audit trail for recordings and what is said about them."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell, title_lists

tell(
    {
        "qa.recording.stored": _("Stored the recording of a call"),
        "qa.recording.heard": _("Listened to a recording"),
        "qa.recording.downloaded": _("Took a recording away as a file"),
        "qa.recording.noted": _("Wrote a remark at a recording"),
        "qa.recording.note_deleted": _("Took a remark at a recording back"),
        "qa.clip.chosen": _("Put a span of a call into the library of best calls"),
        "qa.clip.heard": _("Listened to a clip of the library"),
        "qa.clip.dropped": _("Took a clip out of the library of best calls"),
        "qa.keep_rule.set": _("Said how long recordings are kept"),
        "qa.keep_rule.dropped": _("Took away a rule for keeping recordings"),
        "qa.complaint.taken": _("Took a complaint"),
        "qa.complaint.given": _("Gave a complaint to who is in charge"),
        "qa.complaint.noted": _("Noted a step at a complaint"),
        "qa.complaint.answered": _("Answered a complaint"),
        "qa.complaint.closed": _("Closed a complaint"),
        "qa.complaint.reopened": _("Opened a complaint again"),
        "qa.form.created": _("Made a form"),
        "qa.form.drafted": _("Began a new version of a form"),
        "qa.form.marks_set": _("Set the pass mark of a form"),
        "qa.form.published": _("Published a form"),
        "qa.form.archived": _("Archived a version of a form"),
        "qa.evaluation.begun": _("Began to score a call"),
        "qa.evaluation.submitted": _("Submitted the evaluation of a call"),
        "qa.evaluation.withdrawn": _("Took an evaluation back"),
        "qa.evaluation.accepted": _("Accepted an evaluation"),
        "qa.evaluation.drawn": _("A call scored by hand was drawn, so its evaluation counts in published figures"),
        "qa.plan.made": _("Made a sampling plan"),
        "qa.plan.ended": _("Ended a sampling plan"),
        "qa.plan.drawn": _("Drew calls to be scored by a sampling plan"),
        "qa.bulletin.composed": _("Composed the bulletin of an hour"),
        "qa.bulletin.edited": _("Edited a bulletin"),
        "qa.bulletin.sent": _("Sent a bulletin to the floor"),
        "qa.suggestion.noted": _("Noted words for the floor at a recording"),
        "qa.full_run.prepared": _("Prepared the monitoring of a full run"),
        "qa.full_run.limits_set": _("Set the limits of a full run"),
        "qa.full_run.sheet_taken": _("Took the monitoring sheet of an hour of a full run"),
        "qa.full_run.decided": _("Decided at an hour of a full run"),
        "qa.task.dropped": _("Took a call out of the work of scorers"),
        "qa.questionnaire.made": _("Made a version of a questionnaire"),
        "qa.survey_rule.made": _("Made a rule of surveys"),
        "qa.survey_rule.ended": _("Ended a rule of surveys"),
        "qa.survey.recorded": _("Wrote down a customer's answer to a survey"),
        "qa.appeal.made": _("Appealed an item of an evaluation"),
        "qa.appeal.decided": _("Decided an appeal"),
        "qa.risk.added": _("Listed what customers could complain of"),
        "qa.risk.handed": _("Gave a complaint risk to somebody"),
        "qa.risk.cleared": _("Cleared a complaint risk"),
        "qa.wrap_up.made": _("Made the wrap-up of a campaign"),
        "qa.wrap_up.written": _("Wrote what to keep and what to change after a campaign"),
        "qa.wrap_up.finished": _("Finished the wrap-up of a campaign"),
        "qa.wrap_up.exported": _("Took the wrap-up of a campaign away as a file"),
    }
)

title_lists({"qa.recordings": _("Recordings")})
