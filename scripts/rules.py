"""Who may write, approve and switch what is sold and said."""

from __future__ import annotations

from core.models import AuditEvent
from people.models import Membership, User
from scripts.models import ScriptVersion

Role = Membership.Role
WRITERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
WRITTEN = "scripts.version.written"
APPROVERS = (Role.QA, Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_write_products(user: User) -> bool:
    return user.has_role(*WRITERS)


def can_write_scripts(user: User) -> bool:
    return user.has_role(*WRITERS, Role.QA)


def can_approve(user: User, version: ScriptVersion) -> bool:
    """Somebody of the approving roles who neither began the version nor ever wrote on it: four eyes. The trail says who wrote."""
    if not user.has_role(*APPROVERS) or user.pk in (version.created_by_id, version.changed_by_id):
        return False
    return not AuditEvent.objects.filter(
        subject_type=version._meta.label_lower, subject_id=str(version.pk), action=WRITTEN, actor_id=user.pk
    ).exists()


def can_comment(user: User, version: ScriptVersion) -> bool:
    """Writers and reviewers talk about a version until it is approved."""
    return version.status in (ScriptVersion.Status.DRAFT, ScriptVersion.Status.IN_REVIEW) and (
        can_write_scripts(user) or user.has_role(*APPROVERS)
    )
