"""Complaints: taken, weighed, given to somebody, worked on, traced to their cause, answered, closed, opened again.

A serious one stops its campaign: at once when it is taken by somebody who answers for the city or the team, and when such a person has
confirmed it where an agent took it, since an agent alone stops no campaign.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign, LiveCall
from campaigns.services.planning import switch_campaign
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers.models import Customer, Suppression
from customers.queries import heirs_of, was_erased
from customers.services.suppress import lock_person, suppress
from people.models import City, User
from qa import rules
from qa.models import Complaint, ComplaintCategory, ComplaintDeadline, ComplaintStep, Severity
from qa.services import complaint_calls
from qa.services.listening import PersonLocked
from scripts.models import Article

Kind, State = ComplaintStep.Kind, Complaint.State


class ComplaintSaysNothing(DomainError):
    """A complaint, a step, an answer and a reason need words."""


class ComplaintNotThere(DomainError):
    """The complaint stands where this step does not follow."""


class ComplaintWithoutPlace(DomainError):
    """Neither call nor customer nor city: nobody would see it."""


class CannotBeInCharge(DomainError):
    """Who is to see to it may not work on it."""


class PersonErased(DomainError):
    """The customer's data were erased: nothing about the person is written any more."""


class NotTheCause(DomainError):
    """The call or the article cannot be what the complaint is about."""


class NobodyToKeep(DomainError):
    """The complaint names no customer who could be kept from calls."""


@transaction.atomic
def take_complaint(
    *, category: ComplaintCategory, severity: str, words: str, by: User, at: datetime, call: Call | None = None,
    customer: Customer | None = None, city: City | None = None, in_charge: User | None = None, live: LiveCall | None = None,
) -> Complaint:  # fmt: skip
    """Take a complaint of a call, of a call that still goes on (`live`), of a customer, or of a city alone. The same call with the same
    category again gives the first one, to who may see it; called serious only now, it is to be decided there.

    Raises PermissionRefused, ComplaintSaysNothing, ComplaintWithoutPlace, ComplaintNotThere, CannotBeInCharge, PersonLocked, PersonErased.
    """
    if not rules.can_take_complaints(by):
        raise PermissionRefused(_("Your role does not allow this."))
    said = _need(words)
    customer = live.lead.customer if live else customer
    place = call.city_id if call else customer.city_id if customer else city.pk if city else None
    if place is None:
        raise ComplaintWithoutPlace(_("Say to which call, customer or city the complaint belongs."))
    whose = call.customer_id if call else customer.pk if customer else None
    lock_person(Customer.objects.filter(pk=whose).first() if whose else None, None)  # the erasing waits, or was before
    if call:  # two who take the same complaint come one after the other
        complaint_calls.name_at_once(call, category)
        Campaign.objects.select_for_update().filter(pk=call.campaign_id).first()
    if call and (known := Complaint.objects.filter(call_id=call.pk, category=category).first()):
        return _again(known, severity, by)
    if live and (
        known := Complaint.objects.filter(customer_id=whose, live_since=live.placed_at, category=category).first()
    ):
        return _again(known, severity, by)
    _check_person(whose)
    complaint = Complaint(
        customer_id=whose, city_id=place, category=category, severity=severity,
        words=said, received_by=by, received_at=at, due_at=at + _time_for(severity),
    )  # fmt: skip
    if call:
        complaint_calls.of_call(complaint, call)
    if live:
        complaint_calls.of_live(complaint, live, at)
    if severity != Severity.SERIOUS or rules.can_weigh_complaint(by, complaint):
        complaint.confirmed_at = at
    complaint.save()
    _step(complaint, Kind.TAKEN, "", by, at)
    audit("qa.complaint.taken", complaint, by=by, at=at, severity=severity, category=category.code)
    _stop_campaign(complaint, by, at)
    if in_charge:
        _give(complaint, in_charge, by, at)
    return complaint


