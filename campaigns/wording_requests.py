"""The words behind stored reasons of data requests. Translated when shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

LEFT_OUT: dict[str, Any] = {
    "suppressed": _("Not to be called"),
    "there_already": _("Lead of this campaign already"),
    "other_city": _("In another city by now"),
    "merged": _("Merged with another customer"),
}


def left_out_words(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """(reason, customers), the largest first."""
    rows = [(str(LEFT_OUT.get(reason, reason)), count) for reason, count in counts.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
