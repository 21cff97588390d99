"""Made-up customers: placed by an administrator, noted in every file that leaves with them, and an alert when one is called."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.phones import clean_phone, mask_phone, phone_prefix
from core.sealed import blind_index, seal
from customers import rules
from customers.models import Canary, CanaryCall, CanaryExport, Consent, Customer, Phone, Register, Source, Suppression
from customers.names import sort_key
from customers.services.canary_alerts import announce
from customers.services.canary_looks import look_of
from customers.services.registers import source_of
from customers.services.suppress import ReasonMissing
from people.models import City, Membership, User


class NumberTaken(DomainError):
    """The number belongs to somebody in the pool."""


class NoCanary(DomainError):
    """The number is none of a made-up customer."""


class SettledAlready(DomainError):
    """Somebody has looked into it before."""


class NotAlertable(DomainError):
    """Only an administrator may know."""


def _must(by: User) -> None:
    if not rules.can_see_canaries(by):
        raise PermissionRefused(_("Your role does not allow this."))


@transaction.atomic
def place_canary(
    *, number: str, name: str, city: City, alert_to: User, by: User, at: datetime, source: Source | None = None
) -> Canary:
    """A made-up customer in the pool, with a number that rings in the house. The row looks like any other person who is not to be
    called, with source, consents and columns as the neighbours who came last; that it is made up is known to administrators alone, and nothing that anybody lifts hands it out.

    Raises PermissionRefused, BadPhone, NumberTaken, NotAlertable.
    """
    _must(by)
    if not alert_to.has_role(Membership.Role.ADMINISTRATOR):
        raise NotAlertable(_("Only an administrator can be alerted: nobody else knows of canary customers."))
    digits = clean_phone(number)
    if Phone.objects.filter(blind_index=blind_index(digits)).exists():
        raise NumberTaken(_("This number belongs to a customer already. Take one of the house that nobody has."))
    # before the number has an owner: a number alone, as registers bring them, and nobody's name beside it
    _suppress_as_others(blind_index(digits), by=by, at=at)
    look = look_of(city, source)
    customer = Customer.objects.create(
        **{"created_at": at, "updated_at": at} | look.columns,
        city=city, name=name.strip(), name_sort=sort_key(name.strip()), is_suppressed=True,
    )  # fmt: skip
    Phone.objects.create(
        customer=customer, blind_index=blind_index(digits), sealed=seal(digits), mask=mask_phone(digits), prefix=phone_prefix(digits),
        created_at=customer.created_at,
    )  # fmt: skip
    Consent.objects.bulk_create(Consent(customer=customer, **told) for told in look.consents)
    canary = Canary.objects.create(customer=customer, alert_to=alert_to, created_by=by, created_at=at)
    audit("customers.canary.placed", canary, by=by, at=at, city_id=city.pk, customer_id=customer.pk)
    return canary


def _suppress_as_others(index: bytes, *, by: User, at: datetime) -> None:
    """The row is read by many who may not know what it is: it says of itself what those of the register taken in last say, or, where there is
    none, what a number entered by hand says. Who placed it stands in the audit trail, with the canary."""
    last = (
        Register.objects.filter(status=Register.Status.APPLIED)
        .order_by("-applied_at")
        .select_related("created_by")
        .first()
    )
    said: dict[str, Any] = {"kind": Suppression.Kind.MANUAL, "source": "by hand", "created_by": by}
    if last is not None:
        said = {"kind": Suppression.Kind.REGISTER, "source": source_of(last), "created_by": last.created_by}
    standing = Suppression.objects.in_force(at).filter(
        phone_blind=index, campaign_id=None, product_id=None, valid_to=None
    )
    if not standing.exists():
        Suppression.objects.create(phone_blind=index, valid_from=at, **said)


@transaction.atomic
def report_canary_call(*, number: str, called_at: datetime, by: User, at: datetime, caller: str = "") -> CanaryCall:
    """Somebody called a number of the house that stands in the pool under a made-up name. An alert until it is looked into.

    The same call reported again is that report. Raises PermissionRefused, BadPhone, NoCanary.
    """
    _must(by)
    canary = Canary.objects.filter(customer__phones__blind_index=blind_index(clean_phone(number))).first()
    if canary is None:
        raise NoCanary(_("This is not the number of a canary customer."))
    if called_at > at:
        raise NoCanary(_("The call cannot lie in the future."))
    row, is_new = CanaryCall.objects.get_or_create(
        canary=canary, called_at=called_at, lead_list=None, defaults={"caller": caller.strip() or None, "reported_by": by, "reported_at": at}
    )  # fmt: skip
    if is_new:
        audit(
            "customers.canary.called", row, by=by, at=at, canary_id=canary.pk,
            exports=canary.exports.filter(at__lte=called_at).count(),
        )  # fmt: skip
        announce(row)
    return row


@transaction.atomic
def settle_canary_call(*, call: CanaryCall, finding: str, by: User, at: datetime) -> CanaryCall:
    """What came of it; the alert ends. Raises PermissionRefused, ReasonMissing, SettledAlready."""
    _must(by)
    if not finding.strip():
        raise ReasonMissing(_("Say what came of it."))
    row = CanaryCall.objects.select_for_update(of=("self",)).get(pk=call.pk)
    if row.settled_at:
        raise SettledAlready(_("This call was looked into before."))
    row.settled_at, row.settled_by, row.finding = at, by, finding.strip()
    row.save(update_fields=["settled_at", "settled_by", "finding"])
    audit("customers.canary.settled", row, by=by, at=at, canary_id=row.canary_id)
    return row


# ---------------------------------------------------------------- files that leave


def note_export(
    rows: QuerySet, *, list_name: str, title: str, row_count: int, request_id: int | None, by: Any, at: datetime
) -> dict[str, Any]:
    """Write down which canaries stand in a file that leaves now; called at the door of exports, in the transaction of their audit row.

    Returns what the audit row says besides, so that the sealed trail holds it as well.
    """
    canaries = list(Canary.objects.order_by("pk").values_list("pk", "customer_id"))
    held = _held(rows, [customer_id for _pk, customer_id in canaries])
    found = [pk for pk, customer_id in canaries if customer_id in held]
    if not found:
        return {}
    CanaryExport.objects.bulk_create(
        CanaryExport(
            canary_id=pk, at=at, taken_by=by, list_name=list_name, title=title[:120], row_count=row_count, request_id=request_id
        )
        for pk in found
    )  # fmt: skip
    return {"canaries": found}


def _held(rows: QuerySet, customer_ids: list[int]) -> set[int]:
    """Which of these customers the rows are about: customers themselves, rows that point to one, or rows of an uploaded file."""
    if not customer_ids:
        return set()
    names = {field.attname for field in rows.model._meta.concrete_fields}
    place = "pk" if rows.model is Customer else "customer_id"
    if place == "customer_id" and place not in names:
        return _by_number(rows, customer_ids) if "phone_blind" in names else set()
    return set(rows.order_by().filter(**{f"{place}__in": customer_ids}).values_list(place, flat=True))


def _by_number(rows: QuerySet, customer_ids: list[int]) -> set[int]:
    numbers = Phone.objects.filter(customer__in=customer_ids, blind_index__in=rows.order_by().values("phone_blind"))
    return set(numbers.values_list("customer_id", flat=True))
