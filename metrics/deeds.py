"""The words of the audit trail for what happens to figures."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell, title_lists

tell(
    {
        "metrics.indicators.exported": _("Took indicators away as a file"),
        "metrics.look.taken": _("A look at an experiment was taken"),
    },
)

title_lists(
    {
        "metrics.sources": _("Sources compared"),
        "metrics.lists_of_source": _("Lists of a source compared"),
        "metrics.list_in_campaigns": _("A list in its campaigns"),
    }
)
