"""Who may be the same person: found among customers of one city and one name, written once, told apart for good."""

import pytest
from django.db import IntegrityError, transaction

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import enqueue, run_inline
from core.models import AuditEvent, Job
from customers.models import Canary, Customer, RowVerdict, SamePerson
from customers.services import same_persons
from customers.tests.factories import CustomerFactory, LeadListFactory, PhoneFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


def person(city, number, name="Zhang Wei", **more):
    return CustomerFactory(city=city, name=name, number=number, **more)


def look(*customers):
    return same_persons.look_among([customer.pk for customer in customers], at=database_now())


def pairs():
    return list(SamePerson.objects.order_by("first", "second").values_list("first", "second", "why"))


def test_same_name_and_city_with_a_near_number_is_a_pair_lower_id_first(city):
    one, other = person(city, "19100007548"), person(city, "19100007549")

    found = look(other)

    assert (found.pairs, found.too_common) == (1, 0)
    assert pairs() == [(one.pk, other.pk, "digit")]


def test_a_further_number_counts_as_well(city):
    one, other = person(city, "19100007548"), person(city, "19100001111")
    PhoneFactory(customer=other, number="19100007584", is_primary=False)

    look(one)

    assert pairs() == [(one.pk, other.pk, "swapped")]


@pytest.mark.parametrize("why", ["other city", "other name", "far number", "no name", "merged", "locked", "canary"])
def test_who_is_not_alike_or_must_not_be_compared_makes_no_pair(city, why):
    one = person(city, "19100007548", name="" if why == "no name" else "Zhang Wei")
    other = person(
        CityFactory() if why == "other city" else city,
        "19100001111" if why == "far number" else "19100007549",
        name={"other name": "Li Na", "no name": ""}.get(why, "Zhang Wei"),
    )
    if why == "merged":
        Customer.objects.filter(pk=other.pk).update(merged_into=CustomerFactory(city=city))
    elif why == "locked":
        Customer.objects.filter(pk=other.pk).update(is_locked=True)
    elif why == "canary":
        Canary.objects.create(customer=other, alert_to=UserFactory(), created_by=UserFactory())

    look(one, other)

    assert pairs() == []


def test_names_that_sound_alike_are_compared(city):
    """张伟 and 章伟 are both zhangwei."""
    one = person(city, "19100007548", name="张伟", name_sort="zhangwei")
    other = person(city, "19100007549", name="章伟", name_sort="zhangwei")

    look(one)

    assert pairs() == [(one.pk, other.pk, "digit")]


def test_the_same_e_mail_makes_a_pair_whatever_its_case(city):
    one = person(city, "19100007548", attributes={"E-mail": "Zhang@Example.com "})
    other = person(city, "19100001111", attributes={"邮箱": "zhang@example.com"})
    third = person(city, "19100002222", attributes={"邮箱": "none"})

    look(one, other, third)

    assert pairs() == [(one.pk, other.pk, "email")]


def test_a_second_look_writes_nothing_twice_and_a_pair_told_apart_stays_so(city, data):
    one, _other = person(city, "19100007548"), person(city, "19100007549")
    look(one)
    same_persons.tell_apart(pair=SamePerson.objects.get(), by=data, at=database_now())

    found = look(one)

    assert found.pairs == 0
    assert SamePerson.objects.get().state == "different"


def test_of_a_very_common_name_numbers_are_compared_and_e_mail_addresses_are_not(city, monkeypatch):
    monkeypatch.setattr(same_persons, "MOST", 2)
    a, b, c = (
        person(city, number, attributes={"email": "zhang@example.com"})
        for number in ("19100007548", "19100007549", "19100001111")
    )

    found = look(a, b, c)

    assert (found.pairs, found.too_common) == (1, 1)
    assert pairs() == [(a.pk, b.pk, "digit")]


def test_a_pair_stands_once_and_with_the_lower_id_first(city):
    one, other = person(city, "19100007548"), person(city, "19100007549")
    look(one)

    for first, second in ((one, other), (other, one)):
        with pytest.raises(IntegrityError), transaction.atomic():
            SamePerson.objects.create(first=first, second=second, why="digit", found_at=database_now())


def test_no_digit_of_a_number_is_stored_with_a_pair_or_its_job(city, data):
    person(city, "19100007548")
    person(city, "19100007549")
    run_inline(same_persons.ask_to_look(city=city, by=data, at=database_now()).pk)

    told = str(list(SamePerson.objects.values())) + str(list(Job.objects.values("args", "result", "cursor", "key")))
    assert "1910000754" not in told
    assert "zhang" not in told.lower()


# ---------------------------------------------------------------- the job


def test_the_customers_that_a_list_touched_are_looked_through_in_pieces(city, data, monkeypatch):
    monkeypatch.setattr(same_persons, "AT_ONCE", 2)
    lead_list = LeadListFactory(city=city)
    known = person(city, "19100007540", name="Li Na")
    fresh = [person(city, f"1910000754{n}", name=name) for n, name in ((1, "Bo"), (2, "Li Na"), (3, "Bo"), (4, "Cai"))]
    for row_no, customer in enumerate(fresh, start=2):
        RowVerdict.objects.create(lead_list=lead_list, row_no=row_no, verdict="new", customer_id=customer.pk)
    job = enqueue(kind=same_persons.KIND, key="list", args={"lead_list": lead_list.pk})

    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.result) == ("done", 4, {"same_persons": 2, "too_common": 0})
    assert pairs() == [(known.pk, fresh[1].pk, "digit"), (fresh[0].pk, fresh[2].pk, "digit")]


def test_a_whole_city_is_looked_through_and_no_other(city, data, monkeypatch):
    monkeypatch.setattr(same_persons, "AT_ONCE", 2)
    elsewhere = CityFactory()
    people = [person(city, f"1910000754{n}") for n in range(3)]
    person(elsewhere, "19100007550", name="Bo")
    person(elsewhere, "19100007551", name="Bo")

    job = same_persons.ask_to_look(city=city, by=data, at=database_now())
    run_inline(job.pk)

    a, b, c = (customer.pk for customer in people)
    assert pairs() == [(a, b, "digit"), (a, c, "digit"), (b, c, "digit")]
    job.refresh_from_db()
    assert (job.done, job.result["same_persons"]) == (3, 3)


def test_a_city_is_asked_for_once_at_a_time_and_by_its_own_data_team(city, data):
    same_persons.ask_to_look(city=city, by=data, at=database_now())

    with pytest.raises(same_persons.LookedForAlready):
        same_persons.ask_to_look(city=city, by=data, at=database_now())
    for stranger in (UserFactory(role="data", city=CityFactory()), UserFactory(role="city_manager", city=city)):
        with pytest.raises(PermissionRefused):
            same_persons.ask_to_look(city=city, by=stranger, at=database_now())


# ---------------------------------------------------------------- told apart


def test_two_are_told_apart_once_by_the_data_team_of_their_city(city, data):
    look(person(city, "19100007548"), person(city, "19100007549"))
    pair = SamePerson.objects.get()

    for stranger in (UserFactory(role="data", city=CityFactory()), UserFactory(role="supervisor", city=city)):
        with pytest.raises(PermissionRefused):
            same_persons.tell_apart(pair=pair, by=stranger, at=database_now())
    same_persons.tell_apart(pair=pair, by=data, at=database_now())
    with pytest.raises(same_persons.DecidedAlready):
        same_persons.tell_apart(pair=pair, by=data, at=database_now())

    assert AuditEvent.objects.filter(action="customers.same_person.told_apart").count() == 1
    assert not SamePerson.objects.waiting().exists()
