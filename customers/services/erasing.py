"""Erasing a person: the row and everything counted stay, what says who it was goes. Two persons, and no duty to keep."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.sealed import unseal
from customers import person_data
from customers.models import (
    Customer,
    CustomerTag,
    GreyEntry,
    HeldRow,
    LeadList,
    Merge,
    PersonRequest,
    Phone,
    QuietTime,
    RepairedRow,
    RowVerdict,
    SamePerson,
    StagedRow,
    Suppression,
)
from customers.queries import former_ids
from customers.retention import UNDO, evidence_until, settle_evidence
from customers.services.requests import Kind, State, lock, open_request, refuse_request, settle, take
from customers.services.suppress import suppress
from people.models import User

SOURCE = "erased"


class MustBeKept(DomainError):
    """The law or an open matter says that the data stay for now; a lock is the answer."""


class NothingForbids(DomainError):
    """The person can be erased, and asked to be."""


class SpokenToNow(DomainError):
    """An agent has the person on the line."""


def reasons_to_keep(*, customer: Customer, at: datetime) -> list[str]:
    """Every duty that forbids erasing now, in sentences; [] when none does."""
    complaint = customer.suppressions.in_force(at).filter(kind=Suppression.Kind.COMPLAINT)
    own = [_("A complaint of this person is being looked into.")] if complaint.exists() else []
    return own + person_data.duties_of(customer, at)


def proof_kept_until(*, customer: Customer, at: datetime) -> datetime | None:
    """Until when wording and files of consents would be kept if the person were erased at `at`; None: they would be destroyed at once."""
    until = evidence_until([customer.pk, *former_ids(customer.pk)])
    return until if until and until > at else None


@transaction.atomic
def erase(*, asked: PersonRequest, by: User, at: datetime, answer: str = "") -> PersonRequest:
    """Empty the person's fields, and those of whoever was merged into them, and destroy the numbers; each number's blind index stays suppressed, so that no later list brings the
    person back. Open leads are withdrawn, words about the person on higher floors are emptied, calls, orders and counts stay. Wording and
    files of consents stay as long as they prove the ground of a past call, and are destroyed at once where there was none.

    Raises PermissionRefused (also for the own entry), AnsweredAlready, OtherRequest, MustBeKept, SpokenToNow.
    """
    asked = take(asked, by=by, kind=Kind.ERASE)
    if asked.received_by_id == by.pk:
        raise PermissionRefused(_("A second person erases: you entered this request yourself."))
    customer = asked.customer
    if kept := reasons_to_keep(customer=customer, at=at):
        raise MustBeKept(
            _("%(reasons)s The data must be kept for now; lock them instead.") % {"reasons": " ".join(kept)}
        )
    suppress(customer=customer, kind=Suppression.Kind.REFUSAL, by=by, at=at, source=SOURCE)
    customer.refresh_from_db(fields=["held_lead_id"])
    if customer.held_lead_id:
        raise SpokenToNow(_("An agent has this person on the line just now. Erase in a few minutes."))
    person_data.forget(customer, at)
    _forget_lists(customer, at)
    numbers = _destroy_numbers(customer, by, at)
    _empty(customer, at)
    persons = [customer.pk, *former_ids(customer.pk)]
    until, files = settle_evidence(persons, at)
    PersonRequest.objects.filter(customer__in=persons).exclude(pk=asked.pk).update(answer=None, evidence=None)
    settle(asked, State.DONE, answer=answer, by=by, at=at)
    audit(
        "customers.request.erased", asked, by=by, at=at, city_id=customer.city_id, customer_id=customer.pk,
        numbers=numbers, entered_by=asked.received_by_id, evidence_files=files,
        evidence_kept_until=until.date().isoformat() if until else None,
    )  # fmt: skip
    return asked


@transaction.atomic
def lock_instead(*, asked: PersonRequest, by: User, at: datetime) -> PersonRequest:
    """The data must be kept: the wish to be erased is refused with the reasons, and the person locked. Returns the lock's request.

    Raises PermissionRefused, AnsweredAlready, OtherRequest, NothingForbids.
    """
    asked = take(asked, by=by, kind=Kind.ERASE)
    reasons = reasons_to_keep(customer=asked.customer, at=at)
    if not reasons:
        raise NothingForbids(_("Nothing forbids erasing this person."))
    refuse_request(asked=asked, answer=" ".join(reasons), by=by, at=at)
    waiting = asked.customer.requests.waiting().filter(kind=Kind.LOCK).first()
    wish = waiting or open_request(
        customer=asked.customer, kind=Kind.LOCK, way=asked.way, received_on=asked.received_on, by=by, at=at
    )
    return lock(asked=wish, by=by, at=at, answer=" ".join(reasons))


def _destroy_numbers(customer: Customer, by: User, at: datetime) -> int:
    """The numbers first, so that their suppressions name nobody: a number alone, as of a register."""
    digits = [unseal(phone.sealed) for phone in customer.phones.all()]
    Phone.objects.filter(customer=customer).delete()
    for number in digits:
        suppress(phone="+" + number, kind=Suppression.Kind.REFUSAL, by=by, at=at, source=SOURCE)
    return len(digits)


def _empty(customer: Customer, at: datetime) -> None:
    customer.consents.filter(withdrawn_at=None).update(withdrawn_at=at)
    # whoever was merged into the person is the person
    persons = [customer.pk, *former_ids(customer.pk)]
    for kept in (CustomerTag, QuietTime, GreyEntry):
        kept._default_manager.filter(customer__in=persons).delete()
    Merge.objects.filter(Q(kept__in=persons) | Q(gone__in=persons)).update(moved=None)
    # a pair that was once merged stays as evidence: it holds ids alone
    pairs = SamePerson.objects.filter(state=SamePerson.State.OPEN, merges=None)
    pairs.filter(Q(first__in=persons) | Q(second__in=persons)).delete()
    Customer.objects.filter(pk__in=persons).update(
        name="", name_sort="", external_id="", attributes={}, address=None, gender="", age=None, updated_at=at
    )


def _forget_lists(customer: Customer, at: datetime) -> None:
    """What lists brought of the person: rows of files, rows held back, values that the undoing of a list would bring back."""
    numbers = [bytes(index) for index in customer.phones.values_list("blind_index", flat=True)]
    HeldRow.objects.filter(phone_blind__in=numbers).delete()
    rows = StagedRow.objects.filter(phone_blind__in=numbers)
    GreyEntry.objects.filter(phone_blind__in=numbers).delete()
    persons = [customer.pk, *former_ids(customer.pk)]
    place = {"lead_list": OuterRef("repair__lead_list"), "row_no": OuterRef("row_no")}
    # the row of the file may be gone already, its verdict is not
    judged = RowVerdict.objects.filter(**place, customer_id__in=persons)
    RepairedRow.objects.filter(Exists(rows.filter(**place)) | Exists(judged)).delete()
    rows.update(
        name="", name_sort="", external_id="", attributes={}, type="", gender="", age=None, phone_sealed=None, phone_mask="", cells=None
    )  # fmt: skip
    young = LeadList.objects.filter(Q(committed_at=None) | Q(committed_at__gte=at - UNDO))
    RowVerdict.objects.filter(lead_list__in=young, verdict="update", customer_id__in=persons).update(before=None)
