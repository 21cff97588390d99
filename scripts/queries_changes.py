"""Who wrote on something last, as the trail tells it."""

from __future__ import annotations

from django.db.models import Model
from django.utils.translation import gettext as _

from core.columns import shown
from core.models import AuditEvent


def last_deed(row: Model, action: str) -> AuditEvent | None:
    """The newest of these deeds on a row."""
    return AuditEvent.objects.about(row).filter(action=action, refused=False).order_by("-at", "-pk").first()


def who_and_when(deed: AuditEvent | None) -> dict[str, str]:
    """For a sentence: `who` and `when`."""
    if deed is None:
        return {"who": _("Somebody"), "when": "–"}
    return {"who": deed.actor_name or _("Somebody"), "when": str(shown(deed.at, "moment"))}