def _again(known: Complaint, severity: str, by: User) -> Complaint:
    if not Complaint.objects.visible_to(by).filter(pk=known.pk).exists():
        raise ComplaintNotThere(_("This call has a complaint of this category already; QA works on it."))
    if severity == Severity.SERIOUS and known.severity != Severity.SERIOUS:
        raise ComplaintNotThere(
            _("Complaint %(number)s is about this call already. Decide there how severe it is.") % {"number": known.pk}
        )
    return known


@transaction.atomic
def weigh_complaint(*, complaint: Complaint, severity: str, reason: str, by: User, at: datetime) -> Complaint:
    """Decide how severe it is; the deadline follows, from when it was received or last opened again. Serious: its campaign stops. Decided so before, nothing is written.

    Raises PermissionRefused, ComplaintNotThere, ComplaintSaysNothing, PersonLocked, PersonErased.
    """
    complaint = _row(complaint)
    if not rules.can_weigh_complaint(by, complaint):
        raise PermissionRefused(_("Who answers for the city or the team decides how severe a complaint is."))
    _check_state(complaint, State.RECEIVED, State.IN_WORK)
    _check_person(complaint.customer_id)
    if complaint.severity == severity and complaint.confirmed_at:
        return complaint
    said = _need(reason)
    complaint.severity, complaint.confirmed_at = severity, at
    reopened = complaint.steps.filter(kind=Kind.REOPENED).order_by("pk").last()
    complaint.due_at = (reopened.at if reopened else complaint.received_at) + _time_for(severity)
    complaint.save(update_fields=["severity", "confirmed_at", "due_at"])
    _step(complaint, Kind.WEIGHED, said, by, at)
    audit("qa.complaint.weighed", complaint, by=by, at=at, severity=severity)
    _stop_campaign(complaint, by, at)
    return complaint


@transaction.atomic
def trace_complaint(
    *, complaint: Complaint, cause: str, words: str, by: User, at: datetime, article: Article | None = None, call: Call | None = None,
) -> Complaint:  # fmt: skip
    """Say what it came from; script version, agent and campaign are those of its call, which is named here where it was not known before.

    Raises PermissionRefused, ComplaintNotThere, ComplaintSaysNothing, NotTheCause, PersonLocked, PersonErased.
    """
    complaint = _locked(complaint, by, *State.values)
    said = _need(words)
    if (cause == Complaint.Cause.ARTICLE) != (article is not None):
        raise NotTheCause(_("Name the article when the knowledge is the cause, and only then."))
    if call and call.pk != complaint.call_id:
        _name_call(complaint, call)
    if cause in (Complaint.Cause.AGENT, Complaint.Cause.SCRIPT) and complaint.call_id is None:
        raise NotTheCause(_("Name the call first: agent and script version are those of the call."))
    complaint.cause, complaint.cause_article = cause, article
    complaint.save()
    _step(complaint, Kind.TRACED, said, by, at)
    audit("qa.complaint.traced", complaint, by=by, at=at, cause=cause, article=article.pk if article else None)
    _stop_campaign(complaint, by, at)
    return complaint


@transaction.atomic
def keep_from_calls(*, complaint: Complaint, by: User, at: datetime) -> Suppression:
    """The customer who complained said “do not call”: nobody calls from now on. Said before, it stays as it is.

    Raises PermissionRefused, ComplaintNotThere, NobodyToKeep, PersonLocked, PersonErased.
    """
    if complaint.customer_id is not None:
        lock_person(
            Customer(pk=complaint.customer_id), None
        )  # before the complaint, as whoever takes or erases one does
    complaint = _locked(complaint, by, *State.values)
    customer = _person(complaint)
    if customer is None:
        raise NobodyToKeep(_("This complaint names no customer."))
    if found := _refusals(customer, at).first():
        return found
    row = suppress(
        kind=Suppression.Kind.REFUSAL, by=by, at=at, customer=customer, call_id=complaint.call_id, source="complaint"
    )
    _step(complaint, Kind.NO_CALLS, "", by, at)
    audit("qa.complaint.kept_from_calls", complaint, by=by, at=at, suppression=row.pk)
    return row


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
    complaint.state, complaint.answered_at, complaint.closed_at = State.IN_WORK, None, None
    complaint.due_at = at + _time_for(complaint.severity)
    complaint.save(update_fields=["state", "answered_at", "closed_at", "due_at"])
    _step(complaint, Kind.REOPENED, said, by, at)
    audit("qa.complaint.reopened", complaint, by=by, at=at)
    return complaint


