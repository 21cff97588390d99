"""The last repair of a list is undone: rows, verdicts and decisions are as before, and what stood there is kept sealed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent
from customers.models import LeadList, ListRepair, RepairedRow, StagedRow
from customers.services import list_decisions, lists, repair_undo
from customers.services.erasing import erase
from customers.services.repair_undo import NotUndoable, last_repair
from customers.services.repairs import NotRepairable
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, C, commit, verdicts
from customers.tests.test_repairs import checked, correct, counts, repair
from customers.tests.test_requests import asks
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
BAD = ["E1", "张国", "1.91E+10", "佛山", "", "", "38岁", "a\tb\\N\nc"]
GOOD = ["E2", "孙明", B, "佛山", "", "", "", ""]


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def rows(lead_list):
    return list(StagedRow.objects.filter(lead_list=lead_list).order_by("row_no").values())


def undo(lead_list, by, repair=None):
    return repair_undo.undo_repair(repair=repair or last_repair(lead_list), by=by, at=database_now())


def test_a_repaired_row_is_as_it_came_again(data, source, foshan):
    lead_list = checked(data, source, BAD, GOOD)
    before = rows(lead_list)
    repair(lead_list, 2, data, phone=A)
    assert verdicts(lead_list) == ["new", "new"]

    undone = undo(lead_list, data)

    assert rows(lead_list) == before
    assert (verdicts(lead_list), counts(lead_list)) == (["invalid:phone_lost_digits", "new"], {"invalid": 1, "new": 1})
    assert (undone.undone_by, undone.row_no, undone.fault) == (data, 2, "phone_lost_digits")
    assert AuditEvent.objects.get(action="customers.list.repair_undone").subject_id == str(lead_list.pk)


def test_what_stood_before_rests_sealed(data, source, foshan):
    lead_list = checked(data, source, GOOD)
    repair(lead_list, 2, data, name="李娜")

    with connection.cursor() as cursor:
        cursor.execute("SELECT before FROM customers_repairedrow")
        [(kept,)] = cursor.fetchall()
    assert "孙明".encode() not in bytes(kept)
    assert "孙明" in RepairedRow.objects.get().before
    undo(lead_list, data)
    assert RepairedRow.objects.count() == 1


def test_all_rows_with_a_fault_are_undone_in_one_step(data, source, foshan):
    lead_list = checked(data, source, ["", "a", A, "禅城", *[""] * 4], ["", "b", B, "南海", *[""] * 4])
    before = rows(lead_list)
    assert correct(lead_list, data, "city_unknown", str(foshan.pk)).good == 2

    assert undo(lead_list, data).rows == 2

    assert (rows(lead_list), verdicts(lead_list)) == (before, ["invalid:city_unknown"] * 2)


def test_repairs_are_undone_from_the_last_on(data, source, foshan):
    lead_list = checked(data, source, GOOD)
    first_name = rows(lead_list)[0]["name"]
    repair(lead_list, 2, data, name="one")
    first = last_repair(lead_list)
    repair(lead_list, 2, data, name="two")

    with pytest.raises(NotUndoable):
        undo(lead_list, data, first)
    undo(lead_list, data)
    assert rows(lead_list)[0]["name"] == "one"
    undo(lead_list, data)
    assert rows(lead_list)[0]["name"] == first_name
    with pytest.raises(NotUndoable):
        undo(lead_list, data, first)


def test_decisions_from_before_the_repair_hold_again(data, source, foshan):
    second = ["E1", "x", B, "佛山", *[""] * 4]
    lead_list = checked(data, source, ["E1", "x", A, "佛山", *[""] * 4], second)
    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    assert verdicts(lead_list) == ["new", "update:add_number"]
    repair(lead_list, 3, data, external_id="E9")
    assert verdicts(lead_list) == ["new", "new"]

    undo(lead_list, data)

    assert verdicts(lead_list) == ["new", "update:add_number"]


def test_very_many_rows_are_put_back_by_a_job(data, source, foshan, monkeypatch):
    monkeypatch.setattr(repair_undo, "AT_ONCE", 1)
    lead_list = checked(data, source, ["", "a", A, "禅城", *[""] * 4], ["", "b", C, "南海", *[""] * 4])
    correct(lead_list, data, "city_unknown", str(foshan.pk))

    assert undo(lead_list, data).undone_at is None
    lead_list.refresh_from_db()
    with pytest.raises(NotRepairable):
        undo(lead_list, data)
    assert run_inline(lead_list.job_id)

    assert verdicts(lead_list) == ["invalid:city_unknown"] * 2
    assert last_repair(lead_list) is None


def test_only_the_data_team_undoes_and_only_before_the_commit(data, source, foshan):
    lead_list = checked(data, source, BAD, GOOD)
    repair(lead_list, 2, data, phone=A)

    with pytest.raises(PermissionRefused):
        undo(lead_list, UserFactory(role="campaign_manager"))
    last = last_repair(lead_list)
    commit(lead_list, data)
    with pytest.raises(NotRepairable):
        undo(lead_list, data, last)


def test_a_list_given_up_forgets_its_repairs(data, source, foshan):
    lead_list = checked(data, source, BAD)
    repair(lead_list, 2, data, phone=A)

    lists.give_up_list(lead_list=lead_list, by=data, at=database_now())

    assert (ListRepair.objects.count(), RepairedRow.objects.count()) == (0, 0)


def test_the_page_offers_the_last_repair_once_and_to_the_data_team_alone(client, data, source, foshan):
    lead_list = checked(data, source, BAD, GOOD)
    client.force_login(data)
    page = reverse("customers:list", args=[lead_list.pk])
    assert "Undo the repair" not in client.get(page).content.decode()
    repair(lead_list, 2, data, phone=A)
    at = reverse("customers:list-repair-undo", args=[lead_list.pk, last_repair(lead_list).pk])
    shown = client.get(page).content.decode()
    assert ("Last repair: row 2" in shown, at in shown) == (True, True)

    client.force_login(UserFactory(role="data", city=CityFactory()))
    assert client.post(at).status_code == 404
    client.force_login(UserFactory(role="campaign_manager"))
    assert "Undo the repair" not in client.get(page).content.decode()
    assert client.post(at).status_code == 403
    client.force_login(data)
    assert client.post(at).url == page
    assert "The repair is undone" in client.get(page).content.decode()
    assert "Only the last repair" in client.post(at, follow=True).content.decode()
    assert LeadList.objects.get(pk=lead_list.pk).counts == {"invalid": 1, "new": 1}


def test_an_erasing_takes_along_what_stood_before_a_repair(data, source, foshan):
    customer = CustomerFactory(city=foshan, name="孙明", number=B)
    lead_list = checked(data, source, GOOD)
    repair(lead_list, 2, data, name="孙鸣")
    asked = asks(customer, "erase", UserFactory(role="data"))

    erase(asked=asked, by=data, at=database_now(), answer="done")

    assert not RepairedRow.objects.exists()
    with pytest.raises(NotUndoable, match="no longer kept"):
        undo(lead_list, data)
