"""Whether a person may be called, and why not."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.sealed import blind_index
from customers.models import ContactRule, Customer, RulePack, Suppression
from customers.services import contacts
from customers.services.calling_hours import closes_at
from customers.services.contacts import Cap
from customers.tests.factories import ConsentFactory, CustomerFactory, PhoneFactory
from people.tests.factories import CityFactory, ZoneFactory

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = date(2026, 5, 5)
TEN = datetime(2026, 5, 5, 10, 0, tzinfo=SHANGHAI)


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2026, 5, day, hour, minute, tzinfo=SHANGHAI)


def pack(*rules, code="OWN", **fields):
    made = RulePack.objects.create(code=code, name=code, **fields)
    for key, value, *rest in rules:
        extra = rest[0] if rest else {}
        ContactRule.objects.create(pack=made, key=key, value=value, **({"valid_from": date(2020, 1, 1)} | extra))
    return made


def hours(opens, closes, days=(1, 2, 3, 4, 5, 6, 7)):
    return {"days": list(days), "opens": opens, "closes": closes}


def rules_of(*packs, **scope):
    return contacts.rules_for(pack_ids=[pack.pk for pack in packs], on=TUESDAY, **scope)


def codes(customer, when=TEN, rules=None, **scope):
    rules = rules or contacts.rules_for(pack_ids=[], on=TUESDAY)
    customer = Customer.objects.get(pk=customer.pk)
    return [reason.code for reason in contacts.why_not(customer=customer, rules=rules, at=when, **scope)]


def test_the_default_pack_is_the_general_one_of_china():
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)

    assert rules.hours[2] == ((540, 1200),)
    assert rules.caps == (Cap(2, 24), Cap(6, 168), Cap(12, 720))
    assert (rules.gap_minutes, rules.answered_per_day, rules.refusal_rest_days) == (120, 1, 90)
    assert rules.consent_needed
    assert rules.warn.hours[2] == ((540, 720), (840, 1200))


def test_hours_of_one_pack_add_up_and_packs_narrow_one_another():
    france = pack(("hours", hours("10:00", "13:00")), ("hours", hours("14:00", "20:00")), code="A")
    late = pack(("hours", hours("12:00", "22:00")), code="B")

    assert rules_of(france).hours[2] == ((600, 780), (840, 1200))
    assert rules_of(france, late).hours[2] == ((720, 780), (840, 1200))


def test_of_two_caps_gaps_and_rests_the_strictest_counts():
    mild = pack(("cap", {"most": 3, "hours": 24}), ("gap", {"minutes": 60}), ("refusal_rest", {"days": 30}), code="A")
    hard = pack(("cap", {"most": 1, "hours": 24}), ("gap", {"minutes": 240}), ("refusal_rest", {"days": 180}), code="B")

    rules = rules_of(mild, hard)

    assert rules.caps == (Cap(1, 24),)
    assert (rules.gap_minutes, rules.refusal_rest_days) == (240, 180)


def test_a_rule_counts_only_in_its_time_and_for_its_city_campaign_and_product():
    city = CityFactory()
    own = pack(
        ("gap", {"minutes": 10}),
        ("gap", {"minutes": 20}, {"valid_to": TUESDAY}),
        ("gap", {"minutes": 30}, {"valid_from": date(2026, 5, 6)}),
        ("gap", {"minutes": 40}, {"city": city}),
        ("gap", {"minutes": 50}, {"campaign_id": 7}),
        ("gap", {"minutes": 60}, {"product_id": 8}),
    )

    assert rules_of(own).gap_minutes == 10
    assert rules_of(own, city_id=city.pk).gap_minutes == 40
    assert rules_of(own, campaign_id=7).gap_minutes == 50
    assert rules_of(own, campaign_id=7, product_id=8).gap_minutes == 60


@pytest.mark.parametrize(("when", "expected"), [(at(8, 59), False), (at(9), True), (at(19, 59), True), (at(20), False)])
def test_calling_hours_begin_and_end_to_the_minute(when, expected):
    assert contacts.is_open("Asia/Shanghai", contacts.rules_for(pack_ids=[], on=TUESDAY), when) is expected


@pytest.mark.parametrize(
    ("when", "expected"), [(at(8, 59), None), (at(9), at(20)), (at(19, 59), at(20)), (at(20), None)]
)
def test_calling_hours_say_when_they_end(when, expected):
    assert closes_at("Asia/Shanghai", contacts.rules_for(pack_ids=[], on=TUESDAY), when) == expected


def test_hours_that_go_on_over_midnight_end_on_the_next_day():
    own = pack(("hours", hours("20:00", "24:00")), ("hours", hours("00:00", "02:00")))

    assert closes_at("Asia/Shanghai", rules_of(own), at(23)) == at(2, day=6)
    assert closes_at("Nowhere", rules_of(own), at(23)) is None


def test_hours_are_those_of_the_called_party():
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)
    there = CityFactory(zone=ZoneFactory(name="Asia/Urumqi"))  # two hours behind Shanghai
    customer = CustomerFactory(city=there)

    assert codes(customer, at(10), rules) == ["hours"]
    assert codes(customer, at(11), rules) == []


def test_the_next_opening_skips_the_weekend_and_the_midday_of_france():
    france = contacts.rules_for(pack_ids=[RulePack.objects.get(code="FR").pk], on=TUESDAY)
    paris = ZoneInfo("Europe/Paris")

    def opening(*moment):
        return contacts.next_allowed("Europe/Paris", france, datetime(*moment, tzinfo=paris))

    assert opening(2026, 5, 8, 20, 0) == datetime(2026, 5, 11, 10, 0, tzinfo=paris)  # Friday evening to Monday
    assert opening(2026, 5, 5, 13, 0) == datetime(2026, 5, 5, 14, 0, tzinfo=paris)
    assert opening(2026, 5, 5, 11, 0) == datetime(2026, 5, 5, 11, 0, tzinfo=paris)


def test_an_opening_in_the_hour_that_daylight_saving_skips_is_the_moment_the_clocks_jump():
    night = rules_of(pack(("hours", hours("02:30", "04:00"))))

    opening = contacts.next_allowed("Europe/Paris", night, datetime(2026, 3, 28, 23, 0, tzinfo=UTC))

    assert opening.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 in Paris


def test_midday_is_a_warning_and_blocks_nothing():
    customer = CustomerFactory()

    reasons = contacts.why_not(customer=customer, rules=contacts.rules_for(pack_ids=[], on=TUESDAY), at=at(12, 30))

    assert [(reason.code, reason.severity, reason.until) for reason in reasons] == [("rest_hours", "warn", at(14))]
    assert contacts.blocking(reasons) == []


def test_an_unknown_time_zone_blocks():
    assert codes(CustomerFactory(city=CityFactory(zone=None))) == ["unknown_zone"]
    assert codes(CustomerFactory(city=CityFactory(zone=ZoneFactory(name="Mars/Olympus")))) == ["unknown_zone"]


def test_packs_without_hours_block():
    assert codes(CustomerFactory(), rules=rules_of(pack(("gap", {"minutes": 5})))) == ["no_hours"]


def test_a_city_switched_off_blocks():
    assert codes(CustomerFactory(city=CityFactory(is_on=False))) == ["city_off"]


def test_the_gap_and_the_caps_are_judged_by_the_attempts_with_the_time_they_pass():
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)
    customer = CustomerFactory(attempts=[TEN - timedelta(minutes=60), TEN - timedelta(hours=20)])

    reasons = contacts.why_not(customer=customer, rules=rules, at=TEN)

    assert {reason.code: reason.until for reason in reasons} == {
        "cap": TEN + timedelta(hours=4),
        "gap": TEN + timedelta(minutes=60),
    }


def test_a_cap_is_free_again_to_the_second():
    customer = CustomerFactory(attempts=[TEN - timedelta(hours=3), TEN - timedelta(hours=24)])

    assert codes(customer, TEN - timedelta(seconds=1)) == ["cap"]
    assert codes(customer, TEN) == []


def test_the_attempt_reserved_for_the_lead_in_the_own_hand_does_not_count_against_it():
    customer = CustomerFactory(attempts=[TEN], held_lead_id=5, callable_from=TEN + timedelta(hours=2))

    assert codes(customer, TEN, lead_id=5) == []
    assert codes(customer, TEN, lead_id=6) == ["held", "gap"]


def test_who_was_spoken_to_today_rests_until_midnight_of_the_called_party():
    customer = CustomerFactory(answered_at=at(9, 30))
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)

    reasons = contacts.why_not(customer=customer, rules=rules, at=at(18))

    assert [(reason.code, reason.until) for reason in reasons] == [("answered", at(0, day=6))]
    assert codes(customer, at(9, 30, day=6)) == []


def test_a_callback_overrides_the_gap_and_the_answered_call_but_neither_hours_nor_caps_nor_suppression():
    customer = CustomerFactory(attempts=[at(9, 50)], answered_at=at(9, 50))

    assert codes(customer, TEN, callback=True) == []
    assert codes(customer, at(21), callback=True) == ["hours"]

    Customer.objects.filter(pk=customer.pk).update(attempts=[at(9, 50), at(9, 10)])
    assert codes(customer, TEN, callback=True) == ["cap"]

    Suppression.objects.create(customer=customer, kind="refusal", valid_from=at(9, 55))
    assert "suppressed" in codes(customer, TEN, callback=True)


def test_a_suppression_counts_in_its_time_and_scope():
    customer = CustomerFactory()
    Suppression.objects.create(customer=customer, kind="offer_refused", product_id=3, valid_from=at(9), valid_to=at(11))

    assert codes(customer, TEN, product_id=3) == ["product_rest"]
    assert codes(customer, TEN, product_id=4) == []
    assert codes(customer, at(11), product_id=3) == []


def test_a_suppressed_number_blocks_whoever_it_belongs_to():
    customer = CustomerFactory(number="19100007548")
    Suppression.objects.create(phone_blind=blind_index("8619100007548"), kind="register", valid_from=at(9))

    assert codes(customer) == ["suppressed"]


def test_a_person_owned_by_another_campaign_of_the_group_is_left_alone():
    customer = CustomerFactory(owner_campaign_id=1, owner_group="broadband", owner_until=at(12))

    assert codes(customer, TEN, campaign_id=2, exclusion_group="broadband") == ["owned"]
    assert codes(customer, TEN, campaign_id=2, exclusion_group="other") == []
    assert codes(customer, TEN, campaign_id=1, exclusion_group="broadband") == []
    assert codes(customer, at(14), campaign_id=2, exclusion_group="broadband") == []


def test_without_consent_in_force_nobody_is_called_where_it_is_needed():
    customer = CustomerFactory(consent=False)
    assert codes(customer) == ["consent"]

    consent = ConsentFactory(customer=customer, expires_at=at(11))
    assert codes(customer) == []
    assert codes(customer, at(11)) == ["consent"]

    consent.withdrawn_at = at(9)
    consent.save()
    assert codes(customer) == ["consent"]


def test_a_person_without_a_number_in_use_cannot_be_called():
    customer = CustomerFactory(number=None)
    PhoneFactory(customer=customer, is_dead=True)

    assert codes(customer) == ["no_number"]


def test_the_demo_pack_allows_all_hours_with_the_simulated_telephone_only():
    rules = contacts.rules_for(pack_ids=[RulePack.objects.get(code="DEMO").pk], on=TUESDAY)

    assert rules.hours == dict.fromkeys(range(1, 8), ((0, 24 * 60),))
    assert rules.simulator_only
    assert codes(CustomerFactory(), at(3), rules) == []


def test_the_next_attempt_is_free_after_the_gap_and_every_cap():
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)

    assert rules.callable_from([]) is None
    assert rules.callable_from([TEN]) == TEN + timedelta(hours=2)
    assert rules.callable_from([TEN, TEN - timedelta(hours=1)]) == TEN + timedelta(hours=23)


def test_sentences_are_in_the_language_of_the_reader_and_name_the_time():
    customer = CustomerFactory()
    rules = contacts.rules_for(pack_ids=[], on=TUESDAY)

    (reason,) = contacts.why_not(customer=customer, rules=rules, at=at(21))

    assert "calling hours" in reason.sentence
    assert reason.until == at(9, day=6)


def test_what_stands_against_a_person_is_found_by_indexes_however_many_are_suppressed():
    customer = CustomerFactory(number="19100007549")
    Suppression.objects.create(phone_blind=blind_index("8619100007549"), kind="register", valid_from=TEN)

    with CaptureQueriesContext(connection) as asked:
        found = contacts.suppressions_of(customer, TEN)
    (query,) = (q["sql"] for q in asked.captured_queries if "customers_suppression" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert len(found) == 1
    assert "Seq Scan" not in plan, plan
