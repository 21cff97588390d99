"""Verbs of wrap-ups: make a draft, or make it anew; write what was learnt; finish it for good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.services.maps import archive_with_campaign
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError, PermissionRefused
from core.locks import one_at_a_time
from core.phones import holds_number
from people.models import User
from qa import rules
from qa.models import WrapUp
from qa.services.full_run import OVER
from qa.wrap_up_content import collect, days_waiting, lasting

NOT_CALLED = (Campaign.Stage.PLANNED, Campaign.Stage.SCRIPT_REVIEW)


class NothingToWrapUp(DomainError):
    """The campaign has not called yet."""


class IsFinished(DomainError):
    """A finished wrap-up stays as it is."""


class WordsNotTaken(DomainError):
    """The words cannot be kept as they are."""


class NotReady(DomainError):
    """The wrap-up cannot be finished (yet)."""


def digest_of(content: Mapping[str, Any], keep: str, change: str) -> str:
    """sha256 of what a wrap-up says."""
    said = json.dumps(
        {"content": content, "keep": keep, "change": change}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(said.encode()).hexdigest()


@transaction.atomic
def make(*, campaign: Campaign, by: User, at: datetime) -> WrapUp:
    """The draft of the campaign, counted and collected now; the words of an earlier draft stay. Made twice there is one.

    Raises PermissionRefused, NothingToWrapUp, IsFinished.
    """
    campaign = _locked(campaign, by)
    if campaign.stage in NOT_CALLED:
        raise NothingToWrapUp(_("This campaign has not called yet, so there is nothing to wrap up."))
    content = collect(campaign, at)
    # read only now: words that were written while it was counted are kept
    row = WrapUp.objects.select_for_update(of=("self",)).filter(campaign=campaign).first() or WrapUp(campaign=campaign)
    if row.is_finished:
        raise IsFinished(_("The wrap-up of this campaign is finished and stays as it is."))
    row.made_by, row.made_at, row.content = by, at, content
    row.digest = digest_of(row.content, row.keep, row.change)
    row.save()
    audit("qa.wrap_up.made", row, by=by, at=at, campaign=campaign.pk, digest=row.digest)
    return row


@transaction.atomic
def write(*, wrap_up: WrapUp, keep: str, change: str, by: User, at: datetime) -> WrapUp:
    """What to keep and what to change the next time, in a person's words. Raises PermissionRefused, IsFinished, WordsNotTaken."""
    row = _open(wrap_up, by)
    if holds_number(keep) or holds_number(change):
        raise WordsNotTaken(_("There is a phone number in the words. The report leaves the house: write it without."))
    row.keep, row.change = keep.strip(), change.strip()
    row.digest = digest_of(row.content, row.keep, row.change)
    row.save(update_fields=["keep", "change", "digest"])
    audit("qa.wrap_up.written", row, by=by, at=at, digest=row.digest)
    return row


@transaction.atomic
def finish(*, wrap_up: WrapUp, digest: str, by: User, at: datetime) -> WrapUp:
    """Freeze what was read (`digest`) for good, and archive the guidance map with it. Finished twice it stays as it was.

    Raises PermissionRefused, IsFinished, NotReady: before the campaign's end, without words, while days are being counted, and when
    what it says is no longer so.
    """
    campaign = _locked(wrap_up.campaign, by)
    row = WrapUp.objects.select_for_update(of=("self",)).get(pk=wrap_up.pk)
    if row.is_finished and row.digest == digest:
        return row
    if row.is_finished:
        raise IsFinished(_("The wrap-up of this campaign is finished and stays as it is."))
    row.campaign = campaign
    _check_ready(row, digest, at)
    row.finished_by, row.finished_at = by, at
    row.save(update_fields=["finished_by", "finished_at"])
    archive_with_campaign(campaign=campaign, by=by, at=at)
    audit("qa.wrap_up.finished", row, by=by, at=at, campaign=campaign.pk, digest=row.digest)
    return row


def is_over(campaign: Campaign, at: datetime) -> bool:
    """Whether the campaign has come to its wrap-up, or its last day is over."""
    ended = campaign.ends_on is not None and campaign.ends_on < business_date(at)
    return campaign.stage in OVER or (ended and campaign.stage not in NOT_CALLED)


def _check_ready(row: WrapUp, digest: str, at: datetime) -> None:
    if not is_over(row.campaign, at):
        raise NotReady(_("The campaign still goes on. Its wrap-up is finished at its end."))
    if not (row.keep or row.change):
        raise NotReady(_("Say first what to keep or what to change: the next campaign of the kind reads it."))
    if row.digest != digest:
        raise NotReady(_("The report was changed after you opened it. Read it again, then finish it."))
    if days_waiting(row.campaign, at):
        raise NotReady(_("Some days of the campaign are still being counted. Make the report anew in some minutes."))
    if lasting(collect(row.campaign, at)) != lasting(row.content):
        raise NotReady(
            _("Since it was made, figures or decisions have come in. Make it anew, read it, then finish it.")
        )


def _locked(campaign: Campaign, by: User) -> Campaign:
    one_at_a_time("qa.wrap_up", campaign.pk)
    found = Campaign.objects.select_related("city", "product", "offer", "script_version__script")
    row = found.get(pk=campaign.pk)
    if not rules.can_wrap_up(by, row):
        raise PermissionRefused(_("This campaign is not yours to wrap up."))
    return row


def _open(wrap_up: WrapUp, by: User) -> WrapUp:
    row = WrapUp.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=wrap_up.pk)
    if not rules.can_wrap_up(by, row.campaign):
        raise PermissionRefused(_("This campaign is not yours to wrap up."))
    if row.is_finished:
        raise IsFinished(_("The wrap-up of this campaign is finished and stays as it is."))
    return row
