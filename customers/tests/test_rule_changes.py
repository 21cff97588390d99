"""A rule of contact is changed by two persons; one alone can only tighten it, and not for good."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from core.errors import PermissionRefused
from core.models import AuditEvent
from customers.models import ContactRule, RuleChange, RulePack
from customers.rule_values import BadRuleValue, tightens
from customers.services import contacts, rule_changes
from people.tests.factories import CityFactory, UserFactory

AT = datetime(2026, 5, 5, 2, 0, tzinfo=UTC)
TODAY = date(2026, 5, 5)
DAY = date(2026, 5, 10)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker():
    return UserFactory(role="regional_manager")


@pytest.fixture
def other():
    return UserFactory(role="administrator")


@pytest.fixture
def gap():
    return ContactRule.objects.get(pack__code="CN-GEN", key="gap")


def minutes_on(day: date) -> int:
    return contacts.rules_for(pack_ids=[], on=day).gap_minutes


def longer(gap, asker, minutes=240, **told) -> RuleChange:
    asked = {"severity": "block", "holds_from": DAY, "reason": "complaints", "basis": "pilot", "by": asker, "at": AT}
    return rule_changes.propose_change(rule=gap, value={"minutes": minutes}, **asked | told)


# ---------------------------------------------------------------- two persons


def test_until_a_second_person_approves_nothing_changes(gap, asker, other):
    change = longer(gap, asker)
    gap.refresh_from_db()
    assert (gap.valid_to, minutes_on(DAY), ContactRule.objects.filter(supersedes=gap).exists()) == (None, 120, False)

    change = rule_changes.approve_change(change=change, by=other, at=AT)

    gap.refresh_from_db()
    assert (gap.value, gap.valid_to) == ({"minutes": 120}, DAY)
    assert (change.made.supersedes, change.made.value, change.made.valid_from) == (gap, {"minutes": 240}, DAY)
    assert (change.made.changed_by, change.decided_by, change.made.basis) == (asker, other, "pilot")
    assert (minutes_on(DAY - timedelta(days=1)), minutes_on(DAY)) == (120, 240)
    trail = list(AuditEvent.objects.filter(action__startswith="customers.rule.").order_by("pk"))
    assert [event.action.rsplit(".", 1)[1] for event in trail] == ["proposed", "changed", "approved"]
    assert trail[1].detail["before"]["value"] == {"minutes": 120}


def test_the_own_proposal_is_approved_and_refused_by_nobody_alone(gap, asker):
    change = longer(gap, asker)

    with pytest.raises(PermissionRefused):
        rule_changes.approve_change(change=change, by=asker, at=AT)
    with pytest.raises(PermissionRefused):
        rule_changes.refuse_change(change=change, by=asker, at=AT, reason="no")

    assert minutes_on(DAY) == 120


def test_the_database_refuses_an_approval_by_who_proposed(gap, asker):
    change = longer(gap, asker)

    with pytest.raises(IntegrityError, match="rule_change_two_persons"), transaction.atomic():
        RuleChange.objects.filter(pk=change.pk).update(decided_by=asker, decided_at=AT, state="refused")


@pytest.mark.parametrize("role", ["data", "campaign_manager", "city_manager", "qa"])
def test_who_may_not_change_rules_neither_proposes_nor_decides(gap, asker, role):
    stranger = UserFactory(role=role, city=CityFactory() if role == "city_manager" else None)

    with pytest.raises(PermissionRefused):
        longer(gap, stranger)
    with pytest.raises(PermissionRefused):
        rule_changes.approve_change(change=longer(gap, asker), by=stranger, at=AT)


def test_a_refusal_has_a_reason_and_leaves_the_rule_as_it_was(gap, asker, other):
    change = longer(gap, asker)

    with pytest.raises(rule_changes.ReasonMissing):
        rule_changes.refuse_change(change=change, by=other, at=AT, reason=" ")
    refused = rule_changes.refuse_change(change=change, by=other, at=AT, reason="not before June")

    assert (refused.state, refused.answer, refused.made, minutes_on(DAY)) == ("refused", "not before June", None, 120)
    with pytest.raises(rule_changes.DecidedAlready):
        rule_changes.approve_change(change=change, by=other, at=AT)


def test_what_was_withdrawn_is_decided_by_nobody_and_another_may_be_proposed(gap, asker, other):
    change = longer(gap, asker)
    with pytest.raises(rule_changes.ChangeWaits):
        longer(gap, other, minutes=300)
    with pytest.raises(PermissionRefused):
        rule_changes.withdraw_change(change=change, by=other, at=AT)

    rule_changes.withdraw_change(change=change, by=asker, at=AT)

    with pytest.raises(rule_changes.DecidedAlready):
        rule_changes.approve_change(change=change, by=other, at=AT)
    assert longer(gap, other, minutes=300).state == "asked"


def test_a_proposal_says_why_fits_its_rule_changes_something_and_begins_after_the_version_before(gap, asker):
    with pytest.raises(rule_changes.ReasonMissing):
        longer(gap, asker, reason=" ")
    with pytest.raises(BadRuleValue):
        longer(gap, asker, minutes=0)
    with pytest.raises(rule_changes.NothingChanges):
        longer(gap, asker, minutes=120, basis=gap.basis)
    with pytest.raises(rule_changes.RuleEndsBeforeItBegins):
        longer(gap, asker, holds_from=gap.valid_from)

    assert RuleChange.objects.count() == 0


def test_approved_after_its_day_it_holds_from_the_approval_on(gap, asker, other):
    change = longer(gap, asker)

    change = rule_changes.approve_change(change=change, by=other, at=AT + timedelta(days=20))

    assert change.made.valid_from == date(2026, 5, 25)
    assert (minutes_on(date(2026, 5, 24)), minutes_on(date(2026, 5, 25))) == (120, 240)


def test_a_new_rule_and_an_end_wait_for_the_second_person_as_well(asker, other):
    pack = RulePack.objects.get(code="UK")
    consent = ContactRule.objects.get(pack__code="CN-GEN", key="consent")
    asked = {"holds_from": DAY, "reason": "r", "by": asker, "at": AT}
    new = rule_changes.propose_rule(pack=pack, key="consent", value={"needed": True}, severity="block", **asked)
    end = rule_changes.propose_end(rule=consent, **asked)
    assert not pack.rules.filter(key="consent").exists()
    assert contacts.rules_for(pack_ids=[], on=DAY).consent_needed

    new = rule_changes.approve_change(change=new, by=other, at=AT)
    end = rule_changes.approve_change(change=end, by=other, at=AT)

    assert (new.made, end.made) == (pack.rules.get(key="consent"), None)
    assert contacts.rules_for(pack_ids=[], on=DAY - timedelta(days=1)).consent_needed
    assert not contacts.rules_for(pack_ids=[], on=DAY).consent_needed
    with pytest.raises(rule_changes.RuleEndsBeforeItBegins):
        rule_changes.propose_end(rule=consent, **asked)


# ---------------------------------------------------------------- at once


def test_a_tightening_holds_at_once_and_waits_for_confirmation(gap, asker, other):
    change = longer(gap, asker, at_once=True)
    assert (change.state, change.made.valid_from, minutes_on(TODAY)) == ("asked", TODAY, 240)

    confirmed = rule_changes.approve_change(change=change, by=other, at=AT)

    assert (confirmed.state, confirmed.made, minutes_on(TODAY)) == ("approved", change.made, 240)
    assert ContactRule.objects.filter(supersedes=gap).count() == 1


def test_a_tightening_that_is_refused_gives_way_tomorrow_to_what_held_before(gap, asker, other):
    change = longer(gap, asker, at_once=True)

    rule_changes.refuse_change(change=change, by=other, at=AT, reason="too long")

    assert [minutes_on(TODAY + timedelta(days=n)) for n in (-1, 0, 1)] == [120, 240, 120]
    back = ContactRule.objects.get(supersedes=change.made)
    assert (back.value, back.basis, back.valid_to) == (gap.value, gap.basis, None)


def test_a_new_rule_at_once_that_is_refused_ends_with_today(asker, other):
    pack = RulePack.objects.get(code="UK")
    asked = {
        "pack": pack,
        "key": "consent",
        "value": {"needed": True},
        "severity": "block",
        "holds_from": DAY,
        "reason": "r",
    }
    change = rule_changes.propose_rule(**asked, by=asker, at=AT, at_once=True)
    with pytest.raises(rule_changes.ChangeWaits):
        rule_changes.propose_rule(**asked, by=asker, at=AT, at_once=True)

    rule_changes.refuse_change(change=change, by=other, at=AT, reason="no law asks for it")

    made = pack.rules.get(key="consent")
    assert (made.valid_from, made.valid_to) == (TODAY, TODAY + timedelta(days=1))


def test_who_tightened_at_once_cannot_take_it_back_alone(gap, asker):
    change = longer(gap, asker, at_once=True)

    with pytest.raises(PermissionRefused):
        rule_changes.withdraw_change(change=change, by=asker, at=AT)


def test_nothing_that_loosens_holds_at_once(gap, asker):
    with pytest.raises(rule_changes.NotStricter):
        longer(gap, asker, minutes=60, at_once=True)
    with pytest.raises(rule_changes.NotStricter):
        longer(gap, asker, severity="warn", at_once=True)
    hours = {"days": [1], "opens": "06:00", "closes": "23:00"}
    with pytest.raises(rule_changes.NotStricter):
        rule_changes.propose_rule(
            pack=gap.pack, key="hours", value=hours, severity="block", holds_from=DAY, reason="r", by=asker, at=AT, at_once=True,
        )  # fmt: skip

    assert (RuleChange.objects.count(), minutes_on(TODAY)) == (0, 120)


WEEK = [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("key", "old", "new", "is_stricter"),
    [
        ("cap", {"most": 2, "hours": 24}, {"most": 1, "hours": 24}, True),
        ("cap", {"most": 2, "hours": 24}, {"most": 2, "hours": 48}, True),
        ("cap", {"most": 2, "hours": 24}, {"most": 3, "hours": 24}, False),
        ("cap", {"most": 2, "hours": 24}, {"most": 1, "hours": 12}, False),
        ("cap", {"most": 2, "hours": 24}, {"most": 2, "hours": 24}, False),
        ("gap", {"minutes": 120}, {"minutes": 121}, True),
        ("gap", {"minutes": 120}, {"minutes": 119}, False),
        ("refusal_rest", {"days": 90}, {"days": 91}, True),
        ("refusal_rest", {"days": 90}, {"days": 89}, False),
        ("consent", {"needed": False}, {"needed": True}, True),
        ("consent", {"needed": True}, {"needed": False}, False),
        ("hours", {"days": WEEK, "opens": "09:00", "closes": "20:00"}, {"days": WEEK, "opens": "09:30", "closes": "20:00"}, True),
        ("hours", {"days": WEEK, "opens": "09:00", "closes": "20:00"}, {"days": [1, 2], "opens": "09:00", "closes": "20:00"}, True),
        ("hours", {"days": [1], "opens": "09:00", "closes": "20:00"}, {"days": [2], "opens": "10:00", "closes": "19:00"}, False),
        ("hours", {"days": WEEK, "opens": "09:00", "closes": "20:00"}, {"days": WEEK, "opens": "10:00", "closes": "20:30"}, False),
    ],
)  # fmt: skip
def test_what_is_stricter_is_decided_for_each_rule(key, old, new, is_stricter):
    assert tightens(key, new, "block", old, "block") is is_stricter


def test_a_harder_rule_is_stricter_but_hours_keep_their_severity():
    value = {"days": WEEK, "opens": "09:00", "closes": "12:00"}

    assert tightens("gap", {"minutes": 120}, "block", {"minutes": 120}, "warn")
    assert not tightens("gap", {"minutes": 240}, "log", {"minutes": 120}, "warn")
    assert not tightens("hours", value, "block", value, "warn")


# ---------------------------------------------------------------- two at the same moment


@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_at_the_same_moment_one_writes_the_version():
    from customers.services.packs import seed

    seed()
    gap = ContactRule.objects.get(pack__code="CN-GEN", key="gap")
    change = longer(gap, UserFactory(role="regional_manager"))
    start, told = threading.Barrier(2), []

    def approve(by):
        try:
            start.wait()
            rule_changes.approve_change(change=change, by=by, at=AT)
            told.append("approved")
        except rule_changes.DecidedAlready:
            told.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=(UserFactory(role="administrator"),)) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["approved", "too late"]
    assert ContactRule.objects.filter(supersedes=gap).count() == 1


# ---------------------------------------------------------------- pages


def text(answer) -> str:
    return answer.content.decode()


def test_a_change_is_proposed_on_one_page_and_approved_by_another_person_on_the_next(client, gap, asker, other):
    client.force_login(asker)
    form = {"minutes": 240, "severity": "block", "holds_from": "2099-01-01", "basis": "pilot", "reason": "complaints"}
    answer = client.post(reverse("customers:rule", args=[gap.pk]), form)
    change = RuleChange.objects.get()
    assert answer.url == reverse("customers:rule-change", args=[change.pk])
    assert "Somebody else decides." in text(client.get(answer.url))
    assert "a change waits" in text(client.get(reverse("customers:rule-pack", args=[gap.pack_id])))
    assert client.post(reverse("customers:rule-change-approve", args=[change.pk])).status_code == 403

    client.force_login(other)
    assert ">1<" in text(client.get(reverse("customers:rule-changes-badge")))
    client.post(reverse("customers:rule-change-approve", args=[change.pk]))

    gap.refresh_from_db()
    assert gap.valid_to == date(2099, 1, 1)
    history = text(client.get(reverse("customers:rule-history", args=[gap.pk])))
    for part in (
        "240 minutes between attempts",
        "120 minutes between attempts",
        str(asker),
        str(other),
        "pilot",
        "complaints",
    ):
        assert part in history
    again = client.post(reverse("customers:rule-change-approve", args=[change.pk]), follow=True)
    assert "has been decided already" in text(again)


def test_a_refusal_without_a_reason_comes_back_and_with_one_is_shown(client, gap, asker, other):
    change = longer(gap, asker)
    client.force_login(other)
    url = reverse("customers:rule-change-refuse", args=[change.pk])

    assert client.post(url, {"reason": ""}).status_code == 422
    answer = client.post(url, {"reason": "not before June"}, follow=True)

    assert "not before June" in text(answer)
    assert minutes_on(DAY) == 120


def test_a_tightening_at_once_is_shown_as_waiting_for_confirmation(client, gap, asker):
    client.force_login(asker)
    form = {"minutes": 240, "severity": "block", "holds_from": "2099-01-01", "reason": "emergency", "at_once": "on"}

    client.post(reverse("customers:rule", args=[gap.pk]), form)

    assert "waits for confirmation" in text(client.get(reverse("customers:rules")))
    assert "holds already" in text(client.get(reverse("customers:rule-changes")))


def test_the_end_of_a_rule_is_proposed_with_its_day_and_reason(client, gap, asker):
    client.force_login(asker)
    url = reverse("customers:rule-end", args=[gap.pk])

    assert client.get(url).status_code == 200
    assert client.post(url, {"holds_from": "2099-01-01", "reason": ""}).status_code == 422
    client.post(url, {"holds_from": "2099-01-01", "reason": "law changed"})

    change = RuleChange.objects.get()
    assert (change.kind, change.reason, ContactRule.objects.get(pk=gap.pk).valid_to) == ("end", "law changed", None)


def test_a_change_of_another_citys_rule_is_404_and_not_in_the_list(client, asker):
    city, elsewhere = CityFactory(), CityFactory(name="Elsewhere")
    change = rule_changes.propose_rule(
        pack=RulePack.objects.get(code="UK"), key="gap", value={"minutes": 999}, severity="block", holds_from=DAY, reason="r", by=asker,
        at=AT, city=elsewhere,
    )  # fmt: skip
    client.force_login(UserFactory(role="supervisor", city=city))

    assert client.get(reverse("customers:rule-change", args=[change.pk])).status_code == 404
    assert "999" not in text(client.get(reverse("customers:rule-changes")))


def test_who_reads_rules_reads_their_changes_and_decides_nothing(client, gap, asker):
    change = longer(gap, asker)
    client.force_login(UserFactory(role="data"))

    assert client.get(reverse("customers:rule-change", args=[change.pk])).status_code == 200
    for name in ("approve", "refuse", "withdraw"):
        assert client.post(reverse(f"customers:rule-change-{name}", args=[change.pk])).status_code == 403
