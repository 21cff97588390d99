"""Verbs on what reviewers say."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import rules
from scripts.models import ScriptStep, ScriptVersion, StepComment
from scripts.services_drafts import NotOfThisVersion


class NothingSaid(DomainError):
    """A comment has words."""


class CommentRefused(DomainError):
    """Comments are for versions that are being written or reviewed."""


@transaction.atomic
def comment(*, version: ScriptVersion, step: ScriptStep | None, text: str, by: User, at: datetime) -> StepComment:
    """Say something about a step, or about the whole version. Raises CommentRefused, NothingSaid, NotOfThisVersion."""
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if not rules.can_comment(by, version):
        raise CommentRefused(_("Comments are made while a version is written or in review."))
    if step and step.version_id != version.pk:
        raise NotOfThisVersion(_("This step belongs to another version."))
    if not text.strip():
        raise NothingSaid(_("Write what should change."))
    said = StepComment.objects.create(version=version, step=step, text=text.strip()[:2000], by=by, at=at)
    audit("scripts.comment.made", version, by=by, at=at, number=version.number, comment=said.pk)
    return said


@transaction.atomic
def settle_comment(*, said: StepComment, by: User, at: datetime) -> StepComment:
    """Say that a comment is dealt with; a second time changes nothing."""
    said = StepComment.objects.select_for_update(of=("self",)).select_related("version").get(pk=said.pk)
    if said.settled_at:
        return said
    if not rules.can_comment(by, said.version):
        raise CommentRefused(_("Comments are made while a version is written or in review."))
    said.settled_by, said.settled_at = by, at
    said.save(update_fields=["settled_by", "settled_at"])
    audit("scripts.comment.settled", said.version, by=by, at=at, number=said.version.number, comment=said.pk)
    return said
