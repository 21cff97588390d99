"""Not to be called: by whom, since when, until when; and how that ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.phones import clean_phone
from core.sealed import blind_index
from customers.by_number import suppressions_seen
from customers.models import Canary, Customer, Phone, Suppression
from customers.signals import customer_suppressed
from people.models import User

BATCH = 5_000


class NobodyNamed(DomainError):
    """Neither a customer nor a number was given."""


class EndsBeforeItBegins(DomainError):
    """The end of a suppression lies before its beginning."""


class AlreadyLifted(DomainError):
    """Somebody lifted this suppression before."""


class ReasonMissing(DomainError):
    """What is being done needs a reason."""


@transaction.atomic
def suppress(
    *,
    kind: str,
    by: User | None,
    at: datetime,
    customer: Customer | None = None,
    phone: str = "",
    campaign_id: int | None = None,
    product_id: int | None = None,
    valid_to: datetime | None = None,
    call_id: int | None = None,
    source: str = "",
    note: str = "",
    known_to: User | None = None,
) -> Suppression:
    """From `at` on nobody calls this person (or number): at all, or only for that campaign or product.

    A number that belongs to nobody in the pool yet is kept all the same. What stands already, and is
    `known_to` a user who may not learn of other entries, is not written twice. The news goes out inside this transaction, so that open leads are withdrawn with it. Raises NobodyNamed, BadPhone, EndsBeforeItBegins.
    """
    if valid_to and valid_to <= at:
        raise EndsBeforeItBegins(_("The end must lie after the beginning."))
    index = blind_index(clean_phone(phone)) if phone else None
    customer = lock_person(customer, index)
    if customer is None and index is None:
        raise NobodyNamed(_("Name a customer or a number."))
    scope: dict[str, Any] = {"kind": kind, "campaign_id": campaign_id, "product_id": product_id}
    row = _standing(customer, index, scope, valid_to, call_id, at, known_to)
    if row is None:
        row = Suppression.objects.create(
            customer=customer,
            phone_blind=index,
            **scope,
            valid_from=at,
            valid_to=valid_to,
            call_id=call_id,
            source=source[:80],
            note=note[:200],
            created_by=by,
        )
        audit(
            "customers.customer.suppressed",
            row,
            by=by,
            at=at,
            city_id=customer.city_id if customer else None,
            customer_id=row.customer_id,
            call_id=call_id,
            until=valid_to.isoformat() if valid_to else None,
            **scope,
        )
    if customer is not None:
        recompute([customer.pk], at=at)
        customer_suppressed.send(
            Suppression, customer_id=customer.pk, campaign_id=campaign_id, product_id=product_id, kind=kind, at=at
        )
    return row


@transaction.atomic
def lift(*, suppression: Suppression, by: User, at: datetime, reason: str) -> Suppression:
    """End a suppression at once, with a reason that stays. Raises AlreadyLifted, ReasonMissing."""
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(_("Say why the suppression is lifted."))
    # the person first, as everywhere: a suppression or a claim of the same moment comes before, or sees that this one is lifted
    lock_person(suppression.customer, bytes(suppression.phone_blind) if suppression.phone_blind else None)
    row = Suppression.objects.select_for_update(of=("self",)).get(pk=suppression.pk)
    if row.lifted_at is not None:
        raise AlreadyLifted(_("This suppression was lifted before."))
    row.lifted_at, row.lifted_by, row.lift_reason = at, by, reason[:200]
    row.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    city_id = row.customer.city_id if row.customer else None
    audit(
        "customers.suppression.lifted", row, by=by, at=at, city_id=city_id, kind=row.kind, customer_id=row.customer_id
    )
    recompute(_touched(row), at=at)
    return row


def recompute(customer_ids: Iterable[int], *, at: datetime) -> int:
    """Set is_suppressed of these customers to what the rows in force say; returns how many changed."""
    wanted = Customer.objects.filter(pk__in=list(customer_ids))
    return wanted.filter(is_suppressed=False).filter(_by_nobody(at)).update(is_suppressed=True) + wanted.filter(
        is_suppressed=True
    ).exclude(_by_nobody(at)).update(is_suppressed=False)


def recompute_due(*, since: datetime, at: datetime) -> int:
    """The customers of every suppression that began or ended by date within (since, at], judged again; returns how many changed."""
    moved = Q(valid_to__gt=since, valid_to__lte=at) | Q(valid_from__gt=since, valid_from__lte=at)
    changed = 0
    batch: set[int] = set()
    for row in Suppression.objects.filter(moved, campaign_id=None, product_id=None, lifted_at=None).iterator(
        chunk_size=BATCH
    ):
        batch |= _touched(row)
        if len(batch) >= BATCH:
            changed += recompute(batch, at=at)
            batch = set()
    return changed + recompute(batch, at=at)


def recompute_all(*, at: datetime) -> int:
    """Every person whose mark differs from the rows in force, set right; returns how many. The nightly sweep."""
    rows = Suppression.objects.in_force(at).filter(campaign_id=None, product_id=None)
    numbers = rows.filter(phone_blind__isnull=False).values("phone_blind")
    named = Q(pk__in=rows.filter(customer__isnull=False).values("customer"))
    reached = Q(pk__in=Phone.objects.filter(blind_index__in=numbers).values("customer"))
    freed = Customer.objects.filter(is_suppressed=True).exclude(_by_nobody(at)).update(is_suppressed=False)
    made_up = Q(pk__in=Canary.objects.values("customer"))
    return freed + Customer.objects.filter(named | reached | made_up, is_suppressed=False).update(is_suppressed=True)


def _by_nobody(at: datetime) -> Q:
    rows = Suppression.objects.in_force(at).filter(campaign_id=None, product_id=None)
    numbers = Phone.objects.filter(
        customer=OuterRef("pk"), blind_index__in=rows.filter(phone_blind__isnull=False).values("phone_blind")
    )
    # a made-up customer is never handed out, whoever lifts what: there is no row of a reason that would give it away
    made_up = Canary.objects.filter(customer=OuterRef("pk"))
    return Q(Exists(rows.filter(customer=OuterRef("pk")))) | Q(Exists(numbers)) | Q(Exists(made_up))


def _touched(row: Suppression) -> set[int]:
    found = {row.customer_id} if row.customer_id else set()
    if row.phone_blind:
        found |= set(Phone.objects.filter(blind_index=bytes(row.phone_blind)).values_list("customer_id", flat=True))
    return found


def lock_person(customer: Customer | None, index: bytes | None) -> Customer | None:
    """The person's row, locked: a claim that runs at the same moment either comes before, or sees the suppression.

    Who was merged is the one they were merged into: what is said of an old call holds for the person as they are now.
    """
    pk = customer.pk if customer else None
    if pk is None and index is not None:
        pk = Phone.objects.filter(blind_index=index).values_list("customer_id", flat=True).first()
    while pk:
        merged_into = Customer.objects.filter(pk=pk).values_list("merged_into", flat=True).get()
        # followed before it is locked, since a merge locks by id; and asked again, since a merge may have been under way
        if merged_into is None:
            row = Customer.objects.select_for_update(of=("self",)).get(pk=pk)
            if row.merged_into_id is None:
                return row
            merged_into = row.merged_into_id
        pk = merged_into
    return None


def _standing(
    customer: Customer | None,
    index: bytes | None,
    scope: dict[str, Any],
    valid_to: datetime | None,
    call_id: int | None,
    at: datetime,
    known_to: User | None,
) -> Suppression | None:
    """A row that says the same already: of the same call, or in force and lasting at least as long."""
    whose = Q(customer=customer) if customer else Q(phone_blind=index)
    if index is not None:
        whose &= Q(phone_blind=index)
    rows = (suppressions_seen(known_to) if known_to else Suppression.objects.all()).filter(whose, **scope)
    if call_id is not None and (same := rows.filter(call_id=call_id).first()):
        return same
    longer = Q(valid_to=None) if valid_to is None else Q(valid_to=None) | Q(valid_to__gte=valid_to)
    return rows.in_force(at).filter(longer).first()
