"""A committed list is taken back: what it brought goes, what was used since stays with its reason, what it changed is restored."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.calendar import business_date
from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent, Job
from core.phones import clean_phone
from core.sealed import blind_index
from customers.models import (
    Consent,
    Contact,
    Customer,
    CustomerTag,
    GreyEntry,
    HeldRow,
    LeadList,
    Phone,
    RowVerdict,
    Suppression,
)
from customers.retention import forget_staged_rows, forget_values_before
from customers.services import list_decisions, list_undo, lists
from customers.services.quiet_times import add_quiet_time
from customers.services.suppress import suppress
from customers.tests.factories import ConsentFactory, CustomerFactory, PhoneFactory, SourceFactory, TagFactory
from customers.tests.test_lists import A, B, C, check, commit, person, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def guangzhou():
    return CityFactory(name="Guangzhou", name_zh="广州")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def ask(lead_list: LeadList, by, *, reason="wrong file", at=None) -> Job:
    return lists.undo_list(lead_list=lead_list, by=by, reason=reason, at=at or database_now())


def take_back(lead_list: LeadList, by) -> LeadList:
    job = ask(lead_list, by)
    assert run_inline(job.pk)
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.UNDONE, Job.objects.get(pk=job.pk).last_error
    return lead_list


def committed(by, source, *rows, **options) -> LeadList:
    return commit(check(rows_file(*rows), by, source, **options), by)


def stays(lead_list: LeadList) -> dict[int, str]:
    return dict(RowVerdict.objects.filter(lead_list=lead_list, stays__isnull=False).values_list("row_no", "stays"))


def test_customers_that_nobody_has_touched_go_with_all_that_came_with_them(data, source, foshan):
    known = CustomerFactory(city=foshan, number=C)
    lead_list = committed(data, source, ["E1", "张国", A, "Foshan", 58, "gold"], ["E2", "孙明", B, "佛山", 44, ""])
    CustomerTag.objects.create(customer=person(A), tag=TagFactory())

    take_back(lead_list, data)

    assert list(Customer.objects.all()) == [known]
    assert (Phone.objects.count(), Consent.objects.count(), CustomerTag.objects.count()) == (1, 1, 0)
    assert (lead_list.undo_by, lead_list.undo_reason, lead_list.undone_at is not None) == (data, "wrong file", True)
    assert stays(lead_list) == {}
    deeds = AuditEvent.objects.filter(subject_id=str(lead_list.pk)).values_list("action", flat=True)
    assert list(deeds.order_by("pk"))[-2:] == ["customers.list.undo_asked", "customers.list.undone"]


def test_the_same_file_afterwards_is_a_fresh_list(data, source, foshan):
    row = ["E1", "张国", A, "Foshan", 58, "gold"]
    first = take_back(committed(data, source, row), data)

    second = check(rows_file(row), data, source)

    assert second != first
    assert verdicts(second) == ["new"]
    commit(second, data)
    assert person(A).external_id == "E1"
    assert Customer.objects.count() == 1


def called(customer, data):
    Customer.objects.filter(pk=customer.pk).update(attempts=[database_now()])


def called_in_the_ledger(customer, data):
    Contact.objects.create(at=database_now(), customer_id=customer.pk, city_id=customer.city_id, state="made")


def spoken_to(customer, data):
    Customer.objects.filter(pk=customer.pk).update(answered_at=database_now())


def held(customer, data):
    Customer.objects.filter(pk=customer.pk).update(held_lead_id=1, attempts=[database_now()])
    Contact.objects.create(at=database_now(), customer_id=customer.pk, city_id=customer.city_id, state="reserved")


def given_back(customer, data):
    Contact.objects.create(at=database_now(), customer_id=customer.pk, city_id=customer.city_id, state="void")


def refused_calls(customer, data):
    suppress(customer=customer, kind=Suppression.Kind.REFUSAL, by=data, at=database_now())


def was_suppressed_once(customer, data):
    past = database_now() - timedelta(days=2)
    Suppression.objects.create(customer=customer, kind="manual", valid_from=past, valid_to=past + timedelta(days=1))


def merged_away(customer, data):
    Customer.objects.filter(pk=customer.pk).update(merged_into=CustomerFactory(city=customer.city))


def merged_into_it(customer, data):
    Customer.objects.filter(pk=CustomerFactory(city=customer.city).pk).update(merged_into=customer)


def got_a_number(customer, data):
    PhoneFactory(customer=customer, number="19100008888", is_primary=False)


def got_a_consent(customer, data):
    ConsentFactory(customer=customer)


def withdrew_consent(customer, data):
    customer.consents.update(withdrawn_at=database_now())


def asked_not_to_be_disturbed(customer, data):
    add_quiet_time(
        customer=customer, days=[6, 7], begins="00:00", ends="24:00", stated_on=business_date(database_now()), way="phone", stated_by="herself",
        by=data, at=database_now(),
    )  # fmt: skip


def put_on_the_greylist(customer, data):
    GreyEntry.objects.create(customer=customer, purposes=["service"], reason="x", source="x", created_by=data)


def in_a_later_list(customer, data):
    committed(data, customer.source, ["E1", "", A, "Foshan", "", ""])


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (called, "called"),
        (asked_not_to_be_disturbed, "quiet_time"),
        (put_on_the_greylist, "greylisted"),
        (called_in_the_ledger, "called"),
        (spoken_to, "called"),
        (held, "held"),
        (given_back, "handed_out"),
        (refused_calls, "suppressed"),
        (was_suppressed_once, "suppressed"),
        (merged_away, "merged"),
        (merged_into_it, "merged"),
        (got_a_number, "number"),
        (got_a_consent, "consent"),
        (withdrew_consent, "consent"),
        (in_a_later_list, "other_list"),
    ],
)
def test_a_customer_who_was_used_since_stays_and_the_row_says_why(data, source, foshan, happens, reason):
    lead_list = committed(data, source, ["E1", "张国", A, "Foshan", 58, "gold"], ["E2", "孙明", B, "佛山", 44, ""])
    happens(person(A), data)

    take_back(lead_list, data)

    assert stays(lead_list) == {2: reason}
    kept = person(A)
    assert (kept.name, kept.consents.filter(basis="contract of 2026").count()) == ("张国", 1)
    assert not Phone.objects.filter(mask="191****7542").exists()
    assert not Customer.objects.filter(external_id="E2").exists()


def test_the_consent_of_a_customer_who_was_called_stays_in_force(data, source, foshan):
    lead_list = committed(data, source, ["E1", "张国", A, "Foshan", 58, "gold"])
    called(person(A), data)

    take_back(lead_list, data)

    assert person(A).consents.in_force(database_now()).count() == 1


# ---------------------------------------------------------------- updates


def test_what_an_update_changed_is_restored(data, source, foshan, guangzhou):
    known = CustomerFactory(
        city=guangzhou, name="旧名", type="consumer", gender="male", age=57, number=A,
        attributes={"plan": "silver", "other": 1},
    )  # fmt: skip
    heads = ["external_id", "name", "phone", "city", "age", "gender", "plan", "fresh"]
    lead_list = check(rows_file(["E1", "新名", A, "Foshan", 58, "female", "gold", "x"], heads=heads), data, source)
    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    commit(lead_list, data)
    known.refresh_from_db()
    assert (known.name, known.city, known.age, known.gender, known.external_id) == ("新名", foshan, 58, "female", "E1")

    take_back(lead_list, data)

    known.refresh_from_db()
    assert (known.name, known.name_sort, known.age, known.gender, known.type) == (
        "旧名",
        "jiu ming",
        57,
        "male",
        "consumer",
    )
    assert (known.city, known.external_id, known.attributes) == (guangzhou, "", {"plan": "silver", "other": 1})
    assert stays(lead_list) == {}


def test_a_value_that_was_changed_again_since_stays(data, source, foshan):
    known = CustomerFactory(city=foshan, name="旧名", age=57, number=A)
    lead_list = committed(data, source, ["", "新名", A, "Foshan", 58, ""])
    Customer.objects.filter(pk=known.pk).update(name="by hand")

    take_back(lead_list, data)

    known.refresh_from_db()
    assert (known.name, known.age) == ("by hand", 57)
    assert stays(lead_list) == {2: "changed"}


def test_values_that_a_later_list_went_on_with_stay(data, source, foshan):
    known = CustomerFactory(city=foshan, name="旧名", age=57, number=A)
    first = committed(data, source, ["", "新名", A, "Foshan", 58, ""])
    second = committed(data, source, ["", "新名", A, "Foshan", 59, ""])

    take_back(first, data)

    known.refresh_from_db()
    assert (known.name, known.age, stays(first)) == ("新名", 59, {2: "other_list"})
    take_back(second, data)
    known.refresh_from_db()
    assert (known.name, known.age, stays(second)) == ("新名", 58, {})


def test_an_added_number_is_taken_away_unless_it_was_dialled(data, source, foshan):
    CustomerFactory(city=foshan, source=source, external_id="E1", name="张国", number=A)
    CustomerFactory(city=foshan, source=source, external_id="E2", name="孙明", number=B)
    lead_list = check(
        rows_file(["E1", "张国", "19100008001", "Foshan", "", ""], ["E2", "孙明", "19100008002", "Foshan", "", ""]), data, source
    )  # fmt: skip
    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    commit(lead_list, data)
    dialled = Phone.objects.get(mask="191****8002")
    Contact.objects.create(
        at=database_now(), customer_id=dialled.customer_id, city_id=foshan.pk, state="made", phone_id=dialled.pk
    )

    take_back(lead_list, data)

    assert sorted(Phone.objects.values_list("mask", flat=True)) == ["191****7541", "191****7542", "191****8002"]
    assert stays(lead_list) == {3: "dialled"}


def test_a_further_number_of_a_customer_of_the_same_list_goes_with_the_customer(data, source, foshan):
    lead_list = check(rows_file(["E1", "x", A, "Foshan", "", ""], ["E1", "x", B, "Foshan", "", ""]), data, source)
    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    commit(lead_list, data)
    assert person(A) == person(B)

    take_back(lead_list, data)

    assert (Customer.objects.count(), Phone.objects.count()) == (0, 0)


def test_who_came_with_two_numbers_and_was_called_keeps_the_consent(data, source, foshan, monkeypatch):
    monkeypatch.setattr(list_undo, "CHUNK", 1)
    lead_list = check(rows_file(["E1", "x", A, "Foshan", "", ""], ["E1", "x", B, "Foshan", "", ""]), data, source)
    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    commit(lead_list, data)
    called(person(A), data)

    take_back(lead_list, data)

    assert person(A).consents.in_force(database_now()).count() == 1
    assert (stays(lead_list), Phone.objects.count()) == ({2: "called"}, 1)


def test_the_consent_of_a_customer_known_before_ends_but_is_kept(data, source, foshan):
    known = CustomerFactory(city=foshan, name="张国", number=A)
    lead_list = committed(data, source, ["", "张国", A, "Foshan", "", ""])
    assert known.consents.in_force(database_now()).count() == 2

    take_back(lead_list, data)

    assert list(known.consents.in_force(database_now()).values_list("basis", flat=True)) == ["contract"]
    ended = known.consents.get(basis="contract of 2026")
    assert (ended.withdrawn_at, ended.expires_at is not None) == (None, True)


def in_force(number=A) -> list[str]:
    return sorted(person(number).consents.in_force(database_now()).values_list("basis", flat=True))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_lists_on_one_ground_the_last_taken_back_ends_the_consent(order, data, source, foshan):
    CustomerFactory(city=foshan, name="张国", number=A)
    both = [committed(data, source, ["", "张国", A, "Foshan", age, ""]) for age in (58, 59)]
    assert in_force() == ["contract", "contract of 2026"]  # said once

    take_back(both[order[0]], data)
    assert in_force() == ["contract", "contract of 2026"]
    take_back(both[order[1]], data)

    assert in_force() == ["contract"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_came_with_a_list_taken_back_loses_its_ground_with_the_last_list_that_gives_it(order, data, source, foshan):
    both = [committed(data, source, ["E1", "张国", A, "Foshan", age, ""]) for age in (58, 59)]

    take_back(both[order[0]], data)
    assert in_force() == ["contract of 2026"]
    take_back(both[order[1]], data)

    assert [one.consents.in_force(database_now()).count() for one in Customer.objects.all()] == [0, 0][: 1 - order[0]]


def test_a_list_on_another_ground_keeps_the_customer_and_not_the_ground(data, source, foshan):
    first = committed(data, source, ["E1", "张国", A, "Foshan", 58, ""])
    other = check(rows_file(["E1", "张国", A, "Foshan", 59, ""]), data, source)
    LeadList.objects.filter(pk=other.pk).update(consent_basis="a form on the web")
    commit(other, data)

    take_back(first, data)

    assert (in_force(), stays(first)) == (["a form on the web"], {2: "other_list"})


def test_who_was_called_on_the_ground_of_the_first_list_keeps_it_as_evidence(data, source, foshan):
    first = committed(data, source, ["E1", "张国", A, "Foshan", 58, ""])
    second = committed(data, source, ["E1", "张国", A, "Foshan", 59, ""])
    called(person(A), data)

    take_back(first, data)
    take_back(second, data)

    assert (in_force(), stays(first)) == (["contract of 2026"], {2: "called"})


# ---------------------------------------------------------------- other lists


def test_a_list_checked_before_and_committed_after_finds_its_customers_gone(data, source, foshan):
    first = committed(data, source, ["E1", "张国", A, "Foshan", 58, ""])
    second = check(rows_file(["E1", "张国", A, "Foshan", 59, ""]), data, source)
    assert verdicts(second) == ["update"]
    take_back(first, data)

    commit(second, data)

    assert verdicts(second) == ["new"]
    assert (person(A).age, person(A).consents.count()) == (59, 1)


def test_what_a_city_was_told_of_rows_held_back_is_told_afresh(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    local = UserFactory(role="data", city=foshan)
    rows = ["", "x", A, "", 30, ""], ["", "y", B, "", 30, ""]
    lead_list = committed(local, source, *rows, city=foshan)
    assert HeldRow.objects.count() == 1

    take_back(lead_list, local)
    again = check(rows_file(*rows), local, source, city=foshan)

    assert [row.said_to(False)[0] for row in again.verdicts.order_by("row_no")] == ["new", "new"]


# ---------------------------------------------------------------- who, when, again


@pytest.mark.parametrize("role", ["agent", "supervisor", "campaign_manager", "regional_manager", "qa"])
def test_only_the_data_team_takes_lists_back(role, data, source, foshan):
    lead_list = committed(data, source, ["", "x", A, "Foshan", "", ""])

    with pytest.raises(PermissionRefused):
        ask(lead_list, UserFactory(role=None if role == "agent" else role))
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.COMMITTED


def test_the_data_team_of_another_city_takes_nothing_back(source, foshan, guangzhou):
    local, other = UserFactory(role="data", city=foshan), UserFactory(role="data", city=guangzhou)
    lead_list = committed(local, source, ["", "x", A, "", "", ""], city=foshan)

    with pytest.raises(PermissionRefused):
        ask(lead_list, other)


def test_only_a_committed_list_is_taken_back_and_once(data, source, foshan):
    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)
    with pytest.raises(lists.NothingToTakeBack):
        ask(lead_list, data)

    commit(lead_list, data)
    with pytest.raises(lists.ReasonMissing):
        ask(lead_list, data, reason="  ")
    first = ask(lead_list, data)
    assert ask(lead_list, data) == first
    run_inline(first.pk)

    with pytest.raises(lists.NothingToTakeBack):
        ask(lead_list, data)
    with pytest.raises(lists.ListIsOver):
        lists.give_up_list(lead_list=lead_list, by=data, at=database_now())
    with pytest.raises(lists.NothingToCommit):
        lists.commit_list(lead_list=lead_list, by=data, at=database_now())


def test_a_list_is_taken_back_within_thirty_days_and_what_that_needs_is_kept_as_long(data, source, foshan):
    known = CustomerFactory(city=foshan, name="旧名", number=A)
    lead_list = committed(data, source, ["", "新名", A, "Foshan", "", ""], ["", "x", B, "Foshan", "", ""])
    at = database_now()

    forget_staged_rows(at + timedelta(days=29))
    forget_values_before(at + timedelta(days=29))
    with pytest.raises(lists.TooLateToTakeBack):
        ask(lead_list, data, at=lead_list.committed_at + timedelta(days=30))
    assert list(lead_list.rows.values_list("row_no", flat=True)) == [2]
    take_back(lead_list, data)

    known.refresh_from_db()
    assert known.name == "旧名"
    forget_staged_rows(at + timedelta(days=29))
    assert not lead_list.rows.exists()


def test_a_job_that_was_stopped_is_followed_by_one_that_goes_on(data, source, foshan, monkeypatch):
    monkeypatch.setattr(list_undo, "CHUNK", 1)
    lead_list = committed(data, source, *(["", "x", number, "Foshan", "", ""] for number in (A, B, C)))
    first = ask(lead_list, data)
    Job.objects.filter(pk=first.pk).update(state="cancelled")

    second = ask(lead_list, data)

    assert second != first
    assert run_inline(second.pk)
    assert not Customer.objects.exists()
    second.refresh_from_db()
    assert (second.done, second.total) == (3, 3)


def test_what_is_told_beforehand_is_what_happens(data, source, foshan):
    from customers.services.undo_judging import foresee

    CustomerFactory(city=foshan, name="旧名", number=C)
    lead_list = committed(
        data, source, *(["", "新名", number, "Foshan", "", ""] for number in (A, B, C)),
    )  # fmt: skip
    called(person(B), data)

    told = foresee(lead_list)

    assert told == {("new", "", False): 1, ("new", "called", False): 1, ("update", "", False): 1}
    take_back(lead_list, data)
    assert (stays(lead_list), person(C).name, Customer.objects.count()) == ({3: "called"}, "旧名", 2)


# ---------------------------------------------------------------- the greylist


def test_a_number_of_the_greylist_is_known_when_a_list_brings_it(data, source, foshan):
    blind = blind_index(clean_phone(A))
    GreyEntry.objects.create(phone_blind=blind, purposes=["service"], reason="x", source="x", created_by=data)

    committed(data, source, ["E1", "张国", A, "Foshan", 58, "gold"])

    assert person(A).is_greylisted
