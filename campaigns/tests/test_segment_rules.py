"""Rules of contact for a segment alone: they bind its customers and nobody else, in claim, dial, bench, messages, promises and the funnel."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection

from campaigns import queries_bench
from campaigns.funnel import counting, segment_terms, statement
from campaigns.funnel.counting import cut
from campaigns.funnel.places import places
from campaigns.funnel.reasons import why_of
from campaigns.models import Lead
from campaigns.services import calls, claim, desk, messages
from campaigns.tests.calling import ALL_WEEK, AT, Floor, all_hours, calling_campaign
from campaigns.tests.factories import CityFactory, CustomerFactory, UserFactory, zone
from campaigns.tests.test_calls import held_lead, record
from core.partitions import ensure_partitions
from customers.models import Consent, ContactRule, Customer, RulePack, Segment, SegmentMembers
from customers.services.segments import make_ready_for_rules

pytestmark = pytest.mark.django_db

# AT is a Thursday, 11:00 in China and 22:00 on Wednesday in New York
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2099, 10, 1), 3)


@pytest.fixture
def floor():
    return Floor()


def segment_of(*customers: Customer) -> Segment:
    """As counted, with these customers in it, who are marked as a proposal marks them."""
    row = Segment.objects.create(
        name=f"S{Segment.objects.count()}", owner=UserFactory(), conditions={}, count=len(customers), counted_at=AT
    )
    SegmentMembers.objects.create(segment=row, bitmap=SegmentMembers.packed([one.pk for one in customers]))
    make_ready_for_rules(segment=row, at=AT)
    for one in customers:
        one.refresh_from_db()
    return row


def rule(segment: Segment, key: str, value: dict, **more) -> ContactRule:
    told = {"pack": all_hours(), "valid_from": date(2020, 1, 1), **more}
    return ContactRule.objects.create(segment=segment, key=key, value=value, **told)


def hours(opens: str, closes: str, days=tuple(ALL_WEEK)) -> dict:
    return {"days": list(days), "opens": opens, "closes": closes}


def is_handed_out(floor, at=AT) -> bool:
    return claim.claim_next_lead(agent=floor.agent, at=at) is not None


def classed(lead, at=AT):
    """The class by the statement, whichever way it counts, and by the lead's own reasons, which must be one."""
    where = places([lead.campaign], at)
    (why,) = why_of([Lead.objects.get(pk=lead.pk)], where, at)
    for by_bitmaps in (False, True):
        asked = f"SELECT class FROM {statement.EVERY} e WHERE id = %(lead)s"
        assert statement._run(statement.question(where, at), asked, by_bitmaps=by_bitmaps, lead=lead.pk) == [
            (why.name,)
        ]
    return why


@pytest.mark.parametrize(
    ("key", "value", "person", "name", "sentence"),
    [
        ("hours", hours("12:00", "20:00"), {}, "hours", "Outside calling hours"),
        ("hours", hours("11:00", "11:01"), {}, "callable", ""),  # from its first minute on
        ("hours", hours("10:00", "11:00"), {}, "hours", "Outside calling hours"),  # without its last
        ("hours", hours("09:00", "20:00", [4]), {}, "callable", ""),
        ("hours", hours("09:00", "20:00", [3, 5]), {}, "hours", "Outside calling hours"),
        ("cap", {"most": 1, "hours": 72}, {"attempts": [AT - 71 * HOUR]}, "cap", "1 attempts in 72 hours"),
        ("cap", {"most": 1, "hours": 72}, {"attempts": [AT - 72 * HOUR]}, "callable", ""),
        ("cap", {"most": 2, "hours": 72}, {"attempts": [AT - 71 * HOUR]}, "callable", ""),
        ("gap", {"minutes": 300}, {"attempts": [AT - 299 * MINUTE]}, "cooling", "less than 300 minutes ago"),
        ("gap", {"minutes": 300}, {"attempts": [AT - 300 * MINUTE]}, "callable", ""),
        ("gap", {"minutes": 60}, {"attempts": [AT - 119 * MINUTE]}, "cooling", "less than 120 minutes ago"),  # that of everybody
        ("consent", {"needed": True}, {}, "consent", "no consent in force"),
        ("consent", {"needed": False}, {}, "callable", ""),
    ],
)  # fmt: skip
def test_each_kind_of_rule_binds_who_is_in_the_segment_and_nobody_else(floor, key, value, person, name, sentence):
    inside, outside = (CustomerFactory(city=floor.city) for _n in range(2))
    Customer.objects.filter(pk=inside.pk).update(**person)
    lead = floor.lead(customer=inside, ready_at=AT - HOUR)
    rule(segment_of(inside), key, value)

    answer = queries_bench.ask(customer=inside, campaign=floor.campaign, at=AT)
    why = classed(lead)

    assert why.name == name
    assert sentence in (why.reasons[0].sentence if why.reasons else "")
    assert cut(counting.count([floor.campaign], AT).values()).counts == {name: 1}
    assert answer.is_allowed is answer.is_handed_out is (name == "callable")
    # the claim's own verdict; who is outside is handed out whatever the segment's rule
    floor.lead(customer=outside, ready_at=AT - HOUR / 2)
    handed = claim.claim_next_lead(agent=floor.agent, at=AT)
    assert handed.customer_id == (inside.pk if name == "callable" else outside.pk)


