"""Who may do what to people and places."""

from __future__ import annotations

from people.models import ExportRequest, Membership, User

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


def can_see_exports(user: User) -> bool:
    """Own requests, and what one may decide. Agents export nothing."""
    return not user.is_agent


def can_decide_exports(user: User) -> bool:
    """Be the second person of a file with personal data; whose, is asked of ExportRequest.visible_to."""
    return user.is_superuser or user.has_role(Role.ADMINISTRATOR, Role.REGIONAL_MANAGER, Role.CITY_MANAGER, Role.DATA)


def can_decide_export(user: User, asked: ExportRequest) -> bool:
    """Nobody is the second person of the own request."""
    return can_decide_exports(user) and asked.asked_by_id != user.pk and asked.state == ExportRequest.State.ASKED
