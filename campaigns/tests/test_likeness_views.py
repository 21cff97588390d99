"""The pages and the endpoint of likeness: figures, training, switch, reasons, protected attributes; and who is turned away."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, Lead, LikenessModel, ProtectedAttribute
from campaigns.services import likeness
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import person
from campaigns.tests.test_likeness import FIRST, history, lead_of, run_jobs, switch, train
from core.models import Job
from core.partitions import ensure_partitions
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db):
    ensure_partitions("campaigns_call", FIRST.date().replace(day=1), 5)
    return Floor()


@pytest.fixture
def learned(floor):
    history(floor)
    # the pages ask the database's clock
    ready = timezone.now() - timedelta(days=1)
    floor.big, floor.small = (lead_of(floor, plan, ready_at=ready) for plan in ("big", "small"))
    floor.model = train(floor)
    return floor


def sign_in(client, role, **place):
    user = UserFactory(role=role, language="en", **place)
    client.force_login(user)
    return user


def page(client, name, *args):
    answer = client.get(reverse(f"campaigns:{name}", args=args))
    return answer.status_code, " ".join(answer.content.decode().split())


def test_before_anything_is_learned_the_page_says_what_to_do(client, floor):
    sign_in(client, "campaign_manager")

    status, text = page(client, "likeness", floor.campaign.pk)

    assert status == 200
    assert "Nothing learned yet" in text
    assert "Off. Leads are handed out in the order of their lists." in text
    assert "Likeness to buyers" in page(client, "campaign", floor.campaign.pk)[1]


def test_the_figures_stand_in_words_with_the_honest_ones_first(client, learned):
    sign_in(client, "campaign_manager")

    _status, text = page(client, "likeness", learned.campaign.pk)

    within = learned.model.report["within"]
    honest = f"The better half of the list holds {round(100 * within['half'])}"
    assert text.index(honest) < text.index("It mixes good and bad periods")
    assert "called in the same period" in text
    assert ">plan</th>" in text
    assert f"{learned.model.rows} finished leads with {learned.model.buyers} buyers" in text
    assert honest in page(client, "campaign", learned.campaign.pk)[1]


def test_a_refusal_is_a_sentence_with_what_would_help(client, floor):
    history(floor, rows=20)
    train(floor)
    sign_in(client, "campaign_manager")

    _status, text = page(client, "likeness", floor.campaign.pk)

    assert "Only 20 finished leads were reached; 500 are needed." in text
    assert 'id="on"' not in text


def test_a_training_is_asked_for_from_the_page_and_shown_while_it_lasts(client, floor):
    sign_in(client, "campaign_manager")

    answer = client.post(
        reverse("campaigns:likeness_train", args=[floor.campaign.pk]), {"scope": "product"}, follow=True
    )

    job = Job.objects.get(kind=likeness.TRAIN)
    assert job.args["scope"] == "product"
    assert "Learn what buyers are like" in answer.content.decode()
    again = client.post(reverse("campaigns:likeness_train", args=[floor.campaign.pk]), follow=True)
    assert "The training is under way" in again.content.decode()


def test_the_switch_is_turned_on_and_off_from_the_page(client, learned):
    sign_in(client, "campaign_manager")
    url = reverse("campaigns:likeness_switch", args=[learned.campaign.pk])

    client.post(url, {"is_on": "1", "model": learned.model.pk, "reason": "trial"})
    run_jobs()

    first = Lead.objects.filter(campaign=learned.campaign).order_by("-priority").first()
    _status, text = page(client, "likeness", learned.campaign.pk)
    assert first == learned.big
    assert "Who is called next" in text
    assert text.index(str(learned.big.customer)) < text.index(str(learned.small.customer))
    client.post(url, {"is_on": "0"})
    run_jobs()
    assert set(Lead.objects.values_list("priority", flat=True)) == {5}


def test_a_lead_tells_why_it_comes_early(client, learned):
    switch(learned, learned.model)
    sign_in(client, "campaign_manager")

    early = page(client, "likeness_lead", learned.campaign.pk, learned.big.pk)[1]
    late = page(client, "likeness_lead", learned.campaign.pk, learned.small.pk)[1]

    assert '<th scope="row">plan</th><td>big</td><td>▲ forward</td>' in early
    assert '<th scope="row">plan</th><td>small</td><td>▼ back</td>' in late


def test_a_lead_that_is_not_ordered_says_so(client, learned):
    sign_in(client, "campaign_manager")

    assert "Not ordered by likeness" in page(client, "likeness_lead", learned.campaign.pk, learned.big.pk)[1]


def test_only_planners_train_and_switch_and_agents_see_nothing(client, learned):
    for role, may_read in [("qa", True), ("agent", False)]:
        sign_in(client, role, **({"team": learned.team} if role == "agent" else {}))
        assert page(client, "likeness", learned.campaign.pk)[0] == (200 if may_read else 403)
        for verb in ("likeness_train", "likeness_switch"):
            assert client.post(reverse(f"campaigns:{verb}", args=[learned.campaign.pk])).status_code == 403
    assert likeness.use_of(learned.campaign.pk) is None


def test_another_city_sees_neither_the_campaign_nor_its_leads(client, learned):
    Campaign.objects.filter(pk=learned.campaign.pk).update(city=learned.city)
    sign_in(client, "campaign_manager", city=Floor().city)

    assert page(client, "likeness", learned.campaign.pk)[0] == 404
    assert page(client, "likeness_lead", learned.campaign.pk, learned.big.pk)[0] == 404
    assert client.post(reverse("campaigns:likeness_train", args=[learned.campaign.pk])).status_code == 404


def test_in_a_regional_campaign_a_city_sees_the_switch_but_not_what_was_learned_from_all(client, learned):
    switch(learned, learned.model)
    sign_in(client, "city_manager", city=learned.city)

    status, text = page(client, "likeness", learned.campaign.pk)

    assert status == 200
    assert "On since" in text
    assert ">plan</th>" not in text
    assert list(LikenessModel.objects.visible_to(UserFactory(role="city_manager", city=learned.city))) == []


def test_the_administrator_protects_and_gives_free(client, learned):
    switch(learned, learned.model)
    sign_in(client, "administrator")
    url = reverse("campaigns:protected_attributes")
    assert "Nothing is protected yet" in client.get(url).content.decode()

    client.post(url, {"name": "Plan", "reason": "not ours to weigh"})

    text = page(client, "likeness", learned.campaign.pk)[1]
    assert "This training used an attribute that is protected by now. Train again." in text
    assert 'id="on"' not in text
    row = ProtectedAttribute.objects.get()
    assert (row.name, likeness.use_of(learned.campaign.pk)) == ("plan", None)
    assert "not ours to weigh" in client.get(url).content.decode()
    assert client.post(url, {"name": "", "reason": ""}).status_code == 422
    client.post(reverse("campaigns:protected_release", args=[row.pk]))
    assert not ProtectedAttribute.objects.exists()


def test_nobody_else_protects_or_gives_free(client, floor):
    row = likeness.protect_attribute(name="gender", reason="law", by=person("administrator"), at=AT)
    sign_in(client, "campaign_manager")

    assert page(client, "protected_attributes")[0] == 403
    assert client.post(reverse("campaigns:protected_release", args=[row.pk])).status_code == 403
    assert ProtectedAttribute.objects.exists()


def test_the_endpoint_tells_the_state_and_turns_the_switch(client, learned):
    sign_in(client, "campaign_manager")
    url = reverse("api:campaign-likeness", args=[learned.campaign.pk])

    told = client.get(url).json()
    on = client.post(url, {"is_on": True, "reason": "trial"}, content_type="application/json")

    assert (told["is_on"], told["newest"]["id"], told["newest"]["buyers"]) == (False, learned.model.pk, 240)
    assert (on.status_code, on.json()["is_on"], on.json()["model_in_use"]) == (200, True, learned.model.pk)
    assert client.post(url, {"is_on": False}, content_type="application/json").json()["is_on"] is False


def test_the_endpoint_refuses_what_nobody_has_learned_and_who_may_not(client, floor):
    url = reverse("api:campaign-likeness", args=[floor.campaign.pk])
    sign_in(client, "campaign_manager")
    assert client.post(url, {"is_on": True}, content_type="application/json").status_code == 409
    sign_in(client, "qa")
    assert client.post(url, {"is_on": True}, content_type="application/json").status_code == 403
    sign_in(client, "agent", team=floor.team)
    assert client.get(url).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_runs_the_same_queries_however_many_leads(client, learned, count, django_assert_max_num_queries):
    for _number in range(count):
        lead_of(learned, "big", ready_at=timezone.now() - timedelta(days=2))
    switch(learned, learned.model)
    sign_in(client, "campaign_manager")

    with django_assert_max_num_queries(18):
        assert page(client, "likeness", learned.campaign.pk)[0] == 200
