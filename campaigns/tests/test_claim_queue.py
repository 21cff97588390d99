"""What is blocked for a while leaves the front of its queue, so that no claim walks past it all day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import CampaignTeam, Lead
from campaigns.services import claim
from campaigns.tests.factories import CityFactory, TeamFactory, agent_of
from campaigns.tests.test_claim import AT, calling, lead_in, pack
from customers.models import Consent, Customer, Suppression

pytestmark = pytest.mark.django_db

MIDNIGHT = AT + timedelta(hours=13)  # it is 11:00 there
LATER = AT + timedelta(minutes=30)
SOON = AT + timedelta(hours=2)  # what may be put right by hand is looked at again


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def agent(city):
    return agent_of(TeamFactory(city=city))


@pytest.fixture
def campaign(agent):
    rules = pack(hours=("09:00", "20:00"), cap=(2, 24), gap=120, answered=1, consent=True)
    return calling(agent.team_at(AT), rules, exclusion_group="g")


def waiting(campaign, city, *, consent=True, **fields) -> Lead:
    """An open lead that is ready; its customer has these fields."""
    lead = lead_in(campaign, city)
    if consent:
        Consent.objects.create(customer=lead.customer, basis="shop", stated_by="x", given_at=AT - timedelta(days=9))
    Customer.objects.filter(pk=lead.customer_id).update(**fields)
    return lead


def ready_at(lead: Lead):
    return Lead.objects.values_list("ready_at", flat=True).get(pk=lead.pk)


def move_back(campaign, city) -> int:
    """As the claim does it, under the rules of this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaigns_move_blocked_back(%s, %s, %s, %s, r.day_starts[1], r.need_consent[1], r.one_answer[1], r.cap_most, r.cap_window, r.cap_city, %s)"
            " FROM campaigns_rules_now(%s, %s, %s, %s) r",
            [
                campaign.pk,
                campaign.product_id,
                campaign.exclusion_group,
                city.pk,
                AT,
                campaign.pk,
                city.pk,
                AT.date(),
                AT,
            ],
        )
        return cursor.fetchone()[0]


def test_each_reason_moves_a_lead_to_the_moment_when_it_ends_or_is_looked_at_again(agent, campaign, city):
    answered = waiting(campaign, city, answered_at=AT - timedelta(hours=2))
    owned = waiting(
        campaign, city, owner_campaign_id=campaign.pk + 1, owner_group="g", owner_until=AT + timedelta(days=3)
    )
    capped = waiting(campaign, city, attempts=[AT - timedelta(hours=3), AT - timedelta(hours=9)])
    just_tried = waiting(campaign, city, attempts=[AT - timedelta(minutes=20)])
    without_consent = waiting(campaign, city, consent=False)
    without_number = waiting(campaign, city)
    without_number.customer.phones.update(is_dead=True)
    resting = waiting(campaign, city)
    Suppression.objects.create(
        customer=resting.customer, kind="offer_refused", product_id=campaign.product_id,
        valid_from=AT - timedelta(days=1), valid_to=AT + timedelta(days=89),
    )  # fmt: skip

    assert move_back(campaign, city) == 7

    moved = (answered, owned, capped, just_tried, without_consent, without_number, resting)
    assert [ready_at(lead) for lead in moved] == [
        MIDNIGHT,
        SOON,
        SOON,
        AT + timedelta(minutes=100),
        LATER,
        LATER,
        SOON,
    ]


def test_who_may_be_called_and_who_was_promised_a_call_stay_where_they_are(agent, campaign, city):
    free = waiting(campaign, city)
    promised = waiting(campaign, city, answered_at=AT - timedelta(hours=2))
    Lead.objects.filter(pk=promised.pk).update(callback_agent=agent)
    before = [ready_at(free), ready_at(promised)]

    assert move_back(campaign, city) == 0
    assert [ready_at(free), ready_at(promised)] == before


def test_a_front_longer_than_one_look_is_moved_whole_and_only_in_its_own_queue(agent, campaign, city):
    blocked = [waiting(campaign, city, answered_at=AT) for _n in range(35)]
    elsewhere = waiting(campaign, CityFactory(zone=city.zone), answered_at=AT)
    free = waiting(campaign, city)
    Lead.objects.filter(pk=free.pk).update(priority=1)

    assert move_back(campaign, city) == 35
    assert {ready_at(lead) for lead in blocked} == {MIDNIGHT}
    assert ready_at(elsewhere) < AT


def test_a_claim_that_finds_nobody_moves_the_blocked_back_and_the_next_one_finds_who_comes(agent, campaign, city):
    blocked = waiting(campaign, city, answered_at=AT - timedelta(hours=2))

    assert claim.claim_next_lead(agent=agent, at=AT) is None
    assert ready_at(blocked) == MIDNIGHT

    free = waiting(campaign, city)
    claimed = claim.claim_next_lead(agent=agent, at=AT)
    assert claimed is not None
    assert claimed.pk == free.pk


def placed(campaign, city, priority: int, days: int = 1) -> Lead:
    """One who may be called, waiting for so many days."""
    lead = waiting(campaign, city)
    Lead.objects.filter(pk=lead.pk).update(priority=priority, ready_at=AT - timedelta(days=days))
    return lead


@pytest.fixture
def regional(campaign):
    team = TeamFactory(city=None)
    CampaignTeam.objects.create(campaign=campaign, team=team)
    return team


def test_an_agent_of_the_region_gets_the_highest_priority_of_all_cities_then_who_waits_longest(
    campaign, city, regional
):
    near, far = CityFactory(zone=city.zone), CityFactory(zone=city.zone)
    last = placed(campaign, city, 5, days=9)
    first = placed(campaign, near, 9, days=2)
    second = placed(campaign, far, 9)

    assert [claim.claim_next_lead(agent=agent_of(regional), at=AT) for _n in range(4)] == [first, second, last, None]


def test_leads_of_a_closed_city_in_front_hide_nobody_from_an_agent_of_the_region(campaign, city, regional):
    closed = CityFactory(zone=city.zone, is_on=False)
    for _n in range(25):
        placed(campaign, closed, 9)
    behind = placed(campaign, city, 1)

    assert claim.claim_next_lead(agent=agent_of(regional), at=AT) == behind


def test_a_city_whose_front_may_not_be_called_hides_nobody_in_the_next_city(campaign, city, regional):
    other = CityFactory(zone=city.zone)
    for _n in range(25):
        waiting(campaign, city, answered_at=AT - timedelta(hours=2))
    behind = placed(campaign, other, 1)

    assert claim.claim_next_lead(agent=agent_of(regional), at=AT) == behind
