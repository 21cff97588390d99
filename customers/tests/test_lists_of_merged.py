"""Lists that bring somebody who was merged, or is merged while the list waits: what they say reaches the one who stays."""

from datetime import date

import pytest

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, CustomerTag, RowVerdict, SamePerson, Segment, Tag
from customers.names import sort_key
from customers.services import greylist, merging, quiet_times, unmerging
from customers.services.persons import add_tag
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


def following(city, tag, *customers, lists=()):
    """A segment whose tag these customers have, said by these lists besides."""
    segment = Segment.objects.create(
        name=f"of {tag}", city=city, conditions={}, tag=tag, owner=UserFactory(role="data")
    )
    for customer in customers:
        CustomerTag.objects.create(
            customer=customer, tag=tag, segment=segment, is_by_hand=False, list_ids=list(lists), set_at=database_now()
        )
    return segment


def says(customer):
    """[(tag, by hand, lists, follows a segment)]"""
    return [
        (str(row.tag), row.is_by_hand, row.list_ids, row.segment_id is not None)
        for row in customer.tags.select_related("tag").order_by("tag__name")
    ]


def test_what_a_list_says_of_a_tag_goes_over_though_a_segment_set_it_and_comes_back(two, data, foshan):
    following(foshan, Tag.objects.create(name="both"), two[1], lists=[7])
    following(foshan, Tag.objects.create(name="of the segment alone"), two[1])

    made = merge(two, data)

    assert says(two[0]) == [("both", False, [7], False)]
    unmerging.undo(made=made, by=data, at=database_now())
    assert says(two[0]) == []
    assert says(two[1]) == [("both", False, [7], True), ("of the segment alone", False, [], True)]


def test_a_tag_that_only_a_segment_gave_the_one_who_stays_is_said_by_the_others_list_and_hand_as_well(
    two, data, foshan
):
    gold, vip = Tag.objects.create(name="gold"), Tag.objects.create(name="vip")
    for tag in (gold, vip):
        following(foshan, tag, two[0])
    CustomerTag.objects.create(customer=two[1], tag=gold, is_by_hand=False, list_ids=[7], set_at=database_now())
    CustomerTag.objects.create(customer=two[1], tag=vip, is_by_hand=True, set_at=database_now())

    made = merge(two, data)

    assert says(two[0]) == [("gold", False, [7], True), ("vip", True, [], False)]
    unmerging.undo(made=made, by=data, at=database_now())
    assert says(two[0]) == [("gold", False, [], True), ("vip", False, [], True)]
    assert says(two[1]) == [("gold", False, [7], False), ("vip", True, [], False)]


def test_a_tag_that_came_with_a_merge_and_was_then_set_by_hand_outlasts_the_undo(two, data, foshan):
    following(foshan, Tag.objects.create(name="both"), two[1], lists=[7])
    made = merge(two, data)
    add_tag(customer=two[0], name="both", by=data, at=database_now())

    unmerging.undo(made=made, by=data, at=database_now())

    assert says(two[0]) == [("both", True, [], False)]


def test_what_either_said_is_parted_again_by_the_undo(two, data):
    tag = Tag.objects.create(name="vip")
    CustomerTag.objects.create(customer=two[0], tag=tag, is_by_hand=False, list_ids=[7], set_at=database_now())
    CustomerTag.objects.create(customer=two[1], tag=tag, is_by_hand=True, list_ids=[7, 8], set_at=database_now())

    made = merge(two, data)
    assert says(two[0]) == [("vip", True, [7, 8], False)]
    unmerging.undo(made=made, by=data, at=database_now())

    assert says(two[0]) == [("vip", False, [7], False)]
    assert says(two[1]) == [("vip", True, [7, 8], False)]
