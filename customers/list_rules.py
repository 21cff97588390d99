"""Who may do what with lead lists."""

from __future__ import annotations

from datetime import timedelta

from customers.models import LeadList
from people.models import Membership, User

Role = Membership.Role
WORK = (Role.DATA, Role.ADMINISTRATOR)
LOOK = (*WORK, Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER)
# how long a commit can be taken back, and so how long what it replaced is kept
UNDO_FOR = timedelta(days=30)


def _holds(user: User, roles: tuple[str, ...]) -> bool:
    return user.is_active and (user.has_role(*roles) or user.is_superuser)


def can_see_lists(user: User) -> bool:
    """Lists and the verdicts of their rows; which lists is asked of LeadList.visible_to."""
    return _holds(user, LOOK)


def can_upload_list(user: User) -> bool:
    return _holds(user, WORK)


def can_work_on_list(user: User, lead_list: LeadList) -> bool:
    """Decide about rows, commit, give up, take back, download what was rejected."""
    if not can_upload_list(user):
        return False
    scope = user.scope()
    return (
        scope.is_region
        or user.is_superuser
        or lead_list.created_by_id == user.pk
        or lead_list.city_id in scope.city_ids
    )


def works_for_region(user: User) -> bool:
    """Sees every city's customers, and so may decide about a number that belongs to another city."""
    return user.is_superuser or user.scope().is_region
