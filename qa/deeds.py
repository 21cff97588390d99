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
        "qa.task.dropped": _("Took a call out of the work of scorers"),
        "qa.calibration.opened": _("Opened a calibration session"),
        "qa.calibration.left": _("Took a scorer out of a calibration session"),
        "qa.calibration.closed": _("Closed a calibration session"),
        "qa.calibration.decided": _("Recorded the agreed answer of a calibration session"),
        "qa.double_share.set": _("Said how many calls are scored twice"),
        "qa.double.drawn": _("Drew calls for a second scorer"),
        "qa.appeal.made": _("Appealed an item of an evaluation"),
        "qa.appeal.decided": _("Decided an appeal"),
    }
)

title_lists({"qa.recordings": _("Recordings")})
