"""Reads of bulletins, for pages and API alike."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from people.models import User
from qa.models import Bulletin


def bulletins_shown(user: User) -> QuerySet[Bulletin]:
    """Those that the user may see, with `seen_count`."""
    rows = Bulletin.objects.visible_to(user).select_related("campaign", "sent_by")
    return rows.annotate(seen_count=Count("seen"))
