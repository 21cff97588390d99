"""Who may do what to people and places."""

from __future__ import annotations

from people.models import Membership, User

Role = Membership.Role


def can_manage_people(user: User) -> bool:
    """Create, move, deactivate; give roles, passwords and tokens."""
    return user.has_role(Role.ADMINISTRATOR)


def can_manage_places(user: User) -> bool:
    """Region, cities and teams."""
    return user.has_role(Role.ADMINISTRATOR)


def can_see_people(user: User) -> bool:
    """Read the lists of people, teams and cities, each within what the role covers."""
    return user.has_role(Role.ADMINISTRATOR, Role.REGIONAL_MANAGER, Role.CITY_MANAGER)
