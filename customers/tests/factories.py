"""Customers for tests: `CustomerFactory(city=city, number="19100007548", consent=True)`."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

import factory

from core.phones import clean_phone, mask_phone, phone_prefix
from core.sealed import blind_index, seal
from customers.models import Consent, ContactRule, Customer, LeadList, Phone, Source, Tag
from customers.services.rule_changes import approve_change, propose_change
from people.tests.factories import CityFactory, UserFactory

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def unused_number() -> str:
    """A number with a prefix that belongs to nobody."""
    return f"1910000{next(_numbers):04d}"


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Source

    name = factory.LazyFunction(lambda: f"Source {next(_numbers)}")


class PhoneFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Phone

    class Params:
        number = factory.LazyFunction(unused_number)

    blind_index = factory.LazyAttribute(lambda phone: blind_index(clean_phone(phone.number)))
    sealed = factory.LazyAttribute(lambda phone: seal(clean_phone(phone.number)))
    mask = factory.LazyAttribute(lambda phone: mask_phone(clean_phone(phone.number)))
    prefix = factory.LazyAttribute(lambda phone: phone_prefix(clean_phone(phone.number)))


class ConsentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Consent

    basis = "contract"
    stated_by = "test"
    given_at = LONG_AGO


class CustomerFactory(factory.django.DjangoModelFactory):
    """With one number and consent; `number=None` and `consent=False` leave them out."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    city = factory.SubFactory(CityFactory)
    name = factory.LazyFunction(lambda: f"Customer {next(_numbers)}")
    name_sort = factory.LazyAttribute(lambda customer: customer.name.lower())

    @classmethod
    def _create(cls, model_class: type[Customer], *args: Any, **kwargs: Any) -> Customer:
        number, consent = kwargs.pop("number", ""), kwargs.pop("consent", True)
        customer = super()._create(model_class, *args, **kwargs)
        customer.refresh_from_db()  # defaults of the database
        if number is not None:
            PhoneFactory(customer=customer, number=number or unused_number())
        if consent:
            ConsentFactory(customer=customer)
        return customer


class TagFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tag

    name = factory.LazyFunction(lambda: f"tag {next(_numbers)}")


class LeadListFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadList

    name = factory.LazyFunction(lambda: f"List {next(_numbers)}")
    source = factory.SubFactory(SourceFactory)
    consent_basis = "contract"
    consent_stated_by = "test"
    created_by = factory.SubFactory(UserFactory)
    created_at = LONG_AGO


def changed_rule(rule: ContactRule, value: dict[str, Any], *, holds_from: date, at: datetime) -> ContactRule:
    """Another value of a rule, proposed by one person and approved by another."""
    asker, other = (UserFactory(role="regional_manager") for _n in range(2))
    change = propose_change(
        rule=rule,
        value=value,
        severity=rule.severity,
        holds_from=holds_from,
        reason="for a test",
        basis=rule.basis,
        by=asker,
        at=at,
    )
    return approve_change(change=change, by=other, at=at).made
