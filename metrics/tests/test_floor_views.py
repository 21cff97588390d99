"""The floor page, its panels, and who may see them."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from campaigns.funnel import counting
from campaigns.tests.factories import CityFactory, TeamFactory, agent_of, person
from core.clock import database_now
from metrics.floor.board import Hour
from metrics.tests.floor_places import running
from people.models import Membership

pytestmark = pytest.mark.django_db
Role = Membership.Role
PANELS = ["strip", "hours", "decisions", "funnel", "drill", "agents"]


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def team():
    team = TeamFactory(name="Chancheng A", city=CityFactory(name="Foshan"))
    running(team)
    return team


def signed_in(client, user):
    client.force_login(user)
    return client


def wait(agent, team, seconds=10):
    from campaigns.models import AgentState

    AgentState.objects.create(
        agent=agent, team=team, state="waiting", began_at=database_now() - timedelta(seconds=seconds)
    )


@pytest.mark.parametrize("role", ["supervisor", "campaign_manager"])
def test_those_who_lead_see_the_floor(client, team, role):
    page = signed_in(client, person(role, city=team.city)).get("/floor/")

    assert page.status_code == 200
    assert "Foshan" in page.content.decode()


@pytest.mark.parametrize("path", ["/floor/", "/floor/panels/"])
@pytest.mark.parametrize("role", ["data", "qa", "trainer", "administrator"])
def test_others_are_refused_with_a_sentence(client, team, role, path):
    page = signed_in(client, person(role)).get(path)

    assert page.status_code == 403
    assert "The floor is for those who lead teams." in page.content.decode()


def test_an_agent_is_refused(client, team):
    assert signed_in(client, agent_of(team)).get("/floor/").status_code == 403


@pytest.mark.parametrize("path", ["/floor/", "/floor/panels/"])
def test_strangers_are_sent_to_sign_in(client, path):
    assert client.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize("query", ["city=999999", "team=999999", "team=x", "campaign=999999"])
def test_a_place_that_is_not_there_is_not_found(client, team, query):
    assert signed_in(client, person(Role.SUPERVISOR, city=team.city)).get(f"/floor/?{query}").status_code == 404


def test_another_citys_team_is_not_found(client, team):
    far = TeamFactory()

    assert (
        signed_in(client, person(Role.SUPERVISOR, city=team.city)).get(f"/floor/panels/?team={far.pk}").status_code
        == 404
    )


def test_nobody_signed_in_says_what_to_do(client, team):
    page = signed_in(client, person(Role.SUPERVISOR, city=team.city)).get("/floor/").content.decode()

    assert "Nobody is signed in yet." in page
    assert "open Desk" in page
    assert "No deal yet today." in page
    assert "Nothing needs a decision." in page


def test_a_role_without_teams_says_so(client):
    page = signed_in(client, person(Role.SUPERVISOR, city=CityFactory())).get("/floor/").content.decode()

    assert "No team to show." in page
    assert "floor-pulse" not in page


def test_the_panels_come_as_fragments_each_to_be_put_in_its_place(client, team):
    page = signed_in(client, person(Role.SUPERVISOR, city=team.city)).get("/floor/panels/").content.decode()

    assert "<html" not in page
    assert 'id="floor-pulse"' in page
    found = re.findall(r'id="floor-(\w+)" data-live hx-swap-oob="true"', page)
    assert found == PANELS


def test_within_the_hour_the_chart_stays_and_only_its_table_is_sent(client, team):
    page = signed_in(client, person(Role.SUPERVISOR, city=team.city))
    hour = timezone.localtime(database_now()).hour

    answer = page.get(f"/floor/panels/?hour={hour}").content.decode()

    assert 'id="floor-hours-rows" data-live hx-swap-oob="true"' in answer
    assert "floor-chart" not in answer


def test_an_hour_is_bad_only_where_the_data_leave_the_expectation_out():
    """7 deals fit 2.8 to 14.4: under 80 % of 10, and yet no sign of anything. 4 fit 1.1 to 10.2, 12 fit 6.2 to 21.0."""
    found = [
        Hour(10, 7, 10.0).verdict,
        Hour(11, 4, 20.0).verdict,
        Hour(12, 12, 5.0).verdict,
        Hour(13, None, 9.0).verdict,
    ]

    assert found == ["", "bad", "good", ""]


def test_the_pulse_asks_for_the_place_that_is_shown(client, team):
    page = signed_in(client, person(Role.REGIONAL_MANAGER)).get(f"/floor/?team={team.pk}&order=deals").content.decode()

    assert re.search(rf'hx-get="/floor/panels/\?team={team.pk}&amp;order=deals&amp;hour=\d+" hx-trigger="live"', page)


def test_a_state_runs_on_from_the_second_it_began(client, team):
    agent = agent_of(team, display_name="Chen Meiling")
    wait(agent, team, seconds=250)

    page = signed_in(client, person(Role.SUPERVISOR, city=team.city)).get("/floor/").content.decode()

    assert re.search(r'class="pill idle" data-age="2">Waiting <time data-since="\d+">4:1\d</time>', page)
    assert "Chen Meiling waits over 4 minutes" in page
    assert f"/calls/?since={timezone.localtime(database_now()).date()}&amp;agent={agent.pk}" in page


def test_the_page_reads_and_never_writes(client, team):
    assert signed_in(client, person(Role.SUPERVISOR, city=team.city)).post("/floor/").status_code == 405


@pytest.mark.parametrize("agents", [1, 3])
def test_the_panels_take_the_same_queries_however_many_agents_and_teams(
    client, team, agents, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(counting, "KEEP", 60)
    for _n in range(agents):
        other = TeamFactory(city=team.city)
        running(other)
        wait(agent_of(other), other, 300)
    user = person(Role.SUPERVISOR, city=team.city)
    signed_in(client, user).get("/floor/panels/")

    with django_assert_num_queries(21):
        client.get("/floor/panels/")
