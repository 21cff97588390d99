"""The views of the region that managers open most, asked for when figures have just been counted: the first to open one does not wait."""

from __future__ import annotations

from datetime import date

from metrics.indicator_page.board import build_board
from metrics.indicator_page.state import read_state
from people.models import Membership, User

# as an address says it; what costs most is the long ranges, and whoever opens a city reads a twentieth of it
USUAL: tuple[dict[str, str], ...] = (
    {},
    {"period": "month"},
    {"period": "days30"},
    {"period": "quarter", "grain": "month"},
    {"period": "year", "grain": "month"},
    {"by": "campaign"},
    {"by": "team"},
    {"by": "agent"},
)


def ask_usual_views(today: date) -> int:
    """Build the boards of the usual views, so that what they read is kept; returns how many."""
    reader = _reader_of_region(today)
    if reader is None:
        return 0
    for query in USUAL:
        build_board(reader, read_state(query, today), today)
    return len(USUAL)


def _reader_of_region(today: date) -> User | None:
    """Somebody who sees the region whole: all of them are shown the same figures."""
    held = Membership.objects.valid_on(today).filter(
        role=Membership.Role.REGIONAL_MANAGER, city=None, team=None, user__is_active=True
    )
    found = held.order_by("pk").select_related("user").first()
    return found.user if found else None
