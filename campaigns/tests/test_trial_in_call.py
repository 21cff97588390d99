"""An experiment starts, stops or is decided while an agent has the customer on the line: the call keeps the wording with which it began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import Answer, Call, Experiment, ExperimentArm, ExperimentPerson, Lead
from campaigns.services import arms, desk, desk_page, experiments, guide as services, results
from campaigns.services.orders import Sale
from campaigns.tests.calling import AT, Floor, drawn
from campaigns.tests.factories import person
from campaigns.tests.guiding import Guided
from campaigns.tests.test_guide import notes, record, talked
from campaigns.tests.trying import running
from scripts.tests.factories import OfferFactory, moved

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
LATER = AT + 30 * SECOND


@pytest.fixture
def floor():
    return Floor()


@pytest.fixture
def usual(floor):
    return Guided(floor.campaign.product).goes_live(floor.campaign)


@pytest.fixture
def tried(floor):
    """Another script of the product, approved and in force nowhere."""
    made = Guided(floor.campaign.product)
    moved(made.version, "approved", datetime(2026, 1, 2, tzinfo=UTC))
    made.version.refresh_from_db()
    return made


def experiment_of(floor, usual, tried, **fields) -> Experiment:
    usual.version.refresh_from_db()
    return running(
        floor.campaign, arms=[usual.version, tried.version], **{"started_at": AT - timedelta(days=1), **fields}
    )


def in_arm(number: int, found: Experiment, floor) -> Lead:
    """A call with a customer whose lot was this arm."""
    customer = floor.lead().customer
    arm = found.arms.get(number=number)
    ExperimentPerson.objects.create(
        experiment=found, customer_id=customer.pk, arm=arm, agent_id=floor.agent.pk, place=0
    )
    lead = desk.next_lead(agent=floor.agent, at=AT)
    assert lead.customer_id == customer.pk
    return lead


def stop(found: Experiment) -> None:
    experiments.stop_experiment(experiment=found, reason="", by=person("campaign_manager"), at=LATER)


def stop_for_harm(found: Experiment) -> None:
    experiments.stop_arm(arm=found.arms.get(number=2), why=ExperimentArm.Stop.WORSE, at=LATER)


def adopt(number: int):
    def deed(found: Experiment) -> None:
        by = person("campaign_manager")
        experiments.decide_experiment(
            experiment=found, arm=found.arms.get(number=number), reason="better", by=by, at=LATER
        )

    return deed


def talk(floor, found: Experiment, number: int) -> Lead:
    lead = in_arm(number, found, floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "answered", at=AT)
    return Lead.objects.get(pk=lead.pk)


def test_a_call_that_began_before_the_experiment_keeps_the_usual_script_and_belongs_to_no_arm(floor, usual, tried):
    lead = talked(floor)
    told = notes(script=usual.version.pk, answers={str(usual.agrees.pk): "Yes"})

    experiment_of(floor, usual, tried, started_at=LATER)
    shown = desk_page.context_of(agent=floor.agent, at=LATER)
    call = record(floor, lead, notes=told)

    assert shown["script_version_id"] == call.script_version_id == usual.version.pk
    assert (call.experiment_arm_id, call.left_out) == (None, [])
    assert Answer.objects.get().question_id == usual.agrees.pk
    assert not ExperimentPerson.objects.exists()


def test_a_broken_off_step_of_the_usual_script_is_kept_when_the_experiment_starts_meanwhile(floor, usual, tried):
    lead = talked(floor)
    told = notes(script=usual.version.pk)
    experiment_of(floor, usual, tried, started_at=LATER)

    call = record(floor, lead, "refused_mid_call", step_id=usual.price.pk, notes=told)

    assert (call.step_id, call.script_version_id) == (usual.price.pk, usual.version.pk)


@pytest.mark.parametrize("deed", [stop, stop_for_harm, adopt(1), adopt(2)], ids=["stop", "harm", "adopt 1", "adopt 2"])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("is_noted", [True, False])
def test_a_call_keeps_its_arm_and_its_wording_whatever_becomes_of_the_experiment(
    floor, usual, tried, deed, number, is_noted
):
    found = experiment_of(floor, usual, tried)
    spoken = (usual, tried)[number - 1]
    lead = talk(floor, found, number)
    told = notes(script=spoken.version.pk, answers={str(spoken.agrees.pk): "Yes"})
    if is_noted:
        services.save_notes(lead=lead, agent=floor.agent, notes=told, at=AT + SECOND)

    deed(found)
    shown = desk_page.context_of(agent=floor.agent, at=LATER)
    call = record(floor, lead, "refused_mid_call", step_id=spoken.price.pk, notes=told)

    assert shown["script_version_id"] == call.script_version_id == spoken.version.pk
    assert call.experiment_arm_id == found.arms.get(number=number).pk
    assert (call.step_id, call.left_out) == (spoken.price.pk, [])
    assert Answer.objects.get().question_id == spoken.agrees.pk


def test_who_is_handed_out_after_the_end_meets_what_the_campaign_has(floor, usual, tried):
    found = experiment_of(floor, usual, tried)
    stop(found)
    lead = floor.lead()
    ExperimentPerson.objects.create(
        experiment=found, customer_id=lead.customer_id, arm=found.arms.get(number=2), agent_id=1, place=0
    )

    lead = desk.next_lead(agent=floor.agent, at=LATER + SECOND)

    assert arms.arm_of(lead, floor.agent) is None
    assert desk_page.context_of(agent=floor.agent, at=LATER)["script_version_id"] == usual.version.pk


def test_the_offer_of_an_arm_stays_with_the_call_that_named_it(floor):
    plain, other = (OfferFactory(product=floor.campaign.product, price_cents=price) for price in (9900, 4900))
    found = running(floor.campaign, kind="offer", arms=[plain, other], started_at=AT - timedelta(days=1))
    lead = talk(floor, found, 2)
    stop(found)

    call = record(floor, lead, "sold", order=Sale())

    assert (call.offer_id, call.experiment_arm_id) == (other.pk, found.arms.get(number=2).pk)


def test_when_the_campaign_changes_its_script_in_mid_call_the_call_keeps_the_one_that_was_used_lately(
    floor, usual, tried
):
    record(floor, talked(floor))
    lead = floor.lead()
    lead = desk.next_lead(agent=floor.agent, at=AT + timedelta(minutes=2))
    desk.dial(lead=lead, agent=floor.agent, at=AT + timedelta(minutes=2))
    drawn(lead, "no_answer", at=AT + timedelta(minutes=2))
    type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(
        script=tried.version.script, script_version=tried.version
    )

    call = results.record_result(
        lead=lead, agent=floor.agent, disposition_code="no_answer", at=AT + timedelta(minutes=4),
        notes=notes(script=usual.version.pk),
    )  # fmt: skip

    assert call.script_version_id == usual.version.pk
    assert Call.objects.count() == 2


def test_answers_of_a_script_that_was_never_this_calls_are_left_out_with_a_sentence(floor, usual, tried):
    lead = talked(floor)

    call = record(floor, lead, notes=notes(script=tried.version.pk, answers={str(tried.agrees.pk): "Yes"}))

    assert (call.script_version_id, Answer.objects.count()) == (usual.version.pk, 0)
    assert call.left_out == ["1 answer belongs to a script that is not the one of this call and was left out."]
