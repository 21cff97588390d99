"""The page "Why not now" of a campaign and its counterpart of the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from campaigns.funnel import counting
from campaigns.models import Campaign, Lead
from campaigns.tests.calling import Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, TeamFactory, agent_of, hold, person
from core.clock import database_now
from customers.models import Customer
from people.models import Membership

pytestmark = pytest.mark.django_db
Role = Membership.Role
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def floor():
    """Two callable, one cooling, one won; and one callable in another city."""
    floor = Floor()
    floor.lead()
    floor.lead()
    floor.lead(ready_at=database_now() + 3 * HOUR)
    floor.lead(state="done", outcome="won")
    floor.other = CityFactory()
    LeadFactory(campaign=floor.campaign, customer=CustomerFactory(city=floor.other, name="陌生人"))
    return floor


@pytest.fixture
def url(floor):
    return f"/campaigns/{floor.campaign.pk}/why-not/"


def signed_in(client, user):
    client.force_login(user)
    return client


def manager(city=None):
    return person(Role.CITY_MANAGER if city else Role.REGIONAL_MANAGER, city=city)


def test_the_page_counts_every_lead_and_leads_to_the_leads_of_a_class(client, floor, url):
    answer = signed_in(client, manager()).get(url)
    page = answer.content.decode()

    assert {row.name: row.leads for row in answer.context["rows"]} == {"callable": 3, "cooling": 1, "won": 1}
    assert answer.context["funnel"].total == 5
    assert [row.total for row in answer.context["cities"]] == [4, 1]
    assert "?class=cooling#leads" in page
    assert "It cannot be said how long the stock lasts" in page


def test_a_class_lists_its_leads_with_reasons_masked_numbers_and_ends(client, floor, url):
    waiting = Lead.objects.get(ready_at__gt=database_now())
    Customer.objects.filter(pk=waiting.customer_id).update(answered_at=database_now())

    answer = signed_in(client, manager()).get(url, {"class": "cooling"})
    page = answer.content.decode()

    (why,) = answer.context["page"]
    assert why.lead.pk == waiting.pk
    assert [reason.code for reason in why.reasons if reason.code != "later"] == ["answered"]
    assert waiting.customer.phones.get().mask in page
    assert f"/customers/{waiting.customer_id}/" in page


def test_a_class_without_leads_says_so(client, floor, url):
    page = signed_in(client, manager()).get(url, {"class": "cap"}).content.decode()

    assert "No lead of this class here" in page


def test_the_city_of_the_address_narrows_counts_and_leads(client, floor, url):
    answer = signed_in(client, manager()).get(url, {"city": floor.other.pk, "class": "callable"})

    assert answer.context["funnel"].total == 1
    assert [why.lead.city_id for why in answer.context["page"]] == [floor.other.pk]


def test_another_city_sees_nothing_of_it(client, floor, url):
    signed_in(client, manager(floor.city))

    answer = client.get(url, {"class": "callable"})

    assert answer.context["funnel"].total == 4
    assert {why.lead.city_id for why in answer.context["page"]} == {floor.city.pk}
    assert "陌生人" not in answer.content.decode()
    assert client.get(url, {"city": floor.other.pk}).status_code == 404
    assert client.get(url, {"city": "x"}).status_code == 404


def test_a_team_leader_sees_the_counts_of_the_city_but_no_single_leads(client, floor, url):
    answer = signed_in(client, person(Role.TEAM_LEADER, team=floor.team)).get(url, {"class": "callable"})

    assert answer.context["funnel"].total == 4
    assert answer.context["page"] is None


def test_a_campaign_that_one_may_not_see_does_not_exist(client, floor, url):
    Campaign.objects.update(city=floor.city)

    assert signed_in(client, manager(floor.other)).get(url).status_code == 404


def test_strangers_and_agents_are_turned_away(client, floor, url):
    assert client.get(url).status_code == 302
    assert signed_in(client, agent_of(floor.team)).get(url).status_code == 403


def test_when_nobody_can_be_called_the_page_says_what_holds_most_back(client, floor, url):
    Customer.objects.update(is_suppressed=True)
    floor.campaign.team_links.all().delete()

    page = signed_in(client, manager()).get(url).content.decode()

    assert "Nobody can be called now. Not to be called: 4." in page
    assert "No team works on this campaign" in page


def test_a_campaign_without_leads_says_what_to_do(client):
    campaign = Floor().campaign

    page = signed_in(client, manager()).get(f"/campaigns/{campaign.pk}/why-not/").content.decode()

    assert "No leads yet" in page


@pytest.mark.parametrize("leads", [1, 3])
def test_the_list_takes_the_same_queries_however_many_leads(
    client, floor, url, leads, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(counting, "KEEP", 60)
    for _n in range(leads):
        hold(floor.lead(), agent_of(TeamFactory(city=floor.city)))
    signed_in(client, manager()).get(url)

    with django_assert_num_queries(23):
        client.get(url, {"class": "held"})


def test_a_planner_sets_below_how_many_days_the_floor_warns(client, floor):
    floor.campaign.stock_alert_days = 4
    floor.campaign.save()

    page = (
        signed_in(client, person(Role.CAMPAIGN_MANAGER)).get(f"/campaigns/{floor.campaign.pk}/edit/").content.decode()
    )

    assert 'name="stock_alert_days" value="4"' in page


# ---------------------------------------------------------------- API


def test_the_api_tells_the_funnel_of_a_campaign(client, floor):
    signed_in(client, manager())

    told = client.get(f"/api/v1/campaigns/{floor.campaign.pk}/funnel/").json()

    assert told["total"] == sum(row["leads"] for row in told["classes"]) == 5
    assert {row["name"]: row["leads"] for row in told["classes"] if row["leads"]} == {
        "callable": 3,
        "cooling": 1,
        "won": 1,
    }
    assert told["next_callable_at"] is not None
    assert (told["stock"], told["finished_per_day"], told["stock_days"], told["is_low"]) == (4, None, None, False)


def test_the_api_tells_of_ones_own_cities_alone(client, floor):
    signed_in(client, manager(floor.city))
    at = f"/api/v1/campaigns/{floor.campaign.pk}/funnel/"

    assert client.get(at).json()["total"] == 4
    assert client.get(at, {"city": floor.other.pk}).json()["total"] == 0


def test_the_api_turns_strangers_agents_and_unseen_campaigns_away(client, floor):
    at = f"/api/v1/campaigns/{floor.campaign.pk}/funnel/"

    assert client.get(at).status_code in (401, 403)
    assert signed_in(client, agent_of(floor.team)).get(at).status_code == 403
    Campaign.objects.update(city=floor.city)
    assert signed_in(client, manager(floor.other)).get(at).status_code == 404
