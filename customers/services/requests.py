"""Requests of persons about their own data: entered, refused, answered by a correction, a lock or the lifting of one."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError, PermissionRefused
from customers import rules
from customers.models import Customer, PersonRequest, Suppression
from customers.names import sort_key
from customers.queries import former_ids
from customers.services.suppress import ReasonMissing, lift, suppress
from customers.signals import customer_moved
from people.models import City, User

Kind, State = PersonRequest.Kind, PersonRequest.State
CORRECTED = ("name", "type", "gender", "age", "city", "attributes")
OLDEST = timedelta(days=365)


class AskedAlready(DomainError):
    """The same is asked for and not yet answered."""


class ReceivedWhen(DomainError):
    """The day of receipt lies in the future, or too far back."""


class MergedAway(DomainError):
    """The customer was merged into another one, whose data are the person's."""


class AnsweredAlready(DomainError):
    """Somebody has answered or refused it meanwhile."""


class OtherRequest(DomainError):
    """The request asks for something else."""


class NothingChanged(DomainError):
    """The data are what they were."""


class NotLocked(DomainError):
    """There is no lock to lift."""


@transaction.atomic
def open_request(
    *, customer: Customer, kind: str, way: str, by: User, at: datetime, received_on: date | None = None
) -> PersonRequest:
    """Enter what a person asks; the clock runs from the day of receipt. Raises PermissionRefused, ReceivedWhen, MergedAway, AskedAlready."""
    if not rules.can_see_requests(by):
        raise PermissionRefused(_("Your role does not allow this."))
    today = business_date(at)
    received_on = received_on or today
    if not today - OLDEST <= received_on <= today:
        raise ReceivedWhen(_("The day of receipt lies within the last year, not in the future."))
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    if customer.merged_into_id:
        raise MergedAway(_("This customer was merged into another one. Enter the request there."))
    if customer.requests.waiting().filter(kind=kind).exists():
        raise AskedAlready(_("This is asked for already and waits for an answer."))
    asked = PersonRequest.objects.create(
        customer=customer, kind=Kind(kind), way=PersonRequest.Way(way), received_on=received_on, received_by=by,
        due_on=received_on + timedelta(days=settings.PERSON_REQUEST_DAYS),
    )  # fmt: skip
    _record("opened", asked, by, at, kind=str(asked.kind), way=str(asked.way), due=asked.due_on.isoformat())
    return asked


@transaction.atomic
def refuse_request(*, asked: PersonRequest, answer: str, by: User, at: datetime) -> PersonRequest:
    """Nothing is done, and the person is told why. Raises PermissionRefused, AnsweredAlready, ReasonMissing."""
    asked = take(asked, by=by)
    if not answer.strip():
        raise ReasonMissing(_("Say why it is refused; the person is owed a reason."))
    settle(asked, State.REFUSED, answer=answer, by=by, at=at)
    _record("refused", asked, by, at, kind=str(asked.kind))
    return asked


@transaction.atomic
def correct(
    *, asked: PersonRequest, changes: dict[str, Any], by: User, at: datetime, answer: str = ""
) -> PersonRequest:
    """Write the corrected values. What was there before and after rests sealed with the request; the trail names the fields alone.

    `changes` holds some of CORRECTED; a city must lie within what `by` sees. Raises PermissionRefused, AnsweredAlready, NothingChanged.
    """
    asked = take(asked, by=by, kind=Kind.CORRECT)
    customer = asked.customer
    before = _values(customer)
    _write(customer, changes, by)
    after = _values(customer)
    changed = sorted(name for name in CORRECTED if before[name] != after[name])
    if not changed:
        raise NothingChanged(_("Nothing was changed. Correct a value, or refuse the request."))
    customer.updated_at = at
    customer.save(update_fields=[*CORRECTED, "name_sort", "updated_at"])
    evidence = {"before": {name: before[name] for name in changed}, "after": {name: after[name] for name in changed}}
    asked.evidence = json.dumps(evidence, ensure_ascii=False)
    settle(asked, State.DONE, answer=answer, by=by, at=at)
    _record("corrected", asked, by, at, fields=changed)
    if "city" in changed:
        customer_moved.send(Customer, customer_id=customer.pk)
    return asked


def _values(customer: Customer) -> dict[str, Any]:
    return {name: getattr(customer, "city_id" if name == "city" else name) for name in CORRECTED}


