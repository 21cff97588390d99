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
    }
)

title_lists({"qa.recordings": _("Recordings")})
