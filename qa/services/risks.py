"""Complaint risks of a campaign: listed, given to somebody, cleared with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from people.models import User
from qa import rules
from qa.models import ComplaintRisk


class RiskUnsaid(DomainError):
    """What is risked, or why it no longer is, was not said."""


class RiskCleared(DomainError):
    """The risk was cleared already."""


@transaction.atomic
def add(*, campaign: Campaign, words: str, at: datetime, by: User | None = None, cause: str = "") -> ComplaintRisk:
    """List a risk; `by` is None when the machine found it. The one that is open already in these words is answered with.

    A risk that was cleared and is added again is a new one. Raises PermissionRefused, RiskUnsaid.
    """
    if by is not None and not rules.can_keep_risks(by, campaign):
        raise PermissionRefused(_("Your role does not allow this."))
    said = " ".join(words.split())[:300]
    if not said:
        raise RiskUnsaid(_("Say what customers could complain of."))
    risk, is_new = ComplaintRisk.objects.get_or_create(
        campaign=campaign,
        words=said,
        cleared_at=None,
        defaults={"cause": " ".join(cause.split())[:200], "added_by": by, "added_at": at},
    )
    if is_new:
        audit("qa.risk.added", risk, by=by, at=at, campaign=campaign.code)
    return risk


@transaction.atomic
def hand(*, risk: ComplaintRisk, owner: User, by: User, at: datetime) -> ComplaintRisk:
    """Name the person in charge of clearing it, one who may. Raises PermissionRefused, RiskCleared."""
    risk = _open(risk, by)
    if not rules.can_keep_risks(owner, risk.campaign):
        raise PermissionRefused(_("%(who)s may not clear risks of this campaign.") % {"who": owner})
    if risk.owner_id != owner.pk:
        risk.owner = owner
        risk.save(update_fields=["owner"])
        audit("qa.risk.handed", risk, by=by, at=at, campaign=risk.campaign.code, to=owner.pk)
    return risk


@transaction.atomic
def clear(*, risk: ComplaintRisk, why: str, by: User, at: datetime) -> ComplaintRisk:
    """Say why it is no risk any more. Raises PermissionRefused, RiskCleared, RiskUnsaid."""
    risk = _open(risk, by)
    said = " ".join(why.split())[:500]
    if not said:
        raise RiskUnsaid(_("Say why this is no risk any more."))
    risk.cleared_by, risk.cleared_at, risk.cleared_why = by, at, said
    risk.save(update_fields=["cleared_by", "cleared_at", "cleared_why"])
    audit("qa.risk.cleared", risk, by=by, at=at, campaign=risk.campaign.code)
    return risk


def _open(risk: ComplaintRisk, by: User) -> ComplaintRisk:
    risk = ComplaintRisk.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=risk.pk)
    if not rules.can_keep_risks(by, risk.campaign):
        raise PermissionRefused(_("Your role does not allow this."))
    if risk.cleared_at is not None:
        raise RiskCleared(_("This risk was cleared already."))
    return risk
