"""Who may write, approve and switch what is sold and said."""

from __future__ import annotations

from core.models import AuditEvent
from people.models import Membership, User
from scripts.campaign_side import may_change_map
from scripts.models import DRAFT_READERS, GuidanceMap, ScriptVersion

Role = Membership.Role
WRITERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
TREASURERS = (*WRITERS, Role.QA, Role.TRAINER, Role.TEAM_LEADER, Role.SUPERVISOR)
WRITTEN = "scripts.version.written"
APPROVERS = (Role.QA, Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_write_products(user: User) -> bool:
    return user.has_role(*WRITERS)


def can_write_scripts(user: User) -> bool:
    return user.has_role(*WRITERS, Role.QA)


def can_read_drafts(user: User) -> bool:
    """Versions that calls do not use (yet), what the checks find, and what reviewers say: for those who write, approve or teach."""
    return user.has_role(*DRAFT_READERS)


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


def can_write_treasury(user: User) -> bool:
    """Objections, answers, phrases, scenarios and guidance maps: the back office and those who lead teams."""
    return user.has_role(*TREASURERS)


def can_write_map(user: User, found: GuidanceMap) -> bool:
    """A product's map: who writes the treasury. A campaign's: who may is said by the floor above."""
    if found.campaign_id is None:
        return can_write_treasury(user)
    return may_change_map(user, found.campaign_id)


def can_write_articles(user: User) -> bool:
    """Everybody who is signed in reads the knowledge base; these write it."""
    return user.has_role(*WRITERS, Role.QA, Role.TRAINER)


def can_keep_words(user: User) -> bool:
    """Who says which words no script may contain, and sees which scripts to look at again."""
    return user.has_role(*APPROVERS)


def can_see_outdated(user: User) -> bool:
    """Which scripts to look at again: who writes them, and who writes the articles that they quote."""
    return can_write_scripts(user) or can_write_articles(user)


def can_check_quotes(user: User) -> bool:
    """Not the writers of scripts: another pair of eyes says that a text still fits."""
    return user.has_role(Role.QA, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_see_effects(user: User) -> bool:
    """What an offer did is told of whole cities, to those who answer for one or for the region."""
    return user.has_role(*WRITERS, Role.QA, Role.TRAINER, Role.DATA, Role.SUPERVISOR, Role.CITY_MANAGER)
