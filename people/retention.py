"""How long the personal data that people write about others stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from core.retention import register
from people.models import ExportRequest

State = ExportRequest.State
FILTERS = timedelta(days=30)


def forget_filters(at: datetime) -> int:
    """What was searched for may be a name; who asked, for what, and who let it go stays. What nobody decided in that time lapses.

    Counted from the decision: an approval in force keeps the filter that it is for.
    """
    undecided = ExportRequest.objects.filter(state=State.ASKED, asked_at__lt=at - FILTERS)
    decided = ExportRequest.objects.filter(decided_at__lt=at - FILTERS).exclude(query="")
    return undecided.update(state=State.EXPIRED, query="") + decided.update(query="")


register(
    "people.ExportRequest",
    fields=ExportRequest.PERSONAL_FIELDS,
    keep_for=FILTERS,
    basis=_("The filters of a file that was asked for may hold a name; 30 days. The file itself is never kept."),
    apply=forget_filters,
)
