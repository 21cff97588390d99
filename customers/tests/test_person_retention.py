from datetime import UTC, datetime, timedelta

import pytest

from core import retention
from customers.models import Customer, LeadList, RowVerdict, StagedRow
from customers.retention import forget_customers, forget_phones, forget_staged_rows, forget_tags, forget_values_before
from customers.services.suppress import suppress
from customers.tests.factories import CustomerFactory, LeadListFactory, TagFactory
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 5, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_every_personal_field_of_this_app_is_named():
    assert [name for name in retention.unnamed() if name.startswith("customers.")] == []


def test_persons_unused_for_three_years_lose_name_attributes_number_and_tags():
    gone = CustomerFactory(name="陈", external_id="7", attributes={"plan": 1}, address="Road 1", created_at=LONG_AGO)
    gone.tags.create(tag=TagFactory())
    called = CustomerFactory(name="called", created_at=LONG_AGO, attempts=[AT - timedelta(days=400)])
    fresh = CustomerFactory(name="fresh", created_at=AT - timedelta(days=400))

    assert (forget_customers(AT), forget_phones(AT), forget_tags(AT)) == (1, 1, 1)

    gone = Customer.objects.get(pk=gone.pk)
    assert (gone.name, gone.external_id, gone.attributes, gone.address) == ("", "", {}, None)
    assert [customer.phones.count() for customer in (gone, called, fresh)] == [0, 1, 1]
    assert forget_customers(AT) == 0


def test_the_number_of_who_asked_not_to_be_called_stays():
    customer = CustomerFactory(created_at=LONG_AGO)
    suppress(customer=customer, kind="refusal", by=UserFactory(), at=LONG_AGO)

    assert forget_phones(AT) == 0


def test_staged_rows_go_a_week_after_the_commit_and_uncommitted_lists_are_given_up_after_a_month():
    by = UserFactory()
    done = LeadListFactory(status="committed", committed_at=AT - timedelta(days=8), committed_by=by)
    recent = LeadListFactory(status="committed", committed_at=AT - timedelta(days=6), committed_by=by, created_at=AT)
    forgotten = LeadListFactory(status="checked", created_at=AT - timedelta(days=31))
    for lead_list in (done, recent, forgotten):
        StagedRow.objects.create(lead_list=lead_list, row_no=1)

    forget_staged_rows(AT)

    assert list(StagedRow.objects.values_list("lead_list", flat=True)) == [recent.pk]
    assert LeadList.objects.get(pk=forgotten.pk).status == "cancelled"


def test_the_values_before_an_update_go_after_a_month():
    lead_list = LeadListFactory(status="committed", committed_at=AT - timedelta(days=31), committed_by=UserFactory())
    RowVerdict.objects.create(lead_list=lead_list, row_no=1, verdict="update", before={"name": "old"})

    assert forget_values_before(AT) == 1
    assert RowVerdict.objects.get().before is None
