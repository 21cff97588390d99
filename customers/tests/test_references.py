"""References that are checked once a statement refuse what a foreign key refuses."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models import Consent, Customer, Phone, Source
from customers.tests.factories import ConsentFactory, CustomerFactory, PhoneFactory, SourceFactory
from people.models import City
from people.tests.factories import CityFactory

NOBODY = 999_999


def refused(work) -> bool:
    """Whether the database refuses it."""
    try:
        with transaction.atomic():
            work()
    except IntegrityError:
        return True
    return False


def delete(model, pk) -> None:
    """Past Django's own care for what points here."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{model._meta.db_table}" WHERE id = %s', [pk])


@pytest.mark.django_db
def test_a_customer_of_an_unknown_city_or_source_is_refused():
    city = CityFactory()

    assert refused(lambda: Customer.objects.create(city_id=NOBODY))
    assert refused(lambda: Customer.objects.bulk_create([Customer(city=city), Customer(city_id=NOBODY)]))
    assert refused(lambda: Customer.objects.create(city=city, source_id=NOBODY))
    assert not refused(lambda: Customer.objects.create(city=city))


@pytest.mark.django_db
def test_a_number_or_consent_of_nobody_is_refused():
    assert refused(lambda: PhoneFactory(customer_id=NOBODY))
    assert refused(lambda: ConsentFactory(customer_id=NOBODY))


@pytest.mark.django_db
def test_nothing_can_be_changed_to_point_to_nobody():
    customer = CustomerFactory(consent=True)

    assert refused(lambda: Customer.objects.filter(pk=customer.pk).update(city_id=NOBODY))
    assert refused(lambda: Customer.objects.filter(pk=customer.pk).update(source_id=NOBODY))
    assert refused(lambda: Phone.objects.update(customer_id=NOBODY))
    assert refused(lambda: Consent.objects.update(customer_id=NOBODY))
    assert not refused(lambda: Customer.objects.filter(pk=customer.pk).update(city=CityFactory(), source=None))


@pytest.mark.django_db
def test_references_are_checked_without_a_search_path_too_as_while_data_are_restored():
    customer = CustomerFactory(consent=True)
    columns = ", ".join(f.column for f in Consent._meta.concrete_fields if not f.primary_key)

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone()
        table = f'"{schema}".customers_consent'
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}")
        with pytest.raises(IntegrityError, match="customers_consent"), transaction.atomic():
            cursor.execute(f'DELETE FROM "{schema}".customers_customer WHERE id = %s', [customer.pk])
        cursor.execute("SET LOCAL search_path TO DEFAULT")
        cursor.execute(
            "SELECT proname, proconfig::text LIKE '%%search_path=%%' FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname ~ '^customers_.*_(arrived|changed|gone)$'"
        )
        keeps = dict(cursor.fetchall())

    assert Consent.objects.filter(customer=customer).count() == 2
    assert len(keeps) >= 12
    assert all(keeps.values())


@pytest.mark.django_db
def test_what_is_pointed_to_cannot_be_deleted():
    customer = CustomerFactory(source=SourceFactory())

    assert refused(lambda: delete(City, customer.city_id))
    assert refused(lambda: delete(Source, customer.source_id))
    assert refused(lambda: delete(Customer, customer.pk))
    assert not refused(lambda: delete(Source, SourceFactory().pk))


@pytest.mark.django_db(transaction=True)
def test_a_source_deleted_while_a_customer_of_it_arrives_stays():
    city, source = CityFactory(), SourceFactory()
    outcome = []

    def delete_source():
        outcome.append(refused(lambda: delete(Source, source.pk)))
        connection.close()

    with transaction.atomic():
        Customer.objects.create(city=city, source=source)
        beside = threading.Thread(target=delete_source)
        beside.start()
        beside.join(timeout=0.5)
        assert beside.is_alive(), "the deletion waits for the customer"
    beside.join()

    assert outcome == [True]
    assert Source.objects.filter(pk=source.pk).exists()
