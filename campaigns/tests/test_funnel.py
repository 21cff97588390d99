"""Why not now: each lead in one class, the same by one statement, by itself, and by what the claim hands out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.core.cache import cache

from campaigns.funnel import classes, counting, reach, statement
from campaigns.funnel.counting import Counted, cut
from campaigns.funnel.forecast import forecast
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Campaign, Lead
from campaigns.services import claim
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import (
    CityFactory,
    CustomerFactory,
    LeadFactory,
    add_phone,
    agent_of,
    hold,
)
from campaigns.tests.worlds import bar, consent, made_at_random, need_consent
from customers.models import Customer, RulePack

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


def funnel_of(*campaigns, cities=None, at=AT):
    return cut(counting.count(campaigns, at).values(), cities)


def classed(lead, at=AT):
    """The class by the statement and by the lead's own reasons, which must be one."""
    lead.refresh_from_db()
    where = places([lead.campaign], at)
    (why,) = why_of([Lead.objects.get(pk=lead.pk)], where, at)
    assert statement.class_of(lead, where, at) == why.name
    return why


# ---------------------------------------------------------------- one class each


def test_a_lead_against_which_nothing_stands_is_callable_and_has_no_reason():
    why = classed(Floor().lead())

    assert (why.name, why.reasons) == ("callable", [])


@pytest.mark.parametrize(
    ("person", "name", "ends"),
    [
        ({"is_suppressed": True}, "suppressed", None),
        ({"held_lead_id": 999_999}, "held", None),
        ({"attempts": [AT - HOUR], "callable_from": AT + HOUR}, "cooling", AT + HOUR),
        ({"attempts": [AT - 3 * HOUR, AT - 6 * HOUR]}, "cap", AT + 18 * HOUR),
        ({"answered_at": AT - HOUR}, "cooling", AT.replace(hour=16)),  # midnight in China
        ({"callable_from": AT + 3 * HOUR}, "cooling", AT + 3 * HOUR),
    ],
)
def test_what_stands_against_the_person_decides_and_says_when_it_ends(person, name, ends):
    floor = Floor()
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(**person)

    why = classed(lead)

    assert why.name == name
    assert why.reasons[0].until == ends
    assert funnel_of(floor.campaign).next_at == ends


def test_all_reasons_of_a_lead_are_told_and_the_most_lasting_decides():
    floor = Floor()
    lead = floor.lead(ready_at=AT + 30 * HOUR)
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - HOUR, AT - 2 * HOUR])
    bar(lead.customer, valid_to=AT + 3 * DAY)

    why = classed(lead)

    assert why.name == "suppressed"
    assert [(reason.code, reason.until) for reason in why.reasons] == [
        ("suppressed", AT + 3 * DAY),
        ("cap", AT + 22 * HOUR),
        ("gap", AT + HOUR),
        ("later", AT + 30 * HOUR),
    ]
    assert funnel_of(floor.campaign).next_at == AT + 3 * DAY


def test_a_number_on_a_list_takes_the_number_and_not_the_person():
    floor = Floor()
    one, other = floor.lead(), floor.lead()
    add_phone(one.customer, "19000009999")
    bar(phone=one.customer.phones.get(is_primary=True))
    bar(phone=other.customer.phones.get())

    assert classed(one).name == "callable"
    assert classed(other).name == "number"


def test_a_suppression_for_another_campaign_or_product_does_not_count():
    floor = Floor()
    lead = floor.lead()
    bar(lead.customer, campaign_id=floor.campaign.pk + 1)
    bar(lead.customer, product_id=floor.campaign.product_id + 1)

    assert classed(lead).name == "callable"


def test_consent_counts_where_the_rules_ask_for_it():
    floor = Floor()
    lead, given = floor.lead(), floor.lead()
    consent(given.customer)
    need_consent(floor.campaign)

    assert (classed(lead).name, classed(given).name) == ("consent", "callable")


def test_a_promise_waits_until_its_time_and_may_then_be_called_whatever_the_gap():
    floor = Floor()
    coming = floor.lead(callback_agent=floor.agent, ready_at=AT + HOUR)
    due = floor.lead(callback_agent=floor.agent, ready_at=AT - HOUR)
    Customer.objects.update(attempts=[AT - HOUR], callable_from=AT + HOUR, answered_at=AT - HOUR)

    assert (classed(coming).name, classed(due).name) == ("promised", "callable")


def test_another_campaign_of_the_group_keeps_the_person_until_its_time():
    floor = Floor(exclusion_group="cards")
    lead = floor.lead()
    Customer.objects.update(owner_campaign_id=floor.campaign.pk + 1, owner_group="cards", owner_until=AT + DAY)

    why = classed(lead)

    assert (why.name, why.reasons[0].until) == ("owned", AT + DAY)


