from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign, Gate
from campaigns.services import planning
from customers.models import RulePack
from people.models import City, Membership, Team, User
from scripts.tests.factories import ProductFactory, live_version

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def user(name, role):
    person = User.objects.create(username=name)
    Membership.objects.create(user=person, role=role, valid_from=date(2020, 1, 1))
    return person


@pytest.fixture
def planner():
    return user("planner", "campaign_manager")


@pytest.fixture
def keeper():
    return user("keeper", "qa")


@pytest.fixture
def pack():
    return RulePack.objects.create(code="ANY", name="any")


def plan(planner, pack, **facts):
    campaign = Campaign(code="C1", name="Campaign", product=ProductFactory(), **facts)
    return planning.plan_campaign(campaign=campaign, packs=[pack], by=planner, at=AT)


def gate(campaign, stage):
    return Gate.objects.get(campaign=campaign, stage=stage)


def let_through(campaign, stage, keeper):
    """Passed, as the review of its checkpoint does it: that is the matter of the floor above."""
    Gate.objects.filter(campaign=campaign, stage=stage).update(status="passed", decided_by=keeper, decided_at=AT)


def stand_in(campaign, stage, keeper):
    """The stage reached, its own gate passed."""
    planning.decide_gate(gate=gate(campaign, stage), passed=True, reason="", by=keeper, at=AT)
    Campaign.objects.filter(pk=campaign.pk).update(stage=stage)


def test_a_new_campaign_has_a_pending_gate_before_every_later_stage(planner, pack):
    campaign = plan(planner, pack)

    assert dict(campaign.gates.values_list("stage", "status")) == dict.fromkeys(
        ["script_review", "trial", "running", "wrap_up", "closed"], "pending"
    )


def test_a_stage_is_not_entered_before_its_gate_is_passed(planner, keeper, pack):
    campaign = plan(planner, pack)

    with pytest.raises(planning.GateClosed):
        planning.enter_stage(campaign=campaign, stage="script_review", by=planner, at=AT)

    planning.decide_gate(gate=gate(campaign, "script_review"), passed=True, reason="", by=keeper, at=AT)
    assert planning.enter_stage(campaign=campaign, stage="script_review", by=planner, at=AT).stage == "script_review"


def test_no_stage_is_left_out(planner, keeper, pack):
    campaign = plan(planner, pack)
    let_through(campaign, "running", keeper)

    with pytest.raises(planning.WrongStage):
        planning.enter_stage(campaign=campaign, stage="running", by=planner, at=AT)


def test_calling_waits_for_script_and_teams_and_says_so(planner, keeper, pack):
    campaign = plan(planner, pack, stage="script_review")
    stand_in(campaign, "script_review", keeper)
    let_through(campaign, "trial", keeper)

    with pytest.raises(planning.NotReady, match="script version; choose the teams"):
        planning.enter_stage(campaign=campaign, stage="trial", by=planner, at=AT)


def test_a_campaign_with_all_it_needs_begins_its_trial(planner, keeper, pack):
    version = live_version()
    campaign = plan(planner, pack, script=version.script, script_version=version)
    stand_in(campaign, "script_review", keeper)
    planning.set_teams(campaign=campaign, teams=[Team.objects.create(code="T", name="T")], by=planner, at=AT)
    let_through(campaign, "trial", keeper)

    assert planning.enter_stage(campaign=campaign, stage="trial", by=planner, at=AT).stage == "trial"


def test_sending_back_needs_a_reason(planner, keeper, pack):
    campaign = plan(planner, pack)

    with pytest.raises(planning.GateClosed, match="what has to be changed"):
        planning.decide_gate(gate=gate(campaign, "trial"), passed=False, reason=" ", by=keeper, at=AT)


def test_an_override_needs_a_second_person(planner, keeper, pack):
    campaign = plan(planner, pack)
    closed = gate(campaign, "script_review")
    planning.ask_override(gate=closed, reason="law changes tomorrow", by=planner, at=AT)

    with pytest.raises(planning.OverrideRefused, match="another person"):
        planning.confirm_override(gate=closed, by=planner, at=AT)
    opened = planning.confirm_override(gate=closed, by=keeper, at=AT)

    assert (opened.status, opened.decided_by, opened.second_by) == ("overridden", planner, keeper)


