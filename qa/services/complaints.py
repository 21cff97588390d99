"""Complaints: taken, given to somebody, worked on, answered, closed, opened again. A serious one stops its campaign at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign
from campaigns.services.planning import switch_campaign
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers.models import Customer
from people.models import City, User
from qa import rules
from qa.models import Complaint, ComplaintCategory, ComplaintDeadline, ComplaintStep, Severity

Kind, State = ComplaintStep.Kind, Complaint.State


class ComplaintSaysNothing(DomainError):
    """A complaint, a step, an answer and a reason need words."""


class ComplaintNotThere(DomainError):
    """The complaint stands where this step does not follow."""


class ComplaintWithoutPlace(DomainError):
    """Neither call nor customer nor city: nobody would see it."""


class CannotBeInCharge(DomainError):
    """Who is to see to it may not work on it."""


@transaction.atomic
def take_complaint(
    *, category: ComplaintCategory, severity: str, words: str, by: User, at: datetime, call: Call | None = None,
    customer: Customer | None = None, city: City | None = None, in_charge: User | None = None,
) -> Complaint:  # fmt: skip
    """Take a complaint of a call, of a customer, or of a city alone. The same call with the same category again gives the first one.

    Raises PermissionRefused, ComplaintSaysNothing, ComplaintWithoutPlace, CannotBeInCharge.
    """
    if not rules.can_take_complaints(by):
        raise PermissionRefused(_("Your role does not allow this."))
    said = _need(words)
    place = call.city_id if call else customer.city_id if customer else city.pk if city else None
    if place is None:
        raise ComplaintWithoutPlace(_("Say to which call, customer or city the complaint belongs."))
    campaign = Campaign.objects.select_for_update().filter(pk=call.campaign_id).first() if call else None
    if call and (known := Complaint.objects.filter(call_id=call.pk, category=category).first()):
        return known
    hours = ComplaintDeadline.objects.get(severity=severity).hours
    complaint = Complaint(
        customer_id=call.customer_id if call else customer.pk if customer else None, city_id=place, category=category, severity=severity,
        words=said, received_by=by, received_at=at, due_at=at + timedelta(hours=hours),
    )  # fmt: skip
    if call:
        complaint.call_id, complaint.call_started_at = call.pk, call.started_at
        complaint.campaign_id, complaint.team_id, complaint.agent_id = call.campaign_id, call.team_id, call.agent_id
        complaint.script_version_id = call.script_version_id
    if severity == Severity.SERIOUS and campaign and campaign.is_on:
        complaint.stopped_campaign = True
    complaint.save()
    _step(complaint, Kind.TAKEN, "", by, at)
    audit("qa.complaint.taken", complaint, by=by, at=at, severity=severity, category=category.code)
    if complaint.stopped_campaign and campaign:
        reason = _("Serious complaint no. %(number)s") % {"number": complaint.pk}
        switch_campaign(campaign=campaign, is_on=False, reason=reason, by=by, at=at)
    if in_charge:
        _give(complaint, in_charge, by, at)
    return complaint


@transaction.atomic
def give_complaint(*, complaint: Complaint, to: User, by: User, at: datetime) -> Complaint:
    """Say who sees to it; it is in work from then on. Raises PermissionRefused, ComplaintNotThere, CannotBeInCharge."""
    complaint = _locked(complaint, by, State.RECEIVED, State.IN_WORK)
    if complaint.in_charge_id != to.pk:
        _give(complaint, to, by, at)
    return complaint


@transaction.atomic
def note_step(*, complaint: Complaint, words: str, by: User, at: datetime) -> ComplaintStep:
    """Write down what was done. Raises PermissionRefused, ComplaintNotThere, ComplaintSaysNothing."""
    complaint = _locked(complaint, by, State.RECEIVED, State.IN_WORK, State.ANSWERED)
    step = _step(complaint, Kind.NOTED, _need(words), by, at)
    if complaint.state == State.RECEIVED:
        complaint.state = State.IN_WORK
        complaint.save(update_fields=["state"])
    audit("qa.complaint.noted", complaint, by=by, at=at)
    return step


@transaction.atomic
def answer_complaint(*, complaint: Complaint, answer: str, by: User, at: datetime) -> Complaint:
    """Record what the customer was answered. Raises PermissionRefused, ComplaintNotThere, ComplaintSaysNothing."""
    complaint = _locked(complaint, by, State.RECEIVED, State.IN_WORK)
    complaint.answer, complaint.state, complaint.answered_at = _need(answer), State.ANSWERED, at
    complaint.save(update_fields=["answer", "state", "answered_at"])
    _step(complaint, Kind.ANSWERED, complaint.answer, by, at)
    audit("qa.complaint.answered", complaint, by=by, at=at)
    return complaint


@transaction.atomic
def close_complaint(*, complaint: Complaint, by: User, at: datetime) -> Complaint:
    """End it, once it is answered. Raises PermissionRefused, ComplaintNotThere."""
    complaint = _locked(complaint, by, State.ANSWERED)
    complaint.state, complaint.closed_at = State.CLOSED, at
    complaint.save(update_fields=["state", "closed_at"])
    _step(complaint, Kind.CLOSED, "", by, at)
    audit("qa.complaint.closed", complaint, by=by, at=at)
    return complaint


@transaction.atomic
def reopen_complaint(*, complaint: Complaint, reason: str, by: User, at: datetime) -> Complaint:
    """Take it up again with a deadline of its own; the former answer stays among the steps. Raises like answer_complaint()."""
    complaint = _locked(complaint, by, State.ANSWERED, State.CLOSED)
    said = _need(reason)
    hours = ComplaintDeadline.objects.get(severity=complaint.severity).hours
    complaint.state, complaint.answered_at, complaint.closed_at = State.IN_WORK, None, None
    complaint.due_at = at + timedelta(hours=hours)
    complaint.save(update_fields=["state", "answered_at", "closed_at", "due_at"])
    _step(complaint, Kind.REOPENED, said, by, at)
    audit("qa.complaint.reopened", complaint, by=by, at=at)
    return complaint


def _locked(complaint: Complaint, by: User, *states: str) -> Complaint:
    complaint = Complaint.objects.select_for_update().get(pk=complaint.pk)
    if not rules.can_work_on_complaint(by, complaint):
        raise PermissionRefused(_("QA and who is in charge work on a complaint."))
    if complaint.state not in states:
        raise ComplaintNotThere(_("This does not follow: the complaint stands at “%(state)s”.") % {"state": complaint.get_state_display()})  # fmt: skip
    return complaint


def _give(complaint: Complaint, to: User, by: User, at: datetime) -> None:
    if not to.is_active or not Complaint.objects.visible_to(to).filter(pk=complaint.pk).exists():
        raise CannotBeInCharge(_("Choose somebody who answers for the complaint's team or city."))
    complaint.in_charge, complaint.state = to, State.IN_WORK
    complaint.save(update_fields=["in_charge", "state"])
    _step(complaint, Kind.GIVEN, "", by, at)
    audit("qa.complaint.given", complaint, by=by, at=at, to=to.pk)


def _step(complaint: Complaint, kind: str, words: str, by: User, at: datetime) -> ComplaintStep:
    return ComplaintStep.objects.create(complaint=complaint, kind=kind, words=words, by=by, at=at)


def _need(words: str) -> str:
    if not words.strip():
        raise ComplaintSaysNothing(_("Write in a few words what was said or done."))
    return words.strip()
