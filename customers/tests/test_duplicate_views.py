"""Possible same persons and merges in the browser."""

import pytest
from django.urls import reverse

from core.clock import database_now
from core.models import Job
from customers.models import Customer, Merge, SamePerson
from customers.services import merging
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory(name="Foshan")


@pytest.fixture
def data(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


def make_pair(city, name="Zhang Wei", last="89", **fields):
    first, second = (CustomerFactory(city=city, name=name, number=f"1910000754{digit}") for digit in last)
    return SamePerson.objects.create(first=first, second=second, found_at=database_now(), **{"why": "digit", **fields})


@pytest.fixture
def pair(city):
    return make_pair(city)


def text(answer):
    return answer.content.decode()


def test_the_queue_shows_what_waits_and_on_demand_what_was_decided(client, data, pair, city):
    decided = {"state": "different", "decided_by": data, "decided_at": database_now()}
    make_pair(city, name="Told Apart", last="67", **decided)
    gone = make_pair(city, name="Gone Since", last="45")
    Customer.objects.filter(pk=gone.first_id).update(merged_into=pair.first)

    page = text(client.get(reverse("customers:same-persons")))

    assert "Zhang Wei" in page
    assert "191****7548 · 191****7549" in page
    assert "19100007548" not in page
    assert "Told Apart" not in page
    assert "Gone Since" not in page
    told_apart = text(client.get(reverse("customers:same-persons"), {"state": "different"}))
    assert "Told Apart" in told_apart
    assert "Zhang Wei" not in told_apart


@pytest.mark.parametrize("rows", [1, 3])
def test_the_queue_runs_the_same_queries_however_many_pairs(client, data, city, rows, django_assert_num_queries):
    for n in range(rows):
        make_pair(city, last=f"{2 * n}{2 * n + 1}")
    client.get(reverse("customers:same-persons"))

    with django_assert_num_queries(QUERIES):
        client.get(reverse("customers:same-persons"))


QUERIES = 15


def test_an_empty_queue_says_what_to_do(client, data):
    assert "A city can be looked through as a whole below." in text(client.get(reverse("customers:same-persons")))


def test_a_city_is_looked_through_on_demand_and_no_other_citys(client, data, city):
    url = reverse("customers:same-persons-look")

    client.post(url, {"city": city.pk})
    client.post(url, {"city": CityFactory().pk})

    assert Job.objects.filter(kind="customers.find_same_persons").get().args == {"city": city.pk}


def test_two_stand_side_by_side_with_what_is_the_same_and_what_differs(client, data, pair):
    Customer.objects.filter(pk=pair.first_id).update(gender="male", attributes={"plan": "A"})
    Customer.objects.filter(pk=pair.second_id).update(gender="male", attributes={"plan": "B", "arpu": 30})

    page = text(client.get(reverse("customers:same-person", args=[pair.pk])))

    for line, sign in (("Gender", "same"), ("plan", "differs"), ("arpu", "only one"), ("Numbers", "differs")):
        row = page.split(f'<th scope="row">{line}</th>')[1].split("</tr>")[0]
        assert f">{sign}<" in row, line
    assert "191****7548" in page
    assert "19100007548" not in page


def test_the_pair_is_told_apart_and_leaves_the_queue(client, data, pair):
    answer = client.post(reverse("customers:same-person-different", args=[pair.pk]))

    assert answer.url == reverse("customers:same-persons")
    assert "Zhang Wei" not in text(client.get(answer.url))
    again = client.post(reverse("customers:same-person-different", args=[pair.pk]), follow=True)
    assert "Somebody has decided about these two meanwhile: Not the same." in text(again)


def test_the_pair_is_merged_and_the_merge_undone(client, data, pair):
    answer = client.post(reverse("customers:same-person-merge", args=[pair.pk]), {"keep": pair.second_id})

    made = Merge.objects.get()
    assert (made.kept_id, made.gone_id) == (pair.second_id, pair.first_id)
    assert answer.url == reverse("customers:merge", args=[made.pk])
    page = text(client.get(answer.url))
    assert '<th scope="row">Numbers</th><td class="num">1</td>' in page
    assert "Zhang Wei" in text(client.get(reverse("customers:merges")))
    person = text(client.get(reverse("customers:customer", args=[made.kept_id])))
    assert "Merged into this customer" in person
    gone = text(client.get(reverse("customers:customer", args=[made.gone_id])))
    assert f'href="{reverse("customers:customer", args=[made.kept_id])}">merged into' in gone

    undone = client.post(reverse("customers:merge-undo", args=[made.pk]), follow=True)

    assert "They are two customers again." in text(undone)
    assert "Everything is as it was before the merge." in text(undone)
    again = client.post(reverse("customers:merge-undo", args=[made.pk]), follow=True)
    assert "This merge was undone before." in text(again)


def test_a_refusal_is_shown_on_the_page_and_nobody_of_a_third_pair_can_stay(client, data, pair, city):
    url = reverse("customers:same-person-merge", args=[pair.pk])
    assert client.post(url, {"keep": CustomerFactory(city=city).pk}).status_code == 422
    Customer.objects.filter(pk=pair.first_id).update(held_lead_id=5)

    answer = client.post(url, {"keep": pair.first_id})

    assert answer.status_code == 422
    assert "An agent has one of them in hand just now" in text(answer)
    assert not Merge.objects.exists()


def test_what_could_not_be_brought_back_is_said(client, data, pair):
    Customer.objects.filter(pk=pair.second_id).update(gender="male")
    made = merging.merge(pair=pair, keep_id=pair.first_id, by=data, at=database_now())
    Customer.objects.filter(pk=pair.first_id).update(gender="female")

    answer = client.post(reverse("customers:merge-undo", args=[made.pk]), follow=True)

    assert "1 detail was changed since and stays as it is." in text(answer)


PAGES = ["same-person", "same-person-different", "same-person-merge", "merge", "merge-undo"]


def test_another_citys_data_team_sees_neither_pair_nor_merge(client, pair, data):
    made = merging.merge(pair=pair, keep_id=pair.first_id, by=data, at=database_now())
    client.force_login(UserFactory(role="data", city=CityFactory()))

    assert "Zhang Wei" not in text(client.get(reverse("customers:same-persons"), {"state": "merged"}))
    assert "Zhang Wei" not in text(client.get(reverse("customers:merges")))
    for name in PAGES:
        pk = made.pk if name.startswith("merge") else pair.pk
        answer = getattr(client, "get" if name in ("same-person", "merge") else "post")(
            reverse(f"customers:{name}", args=[pk]), {"keep": pair.first_id}
        )
        assert answer.status_code == 404, name


@pytest.mark.parametrize("role", ["campaign_manager", "supervisor", "city_manager", "qa"])
def test_other_roles_of_the_city_are_turned_away(client, pair, city, role):
    client.force_login(UserFactory(role=role, city=city))

    assert client.get(reverse("customers:same-persons")).status_code == 403
    assert client.get(reverse("customers:merges")).status_code == 403
    assert client.get(reverse("customers:same-person", args=[pair.pk])).status_code == 403
    assert client.post(reverse("customers:same-person-different", args=[pair.pk])).status_code == 403
    assert SamePerson.objects.get().state == "open"


def test_the_regions_data_team_decides_for_every_city(client, pair):
    client.force_login(UserFactory(role="data"))

    client.post(reverse("customers:same-person-merge", args=[pair.pk]), {"keep": pair.first_id})

    assert Merge.objects.get().kept == pair.first
