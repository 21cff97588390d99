"""Who may look at the floor."""

from __future__ import annotations

from people.models import Membership, User

Role = Membership.Role


def can_see_floor(user: User) -> bool:
    """Those who run teams, within what the role covers."""
    return user.has_role(
        Role.TEAM_LEADER, Role.SUPERVISOR, Role.CITY_MANAGER, Role.REGIONAL_MANAGER, Role.CAMPAIGN_MANAGER
    )
