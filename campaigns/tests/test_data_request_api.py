"""Data requests over the API: asked for by one, decided by another, filled, and what became of the leads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import DataRequest, Lead
from campaigns.tests.calling import Floor
from campaigns.tests.factories import CampaignFactory, CityFactory, CustomerFactory, agent_of, person
from campaigns.tests.requesting import OLD, approved, asked_for, filled
from campaigns.tests.test_requested_facts import sold
from core.calendar import business_date
from core.clock import database_now
from core.jobs import run_inline
from customers.models import Segment

pytestmark = pytest.mark.django_db
URL = "/api/v1/data-requests/"


@pytest.fixture
def city(db):
    return CityFactory()


@pytest.fixture
def campaign(city):
    return CampaignFactory(city=city)


@pytest.fixture
def manager(city):
    return person("campaign_manager", city=city)


def post(client, user, path="", headers=None, **told):
    client.force_login(user)
    return client.post(URL + path, told, content_type="application/json", headers=headers or {})


def wish(campaign, **more):
    today = business_date(database_now())
    told = {
        "campaign": campaign.pk, "wanted": 5, "conditions": OLD, "needed_on": today.isoformat(), "use_until": today.isoformat(),
        "reason": "Spring wave", "desk_fields": {"name": "masked"},
    }  # fmt: skip
    return told | more


def test_a_campaign_asks_for_customers(client, city, campaign, manager):
    answer = post(client, manager, **wish(campaign))

    row = DataRequest.objects.get()
    told = answer.json()
    assert answer.status_code == 201
    assert (told["id"], told["state"], told["city"], told["desk_fields"]) == (
        row.pk,
        "asked",
        city.pk,
        {"name": "masked"},
    )
    assert (row.asked_by, row.conditions, row.wanted, row.fields) == (manager, OLD, 5, {"name": "masked"})


def test_a_saved_segment_says_who_is_meant(client, city, campaign, manager):
    segment = Segment.objects.create(name="Seniors", city=city, owner=manager, conditions=OLD)

    answer = post(client, manager, **wish(campaign, conditions=None, segment=segment.pk))

    assert (answer.status_code, answer.json()["conditions"]) == (201, OLD)


def test_somebody_must_be_meant(client, campaign, manager):
    assert post(client, manager, **wish(campaign, conditions=None)).status_code == 400


def test_the_same_key_asks_once(client, campaign, manager):
    answers = [post(client, manager, headers={"Idempotency-Key": "k1"}, **wish(campaign)) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert DataRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"wanted": 0}, "at least 1"),
        ({"desk_fields": {"name": "loud"}}, "shown or masked"),
        ({"conditions": {"version": 1, "root": {"group": "and", "parts": [{"is": "nonsense"}]}}}, ""),
    ],
)
def test_what_cannot_be_asked_so_is_409_with_a_sentence(client, campaign, manager, wrong, sentence):
    answer = post(client, manager, **wish(campaign, **wrong))

    assert answer.status_code == 409
    assert answer.json()["detail"]
    assert sentence in answer.json()["detail"]


def test_another_citys_campaign_does_not_exist_for_who_asks(client, manager):
    assert post(client, manager, **wish(CampaignFactory(city=CityFactory()))).status_code == 400


def test_the_data_team_does_not_ask(client, city, campaign):
    assert post(client, person("data", city=city), **wish(campaign)).status_code == 403


def test_a_second_person_approves_and_the_job_makes_the_leads(client, city, campaign, manager):
    CustomerFactory(city=city, age=70)
    row = asked_for(campaign, city, by=manager)

    answer = post(client, person("data", city=city), f"{row.pk}/approve/")
    run_inline(answer.json()["job"])
    told = client.get(f"{URL}{row.pk}/").json()

    assert (answer.status_code, answer.json()["state"]) == (202, "approved")
    assert (told["state"], told["lead_count"]) == ("fulfilled", 1)
    assert Lead.objects.get().data_request == row


def test_nobody_decides_on_the_own_request_nor_twice(client, city, campaign):
    boss = person("regional_manager")
    row = asked_for(campaign, city, by=boss)

    own = post(client, boss, f"{row.pk}/approve/")
    first = post(client, person("data"), f"{row.pk}/refuse/", reason="Too many")
    again = post(client, person("data"), f"{row.pk}/approve/")

    assert (own.status_code, first.status_code, again.status_code) == (403, 200, 409)
    assert (first.json()["state"], first.json()["answer"]) == ("refused", "Too many")


def test_a_refusal_says_why(client, city, campaign):
    row = asked_for(campaign, city)

    assert post(client, person("data"), f"{row.pk}/refuse/", reason=" ").status_code == 400


def test_who_asked_takes_it_back_and_nobody_else(client, city, campaign, manager):
    row = asked_for(campaign, city, by=manager)

    other = post(client, person("campaign_manager", city=city), f"{row.pk}/withdraw/")
    own = post(client, manager, f"{row.pk}/withdraw/")

    assert (other.status_code, own.status_code, own.json()["state"]) == (403, 200, "withdrawn")


def test_the_use_is_closed_early(client, city, campaign):
    CustomerFactory(city=city, age=70)
    row = filled(asked_for(campaign, city))

    answer = post(client, person("data"), f"{row.pk}/close/", reason="Enough")
    run_inline(answer.json()["job"])
    again = post(client, person("data"), f"{row.pk}/close/", reason="Enough")

    assert (answer.status_code, answer.json()["state"], again.status_code) == (202, "closed", 409)
    assert client.get(f"{URL}{row.pk}/").json()["withdrawn_count"] == 1


def test_the_record_of_use_counts_customers_by_team_and_agent(client):
    floor = Floor()
    for _n in range(2):
        CustomerFactory(city=floor.city, age=70)
    row = filled(asked_for(floor.campaign, floor.city))
    DataRequest.objects.filter(pk=row.pk).update(decided_at=row.asked_at - timedelta(hours=1))
    sold(floor, Lead.objects.first())

    client.force_login(person("data"))
    told = client.get(f"{URL}{row.pk}/use/").json()

    figures = {"called": 1, "reached": 1, "won": 1}
    assert {name: told[name] for name in ("made", "open", *figures)} == {"made": 2, "open": 1, **figures}
    assert told["by_team"] == [{"team": str(floor.team), "agent": "", **figures}]
    assert told["by_agent"] == [{"team": str(floor.team), "agent": str(floor.agent), **figures}]


def test_another_city_finds_no_request_and_decides_on_none(client, city, campaign):
    row = approved(asked_for(campaign, city))
    client.force_login(person("data", city=CityFactory()))

    assert client.get(URL).json()["results"] == []
    assert [client.get(f"{URL}{row.pk}/{path}").status_code for path in ("", "use/")] == [404, 404]
    assert [
        client.post(f"{URL}{row.pk}/{verb}/", {"reason": "x"}, content_type="application/json").status_code
        for verb in ("approve", "refuse", "withdraw", "close")
    ] == [404] * 4


def test_agents_read_no_requests(client, city, campaign):
    row = asked_for(campaign, city)
    client.force_login(agent_of(Floor().team))

    assert [client.get(URL + path).status_code for path in ("", f"{row.pk}/")] == [403, 403]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_runs_the_same_queries_however_many_requests(client, city, campaign, django_assert_num_queries, rows):
    boss = person("data")
    for _n in range(rows):
        asked_for(campaign, city)
    client.force_login(boss)
    client.get(URL)

    with django_assert_num_queries(4):
        assert len(client.get(URL).json()["results"]) == rows
