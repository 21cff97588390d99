"""A list that campaigns call is taken back: leads nobody was handed go with their customers, and the desk goes on beside it."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg2
import pytest
from django.db import connection

from campaigns.models import Callback, Lead, ListAllocation, Order
from campaigns.services import allocation
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, agent_of, person
from core.calendar import business_date
from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Contact, Customer, LeadList, Phone, RowVerdict
from customers.services import list_undo, lists
from scripts.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)
CLAIM = "SELECT campaigns_claim_lead(%s, %s, NULL, %s, %s)"


@pytest.fixture
def floor(db):
    return Floor()


@pytest.fixture
def data(floor):
    return person("data")


def given_list(floor, data, count: int, verdict: str = "new") -> tuple[LeadList, list[Customer]]:
    """A list of that many customers, as its commit leaves it, given to the campaign."""
    at = database_now()
    customers = [CustomerFactory(city=floor.city) for _ in range(count)]
    if verdict == "new":
        Customer.objects.update(created_at=at)
        Phone.objects.update(created_at=at)
    made = LeadList.objects.create(
        name="May", source=customers[0].source, status="committed", consent_basis="shop", consent_stated_by="x", created_by=data,
        created_at=at, committed_by=data, committed_at=at, row_count=count, counts={verdict: count},
    )  # fmt: skip
    for row_no, customer in enumerate(customers, start=2):
        RowVerdict.objects.create(lead_list=made, row_no=row_no, verdict=verdict, customer_id=customer.pk)
    run_inline(allocation.allocate_list(campaign=floor.campaign, lead_list=made, by=data, at=at).job_id)
    assert Lead.objects.filter(lead_list=made).count() == count
    return made, customers


def ask(lead_list, data) -> Job:
    return lists.undo_list(lead_list=lead_list, by=data, reason="wrong file", at=database_now())


def take_back(lead_list, data) -> dict[int, str]:
    """{row number: why it stays}"""
    job = ask(lead_list, data)
    run_inline(job.pk)
    job.refresh_from_db()
    lead_list.refresh_from_db()
    assert lead_list.status == "undone", job.last_error
    return stays(lead_list)


def stays(lead_list) -> dict[int, str]:
    return dict(RowVerdict.objects.filter(lead_list=lead_list, stays__isnull=False).values_list("row_no", "stays"))


def lead_of(customer) -> Lead:
    return Lead.objects.get(customer=customer)


def test_leads_that_nobody_was_handed_go_with_their_customers(floor, data):
    other = floor.lead()
    lead_list, _customers = given_list(floor, data, 3)

    assert take_back(lead_list, data) == {}

    assert list(Lead.objects.all()) == [other]
    assert list(Customer.objects.all()) == [other.customer]
    assert ListAllocation.objects.get().lead_count == 0


def ordered(lead, floor):
    Order.objects.create(
        call_id=1, call_started_at=AT, customer_id=lead.customer_id, city_id=lead.city_id, agent_id=floor.agent.pk, team_id=floor.team.pk,
        campaign_id=lead.campaign_id, number="1", product=ProductFactory(),
    )  # fmt: skip


def promised(lead, floor):
    Callback.objects.create(lead=lead, agent=floor.agent, due_at=AT)


def worked_on(lead, floor):
    Lead.objects.filter(pk=lead.pk).update(attempts_made=1, last_call_at=AT)


def given_by_something_else(lead, floor):
    Lead.objects.filter(pk=lead.pk).update(lead_list=None)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [(ordered, "order"), (promised, "callback"), (worked_on, "lead"), (given_by_something_else, "lead")],
)
def test_whom_a_campaign_has_worked_on_stays_and_the_row_says_why(floor, data, happens, reason):
    lead_list, (first, second) = given_list(floor, data, 2)
    happens(lead_of(second), floor)

    assert take_back(lead_list, data) == {3: reason}

    assert not Customer.objects.filter(pk=first.pk).exists()
    assert Customer.objects.filter(pk=second.pk).exists()


def test_waiting_leads_of_customers_known_before_go_and_those_called_stay(floor, data):
    lead_list, (untouched, given_back, called) = given_list(floor, data, 3, verdict="unchanged")
    Contact.objects.create(
        at=AT, customer_id=given_back.pk, city_id=floor.city.pk, state="void", lead_id=lead_of(given_back).pk
    )
    worked_on(lead_of(called), floor)

    assert take_back(lead_list, data) == {}

    assert Customer.objects.filter(pk__in=[untouched.pk, given_back.pk, called.pk]).count() == 3
    assert not Lead.objects.filter(customer=untouched).exists()
    assert (lead_of(given_back).state, lead_of(given_back).outcome) == ("done", "withdrawn")
    assert lead_of(called).state == "open"
    assert ListAllocation.objects.get().lead_count == 2


def test_leads_follow_customers_back_into_their_former_city(floor, data):
    before = CityFactory()
    lead_list, (customer,) = given_list(floor, data, 1, verdict="update")
    RowVerdict.objects.update(reason="moved", before={"city": before.pk})
    lead_list.rows.create(row_no=2, city_id=floor.city.pk)
    worked_on(lead_of(customer), floor)

    assert take_back(lead_list, data) == {}

    customer.refresh_from_db()
    assert (customer.city, lead_of(customer).city) == (before, before)


def test_a_list_that_is_taken_back_gives_a_campaign_no_more_leads(floor, data):
    lead_list, _customers = given_list(floor, data, 1)
    Lead.objects.all().delete()
    late = Job.objects.get(kind=allocation.KIND)
    Job.objects.filter(pk=late.pk).update(state="queued", cursor={}, finished_at=None)
    ask(lead_list, data)

    run_inline(late.pk)

    assert not Lead.objects.exists()
    with pytest.raises(allocation.ListNotCommitted):
        allocation.allocate_list(campaign=Floor().campaign, lead_list=lead_list, by=data, at=database_now())


# ---------------------------------------------------------------- beside the desk


@pytest.fixture
def link():
    """A connection of somebody else, in a transaction."""
    made = psycopg2.connect(**_parameters())
    yield made
    made.close()


def _parameters():
    drop = ("cursor_factory", "client_encoding")
    return {name: value for name, value in connection.get_connection_params().items() if name not in drop}


def claim(cursor, floor, agent) -> int | None:
    cursor.execute(CLAIM, [agent.pk, floor.team.pk, business_date(AT), AT])
    return cursor.fetchone()[0]


def test_whom_an_agent_is_just_being_handed_stays(floor, data, link):
    lead_list, customers = given_list(floor, data, 3)
    with link.cursor() as cursor:
        held = claim(cursor, floor, floor.agent)
        job = ask(lead_list, data)
        soon = threading.Timer(0.5, link.commit)
        soon.start()
        run_inline(job.pk)
        soon.join()

    lead_list.refresh_from_db()
    assert lead_list.status == "undone"
    lead = Lead.objects.get()
    assert (lead.pk, lead.state, lead.agent) == (held, "held", floor.agent)
    assert stays(lead_list) == {2 + customers.index(lead.customer): "held"}


def test_who_holds_a_customer_for_long_makes_the_job_wait_not_fail(floor, data, link, monkeypatch):
    monkeypatch.setattr(list_undo, "PATIENCE", "SET LOCAL lock_timeout = '100ms'")
    lead_list, _customers = given_list(floor, data, 3)
    job = ask(lead_list, data)
    with link.cursor() as cursor:
        claim(cursor, floor, floor.agent)
        run_inline(job.pk)
        job.refresh_from_db()
        lead_list.refresh_from_db()
        assert (job.state, lead_list.status, Customer.objects.count()) == ("queued", "undoing", 1)
        link.rollback()

    Job.objects.filter(pk=job.pk).update(not_before=database_now() - timedelta(seconds=1))
    run_inline(job.pk)

    lead_list.refresh_from_db()
    assert (lead_list.status, Customer.objects.count()) == ("undone", 0)


def test_agents_who_ask_while_a_list_is_taken_back_lose_no_lead_and_nobody_is_locked_out(floor, data, monkeypatch):
    monkeypatch.setattr(list_undo, "CHUNK", 5)
    lead_list, _customers = given_list(floor, data, 60)
    agents = [agent_of(floor.team) for _ in range(12)]
    job = ask(lead_list, data)
    got: list[int] = []
    faults: list[Exception] = []
    start = threading.Barrier(len(agents) + 1)

    def work(agent):
        own = psycopg2.connect(**_parameters())
        own.autocommit = True
        try:
            start.wait(timeout=30)
            with own.cursor() as cursor:
                lead = claim(cursor, floor, agent)
            if lead:
                got.append(lead)
        except Exception as fault:
            faults.append(fault)
        finally:
            own.close()

    threads = [threading.Thread(target=work, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    start.wait(timeout=30)
    run_inline(job.pk)
    for thread in threads:
        thread.join()

    lead_list.refresh_from_db()
    assert (faults, lead_list.status) == ([], "undone")
    assert got
    assert set(Lead.objects.values_list("pk", flat=True)) == set(got)
    assert set(Lead.objects.values_list("state", flat=True)) == {"held"}
    assert set(Customer.objects.values_list("pk", flat=True)) == set(Lead.objects.values_list("customer", flat=True))
    assert set(stays(lead_list).values()) == {"held"}
    assert len(stays(lead_list)) == len(got)
