from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from campaigns.models import Campaign, Gate
from campaigns.services import planning
from customers.models import RulePack
from people.models import City, Membership, User
from scripts.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def sign_in(client, role, **place):
    user = User.objects.create(username=f"{role}{User.objects.count()}", language="en")
    Membership.objects.create(user=user, role=role, valid_from=date(2020, 1, 1), **place)
    client.force_login(user)
    return user


def plan(user, code="C1", **facts):
    campaign = Campaign(code=code, name=code, product=ProductFactory(), **facts)
    return planning.plan_campaign(campaign=campaign, packs=[], by=user, at=AT)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_runs_the_same_queries_however_many_campaigns(client, django_assert_max_num_queries, count):
    user = sign_in(client, "campaign_manager")
    for n in range(count):
        plan(user, f"C{n}")

    with django_assert_max_num_queries(13):
        assert client.get(reverse("campaigns:campaigns")).status_code == 200


def test_a_campaign_is_planned_from_the_page(client):
    sign_in(client, "campaign_manager")
    product, pack = ProductFactory(), RulePack.objects.get(code="CN-GEN")
    facts = {
        "code": "NEW", "name": "New", "type": "sales", "purpose": "up_sell", "direction": "outbound", "product": product.pk,
        "packs": [pack.pk], "telephony": "simulator", "lease_seconds": 900, "after_call_limit_seconds": 90,
    }  # fmt: skip

    answer = client.post(reverse("campaigns:campaign_new"), facts)

    campaign = Campaign.objects.get(code="NEW")
    assert answer.url == reverse("campaigns:campaign", args=[campaign.pk])
    assert list(campaign.packs.all()) == [pack]
    assert campaign.stage == "planned"


def test_an_end_before_the_start_is_answered_beside_the_field(client):
    sign_in(client, "campaign_manager")

    answer = client.post(
        reverse("campaigns:campaign_new"), {"code": "X", "starts_on": "2026-03-02", "ends_on": "2026-03-01"}
    )

    assert "on or after" in answer.context["form"].errors["ends_on"][0]


def test_stopping_takes_effect_at_once_and_is_shown(client):
    user = sign_in(client, "campaign_manager")
    campaign = plan(user)

    client.post(reverse("campaigns:campaign_switch", args=[campaign.pk]), {"is_on": "0", "reason": "complaints"})

    campaign.refresh_from_db()
    assert not campaign.is_on
    assert "stopped by its switch" in client.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()


def test_a_closed_gate_is_explained_on_the_page(client):
    user = sign_in(client, "campaign_manager")
    campaign = plan(user)

    page = client.post(reverse("campaigns:campaign_enter", args=[campaign.pk]), {"stage": "script_review"}, follow=True)

    assert "gate before script review is not passed yet" in page.content.decode().lower()


def test_qa_passes_a_gate(client):
    campaign = plan(User.objects.create(username="planner"))
    sign_in(client, "qa")
    gate = Gate.objects.get(campaign=campaign, stage="script_review")

    client.post(reverse("campaigns:gate_act", args=[campaign.pk, gate.pk]), {"act": "pass"})

    gate.refresh_from_db()
    assert gate.status == "passed"


@pytest.mark.parametrize("name", ["campaign_edit", "campaign_teams"])
def test_a_reader_is_refused_the_planners_pages(client, name):
    campaign = plan(User.objects.create(username="planner"))
    sign_in(client, "qa")

    assert client.get(reverse(f"campaigns:{name}", args=[campaign.pk])).status_code == 403


def test_another_citys_campaign_is_not_there(client):
    here, there = City.objects.create(code="A", name="A"), City.objects.create(code="B", name="B")
    campaign = plan(User.objects.create(username="planner"), city=there)
    sign_in(client, "city_manager", city=here)

    assert client.get(reverse("campaigns:campaign", args=[campaign.pk])).status_code == 404


def run(campaign):
    """Its gate passed, so that the database lets it run."""
    by = User.objects.get(username="planner")
    Gate.objects.filter(campaign=campaign, stage="running").update(status="passed", decided_by=by, decided_at=AT)
    Campaign.objects.filter(pk=campaign.pk).update(stage="running")


@pytest.mark.parametrize(
    ("role", "name", "data"),
    [
        ("campaign_manager", "campaign_edit", {}),
        ("campaign_manager", "campaign_teams", {"teams": []}),
        ("campaign_manager", "campaign_enter", {"stage": "wrap_up"}),
        ("campaign_manager", "campaign_retry", {}),
        ("supervisor", "campaign_switch", {"is_on": "0"}),
    ],
)
def test_a_citys_people_read_a_regional_campaign_and_do_not_change_it(client, role, name, data):
    campaign = plan(User.objects.create(username="planner"))
    run(campaign)
    sign_in(client, role, city=City.objects.create(code="A", name="A"))

    assert client.get(reverse("campaigns:campaign", args=[campaign.pk])).status_code == 200
    assert client.post(reverse(f"campaigns:{name}", args=[campaign.pk]), data).status_code == 403
    campaign.refresh_from_db()
    assert campaign.is_on


def test_a_citys_qa_does_not_pass_the_gate_of_a_regional_campaign(client):
    campaign = plan(User.objects.create(username="planner"))
    run(campaign)
    gate = Gate.objects.get(campaign=campaign, stage="wrap_up")
    sign_in(client, "qa", city=City.objects.create(code="A", name="A"))

    answer = client.post(reverse("campaigns:gate_act", args=[campaign.pk, gate.pk]), {"act": "pass"})

    gate.refresh_from_db()
    assert (answer.status_code, gate.status) == (403, "pending")
