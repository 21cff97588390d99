"""Lists that bring somebody who was merged, or is merged while the list waits: what they say reaches the one who stays."""

import pytest

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, RowVerdict, SamePerson
from customers.names import sort_key
from customers.services import merging, unmerging
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_list_undo import take_back
from customers.tests.test_lists import check, commit, person, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
ONE, OTHER, THIRD = "19100007548", "19100007549", "19100001111"


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


@pytest.fixture
def two(foshan, source):
    """(kept, gone), each with a customer number of the source."""
    return tuple(
        CustomerFactory(
            city=foshan, source=source, external_id=number, name="张国", name_sort=sort_key("张国"), number=phone
        )
        for number, phone in (("E1", ONE), ("E2", OTHER))
    )


def merge(two, data):
    pair = SamePerson.objects.create(first=two[0], second=two[1], why="digit", found_at=database_now())
    return merging.merge(pair=pair, keep_id=two[0].pk, by=data, at=database_now())


def of_rows(lead_list):
    return list(RowVerdict.objects.filter(lead_list=lead_list).order_by("row_no").values_list("customer_id", flat=True))


def test_the_number_of_the_one_merged_is_the_number_of_the_one_who_stays(two, data, source):
    merge(two, data)

    lead_list = check(rows_file(["", "张国", OTHER, "Foshan", 58, "gold"]), data, source)

    assert verdicts(lead_list) == ["update"]
    commit(lead_list, data)
    assert Customer.objects.get(pk=two[0].pk).age == 58
    assert Customer.objects.get(pk=two[1].pk).age is None


def test_the_customer_number_of_the_one_merged_leads_to_the_one_who_stays(two, data, source):
    merge(two, data)

    lead_list = check(rows_file(["E2", "张国", THIRD, "Foshan", "", ""]), data, source)

    assert verdicts(lead_list) == ["undecided:new_number"]
    assert of_rows(lead_list) == [two[0].pk]


def test_a_row_that_waited_while_its_customer_was_merged_is_judged_again(two, data, source):
    lead_list = check(rows_file(["", "张国", OTHER, "Foshan", 58, ""]), data, source)
    assert of_rows(lead_list) == [two[1].pk]
    merge(two, data)

    commit(lead_list, data)

    assert of_rows(lead_list) == [two[0].pk]
    assert Customer.objects.get(pk=two[0].pk).age == 58


def test_a_row_that_waited_while_a_merge_was_undone_is_judged_again(two, data, source):
    made = merge(two, data)
    lead_list = check(rows_file(["", "张国", OTHER, "Foshan", 58, ""]), data, source)
    unmerging.undo(made=made, by=data, at=database_now())

    commit(lead_list, data)

    assert of_rows(lead_list) == [two[1].pk]
    assert Customer.objects.get(pk=two[1].pk).age == 58


def test_after_a_commit_its_customers_are_looked_through_and_go_with_their_pairs(data, source, foshan):
    known = CustomerFactory(city=foshan, name="张国", name_sort=sort_key("张国"), number=ONE)
    lead_list = commit(check(rows_file(["E9", "张国", OTHER, "Foshan", 58, ""]), data, source), data)

    job = Job.objects.get(kind="customers.find_same_persons")
    run_inline(job.pk)

    pair = SamePerson.objects.get()
    assert (pair.first, pair.second, pair.why) == (known, person(OTHER), "digit")
    take_back(lead_list, data)
    assert not SamePerson.objects.exists()


def test_whoever_was_merged_once_stays_when_the_list_is_taken_back(data, source, foshan):
    known = CustomerFactory(city=foshan, name="张国", name_sort=sort_key("张国"), number=ONE)
    lead_list = commit(check(rows_file(["E9", "张国", OTHER, "Foshan", 58, ""]), data, source), data)
    brought = person(OTHER)
    unmerging.undo(made=merge((known, brought), data), by=data, at=database_now())

    take_back(lead_list, data)

    assert Customer.objects.filter(pk=brought.pk).exists()
    assert RowVerdict.objects.get(lead_list=lead_list).stays == "merged"
