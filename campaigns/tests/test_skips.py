"""Leads put away undialled are counted with their reasons, and who does it far more than the team stands out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from campaigns.models import LeadSkip, LiveCall
from campaigns.queries_skips import Skips, skip_report
from campaigns.services import claim
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import agent_of, person
from core.clock import database_now
from people.models import Membership

pytestmark = pytest.mark.django_db
DAY = date(2099, 11, 19)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def floor():
    return Floor()


def skipped(floor, agent=None, at=AT, reason="I know this person", team=None) -> LeadSkip:
    return LeadSkip.objects.create(
        agent=agent or floor.agent, team=team or floor.team, lead=floor.lead(), campaign=floor.campaign, reason=reason, at=at
    )  # fmt: skip


def dialled(floor, agent=None, at=AT, count=1):
    lead = floor.lead()
    for number in range(count):
        LiveCall.objects.create(
            lead=lead, agent=agent or floor.agent, phone_id=1, adapter="simulator", placed_at=at + number * MINUTE,
            settled_at=at + number * MINUTE,
        )  # fmt: skip


def report(floor, **more):
    asked = {"user": person("supervisor", city=floor.city), "first": DAY, "last": DAY, **more}
    return skip_report(**asked)


# ---------------------------------------------------------------- what is kept


def test_a_skip_is_kept_with_who_why_and_when(floor):
    lead = floor.lead()
    claim.claim_next_lead(agent=floor.agent, at=AT)

    claim.give_back(lead=lead, agent=floor.agent, at=AT + MINUTE, is_skip=True, reason=" I know this person ")

    row = LeadSkip.objects.get()
    assert (row.agent, row.team, row.lead, row.campaign) == (floor.agent, floor.team, lead, floor.campaign)
    assert (row.reason, row.at) == ("I know this person", AT + MINUTE)


def test_what_goes_back_for_another_reason_is_no_skip(floor):
    lead = floor.lead()
    claim.claim_next_lead(agent=floor.agent, at=AT)

    claim.give_back(lead=lead, agent=floor.agent, at=AT, reason="break")

    assert not LeadSkip.objects.exists()


def test_a_skip_by_another_system_is_counted_too(client, floor):
    at = database_now()
    lead = floor.lead(due_at=at - timedelta(days=1), ready_at=at - timedelta(days=1))
    claim.claim_next_lead(agent=floor.agent, at=at)
    client.force_login(floor.agent)

    url = reverse("api:lead-give-back", args=[lead.pk])
    assert client.post(url, {"reason": "no data"}, content_type="application/json").status_code == 204
    assert LeadSkip.objects.get().reason == "no data"


# ---------------------------------------------------------------- counted


def test_the_share_is_of_the_customers_shown(floor):
    other = agent_of(floor.team)
    skipped(floor)
    dialled(floor, count=3)
    skipped(floor, other)
    skipped(floor, other)
    dialled(floor, other, count=2)

    found = report(floor)

    [(whole, agents)] = found.teams
    assert [(row.agent, row.skipped, row.shown, row.share) for row in agents] == [
        (other, 2, 4, 0.5),
        (floor.agent, 1, 4, 0.25),
    ]
    assert (whole.skipped, whole.shown, found.whole.share) == (3, 8, 0.375)
    assert (agents[0].rest.skipped, agents[0].rest.shown) == (1, 4)


def test_days_end_at_midnight_of_the_region(floor):
    skipped(floor, at=AT + timedelta(hours=12, minutes=59))  # 23:59 there
    skipped(floor, at=AT + timedelta(hours=13))
    skipped(floor, at=AT - timedelta(hours=11, minutes=1))

    assert report(floor).whole.skipped == 1


def test_reasons_that_differ_in_capitals_and_blanks_are_one(floor):
    for reason in ("No data", "no  data", "No data", "I know this person"):
        skipped(floor, reason=reason)

    found = report(floor)

    assert found.reasons == [("No data", 3), ("I know this person", 1)]
    assert found.teams[0][1][0].reasons == found.reasons


def test_nobody_carries_figures_into_another_team(floor):
    skipped(floor)
    dialled(floor)
    Membership.objects.filter(user=floor.agent).update(valid_to=DAY + timedelta(days=1))
    new = Floor()
    Membership.objects.create(user=floor.agent, role="agent", team=new.team, valid_from=DAY + timedelta(days=1))
    later = AT + timedelta(days=1)
    skipped(new, floor.agent, at=later)

    there = report(new, last=DAY + timedelta(days=1))

    assert [(whole.team, whole.skipped, whole.shown) for whole, _agents in there.teams] == [(new.team, 1, 1)]


def test_other_cities_and_teams_are_not_seen(floor):
    skipped(floor)

    assert report(floor, user=person("supervisor", city=Floor().city)).teams == []
    assert report(floor, user=person("team_leader", team=Floor().team)).reasons == []
    assert report(floor, user=person("team_leader", team=floor.team)).whole.skipped == 1
    assert report(floor, user=person("team_leader", team=floor.team), team=Floor().team.pk).teams == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_report_asks_the_same_however_many_agents(floor, count, django_assert_num_queries):
    for _number in range(count):
        skipped(floor, agent_of(floor.team))
    boss = person("supervisor", city=floor.city)
    boss.scope()

    with django_assert_num_queries(4):
        skip_report(user=boss, first=DAY, last=DAY)


@pytest.mark.parametrize(
    ("own", "rest", "is_marked"),
    [
        ((20, 100), (5, 400), True),
        ((5, 100), (5, 400), False),  # four times, and still by chance
        ((30, 100), (80, 400), False),  # clearly more, not twice as much
        ((20, 29), (5, 400), False),  # too few shown
        ((20, 100), (1, 29), False),
        ((20, 100), (0, 400), True),
        ((0, 100), (100, 400), False),
    ],
)
def test_far_more_is_twice_as_much_and_not_by_chance(own, rest, is_marked):
    assert Skips(*own, rest=Skips(*rest)).is_far_more is is_marked


# ---------------------------------------------------------------- the page


def test_a_leader_sees_who_skips_and_why_and_an_agent_does_not(client, floor):
    at = database_now()
    skipped(floor, at=at, reason="The data do not fit together")
    url = reverse("campaigns:skips")
    client.force_login(person("team_leader", team=floor.team))
    page = client.get(url).content.decode()
    assert floor.agent.display_name in page
    assert "The data do not fit together" in page

    client.force_login(person("supervisor", city=Floor().city))
    page = client.get(url).content.decode()
    assert floor.agent.display_name not in page
    assert "Nobody skipped a customer" in page

    client.force_login(floor.agent)
    assert client.get(url).status_code == 403
