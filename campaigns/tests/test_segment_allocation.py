"""A counted segment becomes leads of a campaign, once for each count; who must not be called is left out and counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from campaigns.models import Campaign, Lead, SegmentAllocation
from campaigns.services import segment_allocation
from campaigns.services.allocation import CampaignIsOver, PriorityUnknown
from campaigns.services.segment_allocation import SegmentElsewhere, SegmentEmpty, SegmentNotCounted
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, person
from campaigns.tests.test_likeness import history, switch, train
from core.jobs import run_inline
from core.models import AuditEvent, Job
from customers.models import Customer, Segment, SegmentMembers, Suppression
from customers.services import segments

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = AT.replace(year=2020)


@pytest.fixture
def floor(db):
    return Floor()


def a_segment(floor, customers, **fields) -> Segment:
    """Counted, with these customers in it."""
    fields = {"name": "Seniors", "city": floor.city, "owner": person("data"), **fields}
    row = Segment.objects.create(
        conditions={"version": 1, "root": {"group": "and", "parts": [{"is": "suppressed", "op": "no"}]}}, **fields
    )
    return counted(row, customers)


def counted(row, customers) -> Segment:
    ids = sorted(customer.pk for customer in customers)
    row.count, row.counted_at = len(ids), (row.counted_at or LONG_AGO) + timedelta(days=1)
    row.save()
    SegmentMembers.objects.update_or_create(segment=row, defaults={"bitmap": SegmentMembers.packed(ids)})
    return row


def give(floor, segment, **fields) -> SegmentAllocation:
    fields = {"campaign": floor.campaign, "by": person("data"), "at": AT, **fields}
    return segment_allocation.allocate_segment(segment=segment, **fields)


def given(floor, segment, **fields) -> SegmentAllocation:
    made = give(floor, segment, **fields)
    run_inline(made.job_id)
    made.refresh_from_db()
    return made


def people(floor, count) -> list[Customer]:
    return [CustomerFactory(city=floor.city) for _ in range(count)]


# ---------------------------------------------------------------- what becomes of the customers


def test_the_customers_of_a_segment_become_leads_with_their_own_source_and_no_list(floor):
    customers = people(floor, 3)

    made = given(floor, a_segment(floor, customers), priority=7)

    leads = list(Lead.objects.order_by("pk"))
    assert [(lead.customer, lead.source) for lead in leads] == [(row, row.source) for row in customers]
    assert {(lead.priority, lead.state, lead.city_id, lead.lead_list_id) for lead in leads} == {
        (7, "open", floor.city.pk, None)
    }
    assert (made.customer_count, made.lead_count, made.left_out) == (3, 3, {})
    assert Job.objects.get(pk=made.job_id).result == {"leads": 3}


def test_who_must_not_be_called_or_is_there_already_is_left_out_and_counted_by_reason(floor):
    good, suppressed, merged, there, held, done, resting, elsewhere = customers = people(floor, 8)
    Customer.objects.filter(pk=suppressed.pk).update(is_suppressed=True)
    Customer.objects.filter(pk=merged.pk).update(merged_into=good)
    Customer.objects.filter(pk=elsewhere.pk).update(city=CityFactory())
    LeadFactory(campaign=floor.campaign, customer=there)
    LeadFactory(
        campaign=floor.campaign, customer=held, state="held", agent=floor.agent, held_at=AT, lease_until=AT,
    )  # fmt: skip
    LeadFactory(campaign=floor.campaign, customer=done, state="done", outcome="refused")
    LeadFactory(customer=good)  # of another campaign
    Suppression.objects.create(
        customer=resting, kind="offer_refused", product_id=floor.campaign.product_id, valid_from=LONG_AGO
    )
    segment = a_segment(floor, customers)
    gone = CustomerFactory(city=floor.city)
    counted(segment, [*customers, gone])
    gone.phones.all().delete()
    gone.delete()

    made = given(floor, segment)

    assert (made.customer_count, made.lead_count) == (9, 1)
    assert made.left_out == {
        "suppressed": 2, "merged": 1, "there_already": 2, "finished_there": 1, "other_city": 1, "gone": 1,
    }  # fmt: skip
    assert sorted(Lead.objects.filter(campaign=floor.campaign).values_list("customer", flat=True)) == sorted(
        row.pk for row in (good, there, held, done)
    )


def test_who_rests_is_ready_only_afterwards(floor):
    (customer,) = people(floor, 1)
    Customer.objects.filter(pk=customer.pk).update(callable_from=AT)

    given(floor, a_segment(floor, [customer]))

    assert Lead.objects.get().ready_at == AT


def test_a_campaign_that_goes_by_likeness_orders_the_new_leads_at_once(floor):
    history(floor)
    switch(floor, train(floor))
    customers = [CustomerFactory(city=floor.city, attributes={"plan": plan}) for plan in ("small", "big")]

    given(floor, a_segment(floor, customers), priority=6)

    leads = Lead.objects.filter(customer__in=customers)
    assert {lead.listed_priority for lead in leads} == {6}
    assert all(lead.priority == 70 + lead.likeness for lead in leads)


# ---------------------------------------------------------------- again, in pieces, taken up


def test_the_same_count_twice_is_one_allocation(floor):
    segment = a_segment(floor, people(floor, 2))

    assert given(floor, segment) == given(floor, segment)
    assert (Lead.objects.count(), Job.objects.filter(kind=segment_allocation.KIND).count()) == (2, 1)
    assert AuditEvent.objects.filter(action="campaigns.segment.allocated").count() == 1


def test_counted_anew_it_brings_only_those_who_came(floor):
    old, new = people(floor, 2), people(floor, 3)
    segment = a_segment(floor, old)
    first = given(floor, segment)

    second = given(floor, counted(segment, [*old, *new]))

    assert first != second
    assert (second.lead_count, second.left_out) == (3, {"there_already": 2})
    assert Lead.objects.count() == 5


def test_work_in_pieces_loses_and_doubles_nothing(floor, monkeypatch):
    monkeypatch.setattr(segment_allocation, "CUSTOMERS_AT_ONCE", 2)

    made = given(floor, a_segment(floor, people(floor, 7)))

    job = Job.objects.get(pk=made.job_id)
    assert (made.lead_count, Lead.objects.count(), job.done, job.total) == (7, 7, 7, 7)


def test_a_worker_who_lost_the_job_stores_nothing_of_its_piece_and_the_next_goes_on_behind_the_last_one_done(
    floor, monkeypatch
):
    monkeypatch.setattr(segment_allocation, "CUSTOMERS_AT_ONCE", 2)
    customers = people(floor, 5)
    made = give(floor, a_segment(floor, customers))
    work, pieces = segment_allocation._make_chunk, []

    def lose_the_second(allocation, ids, at):
        work(allocation, ids, at)
        pieces.append(ids)
        if len(pieces) == 2:
            Job.objects.filter(pk=made.job_id).update(token=F("token") + 1)

    monkeypatch.setattr(segment_allocation, "_make_chunk", lose_the_second)
    run_inline(made.job_id)
    made.refresh_from_db()
    assert (made.lead_count, Lead.objects.count()) == (2, 2)

    Job.objects.filter(pk=made.job_id).update(state="queued", lease_until=None)
    run_inline(made.job_id)
    made.refresh_from_db()

    ids = [customer.pk for customer in customers]
    assert pieces == [ids[:2], ids[2:4], ids[2:4], ids[4:]]
    assert (made.lead_count, made.left_out, Lead.objects.count()) == (5, {}, 5)


def test_of_a_segment_that_is_archived_meanwhile_no_more_leads_are_made(floor, monkeypatch):
    monkeypatch.setattr(segment_allocation, "CUSTOMERS_AT_ONCE", 2)
    segment = a_segment(floor, people(floor, 5))
    made = give(floor, segment)
    segments.archive_segment(segment=segment, by=segment.owner, at=AT)

    run_inline(made.job_id)

    assert Lead.objects.count() == 0
    assert Job.objects.get(pk=made.job_id).state == "done"


# ---------------------------------------------------------------- refusals


def test_only_a_counted_segment_with_somebody_in_it_is_given_away(floor):
    segment = a_segment(floor, people(floor, 1))
    by = segment.owner
    segments.ask_refresh(segment=segment, by=by, at=AT)
    with pytest.raises(SegmentNotCounted, match="Seniors has to be counted first"):
        give(floor, segment)

    Job.objects.update(state="dead")
    with pytest.raises(SegmentNotCounted):
        give(floor, segment)

    Job.objects.update(state="done")
    with pytest.raises(SegmentEmpty, match="Nobody is in Seniors"):
        give(floor, counted(segment, []))

    SegmentMembers.objects.all().delete()  # forgotten after a year
    with pytest.raises(SegmentNotCounted):
        give(floor, segment)

    segments.archive_segment(segment=segment, by=by, at=AT)
    with pytest.raises(SegmentNotCounted, match="archived"):
        give(floor, segment)
    assert not SegmentAllocation.objects.exists()


def test_campaigns_that_are_over_other_cities_and_other_priorities_are_refused(floor):
    segment = a_segment(floor, people(floor, 1))
    with pytest.raises(PriorityUnknown):
        give(floor, segment, priority=10)

    Campaign.objects.update(city=CityFactory())
    floor.campaign.refresh_from_db()
    with pytest.raises(SegmentElsewhere):
        give(floor, segment)

    floor.campaign.stage = "wrap_up"
    with pytest.raises(CampaignIsOver):
        give(floor, segment)
    assert not Job.objects.exists()


# ---------------------------------------------------------------- pages


def url(name, *args) -> str:
    return reverse(f"campaigns:{name}", args=args)


def text(answer) -> str:
    return answer.content.decode()


def test_a_segment_is_assigned_on_its_page_and_the_result_says_how_many_of_each(client, floor):
    clerk = person("data", city=floor.city)
    client.force_login(clerk)
    customers = people(floor, 3)
    Customer.objects.filter(pk=customers[0].pk).update(is_suppressed=True)
    LeadFactory(campaign=floor.campaign, customer=customers[1])
    segment = a_segment(floor, customers)
    asked = f"{url('segment_allocate')}?segment={segment.pk}"

    assert asked in text(client.get(reverse("customers:segment", args=[segment.pk])))
    assert "Seniors" in text(client.get(asked))
    answer = client.post(asked, {"segment": segment.pk, "campaign": floor.campaign.pk, "priority": 6})

    made = SegmentAllocation.objects.get()
    page = url("segment_allocation", made.pk)
    assert (made.by, made.priority, answer.status_code, answer.url) == (clerk, 6, 302, page)
    assert 'role="status"' in text(client.get(page))
    assert client.get(url("segment_allocation_progress", made.pk)).status_code == 200
    run_inline(made.job_id)
    assert client.get(url("segment_allocation_progress", made.pk)).headers["HX-Refresh"] == "true"

    rows = client.get(page).context["cells"]
    assert [(str(label), number) for label, number in rows] == [
        ("Leads made", 1), ("Suppressed", 1), ("In the campaign already", 1),
    ]  # fmt: skip
    assert page in text(client.get(url("campaign", floor.campaign.pk)))
    assert page in text(client.get(url("segment-campaigns", segment.pk)))


def test_the_same_again_says_so_and_leads_to_the_first_result(client, floor):
    client.force_login(person("data", city=floor.city))
    segment = a_segment(floor, people(floor, 2))
    made = given(floor, segment)
    data = {"segment": segment.pk, "campaign": floor.campaign.pk, "priority": 6}

    answer = client.post(url("segment_allocate"), data, follow=True)

    assert answer.redirect_chain == [(url("segment_allocation", made.pk), 302)]
    assert "was assigned before" in text(answer)
    assert Lead.objects.count() == 2


def test_a_refusal_stands_in_the_form(client, floor):
    client.force_login(person("data", city=floor.city))
    segment = counted(a_segment(floor, []), [])
    data = {"segment": segment.pk, "campaign": floor.campaign.pk, "priority": 6}

    answer = client.post(url("segment_allocate"), data)

    assert "Nobody is in Seniors." in text(answer)
    assert not SegmentAllocation.objects.exists()


def test_another_city_neither_assigns_nor_sees_the_result(client, floor):
    segment = a_segment(floor, people(floor, 1))
    made = given(floor, segment)
    client.force_login(person("data", city=CityFactory()))

    refused = client.post(
        url("segment_allocate"), {"segment": segment.pk, "campaign": floor.campaign.pk, "priority": 6}
    )

    assert "Select a valid choice" in text(refused)
    assert "Seniors" not in text(client.get(url("segment_allocate")))
    pages = [
        ("segment_allocation", made.pk),
        ("segment_allocation_progress", made.pk),
        ("segment-campaigns", segment.pk),
    ]
    assert {name: client.get(url(name, pk)).status_code for name, pk in pages} == {name: 404 for name, _pk in pages}
    assert SegmentAllocation.objects.count() == 1


@pytest.mark.parametrize("role", ["supervisor", "city_manager", "qa"])
def test_who_may_not_allocate_is_refused_the_form(client, floor, role):
    client.force_login(person(role, city=floor.city))

    assert client.get(url("segment_allocate")).status_code == 403
    assert client.post(url("segment_allocate")).status_code == 403
