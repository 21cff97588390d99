"""Taking a list back in the browser and over the API."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, LeadList
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_list_undo import called, committed
from customers.tests.test_lists import A, B, C, person
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data(client):
    """A member of the region's data team, signed in."""
    user = UserFactory(role="data")
    client.force_login(user)
    return user


@pytest.fixture
def lead_list(data, foshan):
    """Two new customers, one of them called since, and one known before whose name it changed."""
    CustomerFactory(city=foshan, name="旧名", number=C)
    made = committed(data, SourceFactory(), *(["", "新名", number, "Foshan", "", ""] for number in (A, B, C)))
    called(person(B), data)
    return made


def text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def address(lead_list, name="list-take-back"):
    return reverse(f"customers:{name}", args=[lead_list.pk])


def test_the_page_says_in_numbers_what_will_happen_then_that_it_goes_on_then_what_happened(client, data, lead_list):
    assert address(lead_list) in client.get(address(lead_list, "list")).content.decode()

    plan = text(client.get(address(lead_list)))
    assert "Customers taken away, with their numbers and leads 1 " in plan
    assert "Customers whose former values are restored 1 " in plan
    assert "Rows of which something stays 1 The customer was called 1 " in plan

    answer = client.post(address(lead_list), {"reason": "wrong file"})
    assert answer.url == address(lead_list, "list")
    lead_list.refresh_from_db()
    waiting = client.get(address(lead_list, "list")).content.decode()
    assert "Being taken back" in waiting
    assert address(lead_list, "list-progress") in waiting

    run_inline(lead_list.job_id)
    done = text(client.get(address(lead_list, "list")))
    assert "Customers taken away: 1 , updates restored: 1 , rows of which something stayed: 1 ." in done
    assert "wrong file" in done

    stayed = client.get(address(lead_list, "list"), {"verdict": "stayed"})
    assert [row.row_no for row in stayed.context["rows"]] == [3]
    assert "Stays The customer was called" in text(stayed)
    for reason, rows in (("called", [3]), ("held", [])):
        answer = client.get(address(lead_list, "list"), {"verdict": "stayed", "reason": reason})
        assert [row.row_no for row in answer.context["rows"]] == rows


def test_a_reason_is_asked_for(client, data, lead_list):
    answer = client.post(address(lead_list), {"reason": " "})

    assert answer.status_code == 422
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.COMMITTED


def test_a_job_that_gave_up_goes_on_with_a_post(client, data, lead_list):
    client.post(address(lead_list), {"reason": "wrong file"})
    lead_list.refresh_from_db()
    Job.objects.filter(pk=lead_list.job_id).update(state="dead", created_by_id=None)
    assert "Go on" in client.get(address(lead_list, "list")).content.decode()

    client.post(address(lead_list), {"reason": ""})

    lead_list.refresh_from_db()
    assert run_inline(lead_list.job_id)
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.UNDONE


def test_only_a_list_that_can_be_taken_back_has_the_page(client, data, lead_list):
    LeadList.objects.filter(pk=lead_list.pk).update(committed_at="2020-01-01T00:00:00Z")

    assert client.get(address(lead_list)).url == address(lead_list, "list")
    assert address(lead_list) not in client.get(address(lead_list, "list")).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_not_work_on_the_list_is_turned_away(client, lead_list, foshan, method):
    client.logout()
    assert "/login" in getattr(client, method)(address(lead_list)).url
    client.force_login(UserFactory(role="campaign_manager", city=foshan))
    assert getattr(client, method)(address(lead_list)).status_code in (403, 404)
    client.force_login(UserFactory(role="regional_manager"))
    assert getattr(client, method)(address(lead_list)).status_code == 403
    client.force_login(UserFactory(role="data", city=CityFactory()))
    assert getattr(client, method)(address(lead_list)).status_code == 404
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.COMMITTED


def test_a_city_is_not_told_which_of_its_rows_were_held_back(client, foshan):
    CustomerFactory(city=CityFactory(name="Guangzhou"), name="theirs", number=A)
    local = UserFactory(role="data", city=foshan)
    made = committed(local, SourceFactory(), ["", "x", A, "", "", ""], ["", "y", B, "", "", ""], city=foshan)
    client.force_login(local)

    assert "Customers taken away, with their numbers and leads 2 " in text(client.get(address(made)))
    client.post(address(made), {"reason": "wrong file"})
    made.refresh_from_db()
    run_inline(made.job_id)

    assert "Customers taken away: 2 ," in text(client.get(address(made, "list")))
    assert Customer.objects.count() == 1


def test_the_api_takes_a_list_back(data, lead_list):
    client = APIClient()
    client.force_authenticate(data)
    url = f"/api/v1/lists/{lead_list.pk}/take-back/"

    assert client.post(url, {}, format="json").status_code == 400
    answer = client.post(url, {"reason": "wrong file"}, format="json")
    assert answer.status_code == 202
    run_inline(answer.json()["job"])

    told = client.get(f"/api/v1/lists/{lead_list.pk}/").json()
    assert (told["status"], told["undo_reason"], told["undone_at"] is not None) == ("undone", "wrong file", True)
    rows = client.get(f"/api/v1/lists/{lead_list.pk}/verdicts/", {"verdict": "stayed"}).json()["results"]
    assert [(row["row_no"], row["stays_code"]) for row in rows] == [(3, "called")]
    assert client.post(url, {"reason": "again"}, format="json").status_code == 409
    client.force_authenticate(UserFactory(role="regional_manager"))
    assert client.post(url, {"reason": "again"}, format="json").status_code == 403


def test_beforehand_costs_the_same_queries_for_any_number_of_rows(client, data, foshan, django_assert_max_num_queries):
    made = committed(data, SourceFactory(), *(["", "x", number, "Foshan", "", ""] for number in (A, B, C)))
    client.get(address(made))

    with django_assert_max_num_queries(45):
        client.get(address(made))
    assert database_now() > made.committed_at
