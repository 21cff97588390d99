"""The test bench says in words what the claim does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns import queries_bench
from campaigns.models import Campaign, Lead
from campaigns.services import claim
from campaigns.tests.factories import (
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    add_phone,
    agent_of,
    person,
    zone,
)
from campaigns.tests.test_claim import ALL_WEEK, calling, pack
from customers.models import Consent, ContactRule, Customer, NumberUse, RulePack, Suppression
from scripts.models import Product

pytestmark = pytest.mark.django_db

# a Thursday, 11:00 in China; far ahead, because the claim judges at the later of `at` and the database's clock
AT = datetime(2099, 11, 19, 3, 0, tzinfo=UTC)


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def campaign(team):
    return calling(team, pack(hours=("09:00", "20:00"), cap=(2, 24), gap=120, answered=1), exclusion_group="G")


@pytest.fixture
def lead(campaign, city):
    return LeadFactory(campaign=campaign, customer=CustomerFactory(city=city))


def ask(lead, at=AT):
    lead = Lead.objects.get(pk=lead.pk)
    return queries_bench.ask(customer=lead.customer, campaign=lead.campaign, at=at)


def rule(lead, key, value, **fields):
    pack = lead.campaign.packs.get()
    ContactRule.objects.create(pack=pack, key=key, value=value, **{"valid_from": date(2020, 1, 1)} | fields)


def person_is(lead, **fields):
    Customer.objects.filter(pk=lead.customer_id).update(**fields)


def campaign_is(lead, **fields):
    Campaign.objects.filter(pk=lead.campaign_id).update(**fields)


def suppress(lead, **fields):
    Suppression.objects.create(
        **{"customer": lead.customer, "kind": "manual", "valid_from": AT - timedelta(days=9)} | fields
    )


def city_is(lead, **fields):
    type(lead.city).objects.filter(pk=lead.city_id).update(**fields)


def suppressed_number_beside_another(lead):
    suppress(lead, customer=None, phone_blind=lead.customer.phones.get().blind_index, campaign_id=lead.campaign_id)
    add_phone(lead.customer, "19100008888")


def simulator_pack_on_a_handset(lead):
    campaign_is(lead, telephony="handset")
    lead.campaign.packs.update(simulator_only=True)


CASES = {
    "nothing stands against it": (lambda lead: None, True),
    "closed hours": (lambda lead: rule(lead, "hours", {"days": ALL_WEEK, "opens": "14:00", "closes": "20:00"}, city=lead.city), False),
    "another window of the same pack": (lambda lead: rule(lead, "hours", {"days": ALL_WEEK, "opens": "05:00", "closes": "06:00"}), True),
    "hours that only warn": (
        lambda lead: rule(lead, "hours", {"days": ALL_WEEK, "opens": "14:00", "closes": "20:00"}, severity="warn"), True,
    ),
    "a rule of another city": (lambda lead: rule(lead, "consent", {"needed": True}, city=CityFactory()), True),
    "a rule of another campaign": (lambda lead: rule(lead, "consent", {"needed": True}, campaign_id=lead.campaign_id + 1), True),
    "a rule of this product": (lambda lead: rule(lead, "consent", {"needed": True}, product_id=lead.campaign.product_id), False),
    "a rule that ended": (lambda lead: rule(lead, "consent", {"needed": True}, valid_to=date(2099, 11, 19)), True),
    "a rule from tomorrow on": (lambda lead: rule(lead, "consent", {"needed": True}, valid_from=date(2099, 11, 20)), True),
    "consent in force": (
        lambda lead: (
            rule(lead, "consent", {"needed": True}),
            Consent.objects.create(customer=lead.customer, basis="b", stated_by="s", given_at=AT - timedelta(days=1)),
        ), True,
    ),
    "consent that expires then": (
        lambda lead: (
            rule(lead, "consent", {"needed": True}),
            Consent.objects.create(customer=lead.customer, basis="b", stated_by="s", given_at=AT - timedelta(days=1), expires_at=AT),
        ), False,
    ),
    "within the gap": (lambda lead: person_is(lead, attempts=[AT - timedelta(minutes=119)]), False),
    "just after the gap": (lambda lead: person_is(lead, attempts=[AT - timedelta(minutes=120)]), True),
    "the cap is used up": (lambda lead: person_is(lead, attempts=[AT - timedelta(hours=3), AT - timedelta(hours=23)]), False),
    "spoken to this morning": (lambda lead: person_is(lead, answered_at=AT - timedelta(hours=10)), False),
    "spoken to yesterday": (lambda lead: person_is(lead, answered_at=AT - timedelta(hours=12)), True),
    "resting": (lambda lead: person_is(lead, callable_from=AT + timedelta(minutes=1)), False),
    "suppressed": (lambda lead: person_is(lead, is_suppressed=True), False),
    "suppressed for this product": (lambda lead: suppress(lead, product_id=lead.campaign.product_id), False),
    "suppressed for another campaign": (lambda lead: suppress(lead, campaign_id=lead.campaign_id + 1), True),
    "the number suppressed": (
        lambda lead: suppress(lead, customer=None, phone_blind=lead.customer.phones.get().blind_index), False,
    ),
    "one number suppressed here, another free": (suppressed_number_beside_another, True),
    "no number in use": (lambda lead: lead.customer.phones.update(is_dead=True), False),
    "merged": (lambda lead: person_is(lead, merged_into=CustomerFactory(city=lead.city)), False),
    "in another hand": (lambda lead: person_is(lead, held_lead_id=lead.pk + 1), False),
    "owned by another campaign of the group": (
        lambda lead: person_is(lead, owner_campaign_id=lead.campaign_id + 1, owner_group="G", owner_until=AT + timedelta(days=1)), False,
    ),
    "the city switched off": (lambda lead: city_is(lead, is_on=False), False),
    "no known zone": (lambda lead: city_is(lead, zone=None), False),
    "another zone": (lambda lead: city_is(lead, zone=zone("America/New_York")), False),
    "the campaign stopped": (lambda lead: campaign_is(lead, is_on=False), False),
    "the campaign in wrap-up": (lambda lead: campaign_is(lead, stage="wrap_up"), False),
    "the product stopped": (lambda lead: Product.objects.filter(pk=lead.campaign.product_id).update(is_on=False), False),
    "a pack of the simulator on a real telephone": (simulator_pack_on_a_handset, False),
    "no pack with hours": (lambda lead: lead.campaign.packs.get().rules.filter(key="hours").delete(), False),
    "the lead waits": (lambda lead: Lead.objects.filter(pk=lead.pk).update(ready_at=AT + timedelta(minutes=1)), False),
    "the lead is done": (lambda lead: Lead.objects.filter(pk=lead.pk).update(state="done", outcome="won"), False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_bench_says_what_the_claim_does(case, lead, team):
    arrange, is_handed_out = CASES[case]
    arrange(lead)

    answer = ask(lead)

    assert answer.is_handed_out is is_handed_out
    assert (claim.claim_next_lead(agent=agent_of(team), at=AT) is not None) is is_handed_out


def test_each_rule_has_its_own_verdict_and_its_end(lead):
    person_is(lead, attempts=[AT - timedelta(minutes=30), AT - timedelta(hours=23)])
    rule(lead, "hours", {"days": ALL_WEEK, "opens": "14:00", "closes": "20:00"}, severity="warn")

    answer = ask(lead)

    told = {(v.rule.key, v.rule.severity): v for v in answer.verdicts}
    assert told["hours", "block"].reason is None
    assert told["answered_per_day", "block"].reason is None
    assert told["gap", "block"].reason.until == AT + timedelta(minutes=90)
    assert told["cap", "block"].reason.until == AT + timedelta(hours=1)
    assert (told["hours", "warn"].blocks, told["hours", "warn"].reason.severity) == (False, "warn")
    assert (answer.is_allowed, answer.until) == (False, AT + timedelta(minutes=90))


def test_a_promise_overrides_the_gap_on_the_bench_as_in_the_claim(lead, team):
    agent = agent_of(team)
    Lead.objects.filter(pk=lead.pk).update(callback_agent=agent)
    person_is(lead, attempts=[AT - timedelta(minutes=30)], answered_at=AT - timedelta(minutes=30))

    assert ask(lead).is_handed_out
    assert claim.claim_next_lead(agent=agent, at=AT) == lead


# ---------------------------------------------------------------- the page


def url(lead, **more):
    moment = "2099-11-19T11:00"  # region time
    query = {"customer": lead.customer_id, "campaign": lead.campaign_id, "moment": moment} | more
    return reverse("campaigns:bench") + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_the_page_answers_with_each_rule_its_pack_and_its_basis(client, lead, city):
    ContactRule.objects.filter(pack__code="T", key="gap").update(basis="decree 5")
    person_is(lead, attempts=[AT - timedelta(minutes=30)])
    client.force_login(person("supervisor", city=city))

    page = client.get(url(lead)).content.decode()

    for part in ("may not be called", "decree 5", "120 minutes between attempts", ">T<", "blocks", "passes"):
        assert part in page
    later = client.get(url(lead, moment="2099-11-19T13:00")).content.decode()
    assert "No rule blocks a call" in later


def test_the_customer_is_found_by_the_exact_number_and_the_search_is_counted(client, city, campaign):
    customer = CustomerFactory(city=city, phone="19100007777")
    client.force_login(person("data"))

    answer = client.post(reverse("campaigns:bench-find"), {"number": "19100007777", "campaign": campaign.pk})

    assert f"customer={customer.pk}" in answer.url
    assert f"campaign={campaign.pk}" in answer.url
    assert NumberUse.objects.get().count == 1
    nobody = client.post(reverse("campaigns:bench-find"), {"number": "19100007778"}, follow=True)
    assert "No customer that you may see has this number." in nobody.content.decode()


def test_another_citys_customer_is_404_and_its_campaign_no_choice(client, lead):
    client.force_login(person("supervisor", city=CityFactory()))
    Campaign.objects.filter(pk=lead.campaign_id).update(city=lead.city, name="Hidden")

    assert client.get(url(lead)).status_code == 404
    assert "Hidden" not in client.get(reverse("campaigns:bench")).content.decode()


def test_agents_have_no_bench(client, lead, team):
    client.force_login(agent_of(team))

    assert client.get(url(lead)).status_code == 403
    assert client.post(reverse("campaigns:bench-find"), {"number": "19100007777"}).status_code == 403


def test_who_may_not_search_numbers_comes_from_the_customers_page(client, lead):
    client.force_login(person("qa"))

    assert client.get(url(lead)).status_code == 200
    assert client.post(reverse("campaigns:bench-find"), {"number": "19100007777"}).status_code == 403


def test_without_a_pack_the_default_pack_is_judged(lead):
    lead.campaign.packs.clear()
    codes = set(RulePack.objects.filter(rules__in=[v.rule for v in ask(lead).verdicts]).values_list("code", flat=True))

    assert codes == {"CN-GEN"}
