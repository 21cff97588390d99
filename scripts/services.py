"""Verbs on products, offers and scripts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext as _, ngettext

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import contents, queries_versions, rules, staying
from scripts.checks import Kind
from scripts.models import Offer, Product, Script, ScriptVersion
from scripts.seen import lock_as_seen


class VersionIsFixed(DomainError):
    """The version is approved: calls refer to its text."""


class PartsMissing(DomainError):
    """A script goes to review only with all six parts."""


class ChecksFailed(DomainError):
    """A script goes to review only when no check finds an error."""


class CommentsOpen(DomainError):
    """What reviewers said must be settled before approval."""


class DraftIsOpen(DomainError):
    """A script has one draft at a time."""


class LastVersion(DomainError):
    """A script keeps at least one version."""


class ApprovalRefused(DomainError):
    """Approval needs another person than the writer."""


class WrongMoment(DomainError):
    """The version is not in the state from which this step leads on."""


@transaction.atomic
def save_product(*, product: Product, by: User, at: datetime) -> Product:
    """Store a new or changed product. Its switch takes effect with the next claim and dial."""
    product.save()
    audit("scripts.product.saved", product, by=by, at=at, is_on=product.is_on)
    return product


@transaction.atomic
def save_offer(*, offer: Offer, by: User, at: datetime, seen: str | None = None) -> Offer:
    """Store a new or changed offer. `seen`: what it read when the writer opened it.

    Raises WrittenMeanwhile, and MustStay when what is said of it must not change for now.
    """
    staying.keep_wording(offer, ("product_id", "name", "terms", "price_cents"), by)
    if offer.pk is None:
        offer.save()
    else:
        lock_as_seen(offer, Offer.WRITTEN_FIELDS, seen, deed="scripts.offer.saved")
        offer.save(update_fields=Offer.WRITTEN_FIELDS)
    audit("scripts.offer.saved", offer, by=by, at=at)
    return offer


@transaction.atomic
def create_script(*, script: Script, by: User, at: datetime) -> ScriptVersion:
    """A new script with its first, empty draft."""
    script.save()
    audit("scripts.script.created", script, by=by, at=at)
    return _draft(script, by)


@transaction.atomic
def new_version(*, script: Script, by: User, at: datetime, based_on: ScriptVersion | None = None) -> ScriptVersion:
    """A draft with the content of the newest version; the draft that is already there when one is.

    With `based_on`, an older version of the same script, it goes back to that one. Raises DraftIsOpen when a draft would be overwritten.
    """
    Script.objects.select_for_update().get(pk=script.pk)
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
    version = in_state(version, ScriptVersion.Status.DRAFT)
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
    version = in_state(version, ScriptVersion.Status.DRAFT)
    found = queries_versions.findings(version)
    missing = [finding.what for finding in found if finding.kind == Kind.MISSING_PART]
    if missing:
        raise PartsMissing(_("These parts have no text yet: %(parts)s.") % {"parts": ", ".join(missing)})
    errors = [finding.sentence for finding in found if finding.is_error]
    if errors:
        raise ChecksFailed(" ".join([_("Not sent to review."), *errors]))
    return _move(version, ScriptVersion.Status.IN_REVIEW, by, at)


@transaction.atomic
def send_back(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Return a version from review to its writer."""
    version = in_state(version, ScriptVersion.Status.IN_REVIEW)
    return _move(version, ScriptVersion.Status.DRAFT, by, at)


@transaction.atomic
def approve_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Approve what is in review; from now on its text never changes. Raises ApprovalRefused, CommentsOpen, WrongMoment."""
    version = in_state(version, ScriptVersion.Status.IN_REVIEW)
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
    version.approved_by, version.approved_at, version.status = by, at, ScriptVersion.Status.APPROVED
    version.save(update_fields=["approved_by", "approved_at", "status"])
    audit("scripts.version.approved", version, by=by, at=at, number=version.number)
    return version


@transaction.atomic
def start_trial(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Let a few agents try an approved version; the one in force stays in force. Raises WrongMoment."""
    version = in_state(version, ScriptVersion.Status.APPROVED)
    return _move(version, ScriptVersion.Status.TRIAL, by, at)


@transaction.atomic
def retire_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Take back what was approved or tried and shall not come into force. Raises WrongMoment."""
    version = in_state(version, ScriptVersion.Status.APPROVED, ScriptVersion.Status.TRIAL)
    return _move(version, ScriptVersion.Status.RETIRED, by, at)


@transaction.atomic
def make_live(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Make an approved version the one in force for its script; the one before is retired. Raises WrongMoment."""
    Script.objects.select_for_update().get(pk=version.script_id)
    version = in_state(version, ScriptVersion.Status.APPROVED, ScriptVersion.Status.TRIAL)
    ScriptVersion.objects.filter(script=version.script_id, status=ScriptVersion.Status.LIVE).update(
        status=ScriptVersion.Status.RETIRED
    )
    return _move(version, ScriptVersion.Status.LIVE, by, at)


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