def test_the_answered_call_of_the_day_is_a_rule_of_the_segment_by_the_day_of_the_called_party(floor):
    ContactRule.objects.filter(pack=all_hours(), key="answered_per_day").delete()
    lead = floor.lead()
    Customer.objects.filter(pk=lead.customer_id).update(answered_at=AT - 11 * HOUR)  # midnight in China
    rule(segment_of(lead.customer), "answered_per_day", {"most": 1})

    why = classed(lead)

    assert (why.name, why.reasons[0].code) == ("cooling", "answered")
    assert why.reasons[0].until == AT + 13 * HOUR
    assert not is_handed_out(floor)
    Customer.objects.filter(pk=lead.customer_id).update(answered_at=AT - 11 * HOUR - MINUTE)
    Lead.objects.update(ready_at=AT)
    assert classed(lead).name == "callable"
    assert is_handed_out(floor)


@pytest.mark.parametrize(
    ("zone_name", "opens", "closes", "may_be_called"),
    [
        ("Asia/Shanghai", "11:00", "12:00", True),
        ("Asia/Shanghai", "11:01", "12:00", False),
        ("Asia/Shanghai", "22:00", "23:00", False),
        ("America/New_York", "22:00", "23:00", True),
        ("America/New_York", "21:00", "22:00", False),
        ("America/New_York", "11:00", "12:00", False),
    ],
)
def test_its_hours_are_those_of_the_clock_where_the_person_lives(floor, zone_name, opens, closes, may_be_called):
    floor.city.zone = zone(zone_name)
    floor.city.save()
    lead = floor.lead()
    rule(segment_of(lead.customer), "hours", hours(opens, closes))

    assert (classed(lead).name == "callable") is may_be_called
    assert is_handed_out(floor) is may_be_called


def test_windows_of_one_segment_add_up_and_two_segments_narrow_one_another(floor):
    lead = floor.lead()
    first, second = segment_of(lead.customer), segment_of(lead.customer)
    rule(first, "hours", hours("08:00", "09:00"))
    rule(first, "hours", hours("10:30", "11:30"))
    assert classed(lead).name == "callable"

    rule(second, "hours", hours("11:10", "12:00"))

    why = classed(lead)
    assert (why.name, why.reasons[0].until) == ("hours", AT + 10 * MINUTE)
    assert not is_handed_out(floor)
    assert cut(counting.count([floor.campaign], AT).values()).next_at == AT + 10 * MINUTE
    assert not is_handed_out(floor, AT + 9 * MINUTE)
    assert is_handed_out(floor, AT + 10 * MINUTE)


def test_hours_of_a_segment_open_nothing_where_nobody_may_be_called(floor):
    ContactRule.objects.filter(pack=all_hours(), key="hours").update(value=hours("14:00", "20:00"))
    lead = floor.lead()
    rule(segment_of(lead.customer), "hours", hours("09:00", "15:00"))

    why = classed(lead)

    assert (why.name, why.reasons[0].until) == ("hours", AT + 3 * HOUR)
    assert not is_handed_out(floor)
    assert is_handed_out(floor, AT + 3 * HOUR)


@pytest.mark.parametrize(
    "scope",
    [
        {"valid_from": date(2100, 1, 1)},
        {"valid_to": date(2099, 11, 19)},
        {"severity": "warn"},
        {"campaign_id": 10**9},
        {"product_id": 10**9},
        {"pack": None},
    ],
)
def test_a_rule_of_another_time_severity_or_scope_does_not_block(floor, scope):
    lead = floor.lead()
    if "pack" in scope:
        scope = {"pack": RulePack.objects.get(code="CN-INS")}
    rule(segment_of(lead.customer), "hours", hours("12:00", "20:00"), **scope)

    assert classed(lead).name == "callable"
    assert is_handed_out(floor)


