"""A bought list is tried on a small sample first: so many customers by lot, then the rest or nothing.

Who waits behind a sample comes into the campaign by no other list of the same source. By a list of another source they come at any
time: it was not that list that is tried. A segment or a data request brings them once the sample is stopped, if anything but stopped
lists knows them; filled by the stopped list alone it would bring in what was decided against.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, ListAllocation, ListSample
from campaigns.samples import KNOWN_BY_STOPPED_ALONE, REST
from core.audit import audit
from core.errors import DomainError
from core.jobs import enqueue
from core.models import Job
from customers.models import LeadList, Source
from people.models import User

# a lot below all others: of a list of which nobody can be called
NOBODY = -(2**63)

# why a customer c of a segment may not come in
HELD_BACK = f"""
        WHEN c.id IN ({REST.format(state="tried")}) THEN 'waiting'
        WHEN c.id IN ({REST.format(state="stopped")}) AND {KNOWN_BY_STOPPED_ALONE} THEN 'sample_stopped'
"""
OF_OTHER_LISTS = " AND a.lead_list_id <> %(list)s AND q.source_id = %(source)s"
# why a customer c of a list may not: another list of its source is tried, or was stopped
HELD_BACK_BY_OTHER_LISTS = f"""
        WHEN c.id IN ({REST.format(state="tried")}{OF_OTHER_LISTS}) THEN 'waiting'
        WHEN c.id IN ({REST.format(state="stopped")}{OF_OTHER_LISTS}) THEN 'sample_stopped'
"""


class ListNotBought(DomainError):
    """Own customers and those of marketing activity are there anyway: nothing is decided by trying them."""


class SampleSizeWrong(DomainError):
    """A sample is at least one customer and less than the list."""


class SampleNotDrawn(DomainError):
    """The job that draws it has not come so far."""


class SampleDecided(DomainError):
    """Somebody has already let the rest be called, or stopped."""


class ReasonMissing(DomainError):
    """Who stops says why: it is the ground for not buying."""


def check_size(lead_list: LeadList, size: int) -> None:
    """Whether a sample of this size can be drawn of the list. Raises ListNotBought, SampleSizeWrong."""
    if lead_list.source.kind != Source.Kind.BOUGHT:
        raise ListNotBought(
            _("Only a bought list is tried on a sample; %(name)s is not one.") % {"name": lead_list.name}
        )
    if not 1 <= size < lead_list.row_count:
        raise SampleSizeWrong(
            _("The sample has at least 1 customer and less than the %(rows)s rows of the list.")
            % {"rows": lead_list.row_count}
        )


def is_held_by_other_lists(allocation: ListAllocation) -> bool:
    """Whether other lists of its source are tried in this campaign, or were stopped there: then their rest stays out of this list too."""
    others = ListSample.objects.filter(
        allocation__campaign=allocation.campaign_id, allocation__lead_list__source=allocation.lead_list.source_id
    )
    return others.exclude(allocation=allocation).exclude(state=ListSample.State.RELEASED).exists()


def hold_back(allocation: ListAllocation, *, size: int, by: User, at: datetime) -> ListSample:
    """Only a sample of this allocation may be called. Part of allocate_list, before its job is made."""
    sample = ListSample.objects.create(allocation=allocation, size=size, seed=secrets.randbits(62), by=by, at=at)
    _audit("campaigns.sample.begun", sample, by=by, at=at, size=size, seed=sample.seed)
    return sample


@transaction.atomic
def call_the_rest(*, sample: ListSample, by: User, at: datetime) -> ListSample:
    """Make leads of the others of the list, as the allocation would have. Raises SampleDecided, SampleNotDrawn, CampaignIsOver."""
    from campaigns.services.allocation import KIND, CampaignIsOver

    locked = _to_decide(sample)
    allocation = locked.allocation
    if locked.cut is None or _is_being_made(allocation):
        raise SampleNotDrawn(_("The sample is still being drawn. Try again in a minute."))
    if allocation.campaign.stage in (Campaign.Stage.WRAP_UP, Campaign.Stage.CLOSED):
        raise CampaignIsOver(
            _("%(campaign)s is over and takes no more customers.") % {"campaign": allocation.campaign.name}
        )
    _decide(locked, ListSample.State.RELEASED, "", by, at)
    lead_list = allocation.lead_list
    job = enqueue(
        kind=KIND, key=f"{allocation.pk}:rest", args={"allocation_id": allocation.pk}, city_id=lead_list.city_id, by=by,
        total=lead_list.row_count or None,
    )  # fmt: skip
    allocation.job_id = job.pk
    # who was left out is counted anew with the rest
    allocation.left_out = {}
    allocation.save(update_fields=["job_id", "left_out"])
    _audit("campaigns.sample.released", locked, by=by, at=at)
    return locked


def _is_being_made(allocation: ListAllocation) -> bool:
    """The leads of the sample themselves: two jobs would both count who is left out."""
    return Job.objects.filter(pk=allocation.job_id or 0, state__in=Job.OPEN_STATES).exists()


@transaction.atomic
def stop_here(*, sample: ListSample, reason: str, by: User, at: datetime) -> ListSample:
    """Leave the others of the list uncalled in this campaign, for good, unless another source brings them. Raises SampleDecided, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing(_("Say why the rest is not called."))
    locked = _to_decide(sample)
    _decide(locked, ListSample.State.STOPPED, reason.strip(), by, at)
    _audit("campaigns.sample.stopped", locked, by=by, at=at, reason=locked.reason)
    return locked


def _to_decide(sample: ListSample) -> ListSample:
    locked = ListSample.objects.select_for_update().get(pk=sample.pk)
    if locked.state != ListSample.State.TRIED:
        raise SampleDecided(_("This is already decided: %(state)s.") % {"state": locked.get_state_display()})
    return locked


def _decide(sample: ListSample, state: str, reason: str, by: User, at: datetime) -> None:
    sample.state, sample.decided_by, sample.decided_at, sample.reason = state, by, at, reason
    sample.save(update_fields=["state", "decided_by", "decided_at", "reason"])


def _audit(action: str, sample: ListSample, *, by: User, at: datetime, **told: Any) -> None:
    allocation = sample.allocation
    audit(
        action, sample, by=by, at=at, city_id=allocation.lead_list.city_id,
        campaign_id=allocation.campaign_id, list_id=allocation.lead_list_id, **told,
    )  # fmt: skip
