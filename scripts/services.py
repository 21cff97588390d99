"""Verbs on products, offers and scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import User
from scripts import rules
from scripts.models import Offer, Product, Script, ScriptStep, ScriptVersion
from scripts.texts import StepText


class VersionIsFixed(DomainError):
    """The version is approved: calls refer to its text."""


class PartsMissing(DomainError):
    """A script goes to review only with all six parts."""


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
def save_offer(*, offer: Offer, by: User, at: datetime) -> Offer:
    offer.save()
    audit("scripts.offer.saved", offer, by=by, at=at)
    return offer


@transaction.atomic
def create_script(*, script: Script, by: User, at: datetime) -> ScriptVersion:
    """A new script with its first, empty draft."""
    script.save()
    audit("scripts.script.created", script, by=by, at=at)
    return _draft(script, by)


@transaction.atomic
def new_version(*, script: Script, by: User, at: datetime) -> ScriptVersion:
    """A draft with the text of the newest version; the draft that is already there when one is."""
    Script.objects.select_for_update().get(pk=script.pk)
    open_draft = script.versions.filter(status=ScriptVersion.Status.DRAFT).first()
    if open_draft:
        return open_draft
    newest = script.versions.order_by("-number").first()
    version = _draft(script, by)
    if newest:
        _copy_steps(newest, version)
    audit("scripts.version.drafted", version, by=by, at=at, number=version.number)
    return version


def _draft(script: Script, by: User) -> ScriptVersion:
    last = script.versions.aggregate(last=Max("number"))["last"] or 0
    return ScriptVersion.objects.create(script=script, number=last + 1, created_by=by)


def _copy_steps(source: ScriptVersion, target: ScriptVersion) -> None:
    for step in source.steps.prefetch_related("questions").order_by("position"):
        questions = list(step.questions.all())
        step.pk, step.version = None, target
        step.save(force_insert=True)
        for question in questions:
            question.pk, question.step = None, step
            question.save(force_insert=True)


@transaction.atomic
def write_steps(*, version: ScriptVersion, steps: list[StepText], by: User, at: datetime) -> ScriptVersion:
    """Replace the text of a draft, one step per part in the order of the parts; empty ones are left out.

    Steps that carry questions keep them. Raises VersionIsFixed.
    """
    version = ScriptVersion.objects.select_for_update().get(pk=version.pk)
    if version.status != ScriptVersion.Status.DRAFT:
        raise VersionIsFixed(
            _("Version %(number)s is no longer a draft. Make a new version to change its text.")
            % {"number": version.number}
        )
    order = list(ScriptStep.Part)
    kept = {step.part: step for step in version.steps.all()}
    for position, written in enumerate(sorted(steps, key=lambda s: order.index(ScriptStep.Part(s.part))), start=1):
        step = kept.pop(written.part, None)
        if not written.text.strip():
            if step:
                step.delete()
            continue
        values: dict[str, Any] = {
            "position": position,
            "text": written.text,
            "hint": written.hint,
            "must_say": written.must_say,
        }
        if step:
            ScriptStep.objects.filter(pk=step.pk).update(**values)
        else:
            ScriptStep.objects.create(version=version, part=written.part, **values)
    version.changed_by = by
    version.save(update_fields=["changed_by"])
    audit("scripts.version.written", version, by=by, at=at, number=version.number)
    return version


@transaction.atomic
def submit_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Hand a draft to review. Raises PartsMissing, WrongMoment."""
    version = _in_state(version, ScriptVersion.Status.DRAFT)
    there = set(version.steps.values_list("part", flat=True))
    missing = [str(part.label) for part in ScriptStep.Part if part not in there]
    if missing:
        raise PartsMissing(_("These parts have no text yet: %(parts)s.") % {"parts": ", ".join(missing)})
    return _move(version, ScriptVersion.Status.IN_REVIEW, by, at)


@transaction.atomic
def send_back(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Return a version from review to its writer."""
    version = _in_state(version, ScriptVersion.Status.IN_REVIEW)
    return _move(version, ScriptVersion.Status.DRAFT, by, at)


@transaction.atomic
def approve_version(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Approve what is in review; from now on its text never changes. Raises ApprovalRefused, WrongMoment."""
    version = _in_state(version, ScriptVersion.Status.IN_REVIEW)
    if not rules.can_approve(by, version):
        raise ApprovalRefused(
            _("A script is approved by another person than its writer. Ask QA or another campaign manager.")
        )
    version.approved_by, version.approved_at, version.status = by, at, ScriptVersion.Status.APPROVED
    version.save(update_fields=["approved_by", "approved_at", "status"])
    audit("scripts.version.approved", version, by=by, at=at, number=version.number)
    return version


@transaction.atomic
def make_live(*, version: ScriptVersion, by: User, at: datetime) -> ScriptVersion:
    """Make an approved version the one in force for its script; the one before is retired. Raises WrongMoment."""
    Script.objects.select_for_update().get(pk=version.script_id)
    version = _in_state(version, ScriptVersion.Status.APPROVED, ScriptVersion.Status.TRIAL)
    ScriptVersion.objects.filter(script=version.script_id, status=ScriptVersion.Status.LIVE).update(
        status=ScriptVersion.Status.RETIRED
    )
    return _move(version, ScriptVersion.Status.LIVE, by, at)


def _in_state(version: ScriptVersion, *states: str) -> ScriptVersion:
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
