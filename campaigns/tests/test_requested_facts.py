"""What a data request hides on the desk stays hidden beside the calls and orders that came of it, and in their files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Call, Lead, Order
from campaigns.services.calls import record_call
from campaigns.services.orders import Sale
from campaigns.tests.calling import Floor
from campaigns.tests.factories import CustomerFactory, hold, person
from campaigns.tests.requesting import asked_for, filled
from core.calendar import business_date
from core.clock import database_now
from core.partitions import ensure_partitions

pytestmark = pytest.mark.django_db
NAME = "王小明"


@pytest.fixture
def floor(db):
    return Floor()


def sold(floor, lead: Lead | None = None) -> tuple[Call, Order]:
    """The call of the lead (of the only one), sold, and its order."""
    at = database_now()
    ensure_partitions("campaigns_call", business_date(at).replace(day=1), 1)
    lead = hold(lead or Lead.objects.get(), floor.agent, at - timedelta(minutes=5))
    call = record_call(
        lead=lead, agent=floor.agent, disposition_code="sold", order=Sale(), started_at=at - timedelta(minutes=3), talk_seconds=60, at=at
    )  # fmt: skip
    return call, Order.objects.get(call_id=call.pk)


def requested(floor, **fields):
    CustomerFactory(city=floor.city, name=NAME, age=70)
    filled(asked_for(floor.campaign, floor.city, fields=fields))
    return sold(floor)


def pages(client, user, call, order) -> list[str]:
    client.force_login(user)
    urls = [
        reverse("campaigns:calls") + "?from=2026-01-01",
        reverse("campaigns:call", args=[call.pk]),
        reverse("campaigns:orders"),
        reverse("campaigns:order", args=[order.pk]),
    ]
    return [client.get(url).content.decode() for url in urls]


def test_a_name_that_was_not_asked_for_stands_on_no_page_of_the_agent(floor, client):
    call, order = requested(floor, age="shown")

    shown = pages(client, floor.agent, call, order)

    assert not [page for page in shown if NAME[:2] in page]
    assert [page.count(f"#{call.customer_id}") for page in shown] == [1, 1, 1, 1]


def test_a_masked_name_keeps_its_first_character(floor, client):
    shown = pages(client, floor.agent, *requested(floor, name="masked"))

    assert [("王**" in page, NAME in page) for page in shown] == [(True, False)] * 4


def test_a_name_that_is_shown_is_shown(floor, client):
    shown = pages(client, floor.agent, *requested(floor, name="shown"))

    assert [NAME in page for page in shown] == [True] * 4


def test_of_a_lists_customer_the_agent_sees_the_name(floor, client):
    lead = floor.lead(customer=CustomerFactory(city=floor.city, name=NAME))

    shown = pages(client, floor.agent, *sold(floor, lead))

    assert [NAME in page for page in shown] == [True] * 4


def test_the_source_is_told_only_where_the_request_shows_it(floor, client):
    call, _order = requested(floor, name="shown")
    source = Lead.objects.get().source

    client.force_login(floor.agent)
    page = client.get(reverse("campaigns:call", args=[call.pk])).content.decode()
    told = client.get(reverse("api:call-detail", args=[call.pk])).json()

    assert source is not None
    assert str(source) not in page
    assert told["source_id"] is None


def test_who_sees_the_customers_anyway_sees_the_name(floor, client):
    call, order = requested(floor, age="shown")

    shown = pages(client, person("supervisor", city=floor.city), call, order)

    assert [NAME in page for page in shown] == [True] * 4


@pytest.mark.parametrize("name", ["campaigns:calls", "campaigns:orders"])
def test_the_file_of_who_leads_the_team_hides_it_too(floor, client, name):
    call, _order = requested(floor, age="shown")
    leader = person("team_leader", team=floor.team)

    client.force_login(leader)
    answer = client.get(reverse(name) + "?from=2026-01-01&export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig") if answer.streaming else answer.content.decode()

    assert answer.status_code == 200
    assert NAME not in text
    assert f"#{call.customer_id}" in text
