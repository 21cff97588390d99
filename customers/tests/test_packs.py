from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

import pytest
from django.db import IntegrityError, connection

from core.models import AuditEvent
from customers import migrations
from customers.models import ContactRule, GreyEntry, RuleChange, RulePack
from customers.rule_values import BadRuleValue, clean_value, value_in_words
from customers.services import contacts, packs
from customers.tests.factories import CustomerFactory, changed_rule
from people.tests.factories import UserFactory

AT = datetime(2026, 5, 5, 2, 0, tzinfo=UTC)
DAY = date(2026, 5, 5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hours", {"days": [], "opens": "09:00", "closes": "20:00"}),
        ("hours", {"days": [8], "opens": "09:00", "closes": "20:00"}),
        ("hours", {"days": [1], "opens": "9", "closes": "20:00"}),
        ("hours", {"days": [1], "opens": "09:00", "closes": "24:30"}),
        ("hours", {"days": [1], "opens": "20:00", "closes": "09:00"}),
        ("cap", {"most": 0, "hours": 24}),
        ("cap", {"most": 21, "hours": 24}),
        ("cap", {"most": 20, "hours": 24}),
        ("cap", {"most": 2.5, "hours": 24}),
        ("cap", {"most": True, "hours": 24}),
        ("cap", {"most": 2}),
        ("gap", {"minutes": 0}),
        ("answered_per_day", {"most": 2}),
        ("refusal_rest", {"days": -1}),
        ("consent", {"needed": "yes"}),
        ("consent", []),
        ("unheard_of", {}),
    ],
)
def test_a_value_that_does_not_fit_its_rule_is_refused(key, value):
    with pytest.raises(BadRuleValue):
        clean_value(key, value)


def test_a_clean_value_holds_nothing_beside_what_the_rule_knows():
    assert clean_value("cap", {"most": 19, "hours": 24, "note": "x"}) == {"most": 19, "hours": 24}
    assert clean_value("hours", {"days": [3, 1, 1], "opens": "00:00", "closes": "24:00"})["days"] == [1, 3]


def test_a_rule_reads_as_one_line():
    assert (
        value_in_words("hours", {"days": [1, 2, 3, 4, 5], "opens": "10:00", "closes": "13:00"})
        == "Mon–Fri from 10:00 to 13:00"
    )
    assert value_in_words("cap", {"most": 2, "hours": 24}) == "at most 2 attempts in 24 hours"
    assert value_in_words("cap", {"most": 6, "hours": 168}) == "at most 6 attempts in 7 days"


@pytest.mark.django_db
def test_every_rule_that_ships_is_clean_and_has_its_basis():
    for rule in ContactRule.objects.all():
        assert clean_value(rule.key, rule.value) == rule.value
        assert rule.basis
    assert set(RulePack.objects.values_list("code", flat=True)) == {
        "CN-GEN",
        "CN-INS",
        "US",
        "US-FL",
        "UK",
        "FR",
        "DEMO",
    }


@pytest.mark.django_db
def test_seeding_again_leaves_packs_as_people_changed_them():
    rule = ContactRule.objects.get(pack__code="CN-GEN", key="gap")
    changed_rule(rule, {"minutes": 240}, holds_from=DAY, at=AT)

    assert packs.seed() == 0

    assert contacts.rules_for(pack_ids=[], on=DAY).gap_minutes == 240


@pytest.mark.django_db
def test_a_new_pack_is_empty_and_its_code_is_given_once():
    by = UserFactory(role="regional_manager")

    pack = packs.create_pack(code="jp", name="Japan", simulator_only=False, by=by, at=AT)

    assert (pack.code, pack.rules.count()) == ("JP", 0)
    with pytest.raises(packs.PackExists):
        packs.create_pack(code="JP", name="Japan", simulator_only=False, by=by, at=AT)


@pytest.mark.django_db
def test_what_said_twenty_attempts_says_nineteen_from_now_on_and_the_trail_tells_of_it():
    pack, user = RulePack.objects.get(code="CN-GEN"), UserFactory(role="administrator")
    with connection.cursor() as cursor:
        for table, name in [
            ("customers_contactrule", "contact_rule_cap_is_kept"),
            ("customers_rulechange", "rule_change_cap_is_kept"),
            ("customers_greyentry", "grey_entry_attempts_are_whole"),
        ]:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    twenty, two = (
        ContactRule.objects.create(pack=pack, key="cap", value={"most": most, "hours": 24}, valid_from=DAY)
        for most in (20, 2)
    )
    asked, over = (
        RuleChange.objects.create(
            kind="add", pack=pack, key="cap", value={"most": 20, "hours": 24}, severity="block", holds_from=DAY, reason="x", asked_by=user,
            asked_at=AT, state=state, decided_at=AT if state == "withdrawn" else None,
        ) for state in ("asked", "withdrawn")
    )  # fmt: skip
    entry = GreyEntry.objects.create(
        customer=CustomerFactory(), most_attempts=20, in_days=3, reason="x", source="x", created_by=user
    )

    with connection.cursor() as cursor:
        [migration] = Path(migrations.__file__).parent.glob("*_nineteen_attempts_at_most.py")
        cursor.execute(import_module(f"customers.migrations.{migration.stem}").NINETEEN)

    for row in (twenty, two, asked, over, entry):
        row.refresh_from_db()
    assert [row.value["most"] for row in (twenty, two, asked, over)] == [19, 2, 19, 20]
    assert (entry.most_attempts, entry.in_days) == (19, 3)
    told = dict(AuditEvent.objects.filter(subject_id__in=[twenty.pk, entry.pk]).values_list("action", "detail"))
    assert told["customers.rule.changed"]["before"] == {"most": 20, "hours": 24}
    assert told["customers.grey_entry.changed"]["before"] == 20


@pytest.mark.django_db
def test_the_database_holds_no_cap_beyond_what_is_kept():
    pack = RulePack.objects.get(code="CN-GEN")
    with pytest.raises(IntegrityError, match="contact_rule_cap_is_kept"):
        ContactRule.objects.create(pack=pack, key="cap", value={"most": 20, "hours": 24}, valid_from=DAY)