def test_a_promise_overrides_the_gap_of_the_segment_and_not_its_cap(floor):
    lead = floor.lead(callback_agent=floor.agent, ready_at=AT - MINUTE)
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[AT - HOUR])
    segment = segment_of(lead.customer)
    rule(segment, "gap", {"minutes": 300})
    assert classed(lead).name == "callable"

    cap = rule(segment, "cap", {"most": 1, "hours": 72})

    assert classed(lead).name == "cap"
    assert not is_handed_out(floor)
    cap.delete()
    assert is_handed_out(floor)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("hours", hours("12:00", "20:00"), "segment_hours"),
        ("consent", {"needed": True}, "consent"),
        ("cap", {"most": 1, "hours": 720}, "cap"),
    ],
)
def test_the_dial_asks_again(floor, key, value, code):
    customer = CustomerFactory(city=floor.city)
    Customer.objects.filter(pk=customer.pk).update(attempts=[AT - 100 * HOUR])
    floor.lead(customer=customer)
    segment = segment_of(customer)
    lead = claim.claim_next_lead(agent=floor.agent, at=AT)
    rule(segment, key, value)

    with pytest.raises(desk.DialRefused) as refused:
        desk.dial(lead=lead, agent=floor.agent, at=AT)

    assert refused.value.code == code
    assert Lead.objects.get(pk=lead.pk).state == "open"


def test_the_attempt_reserved_for_the_call_does_not_count_against_itself(floor):
    lead = floor.lead()
    rule(segment_of(lead.customer), "cap", {"most": 1, "hours": 720})

    desk.dial(lead=claim.claim_next_lead(agent=floor.agent, at=AT), agent=floor.agent, at=AT)

    assert Customer.objects.get(pk=lead.customer_id).attempts[0] >= AT


@pytest.mark.parametrize(
    ("key", "value", "moved_to"),
    [
        ("hours", hours("11:40", "20:00"), AT + 40 * MINUTE),
        ("hours", hours("15:00", "20:00"), AT + 2 * HOUR),
        ("cap", {"most": 1, "hours": 101}, AT + HOUR),
        ("gap", {"minutes": 6010}, AT + 10 * MINUTE),
        ("consent", {"needed": True}, AT + HOUR / 2),
    ],
)
def test_a_blocked_front_of_the_queue_moves_back_until_it_may_be_called(floor, key, value, moved_to):
    customer = CustomerFactory(city=floor.city)
    Customer.objects.filter(pk=customer.pk).update(attempts=[AT - 100 * HOUR])
    lead = floor.lead(customer=customer)
    rule(segment_of(customer), key, value)

    assert not is_handed_out(floor)

    assert Lead.objects.get(pk=lead.pk).ready_at == moved_to


def test_a_consent_given_lets_the_call_pass(floor):
    customer = CustomerFactory(city=floor.city)
    lead = floor.lead(customer=customer)
    rule(segment_of(customer), "consent", {"needed": True})
    assert classed(lead).name == "consent"

    Consent.objects.create(customer=customer, basis="form", stated_by="x", given_at=AT - HOUR)

    assert classed(lead).name == "callable"
    assert is_handed_out(floor)


def test_the_bench_shows_the_verdict_of_the_segments_rule_to_who_is_in_it(floor):
    lead, other = floor.lead(), floor.lead()
    late = rule(segment_of(lead.customer), "hours", hours("12:00", "20:00"))

    [verdict] = [
        v for v in queries_bench.ask(customer=lead.customer, campaign=floor.campaign, at=AT).verdicts if v.rule == late
    ]
    of_other = queries_bench.ask(customer=other.customer, campaign=floor.campaign, at=AT)

    assert verdict.blocks
    assert verdict.reason.until == AT + HOUR
    assert late not in [v.rule for v in of_other.verdicts]
    assert of_other.is_allowed


