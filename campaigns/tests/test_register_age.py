"""A campaign whose rules ask for a fresh do-not-call register is stopped without one: in the claim, at the dial, and in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns import queries_bench
from campaigns.funnel.counting import count, cut
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Lead
from campaigns.queries_registers import stopped_by_register
from campaigns.services import claim, desk
from campaigns.services.desk_page import why_nothing
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, TeamFactory, agent_of, person
from campaigns.tests.test_claim import calling, pack
from customers.models import ContactRule, Register, RegisterRetirement

pytestmark = pytest.mark.django_db

# a Thursday, 11:00 in China; far ahead, because the claim judges at the later of `at` and the database's clock
AT = datetime(2099, 11, 19, 3, 0, tzinfo=UTC)
TODAY = date(2099, 11, 19)


@pytest.fixture
def team():
    return TeamFactory(city=CityFactory())


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def campaign(team):
    return calling(team, pack(hours=("09:00", "20:00")))


@pytest.fixture
def lead(campaign, team):
    return LeadFactory(campaign=campaign, customer=CustomerFactory(city=team.city))


def rule(campaign, days=30, **fields):
    ContactRule.objects.create(
        pack=campaign.packs.get(), key="register_age", value={"days": days}, **{"valid_from": date(2020, 1, 1)} | fields
    )


def register(agent, age, **fields):
    fields = {"status": "applied", "applied_at": AT, "source": "MIIT"} | fields
    return Register.objects.create(
        dated_on=TODAY - timedelta(days=age), created_by=agent, created_at=AT - timedelta(days=age), **fields
    )


@pytest.mark.parametrize(
    ("ages", "is_handed_out"),
    [([], False), ([30], True), ([31], False), ([90, 10], True)],  # of one source the newest
)
def test_the_claim_stops_without_a_register_as_young_as_the_rule_asks(agent, campaign, lead, ages, is_handed_out):
    rule(campaign)
    for age in ages:
        register(agent, age)

    answer = queries_bench.ask(customer=lead.customer, campaign=campaign, at=AT)

    assert answer.is_handed_out is is_handed_out
    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


@pytest.mark.parametrize(
    "fields",
    [{"status": "failed", "applied_at": None}, {"status": "waiting", "applied_at": None}, {"is_whole": False}],
)
def test_a_register_that_did_not_come_into_force_whole_opens_nothing(agent, campaign, lead, fields):
    rule(campaign)
    register(agent, 1, **fields)

    assert claim.claim_next_lead(agent=agent, at=AT) is None


def test_a_rule_of_another_city_or_that_only_warns_stops_nothing(agent, campaign, lead):
    rule(campaign, city=CityFactory())
    rule(campaign, severity="warn")

    assert claim.claim_next_lead(agent=agent, at=AT) == lead


def test_a_register_that_comes_into_force_opens_the_campaign_within_the_same_minute(agent, campaign, lead):
    rule(campaign)
    assert claim.claim_next_lead(agent=agent, at=AT) is None

    register(agent, 1)

    assert claim.claim_next_lead(agent=agent, at=AT) == lead


def test_the_dial_asks_again(agent, campaign, lead):
    rule(campaign)
    row = register(agent, 1)
    held = claim.claim_next_lead(agent=agent, at=AT)
    Register.objects.filter(pk=row.pk).update(dated_on=TODAY - timedelta(days=40))

    with pytest.raises(desk.DialRefused, match="do-not-call register") as refused:
        desk.dial(lead=held, agent=agent, at=AT)

    assert refused.value.code == "register"
    assert Lead.objects.get(pk=lead.pk).state == "open"


def test_the_desk_and_the_floor_say_why_in_words(agent, campaign, lead):
    assert stopped_by_register([campaign], at=AT) == []
    rule(campaign)

    said = [why.text for why in why_nothing(agent=agent, at=AT)]

    assert f"{campaign.name}: No do-not-call register is in force, and the rules ask for one." in said
    [(stopped, sentence)] = stopped_by_register([campaign], at=AT)
    assert (stopped, "No do-not-call register" in sentence) == (campaign, True)


def test_the_page_of_the_campaign_says_that_it_is_stopped(client, campaign):
    client.force_login(person("campaign_manager"))
    url = reverse("campaigns:campaign", args=[campaign.pk])
    assert "do-not-call register" not in client.get(url).content.decode()

    rule(campaign)

    assert "No do-not-call register is in force" in client.get(url).content.decode()


def test_the_funnel_counts_a_stale_register_as_a_stop_and_promises_no_time(client, campaign, lead):
    rule(campaign)
    where = places([campaign], AT)

    counted = cut([count([campaign], AT)[campaign.pk]], at=AT)

    assert {code for place in where for code in place.stops} == {"register"}
    assert counted.counts["off"] == 1
    assert [why.name for why in why_of([lead], where, AT)] == ["off"]
    assert [reason.code for reason in why_of([lead], where, AT)[0].reasons] == ["register"]


def retire(row):
    RegisterRetirement.objects.create(source=row.source, reason="-", retired_by=row.created_by, retired_at=AT)


def test_a_fresh_register_of_one_source_does_not_open_what_a_stale_one_of_another_closes(agent, campaign, lead):
    rule(campaign)
    register(agent, 10, source="Trade body")
    register(agent, 90)

    answer = queries_bench.ask(customer=lead.customer, campaign=campaign, at=AT)

    assert not answer.is_handed_out
    assert claim.claim_next_lead(agent=agent, at=AT) is None


def test_a_source_retired_or_used_again_opens_and_closes_within_the_same_minute(agent, campaign, lead):
    rule(campaign)
    register(agent, 10, source="Trade body")
    stale = register(agent, 90)
    assert claim.claim_next_lead(agent=agent, at=AT) is None

    retire(stale)
    held = claim.claim_next_lead(agent=agent, at=AT)
    assert held == lead

    RegisterRetirement.objects.update(ended_at=AT, ended_by=agent)
    with pytest.raises(desk.DialRefused, match="do-not-call register"):
        desk.dial(lead=held, agent=agent, at=AT)


def test_where_every_source_is_retired_nobody_is_called(agent, campaign, lead):
    rule(campaign)
    retire(register(agent, 1))

    assert claim.claim_next_lead(agent=agent, at=AT) is None
