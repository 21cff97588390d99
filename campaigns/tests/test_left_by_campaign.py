"""A list of the whole region may leave out who is or was in a campaign."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Lead
from campaigns.tests.factories import CampaignFactory, LeadFactory
from core.clock import database_now
from customers.models import Customer, LeadList
from customers.services.list_receiving import LeftWrong
from customers.tests import list_files
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, C, D, check, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def campaign(foshan):
    """With an open lead of A made today and a finished one of B made 40 days ago; C is a lead elsewhere."""
    found = CampaignFactory()
    a, b, c = (CustomerFactory(city=foshan, number=number, name="x") for number in (A, B, C))
    LeadFactory(campaign=found, customer=a)
    LeadFactory(campaign=found, customer=b, state="done", outcome="refused")
    LeadFactory(customer=c)
    Lead.objects.filter(customer=a).update(created_at=database_now())
    Lead.objects.filter(customer=b).update(created_at=database_now() - timedelta(days=40))
    return found


ROWS = [["", "y", number, "Foshan", "", ""] for number in (A, B, C, D)]


def test_who_is_or_ever_was_in_the_campaign_is_left_out(data, campaign):
    lead_list = check(rows_file(*ROWS), data, SourceFactory(), left_campaign_id=campaign.pk)

    assert verdicts(lead_list) == ["left:in_campaign", "left:in_campaign", "update", "new"]
    assert lead_list.known_words == f"who is or was in the campaign {campaign.name} is left out"


def test_within_so_many_days_who_came_before_is_updated(data, campaign):
    lead_list = check(rows_file(*ROWS), data, SourceFactory(), left_campaign_id=campaign.pk, left_campaign_days=30)

    assert verdicts(lead_list) == ["left:in_campaign", "update", "update", "new"]
    assert lead_list.known_words == f"who came into the campaign {campaign.name} within 30 days is left out"


def test_who_was_merged_since_their_lead_ended_is_left_out_as_the_one_who_stays(data, campaign, foshan):
    b, c = Lead.objects.get(outcome="refused").customer, Lead.objects.exclude(campaign=campaign).get().customer
    last = CustomerFactory(city=foshan, number=D, name="x")
    Customer.objects.filter(pk=b.pk).update(merged_into=c)
    once = verdicts(check(rows_file(*ROWS), data, SourceFactory(), left_campaign_id=campaign.pk))
    Customer.objects.filter(pk=c.pk).update(merged_into=last)
    twice = verdicts(check(rows_file(*ROWS[2:]), data, SourceFactory(), left_campaign_id=campaign.pk))

    assert (once[2], once[3]) == ("left:in_campaign", "update")
    assert twice[1] == "left:in_campaign"


def test_a_campaign_that_does_not_exist_is_refused(data, campaign):
    with pytest.raises(LeftWrong, match="does not exist"):
        check(rows_file(*ROWS), data, SourceFactory(), left_campaign_id=campaign.pk + 999)


def test_the_page_offers_campaigns_to_the_region(client, data, campaign):
    client.force_login(data)
    file = list_files.workbook(ROWS)
    file.name = "list.xlsx"
    posted = {
        "source": SourceFactory().pk, "consent_basis": "contract", "left_campaign": campaign.pk, "left_campaign_days": 30, "file": file,
    }  # fmt: skip

    answer = client.post(reverse("customers:list-upload"), posted)

    made = LeadList.objects.get()
    assert answer.status_code == 302
    assert (made.left_campaign_id, made.left_campaign_days) == (campaign.pk, 30)


def test_the_api_takes_a_campaign(client, data, campaign):
    client.force_login(data)
    file = list_files.workbook(ROWS)
    file.name = "list.xlsx"

    answer = client.post(
        "/api/v1/lists/",
        {"source": SourceFactory().pk, "consent_basis": "contract", "left_campaign": campaign.pk, "file": file},
    )

    assert (answer.status_code, answer.json()["left_campaign"]) == (201, campaign.pk)
