"""Two campaigns of an exclusion group want a person: the one with the higher precedence is served first, in the claim and in every answer to why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns import queries_bench
from campaigns.funnel import counting, places
from campaigns.funnel.reasons import why_of
from campaigns.models import Campaign, Lead
from campaigns.services import claim
from campaigns.tests.factories import CityFactory, CustomerFactory, TeamFactory, agent_of
from campaigns.tests.test_claim import AT, calling, lead_in, pack, promise
from campaigns.tests.test_claim_queue import move_back, ready_at
from customers.models import Customer, GreyEntry, Suppression
from people.models import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def rules():
    return pack(hours=("09:00", "20:00"))


class Pair:
    """A person who waits in two campaigns of a group; only the second calls with this team, so that the first cannot simply be quicker."""

    def __init__(self, city, team, rules, **first):
        self.customer = CustomerFactory(city=city)
        elsewhere = TeamFactory(city=city)
        self.first = calling(elsewhere, rules, **{"exclusion_group": "g", "precedence": 2} | first)
        self.second = calling(team, rules, exclusion_group="g", precedence=1)
        self.wanted = lead_in(self.first, city, customer=self.customer)
        self.lead = lead_in(self.second, city, customer=self.customer)
        self.agent = agent_of(team)

    def handed_out(self) -> Lead | None:
        return claim.claim_next_lead(agent=self.agent, at=AT)

    def funnel(self) -> tuple[dict[str, int], list[str]]:
        """The counts of the second campaign, and the codes of what stands against its lead."""
        where = places.places([self.second], AT)
        (why,) = why_of([Lead.objects.get(pk=self.lead.pk)], where, AT)
        counts = counting.cut(counting.count([self.second], AT).values()).counts
        return dict(counts), [reason.code for reason in why.reasons]


def test_a_person_whom_a_campaign_before_ours_waits_for_is_left_to_it(city, team, rules):
    pair = Pair(city, team, rules)

    assert pair.funnel() == ({"owned": 1}, ["served_first"])
    assert pair.handed_out() is None


@pytest.mark.parametrize(
    "first",
    [
        {"precedence": 1},  # nobody is first
        {"precedence": 0},
        {"exclusion_group": "other"},
        {"exclusion_group": ""},
        {"is_on": False},
        {"stage": Campaign.Stage.WRAP_UP},
    ],
)
def test_a_campaign_that_does_not_come_first_or_does_not_call_keeps_nobody(city, team, rules, first):
    pair = Pair(city, team, rules, **first)

    assert pair.funnel() == ({"callable": 1}, [])
    assert pair.handed_out() == pair.lead


def test_when_the_other_campaign_is_done_with_the_person_ours_has_its_turn(city, team, rules):
    pair = Pair(city, team, rules)
    Lead.objects.filter(pk=pair.wanted.pk).update(state="done", outcome="refused", last_call_at=AT - timedelta(days=1))

    assert pair.funnel() == ({"callable": 1}, [])
    assert pair.handed_out() == pair.lead


def test_a_promise_to_the_customer_is_kept_whoever_comes_first(city, team, rules):
    pair = Pair(city, team, rules)
    promise(pair.lead, pair.agent, AT - timedelta(minutes=1))

    assert pair.funnel() == ({"callable": 1}, [])
    assert pair.handed_out() == pair.lead


def test_others_of_the_queue_are_handed_out_meanwhile(city, team, rules):
    pair = Pair(city, team, rules)
    other = lead_in(pair.second, city, priority=0)

    assert pair.handed_out() == other


def test_who_is_left_to_another_campaign_leaves_the_front_for_half_an_hour(city, team, rules):
    pair = Pair(city, team, rules)

    assert move_back(pair.second, city) == 1
    assert ready_at(pair.lead) == AT + timedelta(minutes=30)
    assert move_back(pair.first, city) == 0


def test_nobody_knows_when_the_person_comes_free(city, team, rules):
    pair = Pair(city, team, rules)

    assert counting.cut(counting.count([pair.second], AT).values()).next_at is None


def test_the_bench_page_names_the_campaign_that_comes_first(city, team, rules):
    pair = Pair(city, team, rules)

    answer = queries_bench.ask(customer=pair.customer, campaign=pair.second, at=AT)

    assert not answer.is_allowed
    assert f"{pair.first.name} comes first with this person." in [reason.sentence for reason in answer.besides]
    assert queries_bench.ask(customer=pair.customer, campaign=pair.first, at=AT).is_allowed


@pytest.mark.parametrize(
    "what",
    [
        "no_team",
        "team_elsewhere",
        "suppressed_there",
        "number_there",
        "no_consent_there",
        "closed_there",
        "grey_there",
        "ours",
        "much_later",
    ],
)
def test_a_campaign_that_cannot_call_the_person_keeps_nobody_from_the_others(city, team, rules, what):
    pair = Pair(city, team, rules)
    if what == "no_team":
        pair.first.team_links.all().delete()
    if what == "team_elsewhere":
        Team.objects.filter(campaign_links__campaign=pair.first).update(city=CityFactory())
    if what == "number_there":
        Suppression.objects.create(
            phone_blind=pair.customer.phones.get().blind_index,
            kind="refusal",
            campaign_id=pair.first.pk,
            valid_from=AT - timedelta(days=1),
        )
    if what == "grey_there":
        Campaign.objects.filter(pk=pair.first.pk).update(purpose="cross_sell")
        Campaign.objects.filter(pk=pair.second.pk).update(purpose="service")
        pair.second.refresh_from_db()
        GreyEntry.objects.create(
            customer=pair.customer, purposes=["service"], reason="x", source="x", created_by=pair.agent
        )
    if what == "ours":
        Customer.objects.filter(pk=pair.customer.pk).update(
            owner_campaign_id=pair.second.pk, owner_group="g", owner_until=AT + timedelta(days=30)
        )
    if what == "suppressed_there":
        Suppression.objects.create(
            customer=pair.customer, kind="refusal", campaign_id=pair.first.pk, valid_from=AT - timedelta(days=1)
        )
    if what == "no_consent_there":
        pair.first.packs.set([pack(code="C", hours=("09:00", "20:00"), consent=True)])
    if what == "closed_there":
        pair.first.packs.set([pack(code="H", hours=("01:00", "02:00"))])
    if what == "much_later":
        Lead.objects.filter(pk=pair.wanted.pk).update(ready_at=AT + timedelta(days=2))

    assert pair.funnel() == ({"callable": 1}, [])
    assert move_back(pair.second, city) == 0
    assert pair.handed_out() == pair.lead