def test_the_database_knows_no_override_by_one_person(planner, pack):
    closed = gate(plan(planner, pack), "trial")

    with pytest.raises(IntegrityError), transaction.atomic():
        Gate.objects.filter(pk=closed.pk).update(
            status="overridden", reason="r", decided_by=planner, second_by=planner, decided_at=AT
        )


def test_rules_of_the_simulator_are_refused_on_a_real_telephone(planner):
    demo = RulePack.objects.create(code="SIM", name="sim", simulator_only=True)

    with pytest.raises(planning.RulesDoNotFit, match="SIM"):
        plan(planner, demo, telephony="handset")


def test_imported_history_has_no_next_stage():
    assert planning.next_stage(Campaign(stage="history")) is None


def test_another_citys_campaign_is_not_visible(planner, pack):
    here, there = City.objects.create(code="A", name="A"), City.objects.create(code="B", name="B")
    mine = Campaign.objects.create(code="M", name="M", product=ProductFactory(), city=here)
    Campaign.objects.create(code="O", name="O", product=ProductFactory(), city=there)
    manager = User.objects.create(username="manager")
    Membership.objects.create(user=manager, role="city_manager", city=here, valid_from=date(2020, 1, 1))

    assert list(Campaign.objects.visible_to(manager)) == [mine]


def test_a_stop_is_not_undone_by_a_change_that_was_read_before(planner, pack):
    campaign = plan(planner, pack)
    read_before = Campaign.objects.get(pk=campaign.pk)
    planning.switch_campaign(campaign=campaign, is_on=False, reason="complaints", by=planner, at=AT)

    read_before.name = "Better name"
    planning.change_campaign(campaign=read_before, packs=[pack], by=planner, at=AT)

    campaign.refresh_from_db()
    assert (campaign.name, campaign.is_on) == ("Better name", False)


def test_teams_that_were_not_offered_stay(planner, pack):
    campaign = plan(planner, pack)
    seen, unseen = Team.objects.create(code="S", name="S"), Team.objects.create(code="U", name="U")
    planning.set_teams(campaign=campaign, teams=[seen, unseen], by=planner, at=AT)

    planning.set_teams(campaign=campaign, teams=[], offered=[seen], by=planner, at=AT)

    assert list(campaign.team_links.values_list("team__code", flat=True)) == ["U"]


def test_a_gate_passed_twice_keeps_the_first_answer(planner, keeper, pack):
    closed = gate(plan(planner, pack), "script_review")
    planning.decide_gate(gate=closed, passed=True, reason="", by=keeper, at=AT)

    again = planning.decide_gate(gate=closed, passed=True, reason="me too", by=user("other", "qa"), at=AT)

    assert (again.status, again.decided_by, again.reason) == ("passed", keeper, "")


def test_a_gate_that_the_campaign_went_through_is_not_closed_again(planner, keeper, pack):
    campaign = plan(planner, pack)
    opened = gate(campaign, "script_review")
    planning.decide_gate(gate=opened, passed=True, reason="", by=keeper, at=AT)
    planning.enter_stage(campaign=campaign, stage="script_review", by=planner, at=AT)

    with pytest.raises(planning.GateOpen):
        planning.decide_gate(gate=opened, passed=False, reason="too late", by=keeper, at=AT)


def test_an_override_stays_for_ever(planner, keeper, pack):
    opened = gate(plan(planner, pack), "script_review")
    planning.ask_override(gate=opened, reason="law changes tomorrow", by=planner, at=AT)
    planning.confirm_override(gate=opened, by=keeper, at=AT)

    for passed in (True, False):
        with pytest.raises(planning.GateOpen):
            planning.decide_gate(gate=opened, passed=passed, reason="as if never", by=keeper, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Gate.objects.filter(pk=opened.pk).update(status="passed", second_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Gate.objects.filter(pk=opened.pk).delete()


def test_the_database_lets_no_stage_begin_behind_a_closed_gate(planner, keeper, pack):
    campaign = plan(planner, pack)
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(stage="script_review")

    planning.decide_gate(gate=gate(campaign, "script_review"), passed=True, reason="", by=keeper, at=AT)

    assert Campaign.objects.filter(pk=campaign.pk).update(stage="script_review") == 1
