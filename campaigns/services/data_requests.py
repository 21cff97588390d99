"""Data requests: asked for by one person, decided by another, filled by a job, withdrawn, closed early, ended at their day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import desk_fields, rules
from campaigns.models import Campaign, DataRequest
from campaigns.services.allocation import CampaignIsOver
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from core.models import Job
from customers.conditions import parse
from customers.models import Segment
from customers.services.segments import NotYourPlace, may_lie_in
from people.models import City, User

FILL = "campaigns.fill_data_request"
WITHDRAW = "campaigns.withdraw_requested_leads"
MOST = 1_000_000
OVER = (Campaign.Stage.WRAP_UP, Campaign.Stage.CLOSED)

State = DataRequest.State


class WantedWrong(DomainError):
    """At least one customer, at most a million."""


class DaysWrong(DomainError):
    """Needed from today on, and used at least until then."""


class ReasonMissing(DomainError):
    """Whoever decides, and whoever reads the record, must read why."""


class FieldsUnknown(DomainError):
    """A field that the desk does not have, or neither shown nor masked."""


class SegmentElsewhere(DomainError):
    """The segment counts customers of another place than the request."""


class DecidedAlready(DomainError):
    """Somebody decided, or took it back, meanwhile."""


class UseIsOver(DomainError):
    """The last day of use has passed before anybody decided."""


class NotInUse(DomainError):
    """Only what is approved or fulfilled can be closed early."""


@dataclass(frozen=True)
class Asked:
    """What somebody asks for. `conditions` is JSON as in customers.conditions; with a segment its conditions are taken instead."""

    wanted: int
    needed_on: date
    use_until: date
    reason: str
    conditions: Any = None
    segment: Segment | None = None
    order: str = DataRequest.Order.RANDOM
    fields: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def ask_data(*, campaign: Campaign, city: City | None, asked: Asked, by: User, at: datetime) -> DataRequest:
    """Ask the data team for customers of a city, or of the region; nothing happens before a second person approves.

    Raises PermissionRefused, NotYourPlace, CampaignIsOver, SegmentElsewhere, BadConditions, WantedWrong, DaysWrong, FieldsUnknown,
    ReasonMissing.
    """
    if not rules.can_ask_data(by):
        raise PermissionRefused(_("Your role does not allow this."))
    city = _place(campaign, city, asked.segment)
    if not may_lie_in(by, city):
        raise NotYourPlace(_("Choose one of your cities: customers of the whole region are asked for by who sees it."))
    _must_go_on(campaign)
    _check(asked, business_date(at))
    conditions = asked.segment.conditions if asked.segment else asked.conditions
    request = DataRequest.objects.create(
        campaign=campaign, city=city, wanted=asked.wanted, conditions=parse(conditions, user=by).as_json(), segment=asked.segment,
        order=asked.order, fields=asked.fields, needed_on=asked.needed_on, use_until=asked.use_until, reason=asked.reason.strip()[:500],
        seed=secrets.randbits(62), asked_by=by, asked_at=at,
    )  # fmt: skip
    _audit("campaigns.data_request.asked", request, by, at, wanted=asked.wanted, fields=asked.fields)
    return request


def _place(campaign: Campaign, city: City | None, segment: Segment | None) -> City | None:
    """Where the customers come from: the campaign's city, when it has one, and never another one than the segment's."""
    if campaign.city_id and city is not None and city.pk != campaign.city_id:
        raise NotYourPlace(_("%(campaign)s calls in another city.") % {"campaign": campaign.name})
    city = campaign.city or city
    if segment is None or segment.city_id is None:
        return city
    if city is not None and city.pk != segment.city_id:
        raise SegmentElsewhere(_("The segment %(segment)s counts customers of another city.") % {"segment": segment.name})  # fmt: skip
    return segment.city


def _must_go_on(campaign: Campaign) -> None:
    if campaign.stage in OVER:
        raise CampaignIsOver(_("%(campaign)s is over and takes no more customers.") % {"campaign": campaign.name})


def _check(asked: Asked, today: date) -> None:
    if not 1 <= asked.wanted <= MOST:
        raise WantedWrong(_("Ask for at least 1 and at most %(most)s customers.") % {"most": MOST})
    if asked.needed_on < today:
        raise DaysWrong(_("The day by which they are needed has passed."))
    if asked.use_until < asked.needed_on:
        raise DaysWrong(_("The last day of use lies before the day by which they are needed."))
    if not desk_fields.known(asked.fields):
        raise FieldsUnknown(_("Choose for each field whether it is shown or masked; what is not named is not shown."))
    if not asked.reason.strip():
        raise ReasonMissing(_("Say why; whoever decides reads that."))


# ---------------------------------------------------------------- deciding


@transaction.atomic
def approve_request(*, request: DataRequest, by: User, at: datetime) -> DataRequest:
    """A second person lets it be filled: a job draws the customers and makes the leads.

    Raises PermissionRefused (also for the own request), DecidedAlready, UseIsOver, CampaignIsOver.
    """
    request = _to_decide(request, by)
    if request.use_until < business_date(at):
        raise UseIsOver(_("The last day of use has passed. The customers must be asked for anew."))
    _must_go_on(request.campaign)
    job = enqueue(
        kind=FILL, key=str(request.pk), args={"request": request.pk}, city_id=request.city_id, by=by, total=request.wanted
    )  # fmt: skip
    request.state, request.decided_by, request.decided_at, request.job_id = State.APPROVED, by, at, job.pk
    request.save(update_fields=["state", "decided_by", "decided_at", "job_id"])
    _audit("campaigns.data_request.approved", request, by, at, wanted=request.wanted)
    return request


@transaction.atomic
def refuse_request(*, request: DataRequest, reason: str, by: User, at: datetime) -> DataRequest:
    """A second person says no, and why. Raises PermissionRefused (also for the own request), DecidedAlready, ReasonMissing."""
    request = _to_decide(request, by)
    request.answer = reason.strip()[:500]
    if not request.answer:
        raise ReasonMissing(_("Say why it is refused."))
    request.state, request.decided_by, request.decided_at = State.REFUSED, by, at
    request.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _audit("campaigns.data_request.refused", request, by, at, reason=request.answer)
    return request


@transaction.atomic
def withdraw_request(*, request: DataRequest, by: User, at: datetime) -> DataRequest:
    """Who asked takes it back while it waits. Raises PermissionRefused, DecidedAlready."""
    request = _lock(request)
    if request.asked_by_id != by.pk:
        raise PermissionRefused(_("Only who asked for the customers takes the request back."))
    _must_wait(request)
    request.state, request.ended_by, request.ended_at = State.WITHDRAWN, by, at
    request.save(update_fields=["state", "ended_by", "ended_at"])
    _audit("campaigns.data_request.withdrawn", request, by, at)
    return request


def _lock(request: DataRequest) -> DataRequest:
    return DataRequest.objects.select_for_update(of=("self",)).select_related("campaign", "city").get(pk=request.pk)


def _must_wait(request: DataRequest) -> None:
    if request.state != State.ASKED:
        raise DecidedAlready(_("This is already decided: %(state)s.") % {"state": request.get_state_display()})


def _to_decide(request: DataRequest, by: User) -> DataRequest:
    request = _lock(request)
    if request.asked_by_id == by.pk:
        raise PermissionRefused(_("A second person decides: you cannot decide on your own request."))
    if not rules.can_decide_data(by) or not may_lie_in(by, request.city):
        raise PermissionRefused(_("Your role does not allow this."))
    _must_wait(request)
    return request


# ---------------------------------------------------------------- the end of the use


@transaction.atomic
def close_request(*, request: DataRequest, reason: str, by: User, at: datetime) -> DataRequest:
    """End the use before its day: a job withdraws the leads that are still open. Raises PermissionRefused, ReasonMissing, NotInUse."""
    request = _lock(request)
    if not rules.can_close_data(by, request) or not may_lie_in(by, request.city):
        raise PermissionRefused(_("Your role does not allow this."))
    if not reason.strip():
        raise ReasonMissing(_("Say why it is closed."))
    if request.state not in DataRequest.IN_USE:
        raise NotInUse(
            _("Only a request in use can be closed. This one: %(state)s.") % {"state": request.get_state_display()}
        )
    _end(request, State.CLOSED, reason.strip()[:500], by, at)
    _audit("campaigns.data_request.closed", request, by, at, reason=request.end_reason)
    return request


def end_due(*, at: datetime) -> int:
    """End every request whose last day of use has passed, also one that nobody decided on; how many. Each by itself."""
    waiting = [State.ASKED, *DataRequest.IN_USE]
    due = DataRequest.objects.filter(ended_at=None, state__in=waiting, use_until__lt=business_date(at)).order_by("pk")
    return sum(_end_one(request, at) for request in due)


@transaction.atomic
def _end_one(request: DataRequest, at: datetime) -> bool:
    request = _lock(request)
    if request.state not in [State.ASKED, *DataRequest.IN_USE]:
        return False
    reason = DataRequest.UNDECIDED if request.state == State.ASKED else DataRequest.LAST_DAY
    _end(request, State.ENDED, reason, None, at)
    _audit("campaigns.data_request.ended", request, None, at, reason=reason, use_until=request.use_until.isoformat())
    return True


def _end(request: DataRequest, state: str, reason: str, by: User | None, at: datetime) -> None:
    was_filled = request.state != State.ASKED
    request.state, request.end_reason, request.ended_by, request.ended_at = state, reason, by, at
    if was_filled:
        filling = Job.objects.open().filter(pk=request.job_id or 0).first()
        job = enqueue(
            kind=WITHDRAW, key=str(request.pk), args={"request": request.pk}, city_id=request.city_id, by=by, after=filling
        )  # fmt: skip
        request.job_id = job.pk
    request.save(update_fields=["state", "end_reason", "ended_by", "ended_at", "job_id"])


def _audit(action: str, request: DataRequest, by: User | None, at: datetime, **told: Any) -> None:
    audit(action, request, by=by, at=at, city_id=request.city_id, campaign_id=request.campaign_id, **told)
