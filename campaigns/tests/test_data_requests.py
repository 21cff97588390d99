"""Customers are asked for by one person, given by another, called within the days agreed, and what became of them is on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from campaigns.models import Call, Callback, DataRequest, DataRequestDraw, Lead, ListAllocation, ListSample
from campaigns.queries_data_requests import Use, record_of
from campaigns.services import allocation, data_requests as services, data_requests_filling as filling, desk
from campaigns.services.claim import claim_next_lead
from campaigns.services.results import record_result
from campaigns.tests.calling import AT, Floor, drawn
from campaigns.tests.factories import (
    CampaignFactory,
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    agent_of,
    hold,
    person,
    result,
)
from campaigns.tests.requesting import OLD, approved, asked_for, closed, filled
from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent, Job
from core.partitions import ensure_partitions
from customers.conditions import BadConditions
from customers.models import Customer, LeadList, RowVerdict, Segment, Suppression

pytestmark = pytest.mark.django_db


@pytest.fixture
def city(db):
    return CityFactory()


@pytest.fixture
def campaign(city):
    return CampaignFactory(city=city)


def seniors(city, count: int) -> list[Customer]:
    return [CustomerFactory(city=city, age=70) for _n in range(count)]


def told(request: DataRequest) -> list[str]:
    rows = AuditEvent.objects.filter(subject_type="campaigns.datarequest", subject_id=str(request.pk)).order_by("pk")
    return [row.action.rpartition(".")[2] for row in rows]


# ---------------------------------------------------------------- asking


def test_asking_makes_nothing_but_the_request(city, campaign):
    seniors(city, 2)

    row = asked_for(campaign, city, wanted=5, fields={"name": "shown", "attribute:ARPU": "masked"})

    assert (row.state, row.wanted, row.city, row.conditions) == ("asked", 5, city, OLD)
    assert (Lead.objects.count(), Job.objects.count()) == (0, 0)
    assert told(row) == ["asked"]


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"wanted": 0}, services.WantedWrong),
        ({"wanted": 1_000_001}, services.WantedWrong),
        ({"reason": "  "}, services.ReasonMissing),
        ({"fields": {"name": "whole"}}, services.FieldsUnknown),
        ({"fields": {"phone": "shown"}}, services.FieldsUnknown),
        ({"conditions": {"version": 1, "root": {"group": "and", "parts": []}}}, BadConditions),
    ],
)
def test_what_makes_no_sense_is_not_asked(city, campaign, asked, refusal):
    with pytest.raises(refusal):
        asked_for(campaign, city, **asked)
    assert not DataRequest.objects.exists()


@pytest.mark.parametrize(("needed", "until"), [(-1, 5), (3, 2)])
def test_days_lie_ahead_and_in_their_order(city, campaign, needed, until):
    today = database_now().date()
    with pytest.raises(services.DaysWrong):
        asked_for(
            campaign, city, needed_on=today + timedelta(days=needed - 1), use_until=today + timedelta(days=until - 1)
        )


def test_who_works_for_one_city_asks_for_its_customers_only(city):
    campaign, manager = CampaignFactory(), person("campaign_manager", city=city)
    with pytest.raises(services.NotYourPlace):
        asked_for(campaign, CityFactory(), by=manager)
    with pytest.raises(services.NotYourPlace):
        asked_for(campaign, None, by=manager)


def test_a_campaign_of_a_city_is_given_only_its_customers(city, campaign):
    region = person("campaign_manager")

    assert asked_for(campaign, None, by=region).city == city
    with pytest.raises(services.NotYourPlace):
        asked_for(campaign, CityFactory(), by=region)


@pytest.mark.parametrize("role", ["data", "supervisor", "qa", "city_manager"])
def test_other_roles_do_not_ask(city, campaign, role):
    with pytest.raises(PermissionRefused):
        asked_for(campaign, city, by=person(role, city=city))


def test_a_campaign_that_is_over_asks_for_nobody(city):
    with pytest.raises(allocation.CampaignIsOver):
        asked_for(CampaignFactory(city=city, stage="closed"), city)


def test_a_segment_lends_its_conditions_as_they_stand(city, campaign):
    segment = Segment.objects.create(name="Seniors", city=city, owner=person("data"), conditions=OLD)

    row = asked_for(campaign, city, conditions=None, segment=segment)
    Segment.objects.update(conditions={"version": 1, "root": {"group": "and", "parts": []}})

    row.refresh_from_db()
    assert row.conditions == OLD


def test_a_segment_of_another_city_lends_nothing(city, campaign):
    segment = Segment.objects.create(name="Theirs", city=CityFactory(), owner=person("data"), conditions=OLD)
    with pytest.raises(services.SegmentElsewhere):
        asked_for(campaign, city, segment=segment, by=person("campaign_manager"))


# ---------------------------------------------------------------- deciding


def test_nobody_decides_on_the_own_request(city, campaign):
    boss = person("regional_manager")
    row = asked_for(campaign, city, by=boss)

    with pytest.raises(PermissionRefused):
        approved(row, by=boss)
    with pytest.raises(PermissionRefused):
        services.refuse_request(request=row, reason="no", by=boss, at=database_now())
    with pytest.raises(IntegrityError), transaction.atomic():
        DataRequest.objects.filter(pk=row.pk).update(state="approved", decided_by=boss, decided_at=database_now())


def test_only_the_data_people_of_the_place_decide(city, campaign):
    row = asked_for(campaign, city)
    for other in (person("campaign_manager"), person("city_manager", city=city), person("data", city=CityFactory())):
        with pytest.raises(PermissionRefused):
            approved(row, by=other)

    assert approved(row, by=person("data", city=city)).state == "approved"


def test_a_request_of_the_region_is_decided_by_the_region(city):
    row = asked_for(CampaignFactory(), None, by=person("campaign_manager"))
    with pytest.raises(PermissionRefused):
        approved(row, by=person("data", city=city))
    assert approved(row).state == "approved"


def test_a_refusal_says_why_and_is_final(city, campaign):
    row = asked_for(campaign, city)
    data = person("data")
    with pytest.raises(services.ReasonMissing):
        services.refuse_request(request=row, reason=" ", by=data, at=database_now())

    row = services.refuse_request(request=row, reason="Too many", by=data, at=database_now())

    assert (row.state, row.answer, row.decided_by) == ("refused", "Too many", data)
    assert told(row) == ["asked", "refused"]
    with pytest.raises(services.DecidedAlready):
        approved(row)


def test_approving_twice_makes_one_job(city, campaign):
    row = asked_for(campaign, city)
    approved(row)
    with pytest.raises(services.DecidedAlready):
        approved(row)
    assert Job.objects.filter(kind=services.FILL).count() == 1


def test_what_nobody_decided_in_time_is_not_approved(city, campaign):
    row = asked_for(campaign, city)
    with pytest.raises(services.UseIsOver):
        services.approve_request(request=row, by=person("data"), at=database_now() + timedelta(days=2))


def test_a_campaign_that_ended_meanwhile_is_given_nobody(city, campaign):
    row = asked_for(campaign, city)
    type(campaign).objects.filter(pk=campaign.pk).update(stage="wrap_up")
    with pytest.raises(allocation.CampaignIsOver):
        approved(row)


def test_who_asked_takes_it_back_while_it_waits(city, campaign):
    row = asked_for(campaign, city)
    with pytest.raises(PermissionRefused):
        services.withdraw_request(request=row, by=person("data"), at=database_now())

    row = services.withdraw_request(request=row, by=row.asked_by, at=database_now())

    assert (row.state, told(row)) == ("withdrawn", ["asked", "withdrawn"])
    with pytest.raises(services.DecidedAlready):
        services.withdraw_request(request=row, by=row.asked_by, at=database_now())
    with pytest.raises(services.DecidedAlready):
        approved(row)


# ---------------------------------------------------------------- filling


def test_leads_are_made_of_those_who_fit_and_may_be_called(city, campaign):
    good = seniors(city, 2)
    young, elsewhere = CustomerFactory(city=city, age=30), CustomerFactory(city=CityFactory(), age=70)
    refused, rests, there = seniors(city, 3)
    Customer.objects.filter(pk=refused.pk).update(is_suppressed=True)
    Suppression.objects.create(
        customer=rests, kind="offer_refused", product_id=campaign.product_id, valid_from=AT.replace(year=2020)
    )
    LeadFactory(campaign=campaign, customer=there)

    row = filled(asked_for(campaign, city))

    leads = Lead.objects.filter(data_request=row)
    assert {lead.customer for lead in leads} == set(good)
    assert {(lead.state, lead.priority, lead.city, lead.lead_list) for lead in leads} == {("open", 5, city, None)}
    assert {lead.source for lead in leads} == {customer.source for customer in good}
    assert (row.state, row.lead_count, row.left_out) == ("fulfilled", 2, {})
    assert told(row) == ["asked", "approved", "fulfilled"]
    assert not {young, elsewhere} & {lead.customer for lead in leads}
    assert not DataRequestDraw.objects.exists()


def test_the_newest_come_first_and_not_more_than_asked_for(city, campaign, monkeypatch):
    monkeypatch.setattr(filling, "WINDOW", 2)
    customers = seniors(city, 5)

    row = filled(asked_for(campaign, city, wanted=3, order="newest"))

    assert [lead.customer for lead in Lead.objects.order_by("pk")] == customers[:1:-1]
    assert row.lead_count == 3


def test_lots_can_be_drawn_again(city, campaign, monkeypatch):
    monkeypatch.setattr(filling, "WINDOW", 3)
    customers = seniors(city, 8)

    row = filled(asked_for(campaign, city, wanted=4))

    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM customers_customer ORDER BY campaigns_draw(%s, id) LIMIT 4", [row.seed])
        lowest = {pk for (pk,) in cursor.fetchall()}
    assert {lead.customer_id for lead in Lead.objects.all()} == lowest
    assert lowest <= {customer.pk for customer in customers}


def test_nobody_who_waits_for_the_sample_of_a_list_is_taken(city, campaign):
    waits, free = seniors(city, 2)
    by = person("data")
    lead_list = LeadList.objects.create(
        name="Bought", source=waits.source, status="committed", consent_basis="shop", consent_stated_by="x", created_by=by,
        created_at=AT, committed_by=by, committed_at=AT, row_count=1,
    )  # fmt: skip
    RowVerdict.objects.create(lead_list=lead_list, row_no=2, verdict="new", customer_id=waits.pk)
    given = ListAllocation.objects.create(campaign=campaign, lead_list=lead_list, by=by, at=AT)
    ListSample.objects.create(allocation=given, size=1, seed=1, cut=-(2**63), by=by, at=AT)

    filled(asked_for(campaign, city))

    assert Lead.objects.get().customer == free


def test_who_refused_between_draw_and_lead_is_left_out_and_counted(city, campaign, monkeypatch):
    first, second = seniors(city, 2)
    drawn_before = filling._drawn

    def drawn_and_refused(run, request):
        found = drawn_before(run, request)
        Customer.objects.filter(pk=first.pk).update(is_suppressed=True)
        return found

    monkeypatch.setattr(filling, "_drawn", drawn_and_refused)

    row = filled(asked_for(campaign, city))

    assert Lead.objects.get().customer == second
    assert (row.lead_count, row.left_out) == (1, {"suppressed": 1})


def test_a_request_that_nobody_fits_is_fulfilled_with_nobody(city, campaign):
    row = filled(asked_for(campaign, city))

    assert (row.state, row.lead_count) == ("fulfilled", 0)


def test_pieces_lose_and_double_nothing(city, campaign, monkeypatch):
    monkeypatch.setattr(filling, "LEADS_AT_ONCE", 2)
    seniors(city, 7)

    row = filled(asked_for(campaign, city))

    assert (row.lead_count, Lead.objects.count()) == (7, 7)


def test_of_a_request_closed_before_its_job_ran_nobody_is_called(city, campaign):
    seniors(city, 2)
    row = approved(asked_for(campaign, city))
    fill_job = row.job_id
    row = services.close_request(request=row, reason="Stopped", by=person("data"), at=database_now())

    run_inline(fill_job)
    run_inline(row.job_id)

    row.refresh_from_db()
    assert (row.state, Lead.objects.count(), DataRequestDraw.objects.exists()) == ("closed", 0, False)


# ---------------------------------------------------------------- the end of the use


def test_closing_early_withdraws_what_is_open_and_keeps_what_is_finished(city, campaign):
    open_one, called, done, held = seniors(city, 4)
    row = filled(asked_for(campaign, city))
    agent = agent_of(TeamFactory(city=city))
    hold(Lead.objects.get(customer=held), agent, at=database_now())
    promised = Lead.objects.get(customer=called)
    Lead.objects.filter(pk=promised.pk).update(attempts_made=1, callback_agent=agent)
    promise = Callback.objects.create(lead=promised, agent=agent, due_at=AT)
    Lead.objects.filter(customer=done).update(state="done", outcome="won")

    row = closed(row)

    assert dict(Lead.objects.values_list("customer", "outcome")) == {
        open_one.pk: "withdrawn", called.pk: "withdrawn", held.pk: "withdrawn", done.pk: "won",
    }  # fmt: skip
    promise.refresh_from_db()
    assert promise.state == "dropped"
    assert (row.state, row.end_reason, row.withdrawn_count) == ("closed", "Enough", 3)
    assert told(row) == ["asked", "approved", "fulfilled", "closed", "leads_withdrawn"]
    assert AuditEvent.objects.get(action="campaigns.data_request.leads_withdrawn").detail["reason"] == "Enough"


def test_a_dialled_lead_ends_with_its_call():
    floor = Floor()
    CustomerFactory(city=floor.city, age=70)
    row = filled(asked_for(floor.campaign, floor.city))
    lead = claim_next_lead(agent=floor.agent, at=AT)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "no_answer", at=AT)

    closed(row)
    lead.refresh_from_db()
    assert lead.state == "held"
    record_result(lead=lead, agent=floor.agent, disposition_code="no_answer", at=AT + timedelta(minutes=1))

    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "withdrawn")


def test_closing_says_why_and_only_what_is_in_use(city, campaign):
    row, data = asked_for(campaign, city), person("data")
    with pytest.raises(services.NotInUse):
        services.close_request(request=row, reason="x", by=data, at=database_now())
    row = filled(row)
    with pytest.raises(services.ReasonMissing):
        services.close_request(request=row, reason=" ", by=data, at=database_now())
    for other in (person("campaign_manager", city=city), person("data", city=CityFactory())):
        with pytest.raises(PermissionRefused):
            services.close_request(request=row, reason="x", by=other, at=database_now())

    assert services.close_request(request=row, reason="x", by=row.asked_by, at=database_now()).state == "closed"
    with pytest.raises(services.NotInUse):
        closed(row)


def test_the_use_ends_at_its_day_and_the_open_leads_with_it(city, campaign):
    seniors(city, 2)
    row, other = filled(asked_for(campaign, city)), asked_for(campaign, city)
    at = database_now()

    assert services.end_due(at=at) == 0  # the last day of use is still a day of use
    assert services.end_due(at=at + timedelta(days=1)) == 2
    assert services.end_due(at=at + timedelta(days=1)) == 0

    row.refresh_from_db()
    other.refresh_from_db()
    run_inline(row.job_id)
    assert (row.state, row.ended_by, row.end_reason) == ("ended", None, "last_day")
    assert set(Lead.objects.values_list("state", "outcome")) == {("done", "withdrawn")}
    assert (other.state, other.end_reason, other.job_id) == ("ended", "undecided", None)
    assert told(row)[-2:] == ["ended", "leads_withdrawn"]


def test_withdrawing_again_counts_nobody_twice(city, campaign):
    seniors(city, 3)
    row = closed(filled(asked_for(campaign, city)))
    Job.objects.filter(pk=row.job_id).update(state="queued", finished_at=None, cursor={})

    run_inline(row.job_id)

    row.refresh_from_db()
    assert row.withdrawn_count == 3


# ---------------------------------------------------------------- the record


def test_the_record_of_use_counts_customers_by_team_and_agent(city, campaign):
    """Five leads. Agent 1 of the first team: A twice (reached the second time, won), B once in vain. Agent 2 of the second: C reached, A in
    vain. D is not called, E is finished without a call; a call of A for another campaign does not count."""
    a, b, c, d, e = seniors(city, 5)
    row = filled(asked_for(campaign, city))
    lead = {customer.pk: Lead.objects.get(customer=customer) for customer in (a, b, c, d, e)}
    Lead.objects.filter(customer__in=[a, e]).update(state="done", outcome="won")
    teams = [TeamFactory(city=city, name=name) for name in ("North", "South")]
    agents = [agent_of(team, display_name=name) for team, name in zip(teams, ("One", "Two"), strict=True)]
    at = database_now()
    ensure_partitions("campaigns_call", at.date(), 1)

    def call(customer, who, of=None, **flags):
        Call.objects.create(
            started_at=at, customer_id=customer.pk, city_id=city.pk, agent_id=agents[who].pk, team_id=teams[who].pk,
            campaign_id=campaign.pk, lead_id=of or lead[customer.pk].pk, disposition_id=result("sold").pk,
            **{"connected": False, **flags},
        )  # fmt: skip

    call(a, 0)
    call(a, 0, connected=True, sale=True)
    call(b, 0)
    call(c, 1, connected=True)
    call(a, 1)
    call(a, 1, of=lead[a.pk].pk + 1000, connected=True, sale=True)

    record = record_of(row)

    assert (record.made, record.open, record.total) == (5, 3, Use(3, 2, 1))
    assert [(line.team, line.use) for line in record.by_team] == [("North", Use(2, 1, 1)), ("South", Use(2, 1, 0))]
    assert [(line.team, line.agent, line.use) for line in record.by_agent] == [
        ("North", "One", Use(2, 1, 1)),
        ("South", "Two", Use(2, 1, 0)),
    ]


def test_the_record_cannot_be_deleted(city, campaign):
    row = asked_for(campaign, city)

    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()

    assert DataRequest.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "approved"},
        {"state": "refused"},
        {"state": "fulfilled"},
        {"state": "closed"},
        {"state": "ended"},
        {"lead_count": 11},
        {"fulfilled_at": AT},
    ],
)
def test_the_database_knows_no_half_step(city, campaign, broken):
    row = asked_for(campaign, city)
    with pytest.raises(IntegrityError), transaction.atomic():
        DataRequest.objects.filter(pk=row.pk).update(**broken)
