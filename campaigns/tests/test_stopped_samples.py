"""Who waits behind a bought list that is tried or was stopped: other lists of its source do not bring them in, other sources do."""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, Lead, ListAllocation, ListSample
from campaigns.queries_data_requests import callable_of
from campaigns.services import sampling
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CampaignFactory, CustomerFactory, SourceFactory, person
from campaigns.tests.test_allocation import a_list, allocate
from campaigns.tests.test_segment_allocation import a_segment, given, text, url
from customers.models import Customer, LeadList, Source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor(db):
    return Floor()


@pytest.fixture
def bought(floor):
    """Five customers whom a bought list has brought."""
    source = Source.objects.create(name="Bought", kind="bought")
    return a_list(floor, [CustomerFactory(city=floor.city, source=source) for _n in range(5)], source=source)


def stopped(floor, lead_list) -> list[Customer]:
    """The list is tried on one customer and stopped; the four others."""
    sample = allocate(floor, lead_list, sample_size=1).sample
    sampling.stop_here(sample=sample, reason="dead numbers", by=person("data"), at=AT)
    return rest_of(floor, lead_list)


def rest_of(floor, lead_list) -> list[Customer]:
    there = Lead.objects.filter(campaign=floor.campaign).values("customer")
    brought = lead_list.verdicts.values("customer_id")
    return list(Customer.objects.filter(pk__in=brought).exclude(pk__in=there).order_by("pk"))


def test_another_list_of_the_same_source_brings_none_of_them(floor, bought):
    rest = stopped(floor, bought)
    new = CustomerFactory(city=floor.city, source=bought.source)

    made = allocate(floor, a_list(floor, [*rest, new], verdict="unchanged", source=bought.source))

    assert (made.lead_count, made.left_out) == (1, {"sample_stopped": 4})
    assert Lead.objects.filter(customer=new).exists()


def test_while_it_is_tried_another_list_of_its_source_brings_none_of_them_either(floor, bought):
    allocate(floor, bought, sample_size=1)

    made = allocate(floor, a_list(floor, rest_of(floor, bought), verdict="unchanged", source=bought.source))

    assert (made.lead_count, made.left_out) == (0, {"waiting": 4})


def test_a_sample_of_another_list_of_the_source_draws_none_of_them(floor, bought):
    rest = stopped(floor, bought)
    new = [CustomerFactory(city=floor.city, source=bought.source) for _n in range(2)]

    made = allocate(floor, a_list(floor, [*rest, *new], verdict="unchanged", source=bought.source), sample_size=1)

    assert (made.lead_count, made.left_out) == (1, {"sample_stopped": 4, "waiting": 1})
    assert Lead.objects.get(lead_list=made.lead_list).customer in new


def test_a_list_of_another_source_brings_them(floor, bought):
    rest = stopped(floor, bought)

    made = allocate(floor, a_list(floor, rest, verdict="unchanged", source=SourceFactory()))

    assert (made.lead_count, made.left_out) == (4, {})


def test_in_another_campaign_nothing_is_held_back(floor, bought):
    rest = stopped(floor, bought)
    floor.campaign = CampaignFactory(city=floor.city)

    made = allocate(floor, a_list(floor, rest, verdict="unchanged", source=bought.source))

    assert made.lead_count == 4


def test_once_the_rest_is_called_another_list_brings_who_is_left(floor, bought):
    sample = allocate(floor, bought, sample_size=1).sample
    sampling.call_the_rest(sample=sample, by=person("data"), at=AT)

    made = allocate(floor, a_list(floor, rest_of(floor, bought), verdict="unchanged", source=bought.source))

    assert made.lead_count == 4


def test_a_segment_filled_by_the_stopped_list_alone_brings_none_of_them_and_says_why(floor, bought, client):
    rest = stopped(floor, bought)

    made = given(floor, a_segment(floor, rest))
    client.force_login(person("data", city=floor.city))
    page = text(client.get(url("segment_allocation", made.pk)))

    assert (made.lead_count, made.left_out) == (0, {"sample_stopped": 4})
    assert "Known only from a bought list that was stopped after its sample" in page


def test_a_segment_brings_those_whom_another_source_knows_too(floor, bought):
    first, second, third, fourth = rest = stopped(floor, bought)
    Customer.objects.filter(pk=first.pk).update(source=SourceFactory())  # was ours before
    Customer.objects.filter(pk=second.pk).update(source=None)  # entered by hand
    a_list(floor, [third], verdict="update", source=SourceFactory(), name="Fair")
    a_list(floor, [fourth], verdict="update", source=bought.source, name="Again")

    made = given(floor, a_segment(floor, rest))

    assert (made.lead_count, made.left_out) == (3, {"sample_stopped": 1})
    assert not Lead.objects.filter(customer=fourth).exists()


