"""What a job was asked with and what came of it, in words. Names that nobody has put into words stand in the raw details alone."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from core.models import Job
from core.templatetags.look import thousands

# what is named by a number that is an id, not a count
IDS = {
    "lead_list": gettext_lazy("List"),
    "call_import": gettext_lazy("Call import"),
    "allocation_id": gettext_lazy("Allocation of a list"),
    "segment": gettext_lazy("Segment"),
    "customer": gettext_lazy("Customer"),
    "city": gettext_lazy("City"),
    "segment_allocation": gettext_lazy("Allocation of a segment"),
    "user": gettext_lazy("Asked for by the user"),
    "key": gettext_lazy("Newest key"),
}
WORDS = {
    "date": gettext_lazy("Day"),
    "since": gettext_lazy("From"),
    "until": gettext_lazy("To"),
    "all": gettext_lazy("Everything anew"),
    "make_cities": gettext_lazy("Makes missing cities"),
    "rows": gettext_lazy("Rows"),
    "leads": gettext_lazy("Leads"),
    "new": gettext_lazy("New"),
    "update": gettext_lazy("Update"),
    "unchanged": gettext_lazy("Unchanged"),
    "left": gettext_lazy("Known, left out"),
    "duplicate": gettext_lazy("Duplicate in file"),
    "suppressed": gettext_lazy("Suppressed"),
    "invalid": gettext_lazy("Invalid"),
    "undecided": gettext_lazy("Needs a decision"),
    "conflict": gettext_lazy("In conflict with a stored call"),
    "cancellation": gettext_lazy("Cancellations"),
    "waiting": gettext_lazy("Waiting for the sample"),
    "sample_stopped": gettext_lazy("Known only from a bought list that was stopped after its sample"),
    "not_drawn": gettext_lazy("Not drawn this time"),
    "there_already": gettext_lazy("In the campaign already"),
    "finished_there": gettext_lazy("Finished in the campaign already"),
    "other_city": gettext_lazy("In another city"),
    "gone": gettext_lazy("No longer there"),
    "left_segment": gettext_lazy("Left the segment after they were drawn"),
    "merged": gettext_lazy("Merged with another customer"),
    "partitions": gettext_lazy("Days counted"),
    "sums": gettext_lazy("Sums counted"),
    "alerts": gettext_lazy("Faults found"),
    "changed": gettext_lazy("Marks changed"),
    "returned": gettext_lazy("Leads returned"),
    "made": gettext_lazy("Months made"),
    "pages": gettext_lazy("Pages sorted in"),
    "sealed": gettext_lazy("Records sealed"),
    "written": gettext_lazy("Letters written"),
    "refused_letters": gettext_lazy("Letters that were refused"),
    "resealed": gettext_lazy("Values sealed again"),
    "removed": gettext_lazy("Jobs removed"),
    "days": gettext_lazy("Days entered"),
    "segments": gettext_lazy("Segments"),
    "members": gettext_lazy("Customers"),
    "same_persons": gettext_lazy("Possible same persons found"),
    "too_common": gettext_lazy("Names too common to compare e-mail addresses"),
}


def facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, value) in the reader's language; what a name holds by name stands beside the others, what is empty nowhere."""
    found = []
    for name, value in (data or {}).items():
        if isinstance(value, dict):
            found += facts(value)
        elif name in IDS:
            found.append((str(IDS[name]), str(value)))
        elif name in WORDS and not isinstance(value, list) and value not in (None, ""):
            found.append((str(WORDS[name]), _shown(value)))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return thousands(value) if isinstance(value, int) else str(value)


def raw(job: Job) -> list[tuple[str, str]]:
    """Everything as it is stored, for who looks for a fault."""
    stored = {"kind": job.kind, "key": job.key, **job.args, **(job.result or {})}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in stored.items()
    ]
