"""Requests of persons in the browser."""

from datetime import timedelta

import pytest
from django.urls import reverse

from core.calendar import business_date
from core.clock import database_now
from customers.models import Customer, PersonRequest
from customers.services.suppress import suppress
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = "customers:requests"


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def clerk(city):
    return UserFactory(role="supervisor", city=city)


@pytest.fixture
def data(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


@pytest.fixture
def customer(city):
    return CustomerFactory(city=city, name="孙明", attributes={"plan": 5}, age=40)


def asked(customer, kind, by, days_ago=0) -> PersonRequest:
    day = business_date(database_now()) - timedelta(days=days_ago)
    return PersonRequest.objects.create(
        customer=customer, kind=kind, way="letter", received_on=day, received_by=by, due_on=day + timedelta(days=15)
    )


def text(answer) -> str:
    return answer.content.decode()


def at(name, row) -> str:
    return reverse(f"customers:{name}", args=[row.pk])


def test_the_list_shows_what_is_longest_overdue_first_and_the_answered_last(client, data, clerk, city):
    done = asked(CustomerFactory(city=city), "copy", clerk, 30)
    PersonRequest.objects.filter(pk=done.pk).update(state="refused", decided_by=data, decided_at=database_now())
    fresh = asked(CustomerFactory(city=city), "copy", clerk)
    late = asked(CustomerFactory(city=city), "erase", clerk, 17)
    very_late = asked(CustomerFactory(city=city), "lock", clerk, 20)

    page = text(client.get(reverse(LIST)))

    places = [page.index(f'data-href="{at("request", row)}"') for row in (very_late, late, fresh, done)]
    assert places == sorted(places)
    assert ("5 days overdue" in page, "2 days overdue" in page, "15 days left" in page) == (True, True, True)
    assert "2 requests are overdue" in page
    assert ">2<" in text(client.get(reverse("customers:requests-badge")))
    narrowed = text(client.get(reverse(LIST), {"state": "overdue", "kind": "lock"}))
    assert (at("request", very_late) in narrowed, at("request", late) in narrowed) == (True, False)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_runs_the_same_queries_however_many_rows(
    client, data, clerk, city, rows, django_assert_max_num_queries
):
    for _n in range(rows):
        asked(CustomerFactory(city=city), "copy", clerk)
    client.get(reverse(LIST))

    with django_assert_max_num_queries(12):
        client.get(reverse(LIST))


def test_another_city_sees_no_request_and_answers_none(client, customer, clerk):
    row = asked(customer, "erase", clerk, 20)
    client.force_login(UserFactory(role="data", city=CityFactory()))

    assert at("request", row) not in text(client.get(reverse(LIST)))
    assert text(client.get(reverse("customers:requests-badge"))).strip() == ""
    assert client.get(at("request", row)).status_code == 404
    for verb in ("copy", "correct", "erase", "lock", "unlock", "refuse"):
        assert client.post(at(f"request-{verb}", row), {"answer": "x", "reason": "x"}).status_code == 404
    assert client.post(at("request-open", customer), {"kind": "copy"}).status_code == 404
    assert PersonRequest.objects.get().state == "open"


def test_a_request_is_entered_on_the_customers_page(client, customer, clerk):
    client.force_login(clerk)
    page = at("customer", customer)
    form = {"kind": "erase", "way": "letter", "received_on": business_date(database_now()).isoformat()}
    assert "Nothing was asked." in text(client.get(page))

    client.post(at("request-open", customer), form)

    row = PersonRequest.objects.get()
    assert (row.kind, row.received_by) == ("erase", clerk)
    assert at("request", row) in text(client.get(page))
    again = client.post(at("request-open", customer), form)
    assert (again.status_code, "asked for already" in text(again)) == (422, True)


def test_who_does_not_answer_reads_the_request_without_verbs(client, customer, clerk):
    row = asked(customer, "erase", clerk)
    client.force_login(clerk)

    page = text(client.get(at("request", row)))

    assert at("request-erase", row) not in page
    assert "The data team" in page
    assert client.post(at("request-erase", row)).status_code == 403
    client.force_login(UserFactory(role="trainer"))
    assert client.get(reverse(LIST)).status_code == 403


def test_a_copy_is_written_and_downloaded_by_who_wrote_it(client, data, customer, clerk):
    row = asked(customer, "copy", clerk)

    page = text(client.post(at("request-copy", row), {"answer": "sent"}, follow=True))

    row.refresh_from_db()
    file_url = reverse("core:file", args=[row.file_id])
    assert file_url in page
    answer = client.get(file_url)
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    client.force_login(UserFactory(role="data"))
    assert client.get(file_url).status_code == 404


def test_a_correction_shows_before_and_after(client, data, customer, clerk, city):
    row = asked(customer, "correct", clerk)
    form = {"name": "孙鸣", "type": "", "gender": "", "age": "40", "city": city.pk, "attribute-0": "7", "answer": ""}

    page = text(client.post(at("request-correct", row), form, follow=True))

    assert ("孙明" in page, "孙鸣" in page) == (True, True)
    assert Customer.objects.get().attributes == {"plan": 7}
    client.force_login(clerk)
    assert "孙明" not in text(client.get(at("request", row)))


def test_erasing_asks_a_second_person_and_says_what_stays(client, data, customer, clerk):
    own = asked(customer, "erase", data)
    page = text(client.get(at("request", own)))
    assert ("You entered this request." in page, at("request-erase", own) in page) == (True, False)
    refused = client.post(at("request-erase", own))
    assert (refused.status_code, Customer.objects.get().name) == (422, "孙明")

    client.force_login(UserFactory(role="administrator"))
    assert "do-not-call list" in text(client.get(at("request", own)))
    client.post(at("request-erase", own), {"answer": ""})

    assert Customer.objects.get().name == ""
    assert f"#{customer.pk}" in text(client.get(at("customer", customer)))


def test_where_erasing_is_forbidden_the_page_says_why_and_locks_instead(client, data, customer, clerk):
    suppress(customer=customer, kind="complaint", by=clerk, at=database_now())
    row = asked(customer, "erase", clerk)
    page = text(client.get(at("request", row)))
    assert ("A complaint of this person" in page, at("request-erase", row) in page) == (True, False)

    client.post(at("request-lock", row))

    row.refresh_from_db()
    assert (row.state, Customer.objects.get().is_locked) == ("refused", True)


def test_a_locked_customer_is_found_by_those_who_answer_alone_until_unlocked(client, data, customer, clerk):
    row = asked(customer, "lock", clerk)
    client.post(at("request-lock", row), {"answer": ""})
    assert "孙明" in text(client.get(at("customer", customer)))

    client.force_login(clerk)
    assert client.get(at("customer", customer)).status_code == 404
    assert "孙明" not in text(client.get(reverse("customers:customers")))
    assert "孙明" not in text(client.get(at("request", row)))

    client.force_login(data)
    assert client.post(at("request-unlock", row), {"reason": ""}).status_code == 422
    client.post(at("request-unlock", row), {"reason": "agreed"})
    client.force_login(clerk)
    assert "孙明" in text(client.get(at("customer", customer)))


def test_a_refusal_without_a_reason_stays_on_the_page(client, data, customer, clerk):
    row = asked(customer, "copy", clerk)

    assert client.post(at("request-refuse", row), {"answer": ""}).status_code == 422
    client.post(at("request-refuse", row), {"answer": "somebody else"})

    assert "somebody else" in text(client.get(at("request", row)))
