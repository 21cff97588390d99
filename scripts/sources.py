"""The calls that phrases and answers come from. Calls live on a floor above: it says here how one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.errors import DomainError
from people.models import User


@dataclass(frozen=True)
class Source:
    """A call: how long it can be listened to, and who spoke for us."""

    seconds: int
    said_by: int | None = None


Find = Callable[[User, int], Source | None]
_finders: list[Find] = []


class SourceRefused(DomainError):
    """There is no such call, none that the writer may see, or not that moment of it."""


def offer(find: Find) -> None:
    """Called once, when an app that holds calls is ready. `find(user, number)`: None for a call that the user may not see."""
    if find not in _finders:
        _finders.append(find)


def check_source(user: User, call_id: int | None, second: int | None) -> Source | None:
    """The call that is named; None when none is. Raises SourceRefused."""
    if call_id is None:
        return None
    source = next((found for find in _finders if (found := find(user, call_id))), None)
    if source is None:
        raise SourceRefused(_("There is no call %(number)s in your cities.") % {"number": call_id})
    if second is not None and second > source.seconds:
        raise SourceRefused(
            _("Call %(number)s is %(seconds)s seconds long.") % {"number": call_id, "seconds": source.seconds}
        )
    return source
