"""Costs: entered, taken back, put back; by whom, and who sees them."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns.models import Cost
from campaigns.services import costs
from campaigns.tests.factories import AT, CampaignFactory, CityFactory
from core.errors import PermissionRefused
from core.models import AuditEvent
from people.tests.factories import MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def region():
    return UserFactory(role="regional_manager")


@pytest.fixture
def manager(city):
    return UserFactory(role="city_manager", city=city)


def enter(by, **more):
    given = {"kind": "staff", "month": NOVEMBER, "amount_cents": 1200_50} | more
    return costs.enter_cost(by=by, at=AT, **given)


# ---------------------------------------------------------------- the service


def test_a_cost_is_of_the_month_in_which_its_day_lies(region, city):
    cost = enter(region, month=date(2026, 11, 17), city=city, note="  overtime ")

    assert (cost.month, cost.amount_cents, cost.note, cost.entered_by) == (NOVEMBER, 1200_50, "overtime", region)
    assert AuditEvent.objects.get(action="campaigns.cost.entered").subject_id == str(cost.pk)


@pytest.mark.parametrize(
    "more",
    [
        {"amount_cents": 0}, {"amount_cents": -1}, {"amount_cents": 10**12 + 1}, {"kind": "bribes"}, {"spread": "by mood"},
        {"month": date(2027, 1, 1)}, {"month": date(1999, 12, 1)},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(more, region):
    with pytest.raises(costs.CostWrong):
        enter(region, **more)

    assert not Cost.objects.exists()


def test_the_next_month_can_be_entered_already(region):
    assert enter(region, month=date(2026, 12, 31)).month == date(2026, 12, 1)


def test_a_key_needs_something_left_open(region, city):
    campaign = CampaignFactory(city=city)

    with pytest.raises(costs.CostWrong, match="nothing to share"):
        enter(region, city=city, campaign=campaign, spread="calls")
    for wrong in (
        {"city": city, "campaign": campaign, "spread": "calls"},
        {"amount_cents": 0},
        {"month": date(2026, 11, 2)},
        {"spread": "x"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Cost.objects.create(**{"kind": "staff", "month": NOVEMBER, "amount_cents": 1} | wrong)
    with pytest.raises(costs.CostWrong, match="another city"):
        enter(region, city=CityFactory(), campaign=campaign)

    assert {enter(region, spread="calls").pk, enter(region, city=city, spread="orders").pk} == set(
        Cost.objects.values_list("pk", flat=True)
    )


def test_a_city_enters_for_itself_alone(manager, city):
    other, own, regional = CityFactory(), CampaignFactory(city=city), CampaignFactory(city=None, stage="full")

    kept = [enter(manager, city=city), enter(manager, campaign=own), enter(manager, city=city, campaign=regional)]

    for more in ({}, {"city": other}, {"campaign": regional}, {"city": city, "campaign": CampaignFactory(city=other)}):
        with pytest.raises(PermissionRefused):
            enter(manager, **more)
    assert Cost.objects.count() == len(kept)


@pytest.mark.parametrize("role", ["agent", "team_leader", "supervisor", "data", "qa", "trainer"])
def test_others_enter_nothing(role, city):
    place = {"team": TeamFactory(city=city)} if role in ("agent", "team_leader") else {"city": city}

    with pytest.raises(PermissionRefused):
        enter(UserFactory(role=role, **place), city=city)


def test_taken_back_and_put_back_each_once(region, manager, city):
    cost = enter(region, city=city)

    costs.take_back_cost(cost=cost, by=manager, at=AT)
    with pytest.raises(costs.CostNotStanding):
        costs.take_back_cost(cost=cost, by=region, at=AT)
    assert not Cost.objects.standing().exists()
    costs.put_back_cost(cost=cost, by=region, at=AT)
    with pytest.raises(costs.CostNotStanding):
        costs.put_back_cost(cost=cost, by=region, at=AT)

    assert Cost.objects.standing().get() == cost
    told = (
        AuditEvent.objects.filter(action__startswith="campaigns.cost.").order_by("pk").values_list("action", flat=True)
    )
    assert list(told) == ["campaigns.cost.entered", "campaigns.cost.taken_back", "campaigns.cost.put_back"]


def test_nobody_takes_back_what_another_place_bears(region, manager):
    shared = enter(region)

    with pytest.raises(PermissionRefused):
        costs.take_back_cost(cost=shared, by=manager, at=AT)


def test_who_sees_what(region, manager, city):
    campaign = CampaignFactory(city=city)
    own, of_campaign, _other, _shared = (
        enter(region, city=city), enter(region, campaign=campaign), enter(region, city=CityFactory()), enter(region),
    )  # fmt: skip

    assert Cost.objects.visible_to(region).count() == 4
    assert set(Cost.objects.visible_to(manager)) == {own, of_campaign}


def test_a_wide_role_that_enters_no_costs_shows_none(region, city):
    enter(region, city=city)
    enter(region, city=(other := CityFactory()))
    manager = UserFactory(role="city_manager", city=city)
    MembershipFactory(user=manager, role="qa", city=other)

    assert [cost.city for cost in Cost.objects.visible_to(manager)] == [city]
    assert not Cost.objects.visible_to(UserFactory(role="trainer")).exists()


def test_the_cost_of_a_citys_own_campaign_is_the_citys(region, city):
    assert enter(region, campaign=CampaignFactory(city=city)).city == city


# ---------------------------------------------------------------- pages


def test_a_cost_is_entered_and_the_form_is_there_for_the_next(client, manager, city):
    client.force_login(manager)
    page = client.get(reverse("campaigns:cost-new"))
    month = page.context["form"].initial["month"]
    form = {"month": month, "kind": "telephony", "amount_cents": "1200.5", "city": city.pk, "note": "lines"}

    answer = client.post(reverse("campaigns:cost-new"), form)

    assert answer.url == f"{reverse('campaigns:cost-new')}?month={month}&city={city.pk}"
    again = client.get(answer.url).context["form"]
    assert (again["month"].value(), again["city"].value()) == (month, str(city.pk))
    cost = Cost.objects.get()
    assert (cost.amount_cents, cost.kind, cost.city, f"{cost.month:%Y-%m}") == (1200_50, "telephony", city, month)


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount_cents", "0"), ("amount_cents", "-3"), ("amount_cents", "much"), ("month", "2026-13"), ("month", "1900-01"), ("kind", "x"), ("city", "99999999"),
     ("spread", "x"), ("amount_cents", "1" * 40)],
)  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_typed_stays(field, value, client, region):
    client.force_login(region)
    month = client.get(reverse("campaigns:cost-new")).context["form"].initial["month"]
    form = {"month": month, "kind": "staff", "amount_cents": "5", "note": "typed"} | {field: value}

    answer = client.post(reverse("campaigns:cost-new"), form)

    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert "typed" in answer.content.decode()
    assert not Cost.objects.exists()


def test_the_list_counts_what_counts(client, region, city):
    enter(region, city=city)
    wrong = enter(region, amount_cents=99_00)
    client.force_login(region)

    client.post(reverse("campaigns:cost-take-back", args=[wrong.pk]))
    page = client.get(reverse("campaigns:costs"))
    assert page.context["amount"] == 1200.50
    assert [row.pk for row in page.context["listing"].queryset] == [Cost.objects.standing().get().pk]

    back = client.get(reverse("campaigns:costs"), {"state": "back"})
    assert [row.pk for row in back.context["listing"].queryset] == [wrong.pk]
    assert back.context["amount"] == 0
    client.post(reverse("campaigns:cost-put-back", args=[wrong.pk]))
    assert client.get(reverse("campaigns:costs")).context["amount"] == 1299.50


def test_the_list_is_filtered_and_leaves_as_a_file(client, region, city):
    enter(region, city=city, month=date(2026, 10, 1), note="october")
    enter(region, kind="data")
    client.force_login(region)

    page = client.get(reverse("campaigns:costs"), {"month": "2026-10", "kind": "staff", "city": city.pk})
    file = client.get(reverse("campaigns:costs"), {"month": "2026-10", "export": "csv"})

    assert page.context["amount"] == 1200.50
    text = b"".join(file.streaming_content).decode("utf-8-sig") if file.streaming else file.content.decode("utf-8-sig")
    assert "2026-10" in text
    assert "october" in text
    assert len(text.strip().splitlines()) == 2


def test_another_place_is_not_there(client, manager, region):
    shared = enter(region)
    client.force_login(manager)

    assert not client.get(reverse("campaigns:costs")).context["listing"].total
    assert client.post(reverse("campaigns:cost-take-back", args=[shared.pk])).status_code == 404
    client.force_login(UserFactory(role="supervisor"))
    assert client.get(reverse("campaigns:costs")).status_code == 403
    assert client.get(reverse("campaigns:cost-new")).status_code == 403


# ---------------------------------------------------------------- over the API


def test_the_api_enters_lists_and_takes_back(client, region, city):
    client.force_login(region)
    sent = {"month": "2026-11", "kind": "data", "amount": "310.07", "city": city.pk, "spread": "calls"}

    made = client.post("/api/v1/costs/", sent, content_type="application/json", headers={"Idempotency-Key": "a"})
    again = client.post("/api/v1/costs/", sent, content_type="application/json", headers={"Idempotency-Key": "a"})
    assert made.status_code == again.status_code == 201
    assert made.json() == again.json()
    assert (made.json()["amount"], made.json()["month"], made.json()["spread"]) == ("310.07", "2026-11", "calls")
    assert [row["id"] for row in client.get("/api/v1/costs/").json()["results"]] == [made.json()["id"]]

    url = f"/api/v1/costs/{made.json()['id']}/take-back/"
    assert client.post(url).json()["taken_back_at"]
    assert client.post(url).status_code == 409
    assert client.get("/api/v1/costs/").json()["results"] == []


@pytest.mark.parametrize(
    "wrong", [{"amount": "0"}, {"month": "2026-11-01"}, {"city": 99_999_999}, {"kind": ""}, {"spread": "x"}]
)
def test_the_api_says_what_is_wrong(wrong, client, region):
    client.force_login(region)

    answer = client.post(
        "/api/v1/costs/", {"month": "2026-11", "kind": "data", "amount": "1"} | wrong, content_type="application/json"
    )

    assert answer.status_code in (400, 409, 422)
    assert not Cost.objects.exists()
