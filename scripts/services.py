"""Verbs on scripts: the life of their versions from the first draft to the last call. What is sold has verbs of its own (services_products)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext as _, ngettext

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import contents, queries_versions, rules
from scripts.checks import ERRORS, Finding, Kind
from scripts.models import Script, ScriptVersion
from scripts.signals import version_displaced, version_retiring

SPOKEN = frozenset({Kind.MUST_SAY, Kind.PROHIBITED})  # what may have changed since the text was approved


class VersionIsFixed(DomainError):
    """The version is approved: calls refer to its text."""


class PartsMissing(DomainError):
    """A script goes to review only with all six parts."""


class ChecksFailed(DomainError):
    """A script goes to review, to approval and into use only when no check finds an error."""


class CommentsOpen(DomainError):
    """What reviewers said must be settled before approval."""


class DraftIsOpen(DomainError):
    """A script has one version at a time that is written or reviewed."""


class CodeTaken(DomainError):
    """Another script has this code."""


class VersionInUse(DomainError):
    """Calls use the version: it is not taken away under them."""


class LastVersion(DomainError):
    """A script keeps at least one version."""


class ApprovalRefused(DomainError):
    """Approval needs another person than the writer."""


class WrongMoment(DomainError):
    """The version is not in the state from which this step leads on."""


@transaction.atomic
def create_script(*, script: Script, by: User, at: datetime) -> ScriptVersion:
    """A new script with its first, empty draft. Raises CodeTaken."""
    try:
        with transaction.atomic():
            script.save(force_insert=True)
    except IntegrityError:
        raise CodeTaken(_("Another script has the code %(code)s.") % {"code": script.code}) from None
    audit("scripts.script.created", script, by=by, at=at)
    return _draft(script, by)


@transaction.atomic
def new_version(*, script: Script, by: User, at: datetime, based_on: ScriptVersion | None = None) -> ScriptVersion:
    """A draft with the content of the newest version; the draft that is already there when one is.

    With `based_on`, an older version of the same script, it goes back to that one. Raises DraftIsOpen when a draft would be overwritten,
    and while a version is in review: sent back, there would be two drafts.
    """
    _lock(script.pk)
    reviewed = script.versions.filter(status=ScriptVersion.Status.IN_REVIEW).first()
    if reviewed:
        raise DraftIsOpen(
            _("Version %(number)s is in review. Wait until it is approved, or send it back and write on it.")
            % {"number": reviewed.number}
        )
    open_draft = script.versions.filter(status=ScriptVersion.Status.DRAFT).first()
    if open_draft and based_on and open_draft.based_on_id != based_on.pk:
        raise DraftIsOpen(
            _("Version %(number)s is a draft already. Finish it or throw it away, then go back to an older version.")
            % {"number": open_draft.number}
        )
    if open_draft:
        return open_draft
    source = based_on or script.versions.order_by("-number").first()
    version = _draft(script, by, source)
    if source:
        contents.plant(version, contents.take(source.steps.order_by("position")))
    audit(
        "scripts.version.drafted",
        version,
        by=by,
        at=at,
        number=version.number,
        based_on=source.number if source else None,
    )
    return version


def _draft(script: Script, by: User, source: ScriptVersion | None = None) -> ScriptVersion:
    last = script.versions.aggregate(last=Max("number"))["last"] or 0
    return ScriptVersion.objects.create(script=script, number=last + 1, created_by=by, based_on=source)


@transaction.atomic
def discard_draft(*, version: ScriptVersion, by: User, at: datetime) -> None:
    """Throw a draft away with all its steps. Raises WrongMoment, LastVersion."""
    version = _held(version, ScriptVersion.Status.DRAFT)
    if not version.script.versions.exclude(pk=version.pk).exists():
        raise LastVersion(_("This is the only version of its script. Change its steps instead."))
    audit("scripts.version.discarded", version, by=by, at=at, number=version.number)
    try:
        with transaction.atomic():
            version.delete()
    except ProtectedError:
        raise WrongMoment(_("Version %(number)s is in use and stays.") % {"number": version.number}) from None


@transaction.atomic
def submit_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Hand a draft to review. Raises PartsMissing, ChecksFailed, WrongMoment."""
    version = _held(version, ScriptVersion.Status.DRAFT)
    found = queries_versions.findings(version)
    missing = [finding.what for finding in found if finding.kind == Kind.MISSING_PART]
    if missing:
        raise PartsMissing(_("These parts have no text yet: %(parts)s.") % {"parts": ", ".join(missing)})
    _refuse(_("Not sent to review."), found, ERRORS)
    return _move(version, ScriptVersion.Status.IN_REVIEW, by, at)


