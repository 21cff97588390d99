"""Who may do what with campaigns, leads and calls."""

from __future__ import annotations

from campaigns.models import Gate
from people.models import Membership, User

Role = Membership.Role
PLANNERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
GATEKEEPERS = (Role.QA, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
READERS = (*PLANNERS, Role.QA, Role.DATA, Role.SUPERVISOR, Role.TEAM_LEADER, Role.CITY_MANAGER, Role.TRAINER)


# -- planning ----------------------------------------------------------------------------------------------------------


def can_read_campaigns(user: User) -> bool:
    return user.has_role(*READERS)


def can_plan(user: User) -> bool:
    return user.has_role(*PLANNERS)


def can_switch(user: User) -> bool:
    """Stop a campaign, or let it go on: planners, and the supervisor who sees the trouble first."""
    return user.has_role(*PLANNERS, Role.SUPERVISOR, Role.CITY_MANAGER)


def can_allocate(user: User) -> bool:
    return user.has_role(Role.DATA, *PLANNERS)


def can_decide_gate(user: User) -> bool:
    return user.has_role(*GATEKEEPERS)


def can_confirm_override(user: User, gate: Gate) -> bool:
    """Somebody who may plan or decide, other than the one who asked."""
    return user.has_role(*PLANNERS, *GATEKEEPERS) and gate.decided_by_id not in (None, user.pk)
