import pytest

from core.clock import database_now
from customers.models import Customer, Suppression
from customers.services import suppress as services
from customers.services.suppress import suppress
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/suppressions/"


@pytest.fixture
def data(client):
    user = UserFactory(role="data", city=CityFactory())
    client.force_login(user)
    return user


def own_customer(user, **fields):
    return CustomerFactory(city=user.memberships.get().city, **fields)


def test_another_system_tells_that_a_customer_is_not_to_be_called(client, data):
    customer = own_customer(data)

    answer = client.post(URL, {"customer_id": customer.pk, "kind": "refusal"}, content_type="application/json")

    assert answer.status_code == 201
    assert answer.json()["customer_id"] == customer.pk
    assert Suppression.objects.get().source == "api"


def test_a_number_is_taken_without_telling_whose_it_is(client, data):
    own_customer(data, number="19100000001")

    answers = [
        client.post(URL, {"number": number, "kind": "register"}, content_type="application/json")
        for number in ("19100000001", "19100000002")
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    assert Suppression.objects.count() == 2


def test_a_bad_number_is_409_with_its_sentence_and_nobody_named_is_400(client, data):
    bad = client.post(URL, {"number": "12", "kind": "register"}, content_type="application/json")
    nobody = client.post(URL, {"kind": "register"}, content_type="application/json")

    assert (bad.status_code, nobody.status_code) == (409, 400)
    assert "too short" in bad.json()["detail"]


def test_another_citys_customer_and_suppression_do_not_exist(client, data):
    customer = CustomerFactory()
    row = suppress(customer=customer, kind="manual", by=data, at=database_now())

    assert (
        client.post(URL, {"customer_id": customer.pk, "kind": "refusal"}, content_type="application/json").status_code
        == 404
    )
    assert client.get(f"{URL}{row.pk}/").status_code == 404
    assert client.get(URL).json()["results"] == []


def test_a_suppression_is_lifted_once(client, data):
    row = suppress(customer=own_customer(data), kind="manual", by=data, at=database_now())

    first = client.post(f"{URL}{row.pk}/lift/", {"reason": "wrong person"}, content_type="application/json")
    again = client.post(f"{URL}{row.pk}/lift/", {"reason": "wrong person"}, content_type="application/json")

    assert (first.status_code, again.status_code) == (200, 409)


def test_the_answer_to_a_lift_does_not_hang_on_what_the_address_asks_for(client, data):
    row = suppress(customer=own_customer(data), kind="manual", by=data, at=database_now())

    answer = client.post(
        f"{URL}{row.pk}/lift/?state=in_force", {"reason": "wrong person"}, content_type="application/json"
    )

    row.refresh_from_db()
    assert (answer.status_code, row.lifted_by) == (200, data)
    assert (answer.json()["id"], answer.json()["lifted_at"] is not None) == (row.pk, True)


def test_of_a_person_who_moves_to_another_city_meanwhile_the_lift_is_told_as_done(client, data, monkeypatch):
    row = suppress(customer=own_customer(data), kind="manual", by=data, at=database_now())
    lift, elsewhere = services.lift, CityFactory()

    def lifted_and_moved(**told):
        done = lift(**told)
        Customer.objects.filter(pk=row.customer_id).update(city=elsewhere)
        return done

    monkeypatch.setattr(services, "lift", lifted_and_moved)
    answer = client.post(f"{URL}{row.pk}/lift/", {"reason": "wrong person"}, content_type="application/json")

    assert (answer.status_code, answer.json()["customer_id"]) == (200, row.customer_id)
    assert Suppression.objects.get().lifted_at is not None


def test_of_a_person_merged_with_one_of_another_city_meanwhile_nothing_is_told_and_nobody_calls_them(
    client, data, monkeypatch
):
    customer, other = own_customer(data), CustomerFactory()
    suppress_ = services.suppress

    def merged_first(**told):
        Customer.objects.filter(pk=customer.pk).update(merged_into=other)
        return suppress_(**told)

    monkeypatch.setattr(services, "suppress", merged_first)
    answer = client.post(URL, {"customer_id": customer.pk, "kind": "refusal"}, content_type="application/json")

    assert (answer.status_code, answer.content) == (202, b"")
    assert Suppression.objects.get().customer == other


def test_agents_neither_read_nor_write_suppressions(client):
    client.force_login(UserFactory(agent=TeamFactory()))

    assert client.get(URL).json()["results"] == []
    assert (
        client.post(URL, {"number": "19100000001", "kind": "manual"}, content_type="application/json").status_code
        == 403
    )
