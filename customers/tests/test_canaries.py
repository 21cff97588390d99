"""Canary customers: nobody can tell them from others, nobody is handed one, and every file that leaves with one is known."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from rest_framework.test import APIClient

from core.clock import database_now
from core.errors import PermissionRefused
from core.models import AuditEvent
from core.phones import clean_phone
from core.sealed import blind_index
from customers.models import Canary, CanaryCall, CanaryExport, Customer, StagedRow, Suppression
from customers.services.canaries import (
    NoCanary,
    NotAlertable,
    NumberTaken,
    SettledAlready,
    note_export,
    place_canary,
    report_canary_call,
    settle_canary_call,
)
from customers.services.contacts import why_not
from customers.services.persons import suppress_number
from customers.services.suppress import ReasonMissing, lift, recompute_all
from customers.tests.factories import CustomerFactory, LeadListFactory
from customers.tests.test_registers import load, numbers_file
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
NUMBER = "19100007548"


@pytest.fixture
def boss():
    return UserFactory(role="administrator")


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def canary(boss, city):
    return place_canary(number=NUMBER, name="林静", city=city, alert_to=boss, by=boss, at=AT)


def take(client, query) -> None:
    """Fetch the list of customers as a file, to its last byte."""
    assert b"".join(client.get(reverse("customers:customers"), query).streaming_content)


def said(mark) -> tuple:
    """What pages, files and the API show of a suppression that may differ between rows."""
    return mark.kind, mark.source, mark.created_by, mark.note, mark.customer_id, mark.valid_to, mark.events.count()


def test_a_canary_looks_like_a_customer_entered_as_not_to_be_called(canary, city, boss):
    row = Customer.objects.get()
    assert (row.name, row.name_sort, row.city, row.is_suppressed) == ("林静", "lin jing", city, True)

    other = suppress_number(number="19100007549", kind="manual", by=boss, at=AT)

    assert said(Suppression.objects.exclude(pk=other.pk).get()) == said(other)


def test_a_canary_looks_like_a_number_of_the_register_taken_in_last_and_outlasts_the_next(boss, city):
    data = UserFactory(role="data")
    taken = load(numbers_file("19100007541", "19100007542"), data)
    canary = place_canary(number=NUMBER, name="林静", city=city, alert_to=boss, by=boss, at=database_now())
    index = blind_index(clean_phone(NUMBER))
    others = Suppression.objects.exclude(phone_blind=index)

    assert {said(row) for row in others} == {said(Suppression.objects.get(phone_blind=index))}
    load(numbers_file("19100007541", "19100007543"), data, dated_on=date(2026, 11, 2))

    assert taken.created_by == data
    assert Suppression.objects.get(phone_blind=index).lifted_at is None
    assert others.filter(lifted_at=None).count() == 2
    assert Customer.objects.get(pk=canary.customer_id).is_suppressed


CALLED = {"number": NUMBER, "called_at": "2026-11-19T04:00:00Z", "caller": "a shop"}
CALLS = "/api/v1/canary-calls/"


def test_a_call_is_reported_over_the_api_once_and_stands_on_the_page(client, canary, boss):
    api = APIClient()
    api.force_authenticate(boss)

    first = api.post(CALLS, CALLED, format="json", headers={"Idempotency-Key": "k1"})
    repeat = api.post(CALLS, CALLED, format="json", headers={"Idempotency-Key": "k1"})
    other = api.post(CALLS, CALLED | {"caller": "x"}, format="json", headers={"Idempotency-Key": "k1"})

    call = CanaryCall.objects.get()
    assert (first.status_code, first.json()) == (201, repeat.json())
    assert first.json() == {"id": call.pk, "canary_id": canary.pk, "called_at": "2026-11-19T12:00:00+08:00"}
    assert (other.status_code, call.caller, call.reported_by) == (409, "a shop", boss)
    assert api.post(CALLS, CALLED, format="json").json()["id"] == call.pk  # without a key: by its time
    assert AuditEvent.objects.filter(action="customers.canary.called").count() == 1
    client.force_login(boss)
    assert reverse("customers:canary", args=[canary.pk]) in client.get(reverse("customers:canaries")).content.decode()


def test_the_api_says_nothing_about_a_number_but_to_administrators(canary, boss):
    api = APIClient()
    for role in ("data", "regional_manager", "qa"):
        api.force_authenticate(UserFactory(role=role))
        told = [api.post(CALLS, CALLED | {"number": number}, format="json") for number in (NUMBER, "19100007549", "x")]
        assert {(answer.status_code, str(answer.json())) for answer in told} == {(403, str(told[0].json()))}
    api.force_authenticate(boss)
    assert api.post(CALLS, CALLED | {"number": "19100007549"}, format="json").status_code == 409
    assert api.post(CALLS, CALLED | {"called_at": "2999-01-01T00:00:00Z"}, format="json").status_code == 409
    assert not CanaryCall.objects.exists()


def test_a_canary_is_not_handed_out_whoever_lifts_what(canary, boss):
    lift(suppression=Suppression.objects.get(), by=boss, at=AT, reason="a mistake")
    assert Customer.objects.get().is_suppressed

    Customer.objects.update(is_suppressed=False)
    recompute_all(at=AT)

    row = Customer.objects.get()
    assert row.is_suppressed
    from customers.services.contacts import rules_for

    assert "suppressed" in [
        reason.code
        for reason in why_not(customer=row, rules=rules_for(pack_ids=[], on=AT.date(), city_id=row.city_id), at=AT)
    ]


def test_only_administrators_place_and_see_canaries(canary, boss, city):
    for role in ("data", "regional_manager", "qa"):
        other = UserFactory(role=role)
        assert not Canary.objects.visible_to(other).exists()
        with pytest.raises(PermissionRefused):
            place_canary(number="19100007549", name="x", city=city, alert_to=boss, by=other, at=AT)
    assert Canary.objects.visible_to(boss).exists()


def test_a_number_of_the_pool_and_an_alert_to_somebody_else_are_refused(boss, city):
    CustomerFactory(number=NUMBER)

    with pytest.raises(NumberTaken):
        place_canary(number=NUMBER, name="x", city=city, alert_to=boss, by=boss, at=AT)
    with pytest.raises(NotAlertable):
        place_canary(number="19100007549", name="x", city=city, alert_to=UserFactory(role="data"), by=boss, at=AT)


def test_a_call_raises_an_alert_once_and_is_looked_into_once(canary, boss):
    at = AT + timedelta(days=1)
    call = report_canary_call(number=NUMBER, called_at=AT, caller="0757 8888 0000", by=boss, at=at)
    again = report_canary_call(number=NUMBER, called_at=AT, by=boss, at=at)

    assert (again, call.settled_at) == (call, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT caller FROM customers_canarycall")
        assert b"0757" not in bytes(cursor.fetchone()[0])
    with pytest.raises(ReasonMissing):
        settle_canary_call(call=call, finding=" ", by=boss, at=at)
    settle_canary_call(call=call, finding="a former clerk", by=boss, at=at)
    with pytest.raises(SettledAlready):
        settle_canary_call(call=call, finding="again", by=boss, at=at)
    assert CanaryCall.objects.get().finding == "a former clerk"


def test_a_call_to_another_number_or_in_the_future_is_none_to_a_canary(canary, boss):
    CustomerFactory(number="19100007549")

    with pytest.raises(NoCanary):
        report_canary_call(number="19100007549", called_at=AT, by=boss, at=AT)
    with pytest.raises(NoCanary):
        report_canary_call(number=NUMBER, called_at=AT + timedelta(hours=1), by=boss, at=AT)


def test_a_file_of_customers_notes_the_canaries_in_it_and_those_filtered_out_are_not_noted(client, canary, boss, city):
    elsewhere = place_canary(number="19100007549", name="何平", city=CityFactory(), alert_to=boss, by=boss, at=AT)
    clerk = UserFactory(role="data")
    client.force_login(clerk)

    take(client, {"export": "xlsx", "city": city.pk})

    found = CanaryExport.objects.get()
    assert (found.canary, found.taken_by, found.list_name, found.row_count) == (canary, clerk, "customers.customers", 1)
    assert AuditEvent.objects.get(action="core.list.exported").detail["canaries"] == [canary.pk]
    assert not elsewhere.exports.exists()


def test_a_file_that_does_not_leave_is_not_noted(client, canary, monkeypatch):
    from people.services import exports

    monkeypatch.setattr(exports, "TWO_PERSONS", 1)
    client.force_login(UserFactory(role="data"))

    assert client.get(reverse("customers:customers"), {"export": "xlsx"}).status_code == 409
    assert not CanaryExport.objects.exists()


def test_rows_of_an_uploaded_file_are_known_by_their_number(canary, boss):
    StagedRow.objects.create(lead_list=LeadListFactory(), row_no=1, phone_blind=blind_index(clean_phone(NUMBER)))

    said = note_export(
        StagedRow.objects.all(), list_name="customers.rejects", title="x", row_count=1, request_id=None, by=boss, at=AT
    )

    assert said == {"canaries": [canary.pk]}


# ---------------------------------------------------------------- pages


def test_a_call_reported_on_the_page_leads_to_the_files_before_it(client, canary, boss):
    clerk = UserFactory(role="data", display_name="Clerk of the list")
    client.force_login(clerk)
    take(client, {"export": "csv"})
    client.force_login(boss)
    assert client.get(reverse("customers:canaries-badge")).content.decode().strip() == ""

    Canary.objects.update(created_at=AT)
    CanaryExport.objects.update(at=AT)
    answer = client.post(
        reverse("customers:canary-report"), {"number": NUMBER, "called_at": "2026-11-20T10:00", "caller": "somebody"}, follow=True
    )  # fmt: skip

    page = answer.content.decode()
    assert ("Clerk of the list" in page, "before the call" in page, "to look into" in page) == (True, True, True)
    assert NUMBER not in page
    assert ">1<" in client.get(reverse("customers:canaries-badge")).content.decode()
    call = CanaryCall.objects.get()
    client.post(reverse("customers:canary-call-settle", args=[call.pk]), {"finding": "found"})
    assert client.get(reverse("customers:canaries-badge")).content.decode().strip() == ""


def test_a_canary_is_placed_on_the_page_and_a_fault_is_said(client, boss, city):
    client.force_login(boss)
    new = reverse("customers:canary-new")
    form = {"number": NUMBER, "name": "林静", "city": city.pk, "alert_to": boss.pk}

    assert client.post(new, form).status_code == 302
    assert "belongs to a customer already" in client.post(new, form).content.decode()
    assert "林静" in client.get(reverse("customers:canaries")).content.decode()
    assert database_now() > Canary.objects.get().created_at


@pytest.mark.parametrize("role", ["data", "regional_manager", "trainer"])
def test_nobody_else_opens_the_pages(client, canary, boss, role):
    client.force_login(UserFactory(role=role))
    call = report_canary_call(number=NUMBER, called_at=AT, by=boss, at=AT)

    for name, args in [("canaries", []), ("canary-new", []), ("canary-report", []), ("canary", [canary.pk])]:
        assert client.get(reverse(f"customers:{name}", args=args)).status_code == 403
    assert client.post(reverse("customers:canary-call-settle", args=[call.pk]), {"finding": "x"}).status_code == 403


def test_the_customers_page_gives_nothing_away(client, canary):
    client.force_login(UserFactory(role="data"))

    page = client.get(reverse("customers:customer", args=[canary.customer_id])).content.decode()

    assert "anary" not in page
