"""Who may write, approve and switch what is sold and said."""

from __future__ import annotations

from people.models import Membership, User
from scripts.models import ScriptVersion

Role = Membership.Role
WRITERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
APPROVERS = (Role.QA, Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_write_products(user: User) -> bool:
    return user.has_role(*WRITERS)


def can_write_scripts(user: User) -> bool:
    return user.has_role(*WRITERS, Role.QA)


def can_approve(user: User, version: ScriptVersion) -> bool:
    """Somebody of the approving roles who neither began the version nor changed its text last: four eyes."""
    return user.has_role(*APPROVERS) and user.pk not in (version.created_by_id, version.changed_by_id)


def can_comment(user: User, version: ScriptVersion) -> bool:
    """Writers and reviewers talk about a version until it is approved."""
    return version.status in (ScriptVersion.Status.DRAFT, ScriptVersion.Status.IN_REVIEW) and (
        can_write_scripts(user) or user.has_role(*APPROVERS)
    )
