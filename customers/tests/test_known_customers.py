"""What a list does with customers who are known already: takes their values, some of them, or leaves them out; and those who came lately."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.urls import reverse

from core.clock import database_now
from core.jobs import run_inline
from customers import list_queries
from customers.models import Consent, Customer, HeldRow, LeadList, RowVerdict
from customers.services import list_receiving, lists
from customers.tests import list_files
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import (
    A,
    B,
    C,
    D,
    check,
    commit,
    person,
    rows_file,
    told,
    verdicts,
)
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


@pytest.fixture
def known(data, source, foshan):
    """E1 with number A, committed by an earlier list."""
    commit(check(rows_file(["E1", "张国", A, "Foshan", 58, "gold"]), data, source), data)
    return Customer.objects.get()


def test_a_list_that_leaves_known_customers_out_takes_the_others(known, data, source):
    consents = Consent.objects.count()
    lead_list = check(
        rows_file(
            ["E1", "李四", A, "Foshan", 59, "silver"],  # known by number and customer number
            ["E1", "", B, "Foshan", "", ""],  # by customer number alone: no question is asked of a further number
            ["E2", "", C, "Foshan", "", ""],
            ["E3", "", C, "Foshan", "", ""],
        ),
        data,
        source,
        known="skip",
    )

    assert verdicts(lead_list) == ["left:known", "left:known", "new", "duplicate:same_number"]
    commit(lead_list, data)
    known.refresh_from_db()
    assert (known.name, known.age, known.attributes) == ("张国", 58, {"plan": "gold"})
    assert Consent.objects.count() == consents + 1  # of the new customer alone


def test_what_forbids_a_customer_is_said_before_that_it_is_known(known, data, source):
    Customer.objects.update(is_suppressed=True)

    assert verdicts(check(rows_file(["E1", "", A, "Foshan", "", ""]), data, source, known="skip")) == [
        "suppressed:customer"
    ]


def test_only_the_values_named_are_taken(known, data, source):
    row = ["E1", "李四", A, "Foshan", 59, "silver"]
    lead_list = check(rows_file(row), data, source, known="fields", known_fields=["age", "attributes"])

    assert verdicts(lead_list) == ["update"]
    assert RowVerdict.objects.get(lead_list=lead_list).before == {"age": 58, "attributes": {"plan": "gold"}}
    commit(lead_list, data)
    known.refresh_from_db()
    assert (known.name, known.age, known.attributes) == ("张国", 59, {"plan": "silver"})
    again = check(rows_file(row), data, source, known="fields", known_fields=["attributes", "age"])
    assert verdicts(again) == ["unchanged"]  # the name differs, and is not asked for


def test_a_customer_number_is_taken_only_where_it_is_named(data, source, foshan):
    CustomerFactory(city=foshan, number=A, name="张国", source=None, external_id="")

    without = check(rows_file(["E9", "", A, "Foshan", "", ""]), data, source, known="fields", known_fields=["age"])
    named = check(
        rows_file(["E9", "", A, "Foshan", "", ""]), data, source, known="fields", known_fields=["external_id"]
    )

    assert (verdicts(without), verdicts(named)) == (["unchanged"], ["update"])
    commit(without, data)
    assert person(A).external_id == ""
    commit(named, data)
    assert person(A).external_id == "E9"


def test_who_came_lately_is_left_out_and_who_came_before_is_updated(data, source, foshan):
    now = database_now()
    for number, days in ((A, 10), (B, 31)):
        found = CustomerFactory(city=foshan, number=number, name="x")
        Customer.objects.filter(pk=found.pk).update(created_at=now - timedelta(days=days))

    lead_list = check(
        rows_file(["", "y", A, "Foshan", "", ""], ["", "y", B, "Foshan", "", ""], ["", "y", D, "Foshan", "", ""]),
        data,
        source,
        known_days=30,
    )

    assert verdicts(lead_list) == ["left:known_lately", "update", "new"]
    assert lead_list.known_words == "who came within 30 days is left out"


def test_a_city_is_told_nothing_of_anothers_customer_by_what_is_left_out(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=A)
    CustomerFactory(city=foshan, number=B)
    local = UserFactory(role="data", city=foshan)

    rows = [["", "", A, "", "", ""], ["", "", B, "", "", ""], ["", "", C, "", "", ""]]
    lead_list = check(rows_file(*rows), local, source, city=foshan, known="skip")
    assert told(lead_list, local) == ["new", "left:known", "new"]
    commit(lead_list, local)

    # the same list again: what the city's commit would have stored is known then, theirs too
    again = check(rows_file(*rows, ["", "", D, "", "", ""]), local, source, city=foshan, known="skip")
    assert told(again, local) == ["left:known", "left:known", "left:known", "new"]


def test_what_is_left_out_shows_no_values_for_others_than_ones_own(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=A, name="theirs")
    CustomerFactory(city=foshan, number=B, name="ours", source=source, external_id="E1")
    local = UserFactory(role="data", city=foshan)

    lead_list = check(
        rows_file(["E1", "changed", B, "", 30, ""], ["E1", "changed", A, "", 30, ""]),
        local,
        source,
        city=foshan,
        known="skip",
    )

    assert told(lead_list, local) == ["left:known", "left:known"]
    shown = list_queries.rows_of(lead_list, list(lead_list.verdicts.order_by("row_no")), local)
    assert [row.changes for row in shown] == [[], []]


def test_a_held_row_is_as_old_as_its_first_commit(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=A)
    local = UserFactory(role="data", city=foshan)
    rows = [["", "x", A, "", "", ""], ["", "x", B, "", "", ""]]
    for _time in range(2):
        commit(check(rows_file(*rows), local, source, city=foshan), local)
    long_ago = database_now() - timedelta(days=110)
    Customer.objects.filter(pk=person(B).pk).update(created_at=long_ago)
    HeldRow.objects.update(first_kept_at=long_ago)

    lead_list = check(rows_file(*rows), local, source, city=foshan, known_days=30)

    assert told(lead_list, local) == ["unchanged", "unchanged"]


def test_a_second_commit_keeps_the_moment_of_the_first(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=A)
    local = UserFactory(role="data", city=foshan)
    kept = []
    for _time in range(2):
        commit(check(rows_file(["", "x", A, "", "", ""]), local, source, city=foshan), local)
        kept.append(HeldRow.objects.values_list("first_kept_at", "kept_at").get())

    assert kept[0][0] == kept[1][0]
    assert kept[0][1] < kept[1][1]


def test_the_order_of_reasons_is_the_same_for_others_customers(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=B)
    local = UserFactory(role="data", city=foshan)
    commit(check(rows_file(["", "", B, "", "", ""], ["", "", C, "", "", ""]), local, source, city=foshan), local)

    lead_list = check(
        rows_file(["E1", "", A, "", "", ""], ["E1", "", B, "", "", ""], ["E1", "", C, "", "", ""]),
        local,
        source,
        city=foshan,
        known="skip",
    )

    assert told(lead_list, local) == ["new", "left:known", "left:known"]


def test_who_was_taken_back_since_the_check_is_judged_again_at_the_commit(data, source, foshan):
    first = commit(check(rows_file(["", "x", A, "Foshan", "", ""]), data, source), data)
    second = check(rows_file(["", "y", A, "Foshan", "", ""]), data, SourceFactory(), known="skip")
    assert verdicts(second) == ["left:known"]
    job = lists.undo_list(lead_list=first, by=data, reason="wrong file", at=database_now())
    assert run_inline(job.pk)

    commit(second, data)

    assert (verdicts(second), person(A).name) == (["new"], "y")


def test_the_same_file_with_another_wish_is_another_list(known, data, source):
    file = rows_file(["E1", "", A, "Foshan", "", ""])

    first, second = check(file, data, source), check(file, data, source, known="skip")

    assert first.pk != second.pk


@pytest.mark.parametrize(
    "wish",
    [{"known": "fields"}, {"known": "skip", "known_fields": ["age"]}, {"known": "fields", "known_fields": ["city"]}],
)
def test_fields_are_named_where_some_are_taken_and_nowhere_else(data, source, foshan, wish):
    with pytest.raises(list_receiving.FieldsMissing):
        check(rows_file(["E1", "", A, "Foshan", "", ""]), data, source, **wish)


def test_the_database_holds_no_list_that_takes_some_values_and_names_none(data, source, foshan):
    lead_list = check(rows_file(["E1", "", A, "Foshan", "", ""]), data, source)

    with pytest.raises(IntegrityError):
        LeadList.objects.filter(pk=lead_list.pk).update(known="fields")


def test_the_page_asks_what_becomes_of_known_customers(client, data, source, foshan):
    client.force_login(data)
    file = list_files.workbook([["E1", "", A, "Foshan", "", ""]])
    file.name = "list.xlsx"
    posted = {"source": source.pk, "consent_basis": "contract", "known": "fields"}

    refused = client.post(reverse("customers:list-upload"), posted | {"file": file})
    file.seek(0)
    taken = client.post(
        reverse("customers:list-upload"), posted | {"file": file, "known_fields": ["age", "name"]}, follow=True
    )

    assert refused.status_code == 422
    assert "Choose at least one value." in refused.content.decode()
    assert "Of known customers only: name, age" in taken.content.decode()
    assert LeadList.objects.get().known_fields == ["age", "name"]
