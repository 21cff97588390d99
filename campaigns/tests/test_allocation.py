"""A committed list becomes leads, once, in list order; who must not be called is left out and counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Lead
from campaigns.services import allocation
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, person
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, LeadList, RowVerdict, Suppression

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor(db):
    return Floor()


def a_list(floor, customers, verdict="new", **fields) -> LeadList:
    by = person("data")
    made = LeadList.objects.create(
        **{
            "name": "May", "source": customers[0].source, "status": "committed", "consent_basis": "shop", "consent_stated_by": "x",
            "created_by": by, "created_at": AT, "committed_by": by, "committed_at": AT, "row_count": len(customers), **fields,
        }
    )  # fmt: skip
    for row, customer in enumerate(customers, start=2):
        RowVerdict.objects.create(lead_list=made, row_no=row, verdict=verdict, customer_id=customer.pk)
    return made


def allocate(floor, lead_list, **fields):
    made = allocation.allocate_list(campaign=floor.campaign, lead_list=lead_list, by=person("data"), at=AT, **fields)
    run_inline(made.job_id)
    made.refresh_from_db()
    return made


def test_the_customers_of_a_list_become_leads_in_list_order(floor):
    customers = [CustomerFactory(city=floor.city) for _ in range(3)]
    in_list = [customers[2], customers[0], customers[1]]

    made = allocate(floor, a_list(floor, in_list), priority=7)

    leads = list(Lead.objects.order_by("pk"))
    assert [lead.customer for lead in leads] == in_list
    assert {(lead.priority, lead.state, lead.city_id) for lead in leads} == {(7, "open", floor.city.pk)}
    assert (made.lead_count, made.left_out) == (3, {})


def test_who_must_not_be_called_is_left_out_and_counted(floor):
    good, suppressed, merged, there, resting = (CustomerFactory(city=floor.city) for _ in range(5))
    Customer.objects.filter(pk=suppressed.pk).update(is_suppressed=True)
    Customer.objects.filter(pk=merged.pk).update(merged_into=good)
    LeadFactory(campaign=floor.campaign, customer=there)
    Suppression.objects.create(
        customer=resting, kind="offer_refused", product_id=floor.campaign.product_id, valid_from=AT - timedelta(days=1)
    )

    made = allocate(floor, a_list(floor, [good, suppressed, merged, there, resting]))

    assert made.lead_count == 1
    assert made.left_out == {"suppressed": 2, "merged": 1, "there_already": 1}
    assert Lead.objects.filter(campaign=floor.campaign).count() == 2


def test_a_campaign_of_one_city_takes_only_its_customers(floor):
    Campaign.objects.filter(pk=floor.campaign.pk).update(city=floor.city)
    floor.campaign.refresh_from_db()
    made = allocate(floor, a_list(floor, [CustomerFactory(city=floor.city), CustomerFactory(city=CityFactory())]))

    assert (made.lead_count, made.left_out) == (1, {"other_city": 1})


def test_invalid_rows_make_no_leads(floor):
    assert allocate(floor, a_list(floor, [CustomerFactory(city=floor.city)], verdict="invalid")).lead_count == 0


def test_who_rests_is_ready_only_afterwards(floor):
    customer = CustomerFactory(city=floor.city)
    Customer.objects.filter(pk=customer.pk).update(callable_from=AT + timedelta(hours=3))

    allocate(floor, a_list(floor, [customer]))

    assert Lead.objects.get().ready_at == AT + timedelta(hours=3)


def test_the_same_list_twice_is_one_allocation(floor):
    lead_list = a_list(floor, [CustomerFactory(city=floor.city)])

    assert allocate(floor, lead_list) == allocate(floor, lead_list)
    assert (Lead.objects.count(), Job.objects.filter(kind=allocation.KIND).count()) == (1, 1)


def test_work_in_pieces_loses_and_doubles_nothing(floor, monkeypatch):
    monkeypatch.setattr(allocation, "ROWS_AT_ONCE", 2)
    made = allocate(floor, a_list(floor, [CustomerFactory(city=floor.city) for _ in range(7)]))

    assert (made.lead_count, Lead.objects.count()) == (7, 7)


def test_only_committed_lists_and_campaigns_that_go_on(floor):
    lead_list = a_list(floor, [CustomerFactory(city=floor.city)])
    LeadList.objects.filter(pk=lead_list.pk).update(status="checked", committed_at=None, committed_by=None)
    lead_list.refresh_from_db()
    with pytest.raises(allocation.ListNotCommitted):
        allocate(floor, lead_list)

    floor.campaign.stage = "closed"
    with pytest.raises(allocation.CampaignIsOver):
        allocate(floor, a_list(floor, [CustomerFactory(city=floor.city)]))


def test_priorities_are_0_to_9(floor):
    with pytest.raises(allocation.PriorityUnknown):
        allocate(floor, a_list(floor, [CustomerFactory(city=floor.city)]), priority=10)
