"""A bought list is tried on a sample: only those drawn become leads, until somebody decides about the rest."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign, Lead, ListSample
from campaigns.services import allocation, sampling
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, person
from campaigns.tests.test_allocation import a_list, allocate
from core.jobs import run_inline
from core.models import AuditEvent
from customers.models import Customer, Source

pytestmark = pytest.mark.django_db(transaction=True)
LATER = AT + timedelta(days=3)


@pytest.fixture
def floor(db):
    return Floor()


@pytest.fixture
def bought(floor):
    """A bought list of ten customers."""
    source = Source.objects.create(name="Bought", kind="bought")
    return a_list(floor, [CustomerFactory(city=floor.city) for _ in range(10)], source=source)


def customers_of(lead_list) -> set[int]:
    return set(lead_list.verdicts.values_list("customer_id", flat=True))


def lot(seed: int, customer: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{customer}".encode()).digest()[:8], signed=True)


def called() -> set[int]:
    return set(Lead.objects.values_list("customer_id", flat=True))


def decide_to_call(sample):
    sampling.call_the_rest(sample=sample, by=person("data"), at=LATER)
    sample.refresh_from_db()
    run_inline(sample.allocation.job_id)
    sample.allocation.refresh_from_db()
    return sample.allocation


def test_only_so_many_customers_become_leads_and_the_others_wait(floor, bought):
    made = allocate(floor, bought, sample_size=3)

    assert (made.lead_count, made.left_out) == (3, {"waiting": 7})
    assert called() < customers_of(bought)
    assert (made.sample.size, made.sample.state, made.sample.at) == (3, "tried", AT)


def test_the_draw_can_be_repeated_from_what_is_recorded(floor, bought):
    sample = allocate(floor, bought, sample_size=3).sample

    by_lot = sorted(customers_of(bought), key=lambda customer: lot(sample.seed, customer))

    assert called() == set(by_lot[:3])
    assert sample.cut == lot(sample.seed, by_lot[2])


def test_who_may_not_be_called_takes_no_place_in_the_sample(floor, bought):
    keep = sorted(customers_of(bought))[:4]
    Customer.objects.exclude(pk__in=keep).update(is_suppressed=True)

    made = allocate(floor, bought, sample_size=3)

    assert called() < set(keep)
    assert (made.lead_count, made.left_out) == (3, {"suppressed": 6, "waiting": 1})


def test_a_list_of_which_nobody_may_be_called_has_an_empty_sample(floor, bought):
    Customer.objects.update(is_suppressed=True)

    made = allocate(floor, bought, sample_size=3)

    assert (made.lead_count, made.left_out) == (0, {"suppressed": 10})
    assert made.sample.cut == sampling.NOBODY


def test_work_in_pieces_draws_one_sample(floor, bought, monkeypatch):
    monkeypatch.setattr(allocation, "ROWS_AT_ONCE", 2)

    assert allocate(floor, bought, sample_size=4).lead_count == 4


def test_the_rest_is_called_as_the_allocation_would_have(floor, bought):
    made = allocate(floor, bought, sample_size=3, priority=7)
    sampled = called()
    Customer.objects.filter(pk=min(customers_of(bought) - sampled)).update(is_suppressed=True)
    LeadFactory(campaign=floor.campaign, customer_id=max(customers_of(bought) - sampled))

    made = decide_to_call(made.sample)

    rest = Lead.objects.filter(lead_list=bought).exclude(customer_id__in=sampled)
    assert (made.lead_count, made.left_out) == (8, {"suppressed": 1, "there_already": 1})
    assert {(lead.priority, lead.created_at, lead.source_id) for lead in rest} == {(7, LATER, bought.source_id)}
    assert rest.count() == 5


def test_a_decision_is_audited_and_cannot_be_taken_again(floor, bought):
    sample = allocate(floor, bought, sample_size=3).sample
    decide_to_call(sample)

    for verb, more in ((sampling.call_the_rest, {}), (sampling.stop_here, {"reason": "x"})):
        with pytest.raises(sampling.SampleDecided, match="already decided"):
            verb(sample=sample, by=person("data"), at=LATER, **more)

    assert list(AuditEvent.objects.filter(action__startswith="campaigns.sample").values_list("action", flat=True).order_by("pk")) == [
        "campaigns.sample.begun",
        "campaigns.sample.released",
    ]  # fmt: skip


def test_who_stops_says_why_and_the_others_are_never_called(floor, bought):
    sample = allocate(floor, bought, sample_size=3).sample
    with pytest.raises(sampling.ReasonMissing):
        sampling.stop_here(sample=sample, reason=" ", by=person("data"), at=LATER)

    sampling.stop_here(sample=sample, reason="half the numbers are dead", by=person("data"), at=LATER)

    sample.refresh_from_db()
    assert (sample.state, sample.reason) == ("stopped", "half the numbers are dead")
    assert allocate(floor, bought).lead_count == 3


@pytest.mark.parametrize("state", ["tried", "stopped"])
def test_the_database_refuses_a_lead_outside_of_the_sample_whoever_makes_it(floor, bought, state):
    sample = allocate(floor, bought, sample_size=3).sample
    if state == "stopped":
        sampling.stop_here(sample=sample, reason="x", by=person("data"), at=LATER)
    other = min(customers_of(bought) - called())

    with pytest.raises(IntegrityError, match="outside of the sample"), transaction.atomic():
        LeadFactory(campaign=floor.campaign, customer_id=other, lead_list=bought)

    # by another list the same person may be called
    LeadFactory(campaign=floor.campaign, customer_id=other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "stopped", "decided_by_id": 1, "decided_at": LATER, "reason": ""},
        {"state": "released", "decided_by_id": None, "decided_at": None},
        {"state": "tried", "reason": "why"},
        {"size": 0},
    ],
)
def test_the_database_holds_no_half_decision(floor, bought, wrong):
    sample = allocate(floor, bought, sample_size=3).sample

    with pytest.raises(IntegrityError), transaction.atomic():
        ListSample.objects.filter(pk=sample.pk).update(**wrong)


def test_only_a_bought_list_is_tried(floor):
    own = a_list(floor, [CustomerFactory(city=floor.city) for _ in range(3)])

    with pytest.raises(sampling.ListNotBought):
        allocate(floor, own, sample_size=1)
    assert not Lead.objects.exists()


@pytest.mark.parametrize("size", [0, 10, 11])
def test_a_sample_is_at_least_one_and_less_than_the_list(floor, bought, size):
    with pytest.raises(sampling.SampleSizeWrong):
        allocate(floor, bought, sample_size=size)


def test_the_rest_waits_until_the_sample_is_drawn(floor, bought):
    made = allocation.allocate_list(campaign=floor.campaign, lead_list=bought, sample_size=3, by=person("data"), at=AT)

    with pytest.raises(sampling.SampleNotDrawn):
        sampling.call_the_rest(sample=made.sample, by=person("data"), at=LATER)


def test_a_campaign_that_is_over_takes_no_rest(floor, bought):
    sample = allocate(floor, bought, sample_size=3).sample
    Campaign.objects.update(stage="wrap_up")

    with pytest.raises(allocation.CampaignIsOver):
        sampling.call_the_rest(sample=ListSample.objects.get(pk=sample.pk), by=person("data"), at=LATER)


def test_a_sample_for_a_campaign_of_one_city_is_drawn_in_that_city(floor, bought):
    elsewhere = CityFactory()
    Customer.objects.filter(pk__in=sorted(customers_of(bought))[:6]).update(city=elsewhere)
    Campaign.objects.filter(pk=floor.campaign.pk).update(city=floor.city)
    floor.campaign.refresh_from_db()

    made = allocate(floor, bought, sample_size=3)

    assert (made.lead_count, made.left_out) == (3, {"other_city": 6, "waiting": 1})