def _write(customer: Customer, changes: dict[str, Any], by: User) -> None:
    city = changes.get("city")
    if city and city.pk != customer.city_id and not City.objects.visible_to(by).filter(pk=city.pk).exists():
        raise PermissionRefused(_("This city is not among yours."))
    for name, value in changes.items():
        if name in CORRECTED:
            setattr(customer, name, value)
    customer.name_sort = sort_key(customer.name) if customer.name else ""


@transaction.atomic
def lock(*, asked: PersonRequest, by: User, at: datetime, answer: str = "") -> PersonRequest:
    """Nobody calls the person, and nobody but those who answer requests sees them. Open leads wait; a lock can be lifted.

    Also the answer to a wish to be erased that a duty to keep forbids. Raises PermissionRefused, AnsweredAlready, OtherRequest.
    """
    asked = take(asked, by=by, kind=Kind.LOCK)
    # the wish is kept like any other; leads are taken out of agents' hands by the news that goes out with it
    suppress(customer=asked.customer, kind=Suppression.Kind.LOCKED, by=by, at=at, source="request")
    # with those who were merged into the person
    Customer.objects.filter(pk__in=[asked.customer_id, *former_ids(asked.customer_id)]).update(is_locked=True)
    settle(asked, State.DONE, answer=answer, by=by, at=at)
    _record("locked", asked, by, at)
    return asked


@transaction.atomic
def unlock(*, asked: PersonRequest, reason: str, by: User, at: datetime) -> PersonRequest:
    """The person is seen again, and called where nothing else stands against it. Raises PermissionRefused, NotLocked, ReasonMissing."""
    if not rules.can_answer_requests(by):
        raise PermissionRefused(_("Your role does not allow this."))
    if not reason.strip():
        raise ReasonMissing(_("Say why the lock is lifted."))
    asked = _locked_row(asked)
    if asked.kind != Kind.LOCK or asked.state != State.DONE or asked.lifted_at:
        raise NotLocked(_("There is no lock to lift."))
    asked.lifted_by, asked.lifted_at, asked.lift_reason = by, at, reason.strip()[:200]
    asked.save(update_fields=["lifted_by", "lifted_at", "lift_reason"])
    still = asked.customer.requests.filter(kind=Kind.LOCK, state=State.DONE, lifted_at=None).exists()
    if not still:
        Customer.objects.filter(pk__in=[asked.customer_id, *former_ids(asked.customer_id)]).update(is_locked=False)
        for row in asked.customer.suppressions.filter(kind=Suppression.Kind.LOCKED, lifted_at=None):
            lift(suppression=row, by=by, at=at, reason=reason)
    _record("unlocked", asked, by, at)
    return asked


# ---------------------------------------------------------------- shared by all answers


def take(asked: PersonRequest, *, by: User, kind: str | None = None) -> PersonRequest:
    """The request and its person, locked, still open and for this user to answer. Raises PermissionRefused, AnsweredAlready, OtherRequest."""
    if not rules.can_answer_requests(by) or not PersonRequest.objects.visible_to(by).filter(pk=asked.pk).exists():
        raise PermissionRefused(_("Your role does not allow this."))
    asked = _locked_row(asked)
    if asked.state != State.OPEN:
        raise AnsweredAlready(_("This request has been answered already."))
    if kind is not None and asked.kind != kind:
        raise OtherRequest(_("The request asks for something else."))
    return asked


def _locked_row(asked: PersonRequest) -> PersonRequest:
    """The person first, as everywhere."""
    customer = Customer.objects.select_for_update(of=("self",)).get(pk=asked.customer_id)
    row = PersonRequest.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    row.customer = customer
    return row


def settle(asked: PersonRequest, state: str, *, answer: str, by: User, at: datetime) -> None:
    asked.state, asked.answer, asked.decided_by, asked.decided_at = state, answer.strip() or None, by, at
    asked.save(update_fields=["state", "answer", "decided_by", "decided_at", "evidence", "file_id"])


def _record(deed: str, asked: PersonRequest, by: User, at: datetime, **detail: Any) -> None:
    audit(
        f"customers.request.{deed}", asked, by=by, at=at, city_id=asked.customer.city_id,
        customer_id=asked.customer_id, **detail,
    )  # fmt: skip
