"""Two people decide about the same customers at the same moment."""

import threading

import pytest
from django.db import connection

from core.clock import database_now
from core.errors import DomainError
from customers.models import Customer, Merge, SamePerson, Suppression
from customers.queries import former_ids
from customers.services import merging, same_persons, unmerging
from customers.services.suppress import suppress
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


def person(city, number):
    return CustomerFactory(city=city, name="Zhang Wei", number=number)


def pair_of(one, other):
    return SamePerson.objects.create(first=one, second=other, why="digit", found_at=database_now())


def at_once(*verbs):
    """Run these at the same moment; returns what each answered: its value or the name of its refusal."""
    start, told = threading.Barrier(len(verbs)), [None] * len(verbs)

    def run(place, verb):
        try:
            start.wait()
            told[place] = verb()
        except DomainError as refusal:
            told[place] = type(refusal).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, verb)) for place, verb in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return told


@pytest.mark.parametrize("crosswise", [False, True])
def test_of_two_who_merge_the_same_pair_at_once_one_does_also_the_other_way_round(city, data, crosswise):
    one, other = person(city, "19100007548"), person(city, "19100007549")
    pair = pair_of(one, other)
    keep = other if crosswise else one

    told = at_once(
        lambda: merging.merge(pair=pair, keep_id=one.pk, by=data, at=database_now()),
        lambda: merging.merge(pair=pair, keep_id=keep.pk, by=data, at=database_now()),
    )

    assert told.count("DecidedAlready") == 1
    made = Merge.objects.get()
    assert Customer.objects.filter(merged_into__isnull=False).get() == made.gone
    assert (made.kept.phones.count(), made.gone.phones.count()) == (2, 0)


def test_a_ring_of_merges_at_once_leaves_no_circle(city, data):
    """A into B, B into C and C into A: one is left, who has all the numbers."""
    a, b, c = (person(city, f"1910000754{n}") for n in range(3))
    pairs = {(a, b): pair_of(a, b), (b, c): pair_of(b, c), (c, a): pair_of(a, c)}

    told = at_once(
        *(
            lambda gone=gone, kept=kept, pair=pair: merging.merge(
                pair=pair, keep_id=kept.pk, by=data, at=database_now()
            )
            for (gone, kept), pair in pairs.items()
        )
    )

    # whichever comes last meets somebody who was merged already
    assert told.count("NotMergeable") == 1
    last = Customer.objects.get(merged_into=None)
    assert {*former_ids(last.pk), last.pk} == {a.pk, b.pk, c.pk}
    assert last.phones.count() == 3


def test_merged_and_told_apart_at_once_is_one_of_the_two(city, data):
    pair = pair_of(person(city, "19100007548"), person(city, "19100007549"))

    told = at_once(
        lambda: merging.merge(pair=pair, keep_id=pair.first_id, by=data, at=database_now()),
        lambda: same_persons.tell_apart(pair=pair, by=data, at=database_now()),
    )

    assert told.count("DecidedAlready") == 1
    pair.refresh_from_db()
    assert (pair.state == "merged") == Merge.objects.exists()


def test_a_refusal_at_the_moment_of_a_merge_holds_for_the_one_who_stays(city, data):
    for number in range(0, 8, 2):
        one, other = person(city, f"191000075{number}1"), person(city, f"191000075{number}2")
        pair = pair_of(one, other)

        at_once(
            lambda pair=pair: merging.merge(pair=pair, keep_id=pair.first_id, by=data, at=database_now()),
            lambda other=other: suppress(customer=other, kind="refusal", by=data, at=database_now()),
        )

        one.refresh_from_db()
        assert one.is_suppressed
        assert Suppression.objects.get(customer=one).kind == "refusal"


def test_of_two_who_undo_at_once_one_does(city, data):
    pair = pair_of(person(city, "19100007548"), person(city, "19100007549"))
    made = merging.merge(pair=pair, keep_id=pair.first_id, by=data, at=database_now())

    told = at_once(*[lambda: unmerging.undo(made=made, by=data, at=database_now())] * 2)

    assert told.count("UndoneAlready") == 1
    assert (pair.first.phones.count(), pair.second.phones.count()) == (1, 1)
