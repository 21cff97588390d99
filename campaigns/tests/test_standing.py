"""What is kept of a large campaign's leads follows every change and every minute: a count that goes on from it is the count of everything."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection, transaction

from campaigns.funnel import counting, standing, statement
from campaigns.funnel.counting import Counted, cut
from campaigns.models import Campaign, Lead
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, add_phone, hold, zone
from campaigns.tests.worlds import DAY, HOUR, bar, consent, made_at_random
from customers.models import Consent, ContactRule, Customer, GreyEntry, Phone, QuietTime, Segment, Suppression
from people.models import City

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


class Watch:
    """Of each count, whether all leads were judged, or of how many persons."""

    def __init__(self, monkeypatch) -> None:
        cache.clear()
        self.monkeypatch = monkeypatch
        self.judged: list[int | None] = []
        self.before = lambda: None
        self.others_work = False
        self._watch("_judged", lambda: None)
        self._watch("_judged_again", lambda persons, _barred: len(persons))
        monkeypatch.setattr(standing, "FEW", -1)

    def _watch(self, name, many) -> None:
        judge = getattr(standing, name)

        def watched(cursor, asks, *some):
            self.judged.append(many(*some))
            self.before()
            return judge(cursor, asks, *some)

        self.monkeypatch.setattr(standing, name, watched)

    def count(self, campaign, at=AT) -> Counted:
        """By what is kept. Numbers of who is judged are exact only when nobody is at work who began before: a server has such of its own."""
        until = time.monotonic() + 5
        while not self.is_past_all() and time.monotonic() < until:
            time.sleep(0.01)
        return self._count(campaign, at, is_large=True)

    def is_past_all(self) -> bool:
        if connection.in_atomic_block or self.others_work:
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())")
            return bool(cursor.fetchone()[0])

    def whole(self, campaign, at=AT) -> Counted:
        """By the statement that counts a small campaign, and knows nothing of what is kept."""
        return self._count(campaign, at, is_large=False)

    def kept(self, campaign) -> standing.Standing:
        return cache.get(standing.key_of(campaign))

    def names(self, campaign, at=AT) -> dict[str, int]:
        return dict(cut([self.count(campaign, at)]).counts)

    def _count(self, campaign, at, *, is_large: bool) -> Counted:
        campaign = Campaign.objects.select_related("product").get(pk=campaign.pk)
        self.monkeypatch.setattr(statement, "is_large", lambda _campaign: is_large)
        self.monkeypatch.setattr(standing, "is_there", lambda _campaign: is_large)
        return counting.count([campaign], at)[campaign.pk]


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


# ---------------------------------------------------------------- whatever happens


class Change:
    """Something that happens to a campaign, drawn at random."""

    def __init__(self, seed: int) -> None:
        self.campaign, self.team, _agents = made_at_random(seed)
        self.draw, self.agent = random.Random(seed), self.team.memberships.first().user
        self.cities = list(City.objects.order_by("pk"))
        self.segments = list(Segment.objects.order_by("pk").values_list("pk", flat=True))
        self.made = 0
        self.kinds = [name for name in dir(self) if name.startswith("has_")]

    def happen(self, at) -> None:
        lead = self.draw.choice(list(Lead.objects.filter(campaign=self.campaign).order_by("pk")))
        getattr(self, self.draw.choice(self.kinds))(lead, Customer.objects.filter(pk=lead.customer_id), at)

    def has_been_called(self, lead, person, at):
        attempts = [at - MINUTE, *person.get().attempts]
        person.update(attempts=attempts, callable_from=at + 2 * HOUR, answered_at=self.draw.choice([None, at - MINUTE]))
        Lead.objects.filter(pk=lead.pk, state="open").update(ready_at=at + self.draw.choice([1, 30, 300]) * MINUTE)

    def has_ended(self, lead, person, at):
        outcome = self.draw.choice(Lead.Outcome.values[1:])
        Lead.objects.filter(pk=lead.pk).update(state="done", outcome=outcome, last_call_at=at - MINUTE)

    def has_opened_again(self, lead, person, at):
        Lead.objects.filter(pk=lead.pk, state="done").update(state="open", outcome="")

    def has_been_held(self, lead, person, at):
        person.update(held_lead_id=self.draw.choice([None, 999_999]))

    def has_promised(self, lead, person, at):
        Lead.objects.filter(pk=lead.pk).update(callback_agent=self.draw.choice([None, self.agent]), ready_at=at + HOUR)

    def has_moved(self, lead, person, at):
        Lead.objects.filter(pk=lead.pk).update(city=self.draw.choice(self.cities))

    def has_been_suppressed(self, lead, person, at):
        person.update(is_suppressed=self.draw.choice([True, False]))

    def has_an_entry(self, lead, person, at):
        ends, begins = self.draw.choice([None, at + HOUR, at + DAY]), self.draw.choice([at - DAY, at + 40 * MINUTE])
        bar(person.get(), valid_from=begins, valid_to=ends, campaign_id=self.draw.choice([None, self.campaign.pk, 1]))

    def has_a_longer_entry(self, lead, person, at):
        Suppression.objects.filter(customer=lead.customer_id, valid_to__gt=at).update(valid_to=at + 3 * DAY)

    def has_no_entry(self, lead, person, at):
        Suppression.objects.filter(customer=lead.customer_id).delete()

    def has_another_number(self, lead, person, at):
        self.made += 1
        add_phone(person.get(), f"1870000{self.made:04d}")

    def has_lost_a_number(self, lead, person, at):
        Phone.objects.filter(customer=lead.customer_id).update(is_dead=self.draw.choice([True, True, False]))

    def has_a_number_on_a_list(self, lead, person, at):
        phone = Phone.objects.filter(customer=lead.customer_id).first()
        bar(phone=phone, valid_from=self.draw.choice([at - DAY, at + 40 * MINUTE]))

    def has_consented(self, lead, person, at):
        consent(person.get())
        Consent.objects.filter(customer=lead.customer_id).update(expires_at=self.draw.choice([None, at + 50 * MINUTE]))

    def has_withdrawn(self, lead, person, at):
        Consent.objects.filter(customer=lead.customer_id).update(withdrawn_at=at)

    def has_an_owner(self, lead, person, at):
        person.update(owner_campaign_id=1, owner_group="cards", owner_until=at + self.draw.choice([30, 600]) * MINUTE)

    def has_a_segment(self, lead, person, at):
        person.update(rule_segments=self.draw.choice([None, [self.draw.choice(self.segments)]]))

    def has_quiet_times(self, lead, person, at):
        QuietTime.objects.create(
            customer=person.get(), days=[1, 2, 3, 4, 5, 6, 7], from_minute=660, to_minute=self.draw.choice([690, 780, 1440]),
            stated_on="2026-11-01", way="phone", stated_by="x", created_by=self.agent,
        )  # fmt: skip

    def has_other_quiet_times(self, lead, person, at):
        QuietTime.objects.update(from_minute=720)

    def has_been_greylisted(self, lead, person, at):
        cap = {"most_attempts": 1, "in_days": 1} if self.draw.random() < 0.5 else {"callback_only": True}
        GreyEntry.objects.create(customer=person.get(), reason="x", source="x", created_by=self.agent, **cap)

    def has_gone(self, lead, person, at):
        Lead.objects.filter(pk=lead.pk, state="open").delete()

    def has_come(self, lead, person, at):
        LeadFactory(campaign=self.campaign, customer=CustomerFactory(city=lead.city), ready_at=at - MINUTE)


@pytest.mark.parametrize("seed", range(5, 13))
def test_a_count_that_goes_on_is_the_count_of_everything(seed, watch):
    """Twenty times some of everything happens, at the same moment or later; small steps in time and large ones."""
    change, at = Change(seed), AT
    watch.count(change.campaign, at)
    for _round in range(20):
        for _n in range(change.draw.choice([0, 1, 3, 8])):
            change.happen(at)
        at += change.draw.choice([0, 1, 7, 40, 150]) * MINUTE

        gone_on, whole = watch.count(change.campaign, at), watch.whole(change.campaign, at)

        assert (gone_on.leads, gone_on.finished) == (whole.leads, whole.finished)
        assert gone_on.frees == whole.frees
    assert sum(judged is not None for judged in watch.judged) >= 12, "all were judged nearly each time"


def test_only_those_are_judged_of_whom_something_may_be_different(watch):
    floor = Floor()
    leads = [floor.lead() for _n in range(20)]
    watch.count(floor.campaign)
    Customer.objects.filter(pk=leads[3].customer_id).update(is_suppressed=True)
    Lead.objects.filter(pk=leads[7].pk).update(ready_at=AT + HOUR)

    assert watch.names(floor.campaign) == {"callable": 18, "suppressed": 1, "cooling": 1}
    assert watch.names(floor.campaign) == {"callable": 18, "suppressed": 1, "cooling": 1}
    assert watch.names(floor.campaign, AT + HOUR) == {"callable": 19, "suppressed": 1}
    assert watch.judged == [None, 2, 0, 1]


def test_what_costs_little_to_find_again_is_not_kept_again(watch, monkeypatch):
    monkeypatch.setattr(standing, "FEW", 1)
    floor = Floor()
    leads = [floor.lead() for _n in range(5)]
    watch.count(floor.campaign)
    Customer.objects.filter(pk=leads[0].customer_id).update(is_suppressed=True)
    watch.count(floor.campaign)
    watch.count(floor.campaign)
    Customer.objects.filter(pk=leads[1].customer_id).update(is_suppressed=True)
    watch.count(floor.campaign)
    watch.count(floor.campaign)

    assert watch.judged == [None, 1, 1, 2, 0]


def test_many_written_who_are_no_concern_of_the_campaign_hide_nobody(watch, monkeypatch):
    """And when there are many of them, what was found is kept, so that they need not be passed over again."""
    monkeypatch.setattr(standing, "MOST_AGAIN", 2)
    monkeypatch.setattr(standing, "FEW", 1)
    monkeypatch.setattr(standing, "PASSED_OVER", 3)
    floor = Floor()
    others = [CustomerFactory(city=floor.city) for _n in range(6)]
    lead = floor.lead()
    watch.count(floor.campaign)
    Customer.objects.filter(pk__in=[other.pk for other in others]).update(is_suppressed=True)
    Customer.objects.filter(pk=lead.customer_id).update(is_suppressed=True)

    assert watch.names(floor.campaign) == {"suppressed": 1}
    assert watch.names(floor.campaign) == {"suppressed": 1}
    assert watch.judged == [None, 1, 0]


def test_who_comes_to_carry_what_nobody_carried_is_judged_alone(watch):
    floor = Floor()
    one, other = (
        Segment.objects.create(name="S1", owner=floor.agent, conditions={}),
        Segment.objects.create(name="S2", owner=floor.agent, conditions={}),
    )
    for segment, minutes in ((one, 3000), (other, 6000)):
        ContactRule.objects.create(
            pack=floor.campaign.packs.get(),
            key="gap",
            value={"minutes": minutes},
            segment=segment,
            valid_from="2020-01-01",
        )
    leads = [floor.lead() for _n in range(3)]
    Customer.objects.update(attempts=[AT - 60 * HOUR])
    Customer.objects.filter(pk=leads[0].customer_id).update(rule_segments=[one.pk])
    assert watch.names(floor.campaign) == {"callable": 3}
    Customer.objects.filter(pk=leads[1].customer_id).update(rule_segments=[other.pk])
    assert watch.names(floor.campaign) == {"callable": 2, "cooling": 1}
    Customer.objects.update(rule_segments=[other.pk])
    assert watch.names(floor.campaign) == {"cooling": 3}
    assert watch.judged == [None, 1, 3]
    ContactRule.objects.filter(segment=other).update(value={"minutes": 60})
    assert watch.names(floor.campaign) == {"callable": 3}
    assert watch.judged == [None, 1, 3, None]


# ---------------------------------------------------------------- places


def test_switches_and_hours_are_the_places_and_judge_nobody(watch):
    floor = Floor()
    pack = floor.campaign.packs.get()
    ContactRule.objects.filter(pack=pack, key="hours").update(value={"days": [4], "opens": "09:00", "closes": "12:00"})
    floor.lead()
    floor.lead(ready_at=AT + 3 * HOUR)

    assert watch.names(floor.campaign) == {"callable": 1, "cooling": 1}
    assert watch.names(floor.campaign, AT + HOUR) == {"hours": 1, "cooling": 1}  # noon there
    Campaign.objects.update(is_on=False)
    assert watch.names(floor.campaign, AT + HOUR) == {"off": 1, "cooling": 1}
    assert watch.judged == [None, 0, 0]


@pytest.mark.parametrize("what", ["rule", "group", "city", "zone"])
def test_other_rules_have_all_judged(what, watch):
    floor = Floor()
    floor.lead()
    watch.count(floor.campaign)
    if what == "rule":
        ContactRule.objects.filter(key="gap").update(value={"minutes": 30})
    elif what == "group":
        Campaign.objects.update(exclusion_group="cards")
    elif what == "city":
        CityFactory()
    else:
        floor.city.zone = zone("Asia/Tokyo")
        floor.city.save()
    watch.count(floor.campaign)

    assert watch.judged == [None, None]


# ---------------------------------------------------------------- days


def test_each_day_all_are_judged_and_what_ended_today_is_of_that_day_tomorrow(watch):
    floor = Floor()
    floor.lead(state="done", outcome="won", last_call_at=AT - HOUR)

    assert watch.count(floor.campaign).finished == watch.count(floor.campaign, AT + 12 * HOUR).finished == {}
    assert watch.count(floor.campaign, AT + DAY).finished == {(floor.city.pk, (AT - HOUR).date()): 1}
    assert watch.count(floor.campaign, AT + 20 * DAY).finished == {}
    assert watch.names(floor.campaign, AT + 20 * DAY) == {"won": 1}
    assert watch.judged == [None, 0, None, None, 0]


# ---------------------------------------------------------------- others at work meanwhile


def test_who_was_at_work_while_it_was_counted_is_seen_when_done(watch, elsewhere):
    """Its number is smaller than those of others who are through: to go by the last number alone would lose it."""
    watch.others_work = True
    floor = Floor()
    lead = floor.lead()
    with elsewhere.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET is_suppressed = true WHERE id = %s", [lead.customer_id])
    for _n in range(3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
    assert watch.names(floor.campaign) == {"callable": 1}

    elsewhere.commit()

    assert watch.names(floor.campaign) == {"suppressed": 1}
    assert watch.judged == [None, 1]


def test_what_a_transaction_did_itself_is_counted_and_not_kept(watch):
    floor = Floor()
    lead, other = floor.lead(), floor.lead()
    watch.count(floor.campaign)
    with transaction.atomic():
        hold(lead, floor.agent)
        with transaction.atomic():
            Customer.objects.filter(pk=other.customer_id).update(is_suppressed=True)
        assert watch.names(floor.campaign) == {"held": 1, "suppressed": 1}
        transaction.set_rollback(True)

    assert watch.names(floor.campaign) == {"callable": 2}


def test_work_inside_of_work_has_a_number_too(watch):
    floor = Floor()
    lead = floor.lead()
    watch.count(floor.campaign)
    with transaction.atomic():
        Customer.objects.filter(pk=floor.lead().customer_id).update(attributes={"x": 1})
        with transaction.atomic():
            Customer.objects.filter(pk=lead.customer_id).update(is_suppressed=True)

    assert watch.names(floor.campaign) == {"suppressed": 1, "callable": 1}


@pytest.mark.parametrize("is_first", [True, False])
def test_an_entry_that_came_while_leads_were_judged_ends_like_any_other(is_first, watch, elsewhere):
    floor = Floor()
    lead = floor.lead()
    if not is_first:
        watch.count(floor.campaign)
        Customer.objects.filter(pk=lead.customer_id).update(attributes={"x": 1})

    def enter():
        with elsewhere.cursor() as cursor:
            cursor.execute(
                "INSERT INTO customers_suppression (customer_id, campaign_id, kind, valid_from, note, source, lift_reason)"
                " VALUES (%s, %s, 'refusal', %s, '', '', '')",
                [lead.customer_id, floor.campaign.pk, AT - DAY],
            )
        elsewhere.commit()

    watch.before = enter
    assert watch.names(floor.campaign) == {"suppressed" if is_first else "callable": 1}
    watch.before = lambda: None
    assert watch.names(floor.campaign) == {"suppressed": 1}
    Suppression.objects.all().delete()

    assert watch.names(floor.campaign) == {"callable": 1}


# ---------------------------------------------------------------- when it cannot be gone on from


def test_leads_that_do_not_add_up_have_all_judged(watch):
    floor = Floor()
    gone, moved, other = floor.lead(), floor.lead(), CustomerFactory(city=floor.city)
    watch.count(floor.campaign)
    gone.delete()
    assert watch.names(floor.campaign) == {"callable": 1}
    Lead.objects.filter(pk=moved.pk).update(customer=other)
    assert watch.names(floor.campaign) == {"callable": 1}
    floor.lead()
    Lead.objects.filter(pk=moved.pk).delete()
    assert watch.names(floor.campaign) == {"callable": 1}

    assert watch.judged.count(None) == 4


def test_who_came_in_the_moment_of_the_count_is_looked_at_again(watch):
    """Of persons above those of whom bits are known a number is assumed."""
    floor = Floor()
    lead = floor.lead()
    watch.count(floor.campaign)
    Phone.objects.filter(customer=lead.customer_id).update(is_dead=True)
    key, kept = standing.key_of(floor.campaign), watch.kept(floor.campaign)
    cache.set(key, replace(kept, basis=replace(kept.basis, numbers=b"", consents=b"")))

    assert watch.names(floor.campaign) == {"number": 1}


def test_too_many_changes_have_all_judged(watch, monkeypatch):
    monkeypatch.setattr(standing, "MOST_AGAIN", 2)
    floor = Floor()
    for _n in range(3):
        floor.lead()
    watch.count(floor.campaign)
    Lead.objects.update(ready_at=AT + HOUR)

    assert watch.names(floor.campaign) == {"cooling": 3}
    assert watch.judged == [None, None]


def test_over_a_turn_of_the_counter_and_back_in_time_nothing_is_gone_on_from(watch):
    floor = Floor()
    floor.lead()
    watch.count(floor.campaign)
    kept = watch.kept(floor.campaign).basis

    assert kept.leads_to(kept)
    assert kept.leads_to(replace(kept, at=AT + HOUR))
    assert not kept.leads_to(replace(kept, at=AT - HOUR))
    assert not kept.leads_to(replace(kept, moment=replace(kept.moment, end=kept.moment.end + 2**32)))
    assert not kept.leads_to(replace(kept, moment=replace(kept.moment, is_clean=False)))
    assert not kept.leads_to(replace(kept, moment=replace(kept.moment, server="another")))


def test_another_version_of_the_product_finds_nothing(watch, monkeypatch):
    floor = Floor()
    floor.lead()
    watch.count(floor.campaign)
    monkeypatch.setattr(standing, "HOW", standing.HOW + 1)
    watch.count(floor.campaign)

    assert watch.judged == [None, None]


# ---------------------------------------------------------------- which campaigns, and how often


def test_what_is_large_is_kept_and_stays_so_while_it_is_asked_for(monkeypatch):
    cache.clear()
    floor = Floor()
    floor.lead()
    counting.count([floor.campaign], AT)
    assert not standing.is_there(floor.campaign)

    with monkeypatch.context() as patched:
        patched.setattr(statement, "IS_LARGE", statement.IS_LARGE.replace("1000,", "1,"))
        first = counting.count([floor.campaign], AT)[floor.campaign.pk]
    assert standing.is_there(floor.campaign)
    second = counting.count([floor.campaign], AT)[floor.campaign.pk]

    assert first.leads == second.leads == {(floor.city.pk, "callable"): 1}
    assert second.whole == first.whole > 0


def test_that_all_of_it_would_take_long_is_remembered(watch, monkeypatch):
    """Who asks first must not wait: a slow one is made anew unasked, also when going on from it is quick."""
    monkeypatch.setattr(standing, "counted", lambda _asks: ([], 1.2))
    floor = Floor()
    monkeypatch.setattr(statement, "is_large", lambda _campaign: True)
    (made,) = counting._counted_anew([floor.campaign], AT).values()

    assert made.seconds < 1.2
    assert cache.get(counting._took(floor.campaign.pk)) == 1.2


def test_bits_are_told_by_person_and_of_who_is_beyond_them_it_is_assumed():
    assert standing._told(b"\x05\x80", np.array([0, 1, 2, 15, 16, 900])).tolist() == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    assert standing._told(b"", np.array([3])).tolist() == [True]
