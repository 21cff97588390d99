"""Experiments: what may be planned and started, who meets which arm, and what adopting does."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.models import Call, Campaign, Experiment, ExperimentArm, ExperimentPerson, Order
from campaigns.services import arms, desk_page, experiments, planning
from campaigns.services.calls import record_call
from campaigns.services.experiments import ArmPlan
from campaigns.services.merged_persons import merge_leads
from campaigns.services.orders import Sale
from campaigns.tests.factories import (
    AT,
    CampaignFactory,
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    agent_of,
    held_lead,
    person,
)
from campaigns.tests.trying import draft, running, things, versions
from core.models import AuditEvent
from core.partitions import ensure_partitions
from scripts.models import ProhibitedWord, Scenario, ScriptStep, ScriptVersion
from scripts.services_objections import ProhibitedWords
from scripts.services_products import save_offer
from scripts.services_scenarios import save_scenario, set_scenario_status
from scripts.staying import MustStay
from scripts.tests.factories import OfferFactory

pytestmark = pytest.mark.django_db
State = Experiment.State


@pytest.fixture
def campaign():
    return CampaignFactory()


@pytest.fixture
def months(db):
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, AT.date(), 1)


def fresh(thing):
    return type(thing).objects.get(pk=thing.pk)


def met(campaign, agent, count, customers=None):
    """The numbers of the arms of so many new persons, in the order in which the agent meets them."""
    found = []
    for place in range(count):
        customer = customers[place] if customers else CustomerFactory(city=agent_city(agent))
        lead = LeadFactory(campaign=fresh(campaign), customer=customer)
        arm = arms.arm_of(lead, agent)
        found.append(arm.number if arm else None)
    return found


def agent_city(agent):
    return agent.memberships.get().team.city


# ---------------------------------------------------------------- planning


def test_a_draft_keeps_its_arms_and_says_who_planned_it(campaign):
    by = person("campaign_manager")

    found = draft(campaign, by, shares=(70, 30))

    assert (found.state, found.created_by) == (State.DRAFT, by)
    assert list(found.arms.order_by("number").values_list("number", "share")) == [(1, 70), (2, 30)]
    assert AuditEvent.objects.get(action="campaigns.experiment.saved").detail["per_arm"] == 300


def test_the_size_follows_from_the_smallest_difference_worth_having(campaign):
    # 5 to 6 %: 8,158 an arm for one look, and 1.7 % more for three
    assert draft(campaign, per_arm=0).per_arm == 8297


def test_fewer_cancellations_are_looked_for_below_the_usual_rate(campaign):
    # 15 to 12 %: 2,036 an arm; by hand: ((1.95996 sqrt(2 x .135 x .865) + .84162 sqrt(.1275 + .1056)) / .03) squared
    found = draft(campaign, per_arm=0, looks=1, indicator="cancellation_rate", usual_percent=15, smallest_points=3)

    assert found.per_arm == 2036


@pytest.mark.parametrize(
    ("shares", "told"), [((100,), "two to four"), ((60, 50), "sum to 100"), ((20,) * 5, "two to four")]
)
def test_arms_are_two_to_four_with_shares_that_sum_to_100(campaign, shares, told):
    with pytest.raises(experiments.ExperimentIncomplete, match=told):
        draft(campaign, shares=shares)


def test_an_arm_of_another_product_is_refused(campaign):
    with pytest.raises(experiments.ExperimentIncomplete, match="not for the product"):
        draft(campaign, arms=versions(CampaignFactory().product))


def test_two_arms_alike_are_refused(campaign):
    version = versions(campaign.product)[0]

    with pytest.raises(experiments.ExperimentIncomplete, match="the same"):
        draft(campaign, arms=[version, version])


def test_a_difference_beyond_nought_is_refused(campaign):
    with pytest.raises(experiments.ExperimentIncomplete, match="cannot be reached"):
        draft(campaign, per_arm=0, indicator="complaint_rate", usual_percent=1, smallest_points=1)


def test_a_draft_can_be_changed_until_it_starts(campaign):
    by, found = person("campaign_manager"), draft(campaign)
    three = things("script", campaign, 3)

    experiments.save_experiment(
        experiment=found, arms=[ArmPlan(t, s) for t, s in zip(three, (34, 33, 33), strict=True)], by=by, at=AT
    )
    experiments.start_experiment(experiment=found, by=by, at=AT)

    assert found.arms.count() == 3
    with pytest.raises(experiments.ExperimentBegun):
        experiments.save_experiment(experiment=found, arms=[ArmPlan(three[0], 100)], by=by, at=AT)


def test_a_difference_so_large_that_few_persons_show_it_has_one_a_look_all_the_same(campaign):
    # 1 to 99 %: 4 an arm would do; five looks ask for five
    assert draft(campaign, per_arm=0, looks=5, usual_percent=1, smallest_points=98).per_arm == 5


def test_fewer_persons_than_looks_are_refused_in_words(campaign):
    with pytest.raises(experiments.ExperimentIncomplete, match="as many persons an arm as looks"):
        draft(campaign, per_arm=2)


def test_a_draft_can_be_thrown_away(campaign):
    by, found = person("campaign_manager"), draft(campaign, name="Openings")

    experiments.discard_experiment(experiment=found, by=by, at=AT)

    assert (Experiment.objects.count(), ExperimentArm.objects.count()) == (0, 0)
    told = AuditEvent.objects.get(action="campaigns.experiment.discarded")
    assert (told.detail["name"], told.detail["campaign_id"]) == ("Openings", campaign.pk)


def test_what_has_begun_is_not_thrown_away(campaign):
    found, by = running(campaign), person("campaign_manager")

    for _state in ("running", "stopped"):
        with pytest.raises(experiments.ExperimentBegun):
            experiments.discard_experiment(experiment=found, by=by, at=AT)
        if fresh(found).state == State.RUNNING:
            experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)

    assert Experiment.objects.count() == 1


# ---------------------------------------------------------------- what is compared stays as it is


def test_a_campaign_keeps_its_product_while_an_experiment_runs(campaign):
    found, by = running(campaign), person("campaign_manager")
    before, changed = campaign.product, fresh(campaign)
    changed.product = CampaignFactory().product

    with pytest.raises(planning.ExperimentRuns, match="“E” is running for the product"):
        planning.change_campaign(campaign=changed, packs=[], by=by, at=AT)
    assert fresh(campaign).product == before

    experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)
    planning.change_campaign(campaign=changed, packs=[], by=by, at=AT)
    assert fresh(campaign).product == changed.product


def test_a_draft_for_a_product_that_the_campaign_has_no_more_is_not_started(campaign):
    found = draft(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(product=CampaignFactory().product)

    with pytest.raises(experiments.ExperimentIncomplete, match="not for the product"):
        experiments.start_experiment(experiment=found, by=person("campaign_manager"), at=AT)


@pytest.mark.parametrize("change", [{"price_cents": 5}, {"terms": "other"}, {"name": "other"}])
def test_what_an_offer_says_does_not_change_under_a_running_experiment(campaign, change):
    found, by = running(campaign, kind="offer", name="Two prices"), person("campaign_manager")
    offer = found.arms.get(number=2).offer
    for field, value in change.items():
        setattr(offer, field, value)

    with pytest.raises(MustStay, match="“Two prices” compares this at present"):
        save_offer(offer=offer, by=by, at=AT)
    offer = fresh(offer)
    offer.valid_to = AT.date() + timedelta(days=30)
    save_offer(offer=offer, by=by, at=AT)

    experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)
    for field, value in change.items():
        setattr(offer, field, value)
    save_offer(offer=offer, by=by, at=AT)
    assert {field: getattr(fresh(offer), field) for field in change} == change


@pytest.mark.parametrize("field", ["name", "moment", "picture", "lines", "sms_text"])
def test_the_words_of_a_scenario_do_not_change_under_a_running_experiment(campaign, field):
    found, by = running(campaign, kind="scenario"), person("campaign_manager")
    scenario = found.arms.get(number=1).scenario
    setattr(scenario, field, "other")

    with pytest.raises(MustStay, match="“E” compares"):
        save_scenario(scenario=scenario, by=by, at=AT)
    save_scenario(scenario=fresh(scenario), by=by, at=AT)
    experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)

    assert getattr(save_scenario(scenario=scenario, by=by, at=AT), field) == "other"


def test_a_scenario_is_not_dropped_under_a_running_experiment_but_may_come_into_use(campaign):
    found, by = running(campaign, kind="scenario"), person("campaign_manager")
    scenario = found.arms.get(number=1).scenario

    for status in ("draft", "dropped"):
        with pytest.raises(MustStay, match="“E” compares"):
            set_scenario_status(scenario=fresh(scenario), status=status, by=by, at=AT)

    assert set_scenario_status(scenario=fresh(scenario), status="in_use", by=by, at=AT).status == "in_use"


def test_an_offer_whose_arm_was_stopped_may_change(campaign):
    found, by = running(campaign, kind="offer", shares=(34, 33, 33)), person("campaign_manager")
    experiments.stop_arm(arm=found.arms.get(number=3), why=ExperimentArm.Stop.WORSE, at=AT)
    offer = found.arms.get(number=3).offer
    offer.price_cents = 5

    assert save_offer(offer=offer, by=by, at=AT).price_cents == 5


def test_who_may_not_see_the_experiment_is_not_told_its_name(campaign):
    found = running(CampaignFactory(city=CityFactory()), kind="offer", name="of another city")
    offer = found.arms.get(number=1).offer
    offer.price_cents = 5

    with pytest.raises(MustStay, match="that you cannot see"):
        save_offer(offer=offer, by=person("campaign_manager", city=CityFactory()), at=AT)


def test_what_no_experiment_compares_is_changed_freely(campaign):
    running(campaign, kind="offer")
    offer = OfferFactory(product=campaign.product)
    offer.price_cents = 5

    assert save_offer(offer=offer, by=person("campaign_manager"), at=AT).price_cents == 5


# ---------------------------------------------------------------- starting


def test_starting_makes_the_desk_ask_for_arms(campaign):
    found = running(campaign, started_at=AT)

    assert (found.state, found.started_at) == (State.RUNNING, AT)
    assert fresh(campaign).has_experiment


def test_a_campaign_runs_one_experiment_at_a_time(campaign):
    running(campaign)

    with pytest.raises(experiments.AnotherExperimentRuns, match="E is running"):
        running(campaign, kind="offer")


def test_a_campaign_that_does_not_call_starts_none():
    with pytest.raises(experiments.ExperimentIncomplete, match="calling stage"):
        running(CampaignFactory(stage="planned"))


def test_a_version_that_is_not_approved_is_not_tried(campaign):
    found = draft(campaign)
    ScriptVersion.objects.filter(pk=found.arms.get(number=2).script_version_id).update(status="retired")

    with pytest.raises(experiments.ExperimentIncomplete, match="may not be used"):
        experiments.start_experiment(experiment=found, by=person("campaign_manager"), at=AT)


def test_an_offer_that_has_ended_is_not_tried(campaign):
    chosen = things("offer", campaign)
    chosen[1].valid_to = AT.date()
    chosen[1].save()

    with pytest.raises(experiments.ExperimentIncomplete, match="may not be used"):
        running(campaign, kind="offer", arms=chosen)


def test_starting_twice_is_refused(campaign):
    found = running(campaign)

    with pytest.raises(experiments.ExperimentBegun):
        experiments.start_experiment(experiment=found, by=person("campaign_manager"), at=AT)


def test_changing_a_campaign_leaves_its_experiment_alone(campaign):
    stale = fresh(campaign)
    running(campaign)

    planning.change_campaign(campaign=stale, packs=[], by=person("campaign_manager"), at=AT)

    assert fresh(campaign).has_experiment


# ---------------------------------------------------------------- what the database holds to


def refused_by(name, verb):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        verb()


def test_the_database_lets_no_second_experiment_run(campaign):
    running(campaign)
    other = draft(campaign, name="other")

    refused_by(
        "experiment_one_running", lambda: Experiment.objects.filter(pk=other.pk).update(state="running", started_at=AT)
    )


@pytest.mark.parametrize("fault", ["share", "kind", "product", "count", "number"])
def test_the_database_lets_no_broken_experiment_begin(campaign, fault):
    found = draft(campaign)
    second = found.arms.get(number=2)
    changes = {
        "share": {"share": 49},
        "kind": {"script_version": None, "offer": OfferFactory(product=campaign.product)},
        "product": {"script_version": versions(CampaignFactory().product)[0]},
        "number": {"number": 3},
    }
    if fault == "count":
        second.delete()
        ExperimentArm.objects.filter(experiment=found).update(share=100)
    else:
        ExperimentArm.objects.filter(pk=second.pk).update(**changes[fault])

    with pytest.raises(Exception, match="not whole"), transaction.atomic():
        Experiment.objects.filter(pk=found.pk).update(state="running", started_at=AT)


def test_the_database_lets_nobody_change_what_has_begun(campaign):
    found = running(campaign)

    for verb in (
        lambda: Experiment.objects.filter(pk=found.pk).update(looks=5),
        lambda: found.arms.filter(number=1).update(share=40),
        lambda: found.arms.get(number=2).delete(),
        lambda: ExperimentArm.objects.create(
            experiment=found, number=3, share=10, script_version=versions(campaign.product)[0]
        ),
    ):
        with pytest.raises(Exception, match="not changed"), transaction.atomic():
            verb()


def test_the_database_lets_none_begin_as_running(campaign):
    with pytest.raises(Exception, match="begins as a draft"), transaction.atomic():
        Experiment.objects.create(
            campaign=campaign, name="x", usual_percent=5, smallest_points=1, per_arm=10, seed=1, state="running",
            started_at=AT, created_by=person("campaign_manager"),
        )  # fmt: skip


# ---------------------------------------------------------------- who meets which arm


def test_without_an_experiment_nothing_is_asked(campaign, django_assert_num_queries):
    lead = LeadFactory(campaign=campaign)
    agent = person("agent", team=TeamFactory(city=lead.city))
    lead = type(lead).objects.select_related("campaign").get(pk=lead.pk)

    with django_assert_num_queries(0):
        assert arms.campaign_of(lead, agent) is lead.campaign


@pytest.mark.parametrize("kind", ["script", "offer", "scenario"])
def test_with_an_experiment_one_query_tells_arm_and_what_it_shows(campaign, kind, django_assert_num_queries):
    running(campaign, kind=kind)
    lead = LeadFactory(campaign=fresh(campaign))
    agent = agent_of(TeamFactory(city=lead.city))

    with django_assert_num_queries(1):
        used = arms.campaign_of(lead, agent)
        shown = used.arm.thing
        if kind == "script":
            assert used.script_version == shown
        if kind == "offer":
            assert used.offer == shown
    assert lead.campaign.script_version is None
    assert shown is not None


def test_a_person_meets_the_same_arm_with_every_lead_and_every_agent(campaign):
    running(campaign)
    customer = CustomerFactory()
    one, other = (agent_of(TeamFactory(city=customer.city)) for _n in range(2))
    lead = LeadFactory(campaign=fresh(campaign), customer=customer)

    found = {arms.arm_of(lead, agent).number for agent in (one, other, one, other) for _again in range(3)}

    assert len(found) == 1
    assert ExperimentPerson.objects.get(customer_id=customer.pk).agent_id == one.pk


def test_within_each_agent_every_block_of_four_holds_both_arms_twice(campaign):
    running(campaign)
    team = TeamFactory()

    for agent in (agent_of(team), agent_of(team)):
        found = met(campaign, agent, 40)
        assert [sorted(found[start : start + 4]) for start in range(0, 40, 4)] == [[1, 1, 2, 2]] * 10
        # the orders differ from block to block: nobody knows the next one
        assert len({tuple(found[start : start + 4]) for start in range(0, 40, 4)}) > 1


@pytest.mark.parametrize(
    ("shares", "block", "counts"), [((34, 33, 33), 6, [2, 2, 2]), ((80, 20), 5, [4, 1]), ((25,) * 4, 8, [2] * 4), ((70, 20, 10), 10, [7, 2, 1])]
)  # fmt: skip
def test_shares_are_kept_within_every_block(campaign, shares, block, counts):
    running(campaign, shares=shares)

    found = met(campaign, agent_of(TeamFactory()), 2 * block)

    for part in (found[:block], found[block:]):
        assert [part.count(number) for number in range(1, len(shares) + 1)] == counts


def test_two_experiments_draw_differently(campaign):
    customers = [CustomerFactory() for _n in range(24)]
    agent, drawn = agent_of(TeamFactory()), []
    by = person("campaign_manager")
    for _again in range(2):
        LeadFactory._meta.model.objects.all().delete()
        found = running(campaign, by)
        drawn.append(met(campaign, agent, 24, customers))
        experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)

    assert drawn[0] != drawn[1]


def test_the_draw_can_be_repeated_from_its_seed(campaign):
    found = running(campaign)
    agent = agent_of(TeamFactory())

    first = met(campaign, agent, 12)
    ExperimentPerson.objects.all().delete()

    assert met(campaign, agent, 12) == first
    assert found.seed


def test_who_is_merged_into_somebody_new_brings_the_arm_along(campaign):
    running(campaign)
    team = TeamFactory()
    agent = agent_of(team)
    gone, kept = CustomerFactory(city=team.city), CustomerFactory(city=team.city)
    lead = LeadFactory(campaign=fresh(campaign), customer=gone)
    before = arms.arm_of(lead, agent)

    merge_leads(kept_id=kept.pk, gone_id=gone.pk, at=AT, moved={})

    lead = type(lead).objects.get(pk=lead.pk)
    assert lead.customer_id == kept.pk
    assert arms.arm_of(lead, agent) == before
    # the block goes on as if nothing had happened
    assert sorted([before.number, *met(campaign, agent, 3)]) == [1, 1, 2, 2]


def test_of_two_who_were_both_met_the_one_who_stays_keeps_the_own_arm(campaign):
    running(campaign)
    team = TeamFactory()
    agent = agent_of(team)
    people = [CustomerFactory(city=team.city) for _n in range(4)]
    drawn = met(campaign, agent, 4, people)
    kept = people[0]
    gone = people[drawn.index(3 - drawn[0])]

    merge_leads(kept_id=kept.pk, gone_id=gone.pk, at=AT, moved={})

    assert ExperimentPerson.objects.get(customer_id=kept.pk).arm.number == drawn[0]


def test_who_is_in_a_stopped_arm_goes_on_with_what_the_campaign_has(campaign):
    found = running(campaign, shares=(34, 33, 33))
    agent = agent_of(TeamFactory())
    people = [CustomerFactory() for _n in range(6)]
    drawn = met(campaign, agent, 6, people)
    worse = found.arms.get(number=3)

    experiments.stop_arm(arm=worse, why=ExperimentArm.Stop.WORSE, at=AT)

    lead = LeadFactory._meta.model.objects.get(customer=people[drawn.index(3)])
    assert arms.campaign_of(lead, agent) is lead.campaign
    # the others share what comes, in halves
    assert sorted(met(campaign, agent, 4)) == [1, 1, 2, 2] or set(met(campaign, agent, 8)) == {1, 2}
    assert fresh(found).state == State.RUNNING


# ---------------------------------------------------------------- the desk and the call


def test_the_desk_shows_the_arms_script_and_the_call_says_so(campaign, months):
    first, second = versions(campaign.product)
    Campaign.objects.filter(pk=campaign.pk).update(script=first.script, script_version=first)
    running(campaign, arms=[first, second])
    seen = set()
    team = TeamFactory()
    agent = agent_of(team)

    for _n in range(4):
        lead = held_lead(agent, campaign=fresh(campaign), customer=CustomerFactory(city=team.city))
        shown = desk_page.context_of(agent=agent, at=AT)
        version = shown["campaign"].script_version
        said = shown["script"][0].steps[0].row.version
        call = record_call(
            lead=lead, agent=agent, disposition_code="refused_mid_call", started_at=AT, talk_seconds=0, at=AT,
            step_id=ScriptStep.objects.filter(version=version).first().pk,
        )  # fmt: skip
        assert call.script_version_id == version.pk
        assert ExperimentArm.objects.get(pk=call.experiment_arm_id).script_version == version
        seen.add((version, said))

    assert seen == {(first, first), (second, second)}


def test_an_order_goes_by_the_arms_offer(campaign, months):
    plain = OfferFactory(product=campaign.product, price_cents=9900)
    Campaign.objects.filter(pk=campaign.pk).update(offer=plain)
    other = OfferFactory(product=campaign.product, price_cents=4900)
    running(campaign, kind="offer", arms=[plain, other])
    team = TeamFactory()
    agent = agent_of(team)

    for _n in range(4):
        lead = held_lead(agent, campaign=fresh(campaign), customer=CustomerFactory(city=team.city))
        call = record_call(
            lead=lead, agent=agent, disposition_code="sold", started_at=AT, talk_seconds=0, at=AT, order=Sale()
        )
        order = Order.objects.get(call_id=call.pk)
        assert (order.offer_id, order.amount_cents) == (call.offer_id, {plain.pk: 9900, other.pk: 4900}[call.offer_id])

    assert set(Call.objects.values_list("offer_id", flat=True)) == {plain.pk, other.pk}


def test_a_campaign_without_an_experiment_records_no_arm(campaign, months):
    lead = held_lead(campaign=campaign)

    call = record_call(lead=lead, agent=lead.agent, disposition_code="no_answer", started_at=AT, talk_seconds=0, at=AT)

    assert call.experiment_arm_id is None


# ---------------------------------------------------------------- stopping and deciding


def test_stopping_gives_everybody_what_the_campaign_has(campaign):
    found, by = running(campaign), person("campaign_manager")

    experiments.stop_experiment(experiment=found, reason="trouble", by=by, at=AT)

    assert (fresh(found).state, fresh(found).reason, fresh(campaign).has_experiment) == ("stopped", "trouble", False)
    with pytest.raises(experiments.ExperimentOver):
        experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)


def test_the_experiment_stops_when_only_the_first_arm_is_left(campaign):
    found = running(campaign)

    for _again in range(2):
        experiments.stop_arm(arm=found.arms.get(number=2), why=ExperimentArm.Stop.COMPLAINTS, at=AT)

    assert (fresh(found).state, fresh(found).ended_by, fresh(campaign).has_experiment) == ("stopped", None, False)
    assert AuditEvent.objects.filter(action="campaigns.experiment.arm_stopped").count() == 1


def test_adopting_a_script_puts_it_in_force_and_the_campaign_follows(campaign):
    first, second = versions(campaign.product)
    found, by = running(campaign, arms=[first, second]), person("campaign_manager")

    experiments.decide_experiment(experiment=found, arm=found.arms.get(number=2), reason="better", by=by, at=AT)

    assert (fresh(second).status, fresh(first).status) == ("live", "retired")
    assert fresh(campaign).script_version == second
    assert not fresh(campaign).has_experiment
    told = fresh(found)
    assert (told.state, told.adopted.number, told.decided_by, told.reason) == ("decided", 2, by, "better")
    assert AuditEvent.objects.get(action="campaigns.experiment.decided").detail["adopted"] == 2


def test_adopting_an_offer_makes_it_the_campaigns(campaign):
    found = running(campaign, kind="offer")
    arm = found.arms.get(number=2)

    experiments.decide_experiment(experiment=found, arm=arm, reason="better", by=person("campaign_manager"), at=AT)

    assert fresh(campaign).offer == arm.offer


def test_adopting_a_scenario_brings_it_into_use(campaign):
    found = running(campaign, kind="scenario")
    arm = found.arms.get(number=1)

    experiments.decide_experiment(experiment=found, arm=arm, reason="better", by=person("campaign_manager"), at=AT)

    assert fresh(arm.scenario).status == "in_use"
    assert AuditEvent.objects.get(action="scripts.scenario.moved").detail["status"] == "in_use"


def test_a_scenario_with_a_word_that_was_prohibited_since_is_not_adopted(campaign):
    found, by = running(campaign, kind="scenario"), person("campaign_manager")
    arm = found.arms.get(number=1)
    Scenario.objects.filter(pk=arm.scenario_id).update(lines="the best of all")
    ProhibitedWord.objects.create(word="the best")

    with pytest.raises(ProhibitedWords):
        experiments.decide_experiment(experiment=found, arm=arm, reason="better", by=by, at=AT)

    assert (fresh(found).state, fresh(arm.scenario).status) == ("running", "pilot")


@pytest.mark.parametrize("kind", ["script", "offer", "scenario"])
def test_what_may_not_be_used_any_more_is_not_adopted(campaign, kind):
    found, by = running(campaign, kind=kind), person("campaign_manager")
    experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)
    arm = found.arms.get(number=2)
    faults = {"script": {"status": "retired"}, "offer": {"valid_to": AT.date()}, "scenario": {"status": "dropped"}}
    type(arm.thing).objects.filter(pk=arm.thing.pk).update(**faults[kind])

    with pytest.raises(experiments.ExperimentIncomplete, match="may not be used in calls"):
        experiments.decide_experiment(experiment=found, arm=arm, reason="better", by=by, at=AT)

    assert fresh(found).state == State.STOPPED


def test_an_arm_for_a_product_that_the_campaign_has_no_more_is_not_adopted(campaign):
    found, by = running(campaign, kind="offer"), person("campaign_manager")
    experiments.stop_experiment(experiment=found, reason="", by=by, at=AT)
    Campaign.objects.filter(pk=campaign.pk).update(product=CampaignFactory().product)

    with pytest.raises(experiments.ExperimentIncomplete, match="not for the product"):
        experiments.decide_experiment(experiment=found, arm=found.arms.get(number=2), reason="x", by=by, at=AT)


def test_keeping_it_as_it_is_changes_nothing_but_ends_it(campaign):
    found, before = running(campaign), fresh(campaign)

    experiments.decide_experiment(experiment=found, arm=None, reason="no gain", by=person("campaign_manager"), at=AT)

    assert (fresh(found).state, fresh(found).adopted) == ("decided", None)
    assert (fresh(campaign).script_version, fresh(campaign).offer) == (before.script_version, before.offer)


def test_a_decision_says_why_and_comes_once(campaign):
    found, by = running(campaign), person("campaign_manager")

    with pytest.raises(experiments.ExperimentIncomplete, match="Say why"):
        experiments.decide_experiment(experiment=found, arm=None, reason=" ", by=by, at=AT)
    experiments.decide_experiment(experiment=found, arm=None, reason="enough", by=by, at=AT)
    with pytest.raises(experiments.ExperimentOver, match="Decided"):
        experiments.decide_experiment(experiment=found, arm=None, reason="enough", by=by, at=AT)


def test_an_arm_that_did_harm_is_not_adopted(campaign):
    found = running(campaign)
    experiments.stop_arm(arm=found.arms.get(number=2), why=ExperimentArm.Stop.WORSE, at=AT)

    with pytest.raises(experiments.ArmStopped):
        experiments.decide_experiment(
            experiment=found, arm=found.arms.get(number=2), reason="all the same", by=person("campaign_manager"), at=AT
        )


def test_drawing_says_nothing_in_a_campaign_without_one(campaign):
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaigns_arm_of(%s, 1, 1)", [campaign.pk])

        assert cursor.fetchone() == (None,)