def is_kept_from_calls(complaint: Complaint, at: datetime) -> bool:
    """Whether the customer's wish not to be called at all stands already."""
    customer = _person(complaint)
    return customer is not None and _refusals(customer, at).exists()


def why_it_rests(complaint: Complaint) -> str:
    """Why nothing can be written to it, in a sentence; "" when it can."""
    try:
        _check_person(complaint.customer_id)
    except DomainError as refusal:
        return str(refusal)
    return ""


def _person(complaint: Complaint) -> Customer | None:
    """The customer; of one who was merged into another, the one who is left."""
    return None if complaint.customer_id is None else heirs_of(complaint.customer_id)[-1]


def _refusals(customer: Customer, at: datetime) -> QuerySet[Suppression]:
    rows = customer.suppressions.in_force(at).filter(kind=Suppression.Kind.REFUSAL)
    return rows.filter(campaign_id=None, product_id=None, valid_to=None)


def _row(complaint: Complaint) -> Complaint:
    return Complaint.objects.select_for_update().get(pk=complaint.pk)


def _locked(complaint: Complaint, by: User, *states: str) -> Complaint:
    complaint = _row(complaint)
    if not rules.can_work_on_complaint(by, complaint):
        raise PermissionRefused(_("QA and who is in charge work on a complaint."))
    _check_state(complaint, *states)
    _check_person(complaint.customer_id)
    return complaint


def _check_state(complaint: Complaint, *states: str) -> None:
    if complaint.state not in states:
        raise ComplaintNotThere(_("This does not follow: the complaint stands at “%(state)s”.") % {"state": complaint.get_state_display()})  # fmt: skip


def _check_person(customer_id: int | None) -> None:
    """Asked with the complaint's or the person's row locked: the erasing of the person waits for it, or was before."""
    if customer_id is None:
        return
    persons = heirs_of(customer_id)
    if any(row.is_locked for row in persons):
        raise PersonLocked(_("This person's data are locked: the complaint rests until the lock ends."))
    if any(was_erased(row) for row in persons):
        raise PersonErased(_("This person's data were erased: nothing more is written about them."))


def _time_for(severity: str) -> timedelta:
    return timedelta(hours=ComplaintDeadline.objects.get(severity=severity).hours)


def _name_call(complaint: Complaint, call: Call) -> None:
    if complaint.call_id is not None:
        raise NotTheCause(_("The complaint has its call already."))
    if call.city_id != complaint.city_id or complaint.customer_id not in (None, call.customer_id):
        raise NotTheCause(_("The call belongs to another customer or city."))
    if Complaint.objects.filter(call_id=call.pk, category=complaint.category_id).exists():
        raise NotTheCause(_("This call has a complaint of this category already."))
    _check_person(call.customer_id)
    complaint.customer_id = call.customer_id
    complaint_calls.of_call(complaint, call)


def _stop_campaign(complaint: Complaint, by: User, at: datetime) -> None:
    """Once for each complaint, and only where somebody who may has called it serious."""
    if complaint.severity != Severity.SERIOUS or complaint.confirmed_at is None:
        return
    if complaint.campaign_id is None or complaint.stopped_campaign:
        return
    campaign = Campaign.objects.select_for_update().filter(pk=complaint.campaign_id, is_on=True).first()
    if campaign is None:
        return
    complaint.stopped_campaign = True
    complaint.save(update_fields=["stopped_campaign"])
    reason = _("Serious complaint no. %(number)s") % {"number": complaint.pk}
    switch_campaign(campaign=campaign, is_on=False, reason=reason, by=by, at=at)


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
