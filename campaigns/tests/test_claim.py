"""Who is handed out, to whom, when: every rule of the claim, one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.models import Callback, Campaign, CampaignTeam, Lead
from campaigns.services import claim
from campaigns.services.held import LeadNotYours
from campaigns.tests.factories import (
    CampaignFactory,
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    agent_of,
    zone,
)
from customers.models import Consent, Contact, ContactRule, Customer, RulePack, Suppression

pytestmark = pytest.mark.django_db

# a Thursday, 11:00 in China; far ahead, because the claim judges at the later of `at` and the database's clock
AT = datetime(2099, 11, 19, 3, 0, tzinfo=UTC)
ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]


def pack(code: str = "T", *, simulator_only: bool = False, **rules) -> RulePack:
    """A pack of block rules: pack(hours=("09:00", "20:00"), cap=(2, 24), gap=120, answered=1, consent=True)."""
    made = RulePack.objects.create(code=code, name=code, simulator_only=simulator_only)
    values = {
        "hours": lambda v: ("hours", {"days": ALL_WEEK, "opens": v[0], "closes": v[1]}),
        "cap": lambda v: ("cap", {"most": v[0], "hours": v[1]}),
        "gap": lambda v: ("gap", {"minutes": v}),
        "answered": lambda v: ("answered_per_day", {"most": v}),
        "consent": lambda v: ("consent", {"needed": v}),
    }
    for name, value in rules.items():
        key, stored = values[name](value)
        ContactRule.objects.create(pack=made, key=key, value=stored, valid_from=date(2020, 1, 1))
    return made


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def rules():
    return pack(hours=("09:00", "20:00"), cap=(2, 24), gap=120, answered=1)


def calling(team, *packs, **fields) -> Campaign:
    campaign = CampaignFactory(**fields)
    campaign.packs.set(packs)
    CampaignTeam.objects.create(campaign=campaign, team=team)
    return campaign


@pytest.fixture
def campaign(team, rules):
    return calling(team, rules)


def lead_in(campaign, city, **fields) -> Lead:
    customer = fields.pop("customer", None) or CustomerFactory(city=city)
    return LeadFactory(campaign=campaign, customer=customer, **fields)


def test_the_claim_holds_the_lead_reserves_the_budget_and_writes_the_ledger(agent, campaign, city):
    lead = lead_in(campaign, city)

    got = claim.claim_next_lead(agent=agent, at=AT)

    assert got == lead
    assert (got.state, got.agent, got.held_at, got.lease_until) == ("held", agent, AT, AT + timedelta(seconds=900))
    person = Customer.objects.get(pk=lead.customer_id)
    assert person.held_lead_id == lead.pk
    assert person.attempts == [AT]
    assert person.callable_from == AT + timedelta(hours=2)
    contact = Contact.objects.get(customer_id=person.pk)
    assert (contact.state, contact.at, contact.lead_id, contact.agent_id) == ("reserved", AT, lead.pk, agent.pk)
    assert contact.phone_id == person.phones.get().pk


def test_there_is_no_next_lead_before_a_result(agent, campaign, city):
    lead_in(campaign, city)
    lead_in(campaign, city)

    first = claim.claim_next_lead(agent=agent, at=AT)
    again = claim.claim_next_lead(agent=agent, at=AT + timedelta(minutes=1))

    assert again == first
    assert Contact.objects.count() == 1


def test_higher_priority_comes_first_then_who_waits_longest(agent, campaign, city):
    lead_in(campaign, city, priority=5, ready_at=AT - timedelta(days=3))
    young = lead_in(campaign, city, priority=9, ready_at=AT - timedelta(days=1))
    old = lead_in(campaign, city, priority=9, ready_at=AT - timedelta(days=2))

    assert claim.claim_next_lead(agent=agent, at=AT) == old
    assert claim.claim_next_lead(agent=agent_of(agent.team_at(AT)), at=AT) == young


def test_a_city_team_gets_its_own_city_and_a_regional_team_any(campaign, city, team, rules):
    elsewhere = lead_in(campaign, CityFactory())
    regional = TeamFactory(city=None)
    CampaignTeam.objects.create(campaign=campaign, team=regional)

    assert claim.claim_next_lead(agent=agent_of(team), at=AT) is None
    assert claim.claim_next_lead(agent=agent_of(regional), at=AT) == elsewhere


def test_an_agent_without_a_team_is_told_so():
    from campaigns.tests.factories import UserFactory

    with pytest.raises(claim.NoTeamToday):
        claim.claim_next_lead(agent=UserFactory(), at=AT)


@pytest.mark.parametrize(
    ("opens", "closes", "zone_name", "is_handed_out"),
    [
        ("09:00", "20:00", "Asia/Shanghai", True),  # 11:00 there
        ("11:00", "20:00", "Asia/Shanghai", True),  # the first minute
        ("09:00", "11:00", "Asia/Shanghai", False),  # the end is not included
        ("09:00", "20:00", "Asia/Urumqi", True),  # 09:00 there
        ("09:30", "20:00", "Asia/Urumqi", False),
        ("00:00", "24:00", "America/New_York", True),  # 22:00 the day before
        ("08:00", "21:00", "America/New_York", False),
    ],
)
def test_hours_are_those_of_the_customers_zone(agent, team, city, opens, closes, zone_name, is_handed_out):
    city.zone = zone(zone_name)
    city.save()
    lead_in(calling(team, pack(hours=(opens, closes))), city)

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


def test_windows_of_one_pack_add_up_and_packs_narrow_each_other(agent, team, city):
    morning_and_afternoon = pack("A", hours=("09:00", "10:30"))
    ContactRule.objects.create(
        pack=morning_and_afternoon,
        key="hours",
        value={"days": ALL_WEEK, "opens": "10:45", "closes": "12:00"},
        valid_from=date(2020, 1, 1),
    )
    campaign = calling(team, morning_and_afternoon)
    lead = lead_in(campaign, city)
    assert claim.claim_next_lead(agent=agent, at=AT) == lead
    claim.give_back(lead=lead, agent=agent, at=AT)

    campaign.packs.add(pack("B", hours=("12:00", "20:00")))

    assert claim.claim_next_lead(agent=agent, at=AT) is None


def test_days_of_the_week_count(agent, team, city):
    weekend = pack(hours=("00:00", "24:00"))
    weekend.rules.update(value={"days": [6, 7], "opens": "00:00", "closes": "24:00"})
    lead = lead_in(calling(team, weekend), city)

    assert claim.claim_next_lead(agent=agent, at=AT) is None
    assert claim.claim_next_lead(agent=agent, at=AT + timedelta(days=2)) == lead


def test_without_hours_nobody_is_called(agent, team, city):
    lead_in(calling(team, pack(cap=(2, 24))), city)

    assert claim.claim_next_lead(agent=agent, at=AT) is None


def test_a_rule_that_only_warns_blocks_nobody(agent, team, city, rules):
    ContactRule.objects.create(
        pack=rules,
        key="hours",
        value={"days": ALL_WEEK, "opens": "14:00", "closes": "20:00"},
        severity="warn",
        valid_from=date(2020, 1, 1),
    )
    lead = lead_in(calling(team, rules), city)

    assert claim.claim_next_lead(agent=agent, at=AT) == lead


@pytest.mark.parametrize(("telephony", "is_handed_out"), [("simulator", True), ("handset", False)])
def test_a_pack_for_the_simulator_does_not_count_on_a_real_telephone(agent, team, city, telephony, is_handed_out):
    lead_in(calling(team, pack(hours=("00:00", "24:00"), simulator_only=True), telephony=telephony), city)

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


def test_without_a_pack_the_regions_default_pack_holds(agent, team, city):
    default, _new = RulePack.objects.get_or_create(code="CN-GEN", defaults={"name": "China"})
    default.rules.all().delete()
    ContactRule.objects.create(
        pack=default,
        key="hours",
        value={"days": ALL_WEEK, "opens": "09:00", "closes": "20:00"},
        valid_from=date(2020, 1, 1),
    )
    lead = lead_in(calling(team), city)

    assert claim.claim_next_lead(agent=agent, at=AT + timedelta(hours=12)) is None
    assert claim.claim_next_lead(agent=agent, at=AT) == lead


def test_an_unknown_zone_blocks(agent, campaign, city):
    lead_in(campaign, city)
    city.zone = None
    city.save()

    assert claim.claim_next_lead(agent=agent, at=AT) is None


@pytest.mark.parametrize("switch", ["campaign", "product", "city", "stage"])
def test_each_switch_stops_at_once(agent, campaign, city, switch):
    lead_in(campaign, city)
    if switch == "stage":
        Campaign.objects.filter(pk=campaign.pk).update(stage="wrap_up")
    else:
        thing = {"campaign": campaign, "product": campaign.product, "city": city}[switch]
        type(thing).objects.filter(pk=thing.pk).update(is_on=False)

    assert claim.claim_next_lead(agent=agent, at=AT) is None


@pytest.mark.parametrize(
    ("attempts", "is_handed_out"),
    [
        ([], True),
        ([timedelta(minutes=119)], False),  # gap
        ([timedelta(minutes=120)], True),
        ([timedelta(hours=3), timedelta(hours=23)], False),  # two in 24 hours
        ([timedelta(hours=3), timedelta(hours=24)], True),
    ],
)
def test_gap_and_cap_count_attempts_of_all_campaigns(agent, campaign, city, attempts, is_handed_out):
    lead = lead_in(campaign, city)
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - ago for ago in attempts])

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


def test_a_rule_tightened_today_holds_for_attempts_of_yesterday(agent, team, city, rules):
    lead = lead_in(calling(team, rules), city)
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - timedelta(hours=30)])

    ContactRule.objects.create(
        pack=rules, key="cap", value={"most": 1, "hours": 48}, city=city, valid_from=date(2020, 1, 1)
    )

    assert claim.claim_next_lead(agent=agent, at=AT) is None


@pytest.mark.parametrize(("answered", "is_handed_out"), [(timedelta(hours=10), False), (timedelta(hours=12), True)])
def test_who_was_spoken_to_today_is_left_alone_until_midnight_there(agent, campaign, city, answered, is_handed_out):
    lead = lead_in(campaign, city)  # it is 11:00, so midnight was 11 hours ago
    Customer.objects.filter(pk=lead.customer_id).update(answered_at=AT - answered)

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


@pytest.mark.parametrize(
    ("scope", "is_handed_out"),
    [
        ("everywhere", False),
        ("this campaign", False),
        ("this product", False),
        ("another campaign", True),
        ("another product", True),
        ("over", True),
        ("lifted", True),
        ("not yet", True),
    ],
)
def test_a_suppression_blocks_within_its_scope_and_time(agent, campaign, city, scope, is_handed_out):
    lead = lead_in(campaign, city)
    fields = {
        "everywhere": {},
        "this campaign": {"campaign_id": campaign.pk},
        "this product": {"product_id": campaign.product_id},
        "another campaign": {"campaign_id": campaign.pk + 1},
        "another product": {"product_id": campaign.product_id + 1},
        "over": {"valid_to": AT - timedelta(minutes=1)},
        "lifted": {"lifted_at": AT - timedelta(days=1), "lifted_by": agent},
        "not yet": {"valid_from": AT + timedelta(minutes=1)},
    }[scope]
    Suppression.objects.create(
        **{"customer": lead.customer, "kind": "manual", "valid_from": AT - timedelta(days=9), **fields}
    )

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


@pytest.mark.parametrize("state", ["suppressed", "merged", "held", "dead number", "suppressed number"])
def test_some_persons_are_never_handed_out(agent, campaign, city, state):
    lead = lead_in(campaign, city)
    person = Customer.objects.filter(pk=lead.customer_id)
    number = lead.customer.phones.get()
    if state == "suppressed":
        person.update(is_suppressed=True)
    elif state == "merged":
        person.update(merged_into=CustomerFactory(city=city))
    elif state == "held":
        person.update(held_lead_id=lead.pk + 1)
    elif state == "dead number":
        lead.customer.phones.update(is_dead=True)
    else:
        Suppression.objects.create(phone_blind=number.blind_index, kind="register", valid_from=AT - timedelta(days=1))

    assert claim.claim_next_lead(agent=agent, at=AT) is None


@pytest.mark.parametrize(
    ("consent", "is_handed_out"), [("none", False), ("given", True), ("withdrawn", False), ("expired", False)]
)
def test_where_consent_is_needed_it_must_be_in_force(agent, team, city, consent, is_handed_out):
    lead = lead_in(calling(team, pack(hours=("09:00", "20:00"), consent=True)), city)
    before = AT - timedelta(days=1)
    more = {"withdrawn": {"withdrawn_at": before}, "expired": {"expires_at": before}}.get(consent, {})
    if consent != "none":
        Consent.objects.create(
            customer=lead.customer, basis="shop", stated_by="x", given_at=AT - timedelta(days=9), **more
        )

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


@pytest.mark.parametrize(
    ("group", "until", "is_handed_out"),
    [
        ("g", timedelta(days=1), False),
        ("g", timedelta(), True),
        ("other", timedelta(days=1), True),
        ("", timedelta(days=1), True),
    ],
)
def test_a_person_owned_by_another_campaign_of_the_group_is_left_alone(
    agent, team, city, rules, group, until, is_handed_out
):
    lead = lead_in(calling(team, rules, exclusion_group=group), city)
    Customer.objects.filter(pk=lead.customer_id).update(
        owner_campaign_id=lead.campaign_id + 1, owner_group="g", owner_until=AT + until
    )

    assert (claim.claim_next_lead(agent=agent, at=AT) is not None) is is_handed_out


def test_a_person_claimed_by_one_campaign_is_not_handed_out_by_another(agent, team, city, rules):
    person = CustomerFactory(city=city)
    first = lead_in(calling(team, rules), city, customer=person)
    second = lead_in(calling(team, rules), city, customer=person)

    got = claim.claim_next_lead(agent=agent, at=AT)
    nothing = claim.claim_next_lead(agent=agent_of(team), at=AT)

    assert nothing is None
    other = second if got == first else first
    other.refresh_from_db()
    assert other.ready_at == AT + timedelta(minutes=5)  # the second claim met it: the person is in somebody's hand


# ---------------------------------------------------------------- promises


def promise(lead, agent, due_at) -> Lead:
    lead.callback_agent, lead.due_at, lead.ready_at = agent, due_at, due_at
    lead.save()
    Callback.objects.create(lead=lead, agent=agent, due_at=due_at)
    return lead


def test_a_promise_that_is_due_comes_before_the_queue(agent, campaign, city):
    lead_in(campaign, city, priority=9)
    promised = promise(lead_in(campaign, city, priority=0), agent, AT - timedelta(minutes=1))

    assert claim.claim_next_lead(agent=agent, at=AT) == promised


def test_a_promise_waits_for_its_time_and_for_its_agent(agent, campaign, city, team):
    promised = promise(lead_in(campaign, city), agent, AT + timedelta(minutes=10))
    assert claim.claim_next_lead(agent=agent, at=AT) is None
    assert claim.claim_next_lead(agent=agent_of(team), at=AT + timedelta(minutes=11)) is None

    assert claim.claim_next_lead(agent=agent, at=AT + timedelta(minutes=11)) == promised


def test_a_promise_nobody_kept_for_half_an_hour_goes_to_a_colleague(agent, campaign, city, team):
    promised = promise(lead_in(campaign, city), agent, AT)

    assert claim.claim_next_lead(agent=agent_of(team), at=AT + timedelta(minutes=31)) == promised


def test_a_promise_overrides_gap_and_answered_today_but_no_cap(agent, campaign, city):
    promised = promise(lead_in(campaign, city), agent, AT)
    person = Customer.objects.filter(pk=promised.customer_id)
    recent = [AT - timedelta(minutes=30)]
    person.update(answered_at=recent[0], attempts=recent, callable_from=AT + timedelta(hours=1))
    assert claim.claim_next_lead(agent=agent, at=AT) == promised
    claim.give_back(lead=promised, agent=agent, at=AT)

    person.update(attempts=[*recent, AT - timedelta(hours=5)])

    assert claim.claim_next_lead(agent=agent, at=AT) is None


@pytest.mark.parametrize("rule", ["hours", "suppression"])
def test_a_promise_never_overrides_hours_or_suppression(agent, campaign, city, rule):
    promised = promise(lead_in(campaign, city), agent, AT)
    if rule == "suppression":
        Suppression.objects.create(
            customer=promised.customer, kind="manual", product_id=campaign.product_id, valid_from=AT - timedelta(days=1)
        )
    at = AT if rule == "suppression" else AT + timedelta(hours=12)

    assert claim.claim_next_lead(agent=agent, at=at) is None


# ---------------------------------------------------------------- giving back


def test_what_is_given_back_undialled_leaves_no_trace_on_the_budget(agent, campaign, city, team, rules):
    person = CustomerFactory(city=city)
    earlier = AT - timedelta(hours=5)
    Customer.objects.filter(pk=person.pk).update(attempts=[earlier], callable_from=AT - timedelta(hours=3))
    lead = lead_in(campaign, city, customer=person)
    sibling = lead_in(calling(team, rules), city, customer=person)
    got = claim.claim_next_lead(agent=agent, at=AT)
    other = sibling if got == lead else lead

    claim.give_back(lead=got, agent=agent, at=AT + timedelta(minutes=1))

    person.refresh_from_db()
    assert (person.attempts, person.callable_from, person.held_lead_id) == ([earlier], AT - timedelta(hours=3), None)
    assert Contact.objects.get(customer_id=person.pk).state == "void"
    got.refresh_from_db()
    other.refresh_from_db()
    assert (got.state, got.agent, got.ready_at) == ("open", None, max(got.due_at, person.callable_from))
    assert other.ready_at == max(other.due_at, person.callable_from)


def test_a_skip_needs_a_reason_and_rests_half_an_hour(agent, campaign, city):
    lead_in(campaign, city)
    lead = claim.claim_next_lead(agent=agent, at=AT)
    with pytest.raises(claim.ReasonMissing):
        claim.give_back(lead=lead, agent=agent, at=AT, is_skip=True)

    claim.give_back(lead=lead, agent=agent, at=AT, is_skip=True, reason="I know this person")

    assert claim.claim_next_lead(agent=agent, at=AT + timedelta(minutes=29)) is None
    assert claim.claim_next_lead(agent=agent, at=AT + timedelta(minutes=30)) == lead


def test_somebody_elses_lead_cannot_be_given_back(agent, campaign, city, team):
    lead_in(campaign, city)
    lead = claim.claim_next_lead(agent=agent, at=AT)

    with pytest.raises(LeadNotYours):
        claim.give_back(lead=lead, agent=agent_of(team), at=AT)