def test_out_of_hours_the_next_time_is_when_the_hours_begin():
    floor = Floor()
    floor.campaign.packs.set([RulePack.objects.get(code="CN-INS")])  # 09:00 to 21:00
    lead = floor.lead()
    night = AT + 12 * HOUR  # 23:00 there

    why = classed(lead, night)

    assert (why.name, why.reasons[0].until) == ("hours", AT + 22 * HOUR)
    assert funnel_of(floor.campaign, at=night).frees == {"hours": AT + 22 * HOUR}


def test_who_comes_free_at_night_is_callable_in_the_morning():
    floor = Floor()
    floor.campaign.packs.set([RulePack.objects.get(code="CN-INS")])
    floor.lead(ready_at=AT + 11 * HOUR)  # 22:00 there

    assert funnel_of(floor.campaign).frees == {"cooling": AT + 22 * HOUR}


@pytest.mark.parametrize("switch", ["campaign", "stage", "product", "city", "zone", "elsewhere"])
def test_a_switch_stops_what_could_be_called_and_is_named(switch):
    floor = Floor()
    lead, cooling = floor.lead(), floor.lead(ready_at=AT + HOUR)
    campaign, city = floor.campaign, floor.city
    if switch == "campaign":
        campaign.is_on = False
    elif switch == "stage":
        campaign.stage = Campaign.Stage.WRAP_UP
    elif switch == "product":
        campaign.product.is_on = False
        campaign.product.save()
    elif switch == "city":
        city.is_on = False
    elif switch == "zone":
        city.zone = None
    else:
        campaign.city = CityFactory()
    campaign.save()
    city.save()

    why = classed(lead)

    assert why.name == "off"
    assert len(why.reasons) == 1
    assert classed(cooling).name == "cooling"
    assert funnel_of(Campaign.objects.get(pk=campaign.pk)).next_at is None


def test_finished_leads_and_those_in_a_hand_are_where_they_ended():
    floor = Floor()
    for outcome in Lead.Outcome.values[1:]:
        floor.lead(state="done", outcome=outcome)
    held = hold(floor.lead(), floor.agent)

    assert funnel_of(floor.campaign).counts == {
        "won": 1, "refused": 1, "exhausted": 1, "number": 1, "suppressed": 1, "other": 3, "held": 1,
    }  # fmt: skip
    assert classed(held).reasons[0].sentence.startswith(f"With {floor.agent} since")


# ---------------------------------------------------------------- all together


def handed_out(team, agents) -> set[int]:
    """Whatever the claim gives to those who promised, and then to one agent after another until there is nothing more."""
    given = {lead.pk for agent in agents if (lead := claim.claim_next_lead(agent=agent, at=AT))}
    while lead := claim.claim_next_lead(agent=agent_of(team), at=AT):
        given.add(lead.pk)
    return given


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6, 7, 8])
def test_counts_single_leads_and_the_claim_agree(seed, is_large, monkeypatch):
    """Whether each person is looked up, or found in bitmaps of the whole pool."""
    monkeypatch.setattr(statement, "is_large", lambda campaign: is_large)
    campaign, team, agents = made_at_random(seed)
    leads = list(Lead.objects.filter(campaign=campaign).order_by("pk"))
    where = places([campaign], AT)

    funnel = funnel_of(campaign)
    alone = {why.lead.pk: why.name for why in why_of(leads, where, AT)}

    assert funnel.counts == Counter(alone.values())
    assert funnel.total == 160
    assert set(funnel.counts) <= set(classes.WORDS)
    for name in classes.WORDS:
        listed = statement.class_page(where, AT, name, cities=None, start=0, most=200)
        assert listed == [pk for pk, found in alone.items() if found == name]
    assert handed_out(team, agents) == {pk for pk, name in alone.items() if name == "callable"}


def test_the_pool_is_read_through_when_a_campaign_is_a_large_part_of_it(monkeypatch):
    floor = Floor()
    floor.lead()

    assert not statement.is_large(floor.campaign)
    monkeypatch.setattr(statement, "IS_LARGE", statement.IS_LARGE.replace("1000,", "1,"))
    assert statement.is_large(floor.campaign)


def test_a_person_made_while_the_bitmaps_are_read_is_taken_as_made(monkeypatch):
    floor = Floor()
    floor.lead()
    monkeypatch.setattr(statement, "is_large", lambda campaign: True)
    monkeypatch.setattr(reach, "BITMAP", "SELECT NULL::bytea")

    assert funnel_of(floor.campaign).counts == {"callable": 1}


