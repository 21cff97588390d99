"""What people do to one customer: search and reveal a number, tags, consents."""

from __future__ import annotations

from datetime import datetime
from typing import IO

from django.db import connection, models, transaction
from django.utils.translation import gettext as _, gettext_lazy

from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from core.phones import clean_phone
from core.sealed import blind_index, unseal
from customers.by_number import BY_HAND
from customers.models import Consent, Customer, CustomerTag, NumberUse, Phone, Suppression, Tag
from customers.services.consent_files import keep_evidence
from customers.services.suppress import suppress
from people.models import User

PER_DAY = {NumberUse.Kind.SEARCH: 200, NumberUse.Kind.REVEAL: 50}


class RevealReason(models.TextChoices):
    """Why a number is shown in full."""

    COMPLAINT = "complaint", gettext_lazy("to answer a complaint")
    CORRECTION = "correction", gettext_lazy("to correct the customer's details")
    DELIVERY = "delivery", gettext_lazy("to hand an order over to delivery or a partner")
    AUTHORITY = "authority", gettext_lazy("asked for by an authority or the customer")


class QuotaUsedUp(DomainError):
    """This person asked for as many numbers today as one may."""


class NoSuchReason(DomainError):
    """A number is shown only for a stated reason."""


class TagMissing(DomainError):
    """A tag needs a word."""


class ConsentIncomplete(DomainError):
    """A consent says on what ground and by whom."""


class AlreadyWithdrawn(DomainError):
    """The consent was withdrawn before."""


@transaction.atomic
def find_by_number(*, number: str, by: User, at: datetime) -> Customer | None:
    """The visible customer with exactly this number. Every question counts, found or not, and another city's customer is not found.

    Raises BadPhone, QuotaUsedUp.
    """
    index = blind_index(clean_phone(number))
    use_number(kind=NumberUse.Kind.SEARCH, by=by, at=at)
    found = Customer.objects.visible_to(by).filter(phones__blind_index=index).first()
    audit("customers.number.searched", found, by=by, at=at, found=found is not None)
    return found


@transaction.atomic
def suppress_number(
    *, number: str, kind: str, by: User, at: datetime, valid_to: datetime | None = None, note: str = ""
) -> Suppression:
    """A number entered by hand is not called. Counts as a search, since the person it belongs to may become visible by it. What others said of
    it is not looked at: the entry is the user's own, to be seen and lifted, whether or not the number is known elsewhere.

    Raises BadPhone, QuotaUsedUp, EndsBeforeItBegins.
    """
    clean_phone(number)
    use_number(kind=NumberUse.Kind.SEARCH, by=by, at=at)
    return suppress(phone=number, kind=kind, by=by, at=at, valid_to=valid_to, note=note, source=BY_HAND, known_to=by)


@transaction.atomic
def reveal_number(*, phone: Phone, reason: str, by: User, at: datetime) -> str:
    """The digits of one number, once. Raises NoSuchReason, QuotaUsedUp."""
    if reason not in RevealReason.values:
        raise NoSuchReason(_("Say why the number is needed."))
    use_number(kind=NumberUse.Kind.REVEAL, by=by, at=at)
    customer = phone.customer
    audit(
        "customers.number.revealed",
        phone,
        by=by,
        at=at,
        city_id=customer.city_id,
        customer_id=customer.pk,
        reason=reason,
    )
    return "+" + unseal(phone.sealed)


def use_number(*, kind: str, by: User, at: datetime) -> int:
    """Count one use against the quota of the day and return how many are left. Raises QuotaUsedUp."""
    most = PER_DAY[NumberUse.Kind(kind)]
    with connection.cursor() as cursor:
        # one statement: two tabs at the same moment cannot both take the last one
        cursor.execute(
            "INSERT INTO customers_numberuse AS used (user_id, day, kind, count) VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (user_id, day, kind) DO UPDATE SET count = used.count + 1 WHERE used.count < %s RETURNING count",
            [by.pk, business_date(at), str(kind), most],
        )
        row = cursor.fetchone()
    if row is None:
        raise QuotaUsedUp(
            _("You asked for %(count)s numbers today, as many as one person may; tomorrow there are more.")
            % {"count": most}
        )
    return most - int(row[0])


@transaction.atomic
def add_tag(*, customer: Customer, name: str, by: User, at: datetime) -> CustomerTag:
    """Raises TagMissing. A tag that is there already stays; one that followed a segment or came with a list is from now on the customer's own."""
    name = " ".join(name.split())[:40]
    if not name:
        raise TagMissing(_("Write the word of the tag."))
    tag = Tag.objects.get_or_create(name=name)[0]
    row, is_new = CustomerTag.objects.get_or_create(customer=customer, tag=tag, defaults={"set_at": at})
    is_taken_over = row.segment_id is not None or not row.is_by_hand
    if is_taken_over:
        row.segment, row.is_by_hand = None, True
        row.save(update_fields=["segment", "is_by_hand"])
    if is_new or is_taken_over:
        audit("customers.tag.added", customer, by=by, at=at, tag_id=tag.pk)
    return row


@transaction.atomic
def remove_tag(*, customer: Customer, tag: Tag, by: User, at: datetime) -> bool:
    """True when the customer had the tag."""
    removed = bool(CustomerTag.objects.filter(customer=customer, tag=tag).delete()[0])
    if removed:
        audit("customers.tag.removed", customer, by=by, at=at, tag_id=tag.pk)
    return removed


@transaction.atomic
def add_consent(
    *, customer: Customer, basis: str, stated_by: str, given_at: datetime, by: User, at: datetime, evidence: str = "",
    expires_at: datetime | None = None, file: IO[bytes] | None = None,
) -> Consent:  # fmt: skip
    """The ground on which a customer may be called, with its wording or a file as evidence. It lifts no suppression.

    Raises ConsentIncomplete, EvidenceRefused, DiskFull.
    """
    if not basis.strip() or not stated_by.strip():
        raise ConsentIncomplete(_("Say on what ground the customer may be called, and who states it."))
    if given_at > at:
        raise ConsentIncomplete(_("A consent cannot have been given in the future."))
    if expires_at and expires_at <= given_at:
        raise ConsentIncomplete(_("A consent must expire after it was given."))
    row = Consent.objects.create(
        customer=customer, basis=basis.strip()[:200], stated_by=stated_by.strip()[:80], evidence=evidence, given_at=given_at,
        expires_at=expires_at,
    )  # fmt: skip
    if file is not None:
        keep_evidence(consent=row, file=file, by=by, at=at)
    audit(
        "customers.consent.added",
        row,
        by=by,
        at=at,
        city_id=customer.city_id,
        customer_id=customer.pk,
        with_file=file is not None,
    )
    return row


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: User, at: datetime) -> Consent:
    """From now on it counts no more. Who withdraws the last one has asked not to be called, and is suppressed. Raises AlreadyWithdrawn."""
    # the person first, as everywhere: a list that is taken back locks persons and then their consents
    Customer.objects.select_for_update().get(pk=consent.customer_id)
    row = Consent.objects.select_for_update(of=("self",)).select_related("customer").get(pk=consent.pk)
    if row.withdrawn_at:
        raise AlreadyWithdrawn(_("This consent was withdrawn before."))
    row.withdrawn_at = at
    row.save(update_fields=["withdrawn_at"])
    audit("customers.consent.withdrawn", row, by=by, at=at, city_id=row.customer.city_id, customer_id=row.customer_id)
    if not row.customer.consents.in_force(at).exists():
        suppress(customer=row.customer, kind=Suppression.Kind.REFUSAL, by=by, at=at, source="consent withdrawn")
    return row
