"""The list of customers as a file: few rows at once, many with a second person."""

import io
import re
import threading
import time

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from core import listing
from core.models import AuditEvent
from customers.tests.factories import CustomerFactory
from people.models import ExportRequest
from people.services import exports
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def clerk(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


def rows_of(answer) -> list[list]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    return [[cell.value for cell in row] for row in book.active.rows]


def test_few_customers_leave_at_once_with_masked_numbers(client, clerk, city):
    CustomerFactory(city=city, name="孙明", number="19100007541")
    CustomerFactory(city=CityFactory(), name="theirs", number="19100007542")

    rows = rows_of(client.get(reverse("customers:customers"), {"export": "xlsx"}))

    text = str(rows)
    assert ("孙明" in text, "191****7541" in text) == (True, True)
    assert ("theirs" in text, "19100007541" in text) == (False, False)
    assert AuditEvent.objects.get(action="core.list.exported").detail["alone"] is True


def test_many_customers_leave_when_a_second_person_agreed(client, clerk, city, monkeypatch):
    monkeypatch.setattr(exports, "TWO_PERSONS", 2)
    for number in ("19100007541", "19100007542"):
        CustomerFactory(city=city, number=number)
    list_url = reverse("customers:customers")

    asked = client.get(list_url, {"export": "xlsx", "sort": "-name"})
    assert asked.status_code == 409
    assert not AuditEvent.objects.filter(action="core.list.exported").exists()
    what = re.search(r'name="what" value="([^"]+)"', asked.content.decode())[1]
    client.post(reverse("people:export-ask"), {"what": what, "purpose": "audit"})
    request = ExportRequest.objects.get()
    assert (request.asked_by, request.row_count, request.query, request.city_ids) == (clerk, 2, "", [city.pk])
    decide = reverse("people:export-decide", args=[request.pk])
    assert client.post(decide, {"approve": "1"}).status_code == 403

    client.force_login(UserFactory(role="city_manager", city=CityFactory()))
    assert client.post(decide, {"approve": "1"}).status_code == 404
    client.force_login(UserFactory(role="city_manager", city=city))
    assert '<span class="count hot">1</span>' in client.get(reverse("people:exports-badge")).content.decode()
    assert decide in client.get(reverse("people:exports")).content.decode()
    client.post(decide, {"approve": "1"})

    client.force_login(clerk)
    page = client.get(reverse("people:exports")).content.decode()
    assert f'href="{list_url}?export=xlsx"' in page
    assert len(rows_of(client.get(list_url, {"export": "xlsx"}))) >= 3
    assert AuditEvent.objects.get(action="core.list.exported").detail["request"] == request.pk


def test_the_number_of_rows_cannot_be_written_by_hand(client, clerk):
    answer = client.post(reverse("people:export-ask"), {"what": "forged", "purpose": "x"})

    assert answer.status_code == 403
    assert not ExportRequest.objects.exists()


def test_filters_that_no_request_can_hold_are_refused_with_a_sentence(client, clerk, city, monkeypatch):
    monkeypatch.setattr(exports, "TWO_PERSONS", 1)
    CustomerFactory(city=city, name="n" * 40)

    foreign = client.get(reverse("customers:customers"), {"export": "xlsx", "name_x": "x" * 3000})
    assert foreign.status_code == 409
    what = re.search(r'name="what" value="([^"]+)"', foreign.content.decode())[1]
    client.post(reverse("people:export-ask"), {"what": what, "purpose": "audit"})
    assert ExportRequest.objects.get().query == ""

    monkeypatch.setattr("people.exports.LONGEST_QUERY", 20)
    long = client.get(reverse("customers:customers"), {"export": "xlsx", "name": "n" * 40})
    assert long.status_code == 409
    assert "The filters are too long for an export request." in long.content.decode()


def test_who_only_looks_cannot_export(client, city):
    client.force_login(UserFactory(role="qa", city=city))
    CustomerFactory(city=city)

    assert client.get(reverse("customers:customers"), {"export": "csv"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_files_at_the_same_moment_are_counted_one_after_the_other(monkeypatch):
    """Each has 2 of the fewer than 4 rows that leave alone: the second to come must read of the first."""
    monkeypatch.setattr(exports, "TWO_PERSONS", 4)
    city = CityFactory()
    for number in ("19100007541", "19100007542"):
        CustomerFactory(city=city, number=number)
    clerk = UserFactory(role="data", city=city)
    write = listing.audit

    def write_late(*args, **kwargs):
        time.sleep(0.4)
        return write(*args, **kwargs)

    monkeypatch.setattr(listing, "audit", write_late)
    answers = []

    def take():
        client = Client()
        client.force_login(clerk)
        answer = client.get(reverse("customers:customers"), {"export": "csv"})
        answers.append(answer.status_code)
        list(answer)  # read to its end, which closes the file
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 409]