def test_each_campaign_and_city_is_cut_out_of_one_count():
    floor, other = Floor(), Floor()
    floor.lead()
    floor.lead(ready_at=AT + HOUR)
    other.lead()
    LeadFactory(campaign=floor.campaign, customer=CustomerFactory(city=other.city))

    found = counting.count([floor.campaign, other.campaign], AT)

    assert cut([found[floor.campaign.pk]]).counts == {"callable": 2, "cooling": 1}
    assert cut([found[floor.campaign.pk]], {floor.city.pk}).counts == {"callable": 1, "cooling": 1}
    assert cut(found.values(), {other.city.pk}).counts == {"callable": 2}
    assert cut(found.values(), set()).total == 0


def test_a_count_is_kept_and_says_when_it_was_made(monkeypatch):
    monkeypatch.setattr(counting, "KEEP", 60)
    floor = Floor()
    floor.lead()
    counting.kept([floor.campaign], AT)
    floor.lead()

    again = counting.kept([floor.campaign], AT + HOUR)[floor.campaign.pk]
    floor.campaign.is_on = False
    switched = counting.kept([floor.campaign], AT + HOUR)[floor.campaign.pk]

    assert (cut([again]).total, again.at) == (1, AT)
    assert cut([switched]).counts == {"off": 2}


def test_a_count_that_takes_long_is_made_anew_for_those_who_asked(monkeypatch):
    monkeypatch.setattr(counting, "KEEP", 60)
    floor, unasked = Floor(), Floor()
    floor.lead()
    assert counting.count_again(AT) == 2, "nobody knows yet how long these take"
    assert counting.count_again(AT) == 0, "quick, and nobody asked"
    monkeypatch.setattr(counting, "DEAR", 0)
    cache.delete(counting.key_of(floor.campaign))
    counting.kept([floor.campaign], AT)
    floor.lead()

    assert counting.count_again(AT + HOUR) == 1
    assert cut(counting.kept([floor.campaign], AT + HOUR).values()).total == 2
    assert cut(counting.kept([unasked.campaign], AT + HOUR).values()).total == 0


def test_a_slow_count_is_there_for_the_first_who_asks_and_renewed_before_it_is_forgotten(monkeypatch):
    floor = Floor()
    floor.lead()
    monkeypatch.setattr(counting, "SLOW", 0)
    monkeypatch.setattr(counting, "DEAR", 0)

    assert counting.count_again(AT) == 1
    floor.lead()
    assert counting.count_again(AT + timedelta(seconds=60)) == 0, "not yet old"
    assert counting.count_again(AT + timedelta(seconds=120)) == 1

    seen = counting.kept([floor.campaign], AT + timedelta(seconds=130))[floor.campaign.pk]
    assert (cut([seen]).total, seen.at) == (2, AT + timedelta(seconds=120))


def test_slow_counts_that_nobody_asked_for_take_a_bounded_share_of_a_minute_the_oldest_first(monkeypatch):
    first, second = Floor(), Floor()
    monkeypatch.setattr(counting, "SLOW", 0)
    monkeypatch.setattr(counting, "DEAR", 0)
    monkeypatch.setattr(counting, "MOST_UNASKED", 0)
    assert counting.count_again(AT) == 0
    monkeypatch.setattr(counting, "MOST_UNASKED", 60)
    assert counting.count_again(AT) == 2
    cache.delete(counting.key_of(first.campaign))

    assert [c.pk for c in counting._unasked([second.campaign, first.campaign], [], AT + HOUR)] == [
        first.campaign.pk,
        second.campaign.pk,
    ]


# ---------------------------------------------------------------- how long the stock lasts


def test_the_stock_lasts_as_many_days_as_it_holds_finished_leads_of_a_working_day():
    floor = Floor()
    for days, leads in {0: 9, 1: 2, 3: 4}.items():  # today is not over
        for _n in range(leads):
            floor.lead(state="done", outcome="refused", last_call_at=AT - days * DAY)
    floor.lead(state="done", outcome="won", last_call_at=AT - 20 * DAY)
    for hours in (-1, 1, 2, 3, 4, 5):
        floor.lead(ready_at=AT + hours * HOUR)

    told = forecast(funnel_of(floor.campaign))

    assert (told.stock, told.per_day, told.basis, told.days) == (6, 3.0, 2, 2.0)
    assert told.is_low(3)
    assert not told.is_low(2)
    assert told.sentence.startswith("6 leads last 2.0 working days at 3 finished a day")


def test_only_the_last_five_days_with_finished_leads_count():
    finished = {(1, (AT - n * DAY).date()): leads for n, leads in enumerate([10, 10, 10, 10, 10, 99], start=1)}

    told = forecast(cut([Counted(AT, 0, {(1, "callable"): 30, (1, "off"): 500}, {}, finished)]))

    assert (told.stock, told.per_day, told.days) == (30, 10, 3)


def test_without_finished_leads_it_says_that_it_cannot_be_said():
    floor = Floor()
    floor.lead()

    told = forecast(funnel_of(floor.campaign))

    assert (told.days, told.is_low(2)) == (None, False)
    assert "cannot be said" in told.sentence
