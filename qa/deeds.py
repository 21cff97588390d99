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
        "qa.plan.made": _("Made a sampling plan"),
        "qa.plan.ended": _("Ended a sampling plan"),
        "qa.plan.drawn": _("Drew calls to be scored by a sampling plan"),
        "qa.full_run.prepared": _("Prepared the monitoring of a full run"),
        "qa.full_run.limits_set": _("Set the limits of a full run"),
        "qa.full_run.sheet_taken": _("Took the monitoring sheet of an hour of a full run"),
        "qa.full_run.decided": _("Decided at an hour of a full run"),
        "qa.task.dropped": _("Took a call out of the work of scorers"),
        "qa.appeal.made": _("Appealed an item of an evaluation"),
        "qa.appeal.decided": _("Decided an appeal"),
        "qa.risk.added": _("Listed what customers could complain of"),
        "qa.risk.handed": _("Gave a complaint risk to somebody"),
        "qa.gate_review.opened": _("Opened the review of a checkpoint"),
        "qa.gate_review.answered": _("Answered an item of a checkpoint"),
        "qa.gate_review.closed": _("Gave the verdict on a checkpoint"),
        "qa.risk.cleared": _("Cleared a complaint risk"),
    }
)

title_lists({"qa.recordings": _("Recordings")})
