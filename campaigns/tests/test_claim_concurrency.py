"""64 agents ask at once, on separate connections: nobody is held twice, no gap, cap or exclusion is broken. A broken twin of the claim,
which locks the lead but not the person, is caught by the same checks: the data are tight enough to show it."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg2
import pytest
from django.db import connection

from campaigns.models import Lead
from campaigns.tests.calling import AT, all_hours
from campaigns.tests.factories import CampaignFactory, CityFactory, TeamFactory, agent_of
from core.calendar import business_date
from customers.models import Contact, Customer

AGENTS, PERSONS, CAMPAIGNS, ROUNDS = 64, 40, 8, 6
CLAIM = "SELECT {name}(%s, %s, NULL, %s, %s)"

# The twin forgets the person: it locks only the lead, and nothing else keeps a person in one hand.
TWIN_LOCK = ("FOR UPDATE OF l, p SKIP LOCKED\n            ) x", "FOR UPDATE OF l SKIP LOCKED\n            ) x")


@pytest.fixture
def crowd(transactional_db):
    """Few persons, each a lead in every one of many campaigns, and far more agents than persons."""
    city = CityFactory()
    team = TeamFactory(city=None)
    rules = all_hours()
    campaigns = [CampaignFactory(exclusion_group="g" if n < 2 else "") for n in range(CAMPAIGNS)]
    for campaign in campaigns:
        campaign.packs.set([rules])
        campaign.team_links.create(team=team)
    people = Customer.objects.bulk_create(Customer(city=city) for _ in range(PERSONS))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)"
            " SELECT id, decode(md5(id::text), 'hex'), '\\x00', '199****0000', '199', true, false, now() FROM customers_customer"
        )
    Lead.objects.bulk_create(
        Lead(campaign=campaign, customer=one, city=city, due_at=AT - timedelta(days=1), ready_at=AT - timedelta(days=1))
        for campaign in campaigns
        for one in people
    )
    return team, [agent_of(team).pk for _ in range(AGENTS)]


def ask_all_at_once(team, agents, *, function="campaigns_claim_lead", at=AT) -> list[tuple[int, int]]:
    """(agent, lead) of everybody who got one; each agent on a connection of its own, started together."""
    params = {
        k: v for k, v in connection.get_connection_params().items() if k not in ("cursor_factory", "client_encoding")
    }
    start, got, lock = threading.Barrier(len(agents)), [], threading.Lock()

    def ask(agent: int) -> None:
        link = psycopg2.connect(**params)
        link.autocommit = True
        try:
            with link.cursor() as cursor:
                start.wait(timeout=60)
                cursor.execute(CLAIM.format(name=function), [agent, team.pk, business_date(at), at])
                lead = cursor.fetchone()[0]
            if lead:
                with lock:
                    got.append((agent, lead))
        finally:
            link.close()

    threads = [threading.Thread(target=ask, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def persons_of(got) -> list[int]:
    of_lead = dict(Lead.objects.filter(pk__in=[lead for _agent, lead in got]).values_list("pk", "customer_id"))
    return [of_lead[lead] for _agent, lead in got]


def let_go() -> None:
    """All leads back to the queue as after a call without answer; the budget of the persons stays as it is."""
    Lead.objects.filter(state="held").update(state="open", agent=None, held_at=None, lease_until=None)
    Customer.objects.update(held_lead_id=None)


def contacts_too_close() -> int:
    """Pairs of contacts of one person less than the gap of two hours apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT at - lag(at) OVER (PARTITION BY customer_id ORDER BY at, id) AS apart FROM customers_contact) x"
            " WHERE apart < interval '2 hours'"
        )
        return cursor.fetchone()[0]


def test_64_agents_at_once_get_64_different_persons_at_most(crowd):
    team, agents = crowd

    got = ask_all_at_once(team, agents)

    people = persons_of(got)
    assert len(people) == len(set(people))
    assert len({lead for _agent, lead in got}) == len(got)
    # nobody waits for anybody: almost all persons are handed out although every queue begins with the same ones
    assert len(got) >= PERSONS * 0.8
    assert Contact.objects.count() == len(got)


def test_gaps_and_caps_hold_over_rounds_and_campaigns(crowd):
    team, agents = crowd
    for turn in range(ROUNDS):
        ask_all_at_once(team, agents, at=AT + turn * timedelta(minutes=70))
        let_go()

    assert contacts_too_close() == 0
    longest = max(len(person.attempts) for person in Customer.objects.all())
    assert longest == 2  # two attempts in 24 hours, whatever the number of campaigns
    assert Contact.objects.count() <= 2 * PERSONS


def test_one_agent_in_many_windows_gets_one_lead(crowd):
    team, agents = crowd

    got = ask_all_at_once(team, agents[:1] * 32)

    assert len({lead for _agent, lead in got}) == 1
    assert Lead.objects.filter(state="held").count() == 1


def claim_in_force() -> str:
    """The function as all migrations together make it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('campaigns_claim_lead'::regproc)")
        return cursor.fetchone()[0]


def test_the_broken_twin_is_caught(crowd):
    """The same crowd, the same checks; without the lock on the person and the unique index they must fail."""
    team, agents = crowd
    body = claim_in_force()
    twin = body.replace("campaigns_claim_lead(", "campaigns_claim_twin(", 1)
    assert TWIN_LOCK[0] in twin
    twin = twin.replace(*TWIN_LOCK)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX lead_one_hand_per_person")
        cursor.execute(twin)
    try:
        broken = 0
        for turn in range(ROUNDS):
            people = persons_of(
                ask_all_at_once(team, agents, function="campaigns_claim_twin", at=AT + turn * timedelta(hours=30))
            )
            broken += len(people) - len(set(people))
            let_go()
        assert broken > 0
        assert contacts_too_close() > 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION campaigns_claim_twin(bigint, bigint, bigint, date, timestamptz)")
            cursor.execute(
                "CREATE UNIQUE INDEX lead_one_hand_per_person ON campaigns_lead (customer_id) WHERE state = 'held'"
            )
