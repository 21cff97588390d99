"""The words of the audit trail for what happens to the house as a whole."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "telemkt.demo.made": _("Filled the system with the demo"),
    },
)
