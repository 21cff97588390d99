"""Lists that bring somebody who was merged, or is merged while the list waits: what they say reaches the one who stays."""

from datetime import date

import pytest

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, CustomerTag, RowVerdict, SamePerson, Tag
from customers.names import sort_key
from customers.services import greylist, merging, quiet_times, unmerging
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_list_undo import take_back
from customers.tests.test_lists import check, commit, person, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
WITH_TAG = ("external_id", "name", "phone", "city", "age", "tags")
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


def test_a_list_taken_back_after_a_merge_takes_its_ground_and_tags_from_the_one_who_stays(two, data):
    lead_list = commit(
        check(rows_file(["", "", OTHER, "Foshan", "", "vip"], heads=WITH_TAG), data, SourceFactory()), data
    )
    merge(two, data)
    kept = two[0]
    assert kept.consents.in_force(database_now()).filter(basis="contract of 2026").exists()
    assert kept.tags.filter(tag__name="vip").exists()

    take_back(lead_list, data)

    assert not kept.consents.in_force(database_now()).filter(basis="contract of 2026").exists()
    assert not kept.tags.filter(tag__name="vip").exists()


def test_wishes_entered_for_a_merged_customer_hold_for_the_one_who_stays(two, data):
    merge(two, data)
    gone = Customer.objects.get(pk=two[1].pk)

    quiet(gone, data)
    greylist.add_grey_entry(
        purposes=["service"],
        callback_only=False,
        reason="x",
        source="letter",
        by=data,
        at=database_now(),
        customer=gone,
    )

    kept = Customer.objects.get(pk=two[0].pk)
    assert (kept.has_quiet_times, kept.is_greylisted) == (True, True)
    assert (kept.quiet_times.count(), kept.grey_entries.count()) == (1, 1)


def quiet(customer, by):
    quiet_times.add_quiet_time(
        customer=customer, days=[1], begins="10:00", ends="12:00", stated_on=date(2026, 1, 1), way="phone", stated_by="x", by=by,
        at=database_now(),
    )  # fmt: skip


def test_wishes_go_over_with_a_merge_and_hold_for_both_when_said_before_the_undo(two, data):
    quiet(two[1], data)
    made = merge(two, data)
    kept, gone = (Customer.objects.get(pk=row.pk) for row in two)
    assert (kept.has_quiet_times, kept.quiet_times.count(), gone.quiet_times.count()) == (True, 1, 0)
    greylist.add_grey_entry(
        purposes=["service"],
        callback_only=False,
        reason="x",
        source="letter",
        by=data,
        at=database_now(),
        customer=kept,
    )

    unmerging.undo(made=made, by=data, at=database_now())

    kept, gone = (Customer.objects.get(pk=row.pk) for row in two)
    assert (gone.has_quiet_times, gone.quiet_times.count(), kept.quiet_times.count()) == (True, 1, 0)
    assert (kept.grey_entries.count(), gone.grey_entries.count(), gone.is_greylisted) == (1, 1, True)


def test_a_number_on_the_greylist_goes_back_with_its_mark(two, data):
    made = merge(two, data)
    greylist.add_grey_entry(
        purposes=["service"], callback_only=False, reason="x", source="letter", by=data, at=database_now(), number=OTHER
    )

    unmerging.undo(made=made, by=data, at=database_now())

    assert Customer.objects.get(pk=two[1].pk).is_greylisted


def test_who_says_a_tag_of_either_says_it_of_the_one_who_stays(two, data):
    tag = Tag.objects.create(name="vip")
    CustomerTag.objects.create(customer=two[0], tag=tag, is_by_hand=False, list_ids=[7], set_at=database_now())
    CustomerTag.objects.create(customer=two[1], tag=tag, is_by_hand=True, list_ids=[], set_at=database_now())

    merge(two, data)

    own = two[0].tags.get()
    assert (own.is_by_hand, own.list_ids) == (True, [7])
