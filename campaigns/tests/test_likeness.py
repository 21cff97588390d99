"""Likeness from the calls of a campaign to the order of its queue, and back: trained, refused, switched, protected."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from campaigns.models import Call, Lead, LikenessModel, LikenessUse, ProtectedAttribute
from campaigns.services import likeness, likeness_data, likeness_order
from campaigns.services.claim import claim_next_lead
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CampaignFactory, CustomerFactory, LeadFactory, person
from campaigns.tests.test_allocation import a_list, allocate
from core.audit import AuditEvent
from core.jobs import run_inline
from core.models import Job
from core.partitions import ensure_partitions
from customers.models import Customer, CustomerTag, Tag

pytestmark = pytest.mark.django_db

# the calls to learn from: twelve weeks before the clock of the tests
FIRST = AT - timedelta(weeks=12)


@pytest.fixture
def floor(db):
    ensure_partitions("campaigns_call", FIRST.date().replace(day=1), 5)
    return Floor()


def history(floor, rows=600, *, known=lambda row: {"plan": "big" if row % 2 else "small"}, buys=None, **facts):
    """Finished customers, one call each, evenly over twelve weeks. As made by default: of ten in a row those on the big plan buy three times, the others once."""
    buys = buys or (lambda row: row % 10 in (1, 3, 5, 4))
    customers = Customer.objects.bulk_create(
        Customer(
            city=floor.city, name=f"h{row}", attributes=known(row), created_at=FIRST - timedelta(days=1),
            updated_at=FIRST - timedelta(days=1), **facts,
        )
        for row in range(rows)
    )  # fmt: skip
    Call.objects.bulk_create(
        Call(
            started_at=FIRST + timedelta(weeks=12) * row / rows, customer_id=customer.pk, city_id=floor.city.pk, agent_id=floor.agent.pk,
            team_id=floor.team.pk, campaign_id=floor.campaign.pk, disposition_id=1, connected=True, sale=buys(row),
        )
        for row, customer in enumerate(customers)
    )  # fmt: skip
    return customers


def train(floor, scope="campaign", at=AT):
    job = likeness.train_likeness(campaign=floor.campaign, scope=scope, by=person("campaign_manager"), at=at)
    assert run_inline(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.last_error
    return LikenessModel.objects.get(job_id=job.pk)


def run_jobs():
    for job in Job.objects.filter(kind=likeness.RANK, state__in=Job.OPEN_STATES).order_by("pk"):
        run_inline(job.pk)


def switch(floor, model, **facts):
    use = likeness.switch_on(campaign=floor.campaign, model=model, by=person("campaign_manager"), at=AT, **facts)
    run_jobs()
    return use


def switch_off(floor):
    likeness.switch_off(campaign=floor.campaign, by=person("campaign_manager"), at=AT)
    run_jobs()


def lead_of(floor, plan, **fields):
    lead = floor.lead(**fields)
    Customer.objects.filter(pk=lead.customer_id).update(attributes={"plan": plan})
    return lead


# -- training ----------------------------------------------------------------------------------------------------------


def test_a_training_stores_what_it_found_on_later_calls(floor):
    history(floor)

    model = train(floor)

    assert (model.rows, model.buyers, model.refusal) == (600, 240, "")
    assert model.report["within"]["low"] > 0.5
    assert model.report["grain"] == "month"
    assert [one["name"] for one in model.weights] == ["attribute:plan"]
    assert len(model.cuts) == 9


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"rows": 499}, "few_rows"),
        ({"buys": lambda row: row < 49}, "few_buyers"),
        ({"known": lambda row: {}}, "nothing_known"),
        # whether somebody buys has nothing to do with the plan
        ({"buys": lambda row: row % 20 in (1, 2, 3, 4)}, "chance"),
    ],
)
def test_a_training_that_is_worth_nothing_is_refused_with_its_reason(floor, facts, refusal):
    history(floor, **facts)

    model = train(floor)

    assert (model.refusal, model.weights, model.cuts) == (refusal, [], [])
    with pytest.raises(likeness.NotUsable):
        switch(floor, model)


def test_calls_of_one_day_cannot_judge_anything_later(floor):
    history(floor)
    Call.objects.update(started_at=FIRST)

    assert train(floor).refusal == "no_later"


def test_nobody_trains_twice_at_once(floor):
    likeness.train_likeness(campaign=floor.campaign, scope="campaign", by=person("campaign_manager"), at=AT)

    with pytest.raises(likeness.AlreadyTraining):
        likeness.train_likeness(campaign=floor.campaign, scope="campaign", by=person("campaign_manager"), at=AT)


def test_what_a_training_found_never_changes(floor):
    history(floor, rows=10)
    model = train(floor)

    for change in (lambda: LikenessModel.objects.update(buyers=1), lambda: model.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def finished(floor, scope="campaign", protected=()):
    return likeness_data.finished_leads(campaign=floor.campaign, scope=scope, protected=protected)


def test_open_leads_and_those_who_were_never_reached_are_not_learned_from(floor):
    still_open, unreached, done = history(floor, rows=3)
    LeadFactory(campaign=floor.campaign, customer=still_open)
    LeadFactory(campaign=floor.campaign, customer=done, state="done", outcome="won")
    Call.objects.filter(customer_id=unreached.pk).update(connected=False, sale=False)

    assert len(finished(floor).people) == 1


def test_what_was_changed_after_the_first_call_is_left_out_and_later_tags_do_not_count(floor):
    changed, tagged = history(floor, rows=2)
    Customer.objects.filter(pk=changed.pk).update(updated_at=AT + timedelta(days=1))
    for name, set_at in [("before", FIRST - timedelta(days=1)), ("after", AT + timedelta(days=1))]:
        CustomerTag.objects.create(customer=tagged, tag=Tag.objects.create(name=name), set_at=set_at)

    found = finished(floor)

    assert found.changed == 1
    assert [sorted(name for name in one if name.startswith("tag:")) for one in found.people] == [["tag:before"]]


def test_the_product_brings_the_campaigns_of_the_product_and_in_a_city_only_its_customers(floor):
    history(floor, rows=2)
    sister = CampaignFactory(product=floor.campaign.product)
    Call.objects.update(campaign_id=sister.pk)

    assert len(finished(floor).people) == 0
    assert len(finished(floor, "product").people) == 2
    floor.campaign.city = Floor().city
    assert len(finished(floor, "product").people) == 0


# -- the switch --------------------------------------------------------------------------------------------------------


def test_it_is_off_until_somebody_switches_it_on(floor):
    history(floor)
    lead = lead_of(floor, "big")
    train(floor)
    run_jobs()

    lead.refresh_from_db()
    assert likeness.use_of(floor.campaign.pk) is None
    assert (lead.priority, lead.likeness) == (5, None)


def test_those_like_buyers_come_first_within_the_priority_of_their_list(floor):
    history(floor)
    small_high = lead_of(floor, "small", priority=7)
    small = lead_of(floor, "small", ready_at=AT - timedelta(days=9))
    big = lead_of(floor, "big")

    switch(floor, train(floor))

    order = list(Lead.objects.filter(campaign=floor.campaign).order_by("-priority", "ready_at"))
    assert order == [small_high, big, small]
    assert [lead.listed_priority for lead in order] == [7, 5, 5]
    assert all(lead.priority == 10 + 10 * lead.listed_priority + lead.likeness for lead in order)
    first = claim_next_lead(agent=floor.agent, at=AT)
    assert first.pk == small_high.pk


def test_switching_off_puts_every_lead_back_exactly(floor):
    history(floor)
    leads = [lead_of(floor, plan, priority=priority) for plan in ("big", "small") for priority in (0, 3, 9)]
    before = list(Lead.objects.order_by("pk").values())
    switch(floor, train(floor))
    assert Lead.objects.filter(likeness=None).count() == 0

    switch_off(floor)

    assert len(leads) == 6
    assert list(Lead.objects.order_by("pk").values()) == before
    use = LikenessUse.objects.get()
    assert use.off_by is not None


def test_a_lead_that_ended_meanwhile_is_put_back_as_well(floor):
    history(floor)
    lead = lead_of(floor, "big", priority=4)
    switch(floor, train(floor))
    Lead.objects.filter(pk=lead.pk).update(state="done", outcome="won")

    switch_off(floor)

    lead.refresh_from_db()
    assert (lead.priority, lead.listed_priority, lead.likeness_use_id) == (4, None, None)


def test_a_new_list_takes_its_place_at_once(floor):
    history(floor)
    switch(floor, train(floor))
    customers = [CustomerFactory(city=floor.city, attributes={"plan": plan}) for plan in ("small", "big")]

    allocate(floor, a_list(floor, customers), priority=6)

    small, big = Lead.objects.filter(campaign=floor.campaign).order_by("pk")
    assert big.priority > small.priority >= 70
    assert {small.listed_priority, big.listed_priority} == {6}


def test_another_training_takes_the_place_of_the_one_before(floor):
    history(floor)
    lead = lead_of(floor, "big")
    first, second = train(floor), train(floor, at=AT + timedelta(days=1))
    switch(floor, first)

    again = switch(floor, second)

    lead.refresh_from_db()
    assert lead.likeness_use_id == again.pk
    assert lead.listed_priority == 5
    assert list(LikenessUse.objects.order_by("pk").values_list("model", flat=True)) == [first.pk, second.pk]
    assert switch(floor, second).pk == again.pk


def test_the_work_goes_in_pieces_and_leaves_nobody_out(floor, monkeypatch):
    history(floor)
    for priority in (1, 1, 1, 5, 5):
        lead_of(floor, "big", priority=priority)
    monkeypatch.setattr(likeness_order, "LEADS_AT_ONCE", 2)

    switch(floor, train(floor))
    job = Job.objects.get(kind=likeness.RANK)

    assert (job.state, job.result, job.done) == ("done", {"leads": 5}, 5)
    assert Lead.objects.filter(likeness=None).count() == 0


def test_a_job_that_comes_late_follows_the_switch_as_it_is(floor):
    history(floor)
    lead = lead_of(floor, "big")
    model, by = train(floor), person("campaign_manager")
    likeness.switch_on(campaign=floor.campaign, model=model, by=by, at=AT)
    likeness.switch_off(campaign=floor.campaign, by=by, at=AT)
    run_jobs()

    lead.refresh_from_db()
    assert lead.likeness is None


def test_the_training_of_another_campaign_orders_nothing_here(floor):
    history(floor)
    model = train(floor)
    other = CampaignFactory()

    with pytest.raises(likeness.NotUsable):
        likeness.switch_on(campaign=other, model=model, by=person("campaign_manager"), at=AT)


def test_a_half_ordered_lead_cannot_exist(floor):
    lead = floor.lead()

    for half in ({"likeness": 3}, {"listed_priority": 5}, {"likeness": 3, "listed_priority": 5, "likeness_use_id": 1},
                 {"likeness": 12, "listed_priority": 5, "likeness_use_id": 1, "priority": 72}):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Lead.objects.filter(pk=lead.pk).update(**half)


def test_the_switch_stands_in_the_audit_trail(floor):
    history(floor)
    switch(floor, train(floor), reason="trial week")
    switch_off(floor)

    actions = list(AuditEvent.objects.filter(action__startswith="campaigns.likeness").order_by("pk"))
    assert [event.action.rsplit(".", 1)[1] for event in actions] == ["training_asked", "switched_on", "switched_off"]
    assert actions[1].detail["reason"] == "trial week"


# -- protected attributes ----------------------------------------------------------------------------------------------


def protect(name):
    return likeness.protect_attribute(name=name, reason="law", by=person("administrator"), at=AT)


def test_a_protected_attribute_that_carries_the_whole_signal_is_not_used(floor):
    history(
        floor, known=lambda row: {"Plan": "big" if row % 2 else "small", "colour": "red" if row % 20 < 10 else "blue"}
    )
    protect("plan")

    model = train(floor)

    assert model.protected == ["plan"]
    assert model.refusal == "chance"
    assert "Plan" not in str(model.report)


def test_gender_is_protected_as_the_customers_own_and_as_a_column_of_a_list():
    assert likeness_data.is_protected("gender", ["gender"])
    assert likeness_data.is_protected("attribute:Gender ", ["gender"])
    assert likeness_data.is_protected("tag:VIP", ["tags"])
    assert not likeness_data.is_protected("attribute:plan", ["gender"])


def test_protecting_an_attribute_switches_off_what_uses_it(floor):
    history(floor)
    lead = lead_of(floor, "big")
    model = train(floor)
    switch(floor, model)

    protect(" Plan ")
    run_jobs()

    lead.refresh_from_db()
    assert (likeness.use_of(floor.campaign.pk), lead.likeness) == (None, None)
    with pytest.raises(likeness.NotUsable):
        switch(floor, model)


def test_protecting_another_attribute_leaves_the_switch_alone_and_twice_is_once(floor):
    history(floor)
    switch(floor, train(floor))

    assert protect("gender") == protect("Gender")
    assert likeness.use_of(floor.campaign.pk) is not None
    assert ProtectedAttribute.objects.count() == 1


@pytest.mark.parametrize(("name", "reason"), [("", "law"), ("gender", " ")])
def test_a_protected_attribute_needs_a_name_and_a_reason(db, name, reason):
    with pytest.raises(likeness.NothingToProtect):
        likeness.protect_attribute(name=name, reason=reason, by=person("administrator"), at=AT)
