"""A number entered by hand: its author and their city see and lift it, and learn nothing of whether another city knows it."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from core.clock import database_now
from customers.models import Customer, Suppression
from customers.services.persons import suppress_number
from customers.services.suppress import suppress
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
THEIRS, NOBODYS, OURS = "19100007541", "19100007542", "19100007543"
LIST = reverse("customers:suppressions")


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


@pytest.fixture
def stranger():
    """A customer of another city, whose number that city has entered as well."""
    customer = CustomerFactory(number=THEIRS, name="Zhang Theirs")
    enter(UserFactory(role="data", city=customer.city), THEIRS)
    return customer


def enter(by, number, kind="manual"):
    return suppress_number(number=number, kind=kind, by=by, at=database_now())


def text(answer):
    return answer.content.decode()


def page_of(client, row):
    return text(client.get(reverse("customers:suppression", args=[row.pk])))


def facts(page, row):
    """What the page of a row shows, without the moments and the row's own id."""
    body = page.split("<h2>", 1)[1].split("</main>")[0]
    body = re.sub(r'value="[^"]{30,}"', "", body.replace(f"/{row.pk}/", "/"))
    return re.sub(r"\d\d:\d\d(:\d\d)?", "", body)


def test_the_page_of_an_entry_is_the_same_whether_or_not_another_city_knows_the_number(client, data, stranger):
    known, unknown = enter(data, THEIRS), enter(data, NOBODYS)

    pages = [facts(page_of(client, row), row) for row in (known, unknown)]

    assert pages[0] == pages[1]
    assert "a number" in pages[0]
    assert "Lift the suppression" in pages[0]


def test_a_number_that_another_city_entered_is_entered_once_more_and_repeated_no_second_time(data, stranger):
    own = enter(data, THEIRS)

    assert own.created_by == data
    assert enter(data, THEIRS) == own
    assert Suppression.objects.count() == 2


def test_the_list_its_order_its_file_and_the_api_tell_nothing_of_the_owner(client, data, stranger, city):
    CustomerFactory(city=city, number=OURS, name="Li Ours", name_sort="li ours")
    rows = [enter(data, number) for number in (THEIRS, OURS, NOBODYS)]

    for order in ("customer", "-customer", "city", "-city", ""):
        page = text(client.get(LIST, {"sort": order}))
        assert "Li Ours" in page
        assert "Zhang Theirs" not in page
        assert str(stranger.city) not in page
    placed = [client.get(LIST, {"sort": order}).context["listing"].queryset for order in ("customer", "city")]
    # nobody's and another city's stand together, in the order of their rows
    assert [row.pk for row in placed[0]].index(rows[1].pk) == 0
    assert [row.pk for row in placed[1]].index(rows[1].pk) == 0
    book = openpyxl.load_workbook(io.BytesIO(b"".join(client.get(LIST, {"export": "xlsx"}).streaming_content)))
    cells = [cell for line in book.worksheets[0].iter_rows(values_only=True) for cell in line]
    assert stranger.pk not in cells
    api = APIClient()
    api.force_authenticate(data)
    told = {row["id"]: row["customer_id"] for row in api.get("/api/v1/suppressions/").json()["results"]}
    assert (told[rows[0].pk], told[rows[2].pk]) == (None, None)
    assert told[rows[1].pk] is not None


def test_lifting_the_own_entry_leaves_the_other_citys_in_force(client, data, stranger):
    row = enter(data, THEIRS)

    assert client.post(reverse("customers:suppression-lift", args=[row.pk]), {"reason": "mistyped"}).status_code == 302

    assert Suppression.objects.get(pk=row.pk).lifted_by == data
    assert Customer.objects.get(pk=stranger.pk).is_suppressed
    other = Suppression.objects.exclude(pk=row.pk).get()
    assert client.get(reverse("customers:suppression", args=[other.pk])).status_code == 404
    assert client.post(reverse("customers:suppression-lift", args=[other.pk]), {"reason": "x"}).status_code == 404


def test_the_city_of_the_author_the_customers_city_and_the_region_see_it_and_a_third_city_does_not(
    client, data, stranger, city
):
    row = enter(data, THEIRS)

    def sees(user):
        client.force_login(user)
        return client.get(reverse("customers:suppression", args=[row.pk])).status_code == 200

    places = [city, stranger.city, None, CityFactory()]
    assert [sees(UserFactory(role="supervisor", city=place)) for place in places] == [True, True, True, False]


def test_who_entered_it_by_hand_may_lift_it_whatever_their_role_but_no_wish(client, city):
    quality = UserFactory(role="qa", city=city)
    client.force_login(quality)
    by_hand, wish = enter(quality, NOBODYS), enter(quality, NOBODYS, kind="refusal")

    answers = [
        client.post(reverse("customers:suppression-lift", args=[row.pk]), {"reason": "x"}).status_code
        for row in (by_hand, wish)
    ]

    assert answers == [302, 403]


def test_what_a_call_left_behind_stays_with_the_customers_city(client, data, stranger):
    row = suppress(customer=stranger, phone=THEIRS, kind="refusal", by=data, at=database_now(), call_id=7)

    assert client.get(reverse("customers:suppression", args=[row.pk])).status_code == 404


def test_a_locked_person_is_named_to_those_who_answer_alone(client, data, city):
    customer = CustomerFactory(city=city, name="Sun Locked", name_sort="sun locked")
    row = suppress(customer=customer, kind="complaint", by=data, at=database_now(), note="Sun said so")
    Customer.objects.filter(pk=customer.pk).update(is_locked=True)

    def shown(role):
        client.force_login(UserFactory(role=role, city=city))
        return page_of(client, row), text(client.get(LIST, {"sort": "customer"}))

    for page in shown("qa"):
        assert f"#{customer.pk}" in page
        assert not {word for word in ("Sun Locked", "Sun said so") if word in page}
        assert reverse("customers:customer", args=[customer.pk]) not in page
    assert reverse("customers:customer", args=[customer.pk]) in shown("data")[0]


def test_an_end_in_the_past_is_refused_by_number_as_well(data):
    from customers.services.suppress import EndsBeforeItBegins

    with pytest.raises(EndsBeforeItBegins):
        suppress_number(
            number=NOBODYS, kind="manual", by=data, at=database_now(), valid_to=database_now() - timedelta(days=1)
        )
