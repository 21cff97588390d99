"""The words of the audit trail for coaching. What was said in a session is not in it."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "staffing.coaching.planned": _("Planned a coaching session"),
        "staffing.coaching.viewed": _("Wrote the own view of a coaching session"),
        "staffing.coaching.written": _("Wrote the coach's words of a coaching session"),
        "staffing.coaching.signed": _("Signed a coaching session"),
        "staffing.coaching.step_looked_at": _("Said whether an agreed step of coaching was done"),
        "staffing.coaching.moved": _("Moved a coaching session"),
        "staffing.coaching.cancelled": _("Cancelled a coaching session"),
    }
)