@transaction.atomic
def send_back(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Return a version from review to its writer. Raises WrongMoment, DraftIsOpen."""
    version = _held(version, ScriptVersion.Status.IN_REVIEW)
    other = ScriptVersion.objects.filter(script=version.script_id, status=ScriptVersion.Status.DRAFT).first()
    if other:
        raise DraftIsOpen(
            _("Version %(number)s is a draft already. Finish it or throw it away, then send this one back.")
            % {"number": other.number}
        )
    return _move(version, ScriptVersion.Status.DRAFT, by, at)


@transaction.atomic
def approve_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Approve what is in review; from now on its text never changes. Raises ApprovalRefused, CommentsOpen, ChecksFailed, WrongMoment."""
    version = _held(version, ScriptVersion.Status.IN_REVIEW)
    if not rules.can_approve(by, version):
        raise ApprovalRefused(
            _("A script is approved by another person than its writer. Ask QA or another campaign manager.")
        )
    waiting = queries_versions.open_comments(version)
    if waiting:
        raise CommentsOpen(
            ngettext(
                "%(count)s comment is open. Settle it, or send the version back to its writer.",
                "%(count)s comments are open. Settle them, or send the version back to its writer.",
                waiting,
            )
            % {"count": waiting}
        )
    _refuse(_("Not approved."), queries_versions.findings(version), ERRORS)
    version.approved_by, version.approved_at, version.status = by, at, ScriptVersion.Status.APPROVED
    version.save(update_fields=["approved_by", "approved_at", "status"])
    audit("scripts.version.approved", version, by=by, at=at, number=version.number)
    return version


@transaction.atomic
def start_trial(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Let a few agents try an approved version; the one in force stays in force. Raises WrongMoment, ChecksFailed."""
    version = _held(version, ScriptVersion.Status.APPROVED)
    _refuse(_("Not tried."), queries_versions.findings(version), SPOKEN)
    return _move(version, ScriptVersion.Status.TRIAL, by, at)


@transaction.atomic
def retire_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Take back what was approved or tried and shall not come into force. Raises WrongMoment, VersionInUse."""
    version = _held(version, ScriptVersion.Status.APPROVED, ScriptVersion.Status.TRIAL)
    version_retiring.send(sender=ScriptVersion, version=version, by=by)
    return _move(version, ScriptVersion.Status.RETIRED, by, at)


@transaction.atomic
def make_live(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Make an approved version the one in force for its script. The one before is retired, and whoever called with it calls with this one
    from the next lead on. Raises WrongMoment, ChecksFailed, VersionInUse (somebody compares the one before in an experiment)."""
    version = _held(version, ScriptVersion.Status.APPROVED, ScriptVersion.Status.TRIAL)
    _refuse(_("Not put in force."), queries_versions.findings(version), SPOKEN)
    before = (
        ScriptVersion.objects.select_for_update()
        .filter(script=version.script_id, status=ScriptVersion.Status.LIVE)
        .first()
    )
    if before:
        _move(before, ScriptVersion.Status.RETIRED, by, at)
    version = _move(version, ScriptVersion.Status.LIVE, by, at)
    if before:
        version_displaced.send(sender=ScriptVersion, before=before, version=version, by=by, at=at)
    return version


def _refuse(outcome: str, found: Collection[Finding], kinds: Collection[Kind]) -> None:
    errors = [finding.sentence for finding in found if finding.kind in kinds]
    if errors:
        raise ChecksFailed(" ".join([outcome, *errors]))


def _lock(script_id: int) -> None:
    """Whoever moves a version holds its script: first the script, then its versions, then what uses them."""
    Script.objects.select_for_update().get(pk=script_id)


def _held(version: ScriptVersion, *states: str) -> ScriptVersion:
    """The version, with its script locked, when it is in one of these states. Raises WrongMoment."""
    _lock(version.script_id)
    return in_state(version, *states)


def in_state(version: ScriptVersion, *states: str) -> ScriptVersion:
    """The version, locked, when it is in one of these states. Raises WrongMoment."""
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if version.status not in states:
        raise WrongMoment(
            _("Version %(number)s is %(status)s now. Reload the page to see what can be done with it.")
            % {"number": version.number, "status": version.get_status_display()}
        )
    return version


def _move(version: ScriptVersion, status: str, by: User, at: datetime) -> ScriptVersion:
    version.status = status
    version.save(update_fields=["status"])
    audit("scripts.version.moved", version, by=by, at=at, number=version.number, status=str(status))
    return version
