"""What some of a person's roles cover, where their other roles must widen nothing."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from people.models import Scope, User, scope_of


def scope_in(user: User, roles: Sequence[str]) -> Scope:
    """What these roles of the user cover today; asked once a day and user object."""
    day = timezone.localdate()
    kept: dict[object, Scope] = user.__dict__.setdefault("_scopes_in", {})
    if (day, roles) not in kept:
        held = user.memberships.valid_on(day).filter(role__in=roles) if user.pk else []
        kept[day, roles] = scope_of(list(held))
    return kept[day, roles]
