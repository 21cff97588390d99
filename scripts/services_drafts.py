"""What every verb on a draft needs: the draft locked, the step still there, who wrote last."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import rules
from scripts.models import ScriptStep, ScriptVersion
from scripts.seen import WrittenMeanwhile
from scripts.services import VersionIsFixed


class TooMuch(DomainError):
    """Nobody can read a script of that size on the phone."""


class StepIsGone(DomainError):
    """Somebody else took it out meanwhile."""


class NotOfThisVersion(DomainError):
    """An answer leads only to a step of its own version."""


def locked_draft(version: ScriptVersion) -> ScriptVersion:
    """The version, locked. Raises VersionIsFixed when it is no draft."""
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if version.status != ScriptVersion.Status.DRAFT:
        raise VersionIsFixed(
            _("Version %(number)s is no longer a draft. Make a new version to change its text.")
            % {"number": version.number}
        )
    return version


def step_of_draft(step: ScriptStep) -> tuple[ScriptVersion, ScriptStep]:
    """Its version, locked, and the step as it stands. Raises VersionIsFixed, StepIsGone."""
    version = locked_draft(step.version)
    fresh = ScriptStep.objects.filter(pk=step.pk).first()
    if fresh is None:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    return version, fresh


def touch(version: ScriptVersion, by: User, at: datetime, what: str, step: ScriptStep | None) -> None:
    """Who changed a draft last may not approve it."""
    version.changed_by = by
    version.save(update_fields=["changed_by"])
    audit(
        rules.WRITTEN,
        version,
        by=by,
        at=at,
        number=version.number,
        what=what,
        step=str(step.key) if step else None,
    )


def refuse_unseen(version: ScriptVersion, by: User) -> NoReturn:
    """The last one to save does not win unseen. Raises WrittenMeanwhile, which names who wrote."""
    other = version.changed_by
    if other is None or other.pk == by.pk:
        raise WrittenMeanwhile(
            _(
                "Not saved: this was written in another window meanwhile. What you typed stands here still; copy it and load the page anew."
            )
        )
    raise WrittenMeanwhile(
        _(
            "Not saved: %(name)s wrote here meanwhile. What you typed stands here still; copy it and load the page anew to see both."
        )
        % {"name": other}
    )