def merged_twice(floor, gone, *, source) -> Customer:
    """`gone` into another, and that one into the one who stays."""
    between, kept = (CustomerFactory(city=floor.city, source=source) for _n in range(2))
    Customer.objects.filter(pk=gone.pk).update(merged_into=between)
    Customer.objects.filter(pk=between.pk).update(merged_into=kept)
    return kept


def fitting(floor) -> set[Customer]:
    return set(callable_of(Customer.objects.all(), Campaign.objects.get(pk=floor.campaign.pk), AT))


def test_who_stays_of_a_merge_waits_as_the_one_who_went(floor, bought):
    allocate(floor, bought, sample_size=1)
    kept = merged_twice(floor, rest_of(floor, bought)[0], source=SourceFactory())

    assert fitting(floor) == set()
    assert given(floor, a_segment(floor, [kept])).left_out == {"waiting": 1}


def test_who_stays_of_a_merge_was_decided_against_unless_another_source_knows_one_of_them(floor, bought):
    first, second, third, _fourth = stopped(floor, bought)
    alone = merged_twice(floor, first, source=bought.source)
    ours_too = merged_twice(floor, second, source=bought.source)
    Customer.objects.filter(pk=second.pk).update(source=SourceFactory())
    at_the_fair = merged_twice(floor, third, source=bought.source)
    a_list(floor, [third], verdict="update", source=SourceFactory(), name="Fair")

    assert fitting(floor) == {ours_too, at_the_fair}
    made = given(floor, a_segment(floor, [alone, ours_too, at_the_fair]))

    assert (made.lead_count, made.left_out) == (2, {"sample_stopped": 1})
    assert not Lead.objects.filter(customer=alone).exists()


def test_another_list_of_the_source_does_not_bring_who_stays_of_a_merge(floor, bought):
    kept = merged_twice(floor, stopped(floor, bought)[0], source=bought.source)

    made = allocate(floor, a_list(floor, [kept], verdict="unchanged", source=bought.source))

    assert (made.lead_count, made.left_out) == (0, {"sample_stopped": 1})


def test_two_stopped_lists_do_not_vouch_for_each_other(floor, bought):
    rest = stopped(floor, bought)
    again = a_list(floor, rest, verdict="unchanged", source=SourceFactory(), name="Bought too")
    by = person("data")
    other = ListAllocation.objects.create(campaign=floor.campaign, lead_list=again, by=by, at=AT)
    ListSample.objects.create(
        allocation=other, size=1, seed=1, cut=sampling.NOBODY, by=by, at=AT, state="stopped", reason="no better", decided_by=by, decided_at=AT
    )  # fmt: skip

    made = given(floor, a_segment(floor, rest))

    assert (made.lead_count, made.left_out) == (0, {"sample_stopped": 4})


def test_a_list_that_was_taken_back_does_not_vouch(floor, bought):
    rest = stopped(floor, bought)
    fair = a_list(floor, rest, verdict="update", source=SourceFactory(), name="Fair")
    LeadList.objects.filter(pk=fair.pk).update(
        status="undone", undo_by=fair.created_by, undo_asked_at=AT, undone_at=AT, undo_reason="wrong file"
    )

    assert given(floor, a_segment(floor, rest)).lead_count == 0


def test_while_a_list_is_tried_a_segment_waits_whoever_knows_them(floor, bought):
    allocate(floor, bought, sample_size=1)
    rest = rest_of(floor, bought)
    Customer.objects.filter(pk=rest[0].pk).update(source=SourceFactory())

    made = given(floor, a_segment(floor, rest))

    assert (made.lead_count, made.left_out) == (0, {"waiting": 4})


def test_a_data_request_finds_those_whom_another_source_knows_and_no_others(floor, bought):
    first, second, third, _fourth = stopped(floor, bought)
    Customer.objects.filter(pk=first.pk).update(source=SourceFactory())
    Customer.objects.filter(pk=second.pk).update(source=None)
    a_list(floor, [third], verdict="update", source=SourceFactory(), name="Fair")

    found = callable_of(Customer.objects.all(), Campaign.objects.get(pk=floor.campaign.pk), AT)

    assert set(found) == {first, second, third}


def test_the_campaign_says_why_customers_of_a_list_were_left_out(floor, bought, client):
    rest = stopped(floor, bought)
    allocate(floor, a_list(floor, rest, verdict="unchanged", source=bought.source, name="Again"))
    client.force_login(person("data"))

    page = text(client.get(url("campaign", floor.campaign.pk)))

    assert "Known only from a bought list that was stopped after its sample: 4" in page
