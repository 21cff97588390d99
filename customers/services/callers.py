"""Who calls in: whom a number belongs to, for somebody who serves certain cities, and persons who are new."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core.audit import audit
from core.phones import mask_phone, phone_prefix
from core.sealed import blind_index, seal
from customers.models import Customer, Phone
from customers.names import sort_key
from people.models import City, User


def owner_of(clean: str, *, city_id: int | None) -> Customer | None:
    """The person with exactly this number, of this city, or (None) of any. Another city's and a locked person are not found."""
    rows = Customer.objects.filter(phones__blind_index=blind_index(clean), merged_into=None, is_locked=False)
    return rows.filter(city=city_id).first() if city_id is not None else rows.first()


@transaction.atomic
def add_caller(*, clean: str, name: str, city: City, by: User, at: datetime) -> Customer:
    """A person who called in and is not known. The number becomes theirs unless it belongs to somebody already: nobody is told which."""
    name = " ".join(name.split())[:120]
    customer = Customer.objects.create(city=city, name=name, name_sort=sort_key(name) if name else "")
    _give_number(customer, clean)
    audit("customers.customer.called_in", customer, by=by, at=at)
    return customer


def _give_number(customer: Customer, clean: str) -> None:
    try:
        with transaction.atomic():
            Phone.objects.create(
                customer=customer,
                blind_index=blind_index(clean),
                sealed=seal(clean),
                mask=mask_phone(clean),
                prefix=phone_prefix(clean),
                is_primary=True,
            )
    except IntegrityError as fault:
        if "phone_once_in_region" not in str(fault):
            raise
