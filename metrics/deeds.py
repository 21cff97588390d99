"""The words of the audit trail for what happens to figures."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "metrics.indicators.exported": _("Took indicators away as a file"),
    },
)
