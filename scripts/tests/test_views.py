from datetime import date

import pytest
from django.urls import reverse

from people.models import Membership, User

from .factories import ProductFactory, live_version

pytestmark = pytest.mark.django_db


def sign_in(client, role):
    user = User.objects.create(username=role, language="en")
    Membership.objects.create(user=user, role=role, valid_from=date(2020, 1, 1))
    client.force_login(user)
    return user


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["scripts:products", "scripts:scripts"])
def test_a_list_runs_the_same_queries_however_long_it_is(client, django_assert_num_queries, name, count):
    sign_in(client, "campaign_manager")
    for _ in range(count):
        live_version()

    with django_assert_num_queries(7):
        assert client.get(reverse(name)).status_code == 200


def test_a_product_is_stored_with_its_price_in_cents(client):
    sign_in(client, "campaign_manager")

    client.post(
        reverse("scripts:product_new"),
        {"code": "FTTH", "name": "Home broadband", "price_cents": "129.50", "is_on": "on"},
    )

    product = ProductFactory._meta.model.objects.get(code="FTTH")
    assert product.price_cents == 12950


def test_a_negative_price_is_answered_beside_the_field(client):
    sign_in(client, "campaign_manager")

    answer = client.post(reverse("scripts:product_new"), {"code": "X", "name": "X", "price_cents": "-1"})

    assert answer.context["form"].errors["price_cents"]


def test_a_team_member_who_may_not_write_gets_a_refusal(client):
    sign_in(client, "trainer")

    assert client.post(reverse("scripts:product_new"), {"code": "X", "name": "X"}).status_code == 403


def test_a_trainer_reads_the_text_of_a_script(client):
    sign_in(client, "trainer")
    version = live_version()

    page = client.get(reverse("scripts:script", args=[version.script_id]))

    assert "First question: {name|customer}" in page.content.decode()
