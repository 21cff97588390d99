"""A rule of contact for a segment: proposed and approved by two persons, borne by its customers as a mark, seen in its place."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent, Job
from customers.members import ids_of
from customers.models import ContactRule, Customer, RuleChange, RulePack
from customers.services import contacts, merging, rule_changes, segment_rules, segments
from customers.tests.factories import CustomerFactory
from customers.tests.test_segments import OLD, YOUNG, change, make, work
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


@pytest.fixture
def asker():
    return UserFactory(role="regional_manager")


@pytest.fixture
def other():
    return UserFactory(role="administrator")


@pytest.fixture
def old(city):
    return CustomerFactory(city=city, age=70)


@pytest.fixture
def young(city):
    return CustomerFactory(city=city, age=20)


@pytest.fixture
def seniors(data, city, old, young):
    row = make(data, city)
    work()
    row.refresh_from_db()
    return row


def propose(by, segment, **more):
    told = {
        "pack": RulePack.objects.get(code="CN-GEN"), "key": "gap", "value": {"minutes": 600}, "severity": "block",
        "holds_from": date(2026, 1, 1), "reason": "complaints of old people", "at": database_now(),
    }  # fmt: skip
    return rule_changes.propose_rule(by=by, segment=segment, **told | more)


def approve(row, by):
    return rule_changes.approve_change(change=row, by=by, at=database_now()).made


def marked(segment) -> set[int]:
    return set(Customer.objects.filter(rule_segments__contains=[segment.pk]).values_list("pk", flat=True))


# ---------------------------------------------------------------- two persons


def test_it_holds_when_a_second_person_approved_it_and_for_its_customers_alone(seniors, asker, other, old, young, city):
    row = propose(asker, seniors)
    assert (row.segment, row.city, row.made) == (seniors, city, None)

    made = approve(row, other)

    old.refresh_from_db()
    young.refresh_from_db()
    assert (made.segment, made.city, old.rule_segments, young.rule_segments) == (seniors, city, [seniors.pk], None)

    def gap_of(customer):
        rules = contacts.rules_for(pack_ids=[], on=made.valid_from, city_id=city.pk, segment_ids=customer.rule_segments)
        return rules.gap_minutes

    # that of everybody is two hours
    assert (gap_of(old), gap_of(young)) == (600, 120)
    trail = AuditEvent.objects.filter(action__startswith="customers.rule.").order_by("pk")
    assert [event.detail["segment_id"] for event in trail] == [seniors.pk] * 3


def test_a_change_of_it_is_a_new_version_for_the_same_segment(seniors, asker, other):
    made = approve(propose(asker, seniors), other)

    longer = rule_changes.propose_change(
        rule=made, value={"minutes": 700}, severity="block", holds_from=date(2099, 1, 1), reason="more", by=asker, at=database_now()
    )  # fmt: skip
    after = approve(longer, other)

    made.refresh_from_db()
    assert (after.segment, after.supersedes, made.valid_to) == (seniors, made, date(2099, 1, 1))


@pytest.mark.parametrize(("key", "value"), [("refusal_rest", {"days": 9}), ("register_age", {"days": 9})])
def test_rules_that_say_nothing_of_a_person_are_refused(seniors, asker, key, value):
    with pytest.raises(segment_rules.NotOfPersons, match="not this rule"):
        propose(asker, seniors, key=key, value=value)
    with pytest.raises(IntegrityError, match="contact_rule_of_segment"), transaction.atomic():
        ContactRule.objects.create(
            pack=RulePack.objects.first(), key=key, value=value, segment=seniors, valid_from=date(2026, 1, 1)
        )


def test_a_rule_of_another_city_is_refused(seniors, asker):
    with pytest.raises(segment_rules.SegmentElsewhere, match="choose that city or none"):
        propose(asker, seniors, city=CityFactory())


def test_a_segment_that_was_never_counted_or_is_archived_takes_no_rule(data, city, asker, seniors):
    fresh = make(data, city, name="Young", conditions=YOUNG)
    with pytest.raises(segment_rules.SegmentNotReady, match="not been counted"):
        propose(asker, fresh)

    segments.archive_segment(segment=seniors, by=data, at=database_now())
    with pytest.raises(segment_rules.SegmentNotReady, match="archived"):
        propose(asker, seniors)


def test_the_same_proposal_for_everybody_does_not_stand_in_its_way_and_a_second_one_does(seniors, asker):
    propose(asker, None)
    propose(asker, seniors)

    with pytest.raises(rule_changes.ChangeWaits):
        propose(asker, seniors)


def test_it_may_hold_at_once_as_any_tightening_and_a_refusal_ends_it(seniors, asker, other, old):
    row = propose(asker, seniors, at_once=True)
    assert row.made.segment == seniors

    rule_changes.refuse_change(change=row, by=other, at=database_now(), reason="not needed")

    row.made.refresh_from_db()
    assert row.made.valid_to is not None
    with pytest.raises(rule_changes.NotStricter):
        propose(asker, seniors, key="hours", value={"days": [1], "opens": "09:00", "closes": "10:00"}, at_once=True)


# ---------------------------------------------------------------- marks


def test_a_large_segment_is_marked_by_its_job_and_nothing_holds_before(seniors, asker, other, old, monkeypatch):
    monkeypatch.setattr(segments, "MARKED_AT_ONCE", 0)
    with pytest.raises(segment_rules.SegmentNotReady, match="still being marked"), transaction.atomic():
        propose(asker, seniors, at_once=True)
    row = propose(asker, seniors)
    with pytest.raises(segment_rules.SegmentNotReady, match="still being marked"), transaction.atomic():
        approve(row, other)
    assert (marked(seniors), RuleChange.objects.get().state) == (set(), "asked")

    work()

    assert approve(row, other).segment == seniors
    assert marked(seniors) == {old.pk}


def test_while_the_segment_is_counted_the_marks_are_left_to_the_count(seniors, data, asker, old):
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    propose(asker, seniors)
    assert marked(seniors) == set()

    work()

    seniors.refresh_from_db()
    assert (marked(seniors), seniors.marked_at is not None) == ({old.pk}, True)


def stopped_after(monkeypatch, windows: int):
    """The worker dies when the job of the marks has done so many windows of one customer."""
    mark, done = segment_rules.mark, []

    def dies(*args):
        if len(done) == windows:
            raise OSError("the machine is gone")
        done.append(args)
        mark(*args)

    monkeypatch.setattr(segment_rules, "WINDOW", 1)
    monkeypatch.setattr(segment_rules, "mark", dies)
    job = Job.objects.filter(state="queued").get()
    assert run_inline(job.pk)
    monkeypatch.setattr(segment_rules, "mark", mark)
    Job.objects.filter(pk=job.pk, state="failed").update(state="queued", not_before=job.created_at)
    return job


def test_a_job_taken_up_again_after_a_rule_was_proposed_marks_also_those_it_had_freed(
    seniors, data, city, asker, other, old, monkeypatch
):
    late = CustomerFactory(city=city, age=80)
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    work()
    rule_changes.withdraw_change(change=propose(asker, seniors), by=asker, at=database_now())
    assert marked(seniors) == {old.pk, late.pk}
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    job = stopped_after(monkeypatch, 1)  # the marks go, the first window is free
    assert marked(seniors) == {late.pk}

    row = propose(asker, seniors)
    assert run_inline(job.pk)

    seniors.refresh_from_db()
    assert (marked(seniors), seniors.marked_at is not None) == ({old.pk, late.pk}, True)
    work()
    assert approve(row, other).segment == seniors
    assert marked(seniors) == {old.pk, late.pk}


def test_a_job_taken_up_again_after_the_rule_was_withdrawn_frees_also_those_it_had_marked(
    seniors, data, city, asker, old, monkeypatch
):
    late = CustomerFactory(city=city, age=80)
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    work()
    row = propose(asker, seniors)
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    job = stopped_after(monkeypatch, 1)
    rule_changes.withdraw_change(change=row, by=asker, at=database_now())

    assert run_inline(job.pk)

    assert (marked(seniors), late.pk in ids_of(seniors)) == (set(), True)


def test_a_job_taken_up_again_under_the_same_rule_goes_on_where_it_was(seniors, data, city, asker, old, monkeypatch):
    CustomerFactory(city=city, age=80)
    propose(asker, seniors)
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    job = stopped_after(monkeypatch, 1)
    seen = []
    monkeypatch.setattr(segment_rules, "mark", lambda _segment, _ids, window: seen.append(window[0]))

    assert run_inline(job.pk)

    assert old.pk not in seen
    assert len(seen) >= 1


def test_a_segment_whose_last_count_failed_takes_no_rule(seniors, data, asker):
    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    seniors.refresh_from_db()
    Job.objects.filter(pk=seniors.job_id).update(state=Job.State.DEAD)

    with pytest.raises(segment_rules.SegmentNotReady, match="did not come to its end"):
        propose(asker, seniors)

    assert not RuleChange.objects.exists()


def test_a_new_count_brings_the_marks_in_line(seniors, data, city, asker, other, old, young, monkeypatch):
    monkeypatch.setattr(segment_rules, "WINDOW", 1)
    approve(propose(asker, seniors), other)
    Customer.objects.filter(pk=young.pk).update(age=60)
    Customer.objects.filter(pk=old.pk).update(age=59)
    third = CustomerFactory(city=city, age=90)

    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    work()

    assert marked(seniors) == {young.pk, third.pk}
    old.refresh_from_db()
    assert old.rule_segments is None


def test_a_customer_of_two_segments_keeps_the_mark_of_the_one_when_the_other_has_no_rule_any_more(
    seniors, data, city, asker, old
):
    everybody = make(
        data, city, name="Grown-up", conditions={"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": 18}]}}
    )  # fmt: skip
    work()
    everybody.refresh_from_db()
    propose(asker, everybody)
    row = propose(asker, seniors)
    assert set(Customer.objects.get(pk=old.pk).rule_segments) == {seniors.pk, everybody.pk}
    rule_changes.withdraw_change(change=row, by=asker, at=database_now())

    segments.ask_refresh(segment=seniors, by=data, at=database_now())
    work()

    seniors.refresh_from_db()
    assert Customer.objects.get(pk=old.pk).rule_segments == [everybody.pk]
    assert seniors.marked_at is None


def test_two_rows_of_one_person_are_bound_by_the_rules_of_both(seniors, data, city, asker, old, young):
    youth = make(data, city, name="Youth", conditions=YOUNG)
    work()
    youth.refresh_from_db()
    propose(asker, seniors)
    propose(asker, youth)

    old.refresh_from_db()
    merging.mark_merged(old, young, at=database_now())

    assert Customer.objects.get(pk=young.pk).rule_segments == sorted([seniors.pk, youth.pk])


def test_no_mark_is_written_or_looked_for_in_a_segment_that_never_had_a_rule(seniors, data, monkeypatch):
    def fail(*_args):
        raise AssertionError

    monkeypatch.setattr(segment_rules, "mark", fail)
    segments.ask_refresh(segment=seniors, by=data, at=database_now())

    work()


# ---------------------------------------------------------------- nobody frees them alone


def test_a_segment_with_a_rule_is_neither_archived_nor_given_other_conditions(seniors, data, asker, other):
    row = propose(asker, seniors)
    for _state in ("waits", "holds"):
        with pytest.raises(segment_rules.RulesHold, match="End it first"):
            segments.archive_segment(segment=seniors, by=data, at=database_now())
        with pytest.raises(segment_rules.RulesHold):
            change(seniors, data, conditions=YOUNG)
        change(seniors, data, name="Seniors of the city", conditions=OLD)
        seniors.refresh_from_db()
        if row.made is None:
            approve(row, other)
            row.refresh_from_db()

    ContactRule.objects.filter(segment=seniors).update(valid_from=date(2020, 1, 1), valid_to=date(2020, 1, 2))
    segments.archive_segment(segment=seniors, by=data, at=database_now())
    work()
    assert marked(seniors) == set()


# ---------------------------------------------------------------- pages


def test_it_is_proposed_and_approved_on_the_pages(client, seniors, asker, other):
    pack = RulePack.objects.get(code="CN-GEN")
    client.force_login(asker)
    url = reverse("customers:rule-new", args=[pack.pk, "hours"])
    assert "Seniors" in client.get(url).content.decode()
    posted = {
        "days": ["1", "2"], "opens": "10:00", "closes": "16:00", "severity": "block", "holds_from": "2099-01-01", "reason": "old people",
        "segment": str(seniors.pk),
    }  # fmt: skip

    page = client.post(url, posted).url

    assert "segment Seniors" in client.get(page).content.decode()
    client.force_login(other)
    client.post(reverse("customers:rule-change-approve", args=[RuleChange.objects.get().pk]))
    made = ContactRule.objects.get(segment=seniors)
    for where in (reverse("customers:rule-pack", args=[pack.pk]), reverse("customers:rule-history", args=[made.pk])):
        assert "segment Seniors" in client.get(where).content.decode()


def test_the_form_of_a_rule_that_no_segment_can_have_does_not_offer_one(client, seniors, asker):
    client.force_login(asker)
    page = client.get(reverse("customers:rule-new", args=[RulePack.objects.first().pk, "refusal_rest"]))

    assert 'name="segment"' not in page.content.decode()


def test_the_segments_page_shows_its_rules_to_who_may_read_rules(client, seniors, asker, other):
    page = reverse("customers:segment", args=[seniors.pk])
    client.force_login(asker)
    assert "600 minutes between attempts" not in client.get(page).content.decode()

    approve(propose(asker, seniors), other)

    assert "600 minutes between attempts" in client.get(page).content.decode()


def test_another_city_sees_neither_the_rule_nor_the_name_of_the_segment(client, seniors, asker, other, data):
    whole = make(asker, None, name="Region's seniors")
    work()
    whole.refresh_from_db()
    of_city, of_region = approve(propose(asker, seniors), other), approve(propose(asker, whole), other)
    client.force_login(UserFactory(role="city_manager", city=CityFactory()))

    assert client.get(reverse("customers:rule-history", args=[of_city.pk])).status_code == 404
    page = client.get(reverse("customers:rule-history", args=[of_region.pk])).content.decode()
    assert f"segment {whole.pk}" in page
    assert "Region&#x27;s seniors" not in page
    assert Job.objects.filter(state="dead").count() == 0


def test_the_refusal_to_archive_is_told_on_the_segments_page(client, seniors, data, asker):
    propose(asker, seniors)
    client.force_login(data)

    answer = client.post(reverse("customers:segment-archive", args=[seniors.pk]), follow=True)

    assert "A rule of contact holds or waits" in answer.content.decode()