def test_a_message_keeps_to_it_and_rests_by_it(floor):
    lead = floor.lead()
    segment = segment_of(lead.customer)
    rule(segment, "gap", {"minutes": 300})

    messages.reserve_message(customer=lead.customer, campaign=floor.campaign, by=UserFactory(), at=AT)

    assert Customer.objects.get(pk=lead.customer_id).callable_from == AT + 5 * HOUR
    rule(segment, "hours", hours("20:00", "21:00"))
    with pytest.raises(messages.MessageRefused, match="Outside calling hours"):
        messages.reserve_message(customer=lead.customer, campaign=floor.campaign, by=UserFactory(), at=AT + 6 * HOUR)


def test_no_callback_is_promised_outside_its_hours():
    call = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 10, 1), 3)
    lead = held_lead()
    pack = lead.campaign.packs.first() or RulePack.objects.get(code="CN-GEN")
    rule(segment_of(lead.customer), "hours", hours("18:00", "20:00"), pack=pack)

    with pytest.raises(calls.PromiseForbidden, match="first permitted time"):
        record(lead, "callback", callback_at=call + 3 * HOUR)

    record(lead, "callback", callback_at=call + 7 * HOUR)
    assert Lead.objects.get(pk=lead.pk).due_at == call + 7 * HOUR


def test_a_campaign_that_its_segments_rule_keeps_from_the_person_is_not_served_first(floor):
    Lead.objects.all().delete()
    first = calling_campaign(floor.team, exclusion_group="g", precedence=9)
    second = floor.campaign
    second.exclusion_group = "g"
    second.save()
    lead = floor.lead()
    floor.lead(campaign=first, customer=lead.customer)
    assert classed(lead).name == "owned"

    rule(segment_of(lead.customer), "hours", hours("12:00", "20:00"), campaign_id=first.pk)

    assert classed(lead).name == "callable"
    assert claim.claim_next_lead(agent=floor.agent, at=AT).campaign_id == second.pk


def test_what_a_set_of_segments_says_is_worked_out_once_for_it_and_each_kind_of_place(floor):
    zone_of_others = zone("America/New_York")
    cities = [floor.city, CityFactory(), CityFactory(), CityFactory(zone=zone_of_others)]
    people = [CustomerFactory(city=city) for city in cities for _n in range(3)]
    for person in people:
        floor.lead(customer=person, ready_at=AT - HOUR)
    first, second = segment_of(*people), segment_of(*people[::3])
    rule(first, "gap", {"minutes": 300})
    rule(second, "cap", {"most": 1, "hours": 72})
    rule(second, "hours", hours("12:00", "20:00"), city=cities[2])
    segment_of(*people[:2])  # has no rule

    where = places([floor.campaign], AT)
    found = {(row.kind, row.segments) for row in segment_terms.terms(where, AT)}

    kind = dict(zip([place.city for place in where], segment_terms.kinds(where), strict=True))
    assert kind[cities[0]] == kind[cities[1]]
    assert len({kind[city] for city in cities}) == 3
    carried = {tuple(ids) for ids in Customer.objects.values_list("rule_segments", flat=True)}
    assert len(carried) == 4  # beside whom nobody has, each with or without the one that has no rule
    assert {segments for _kind, segments in found} == carried
    assert len(found) == 4 * len(set(kind.values()))


def test_a_set_of_segments_without_rules_there_adds_nothing_to_the_count(floor):
    lead = floor.lead()
    rule(segment_of(lead.customer), "hours", hours("12:00", "20:00"), campaign_id=10**9)
    rule(segment_of(), "hours", hours("12:00", "20:00"))

    assert segment_terms.terms(places([floor.campaign], AT), AT) == []
    assert classed(lead).name == "callable"


def test_hours_that_are_never_open_are_looked_at_again_in_a_week(floor):
    lead = floor.lead()
    rule(segment_of(lead.customer), "hours", hours("09:00", "10:00", [1]))
    rule(segment_of(lead.customer), "hours", hours("09:00", "10:00", [2]))

    [terms] = {row.closed for row in segment_terms.terms(places([floor.campaign], AT), AT) if len(row.segments) == 2}

    assert terms == AT.replace(day=18, hour=16) + timedelta(days=7)  # midnight there, before 11:00
    assert classed(lead).name == "hours"


def test_nothing_is_asked_of_who_is_in_no_segment_with_rules(floor):
    lead = floor.lead()
    segment_of()

    assert Customer.objects.get(pk=lead.customer_id).rule_segments is None
    with connection.cursor() as cursor:
        # the claim would fail if it asked
        cursor.execute("DROP FUNCTION campaigns_segment_rules")

    assert is_handed_out(floor)
