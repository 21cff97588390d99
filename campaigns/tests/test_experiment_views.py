"""Pages of experiments: those of a campaign, the plan, and the verbs."""

import pytest
from django.urls import reverse

from campaigns.models import Campaign, Experiment
from campaigns.tests.factories import CampaignFactory, CityFactory, TeamFactory, agent_of, person
from campaigns.tests.trying import draft, running, things, versions
from scripts.tests.factories import OfferFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner():
    return person("campaign_manager")


@pytest.fixture
def campaign():
    return CampaignFactory(name="Spring", target_success_percent="6.50")


def posted(chosen, shares=(50, 50), **fields):
    answers = {
        "name": "Two openings", "question": "Is the short one better?", "indicator": "success_rate", "usual_percent": "5",
        "smallest_points": "1", "looks": "3", "per_arm": "", "stops_for_harm": "on",
    }  # fmt: skip
    for number, (thing, share) in enumerate(zip(chosen, shares, strict=True), start=1):
        answers |= {f"thing_{number}": thing.pk, f"share_{number}": share}
    return answers | fields


def url(name, pk):
    return reverse(f"campaigns:{name}", args=[pk])


def test_an_empty_list_says_what_can_be_tried(client, planner, campaign):
    client.force_login(planner)

    page = client.get(url("experiments", campaign.pk)).content.decode()

    assert "Nothing tried yet" in page
    assert url("experiment-new", campaign.pk) in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_however_many(client, planner, campaign, count, django_assert_num_queries):
    for number in range(count):
        draft(campaign, planner, name=f"Trial {number}")
    client.force_login(planner)
    client.get(url("experiments", campaign.pk))

    with django_assert_num_queries(6):
        page = client.get(url("experiments", campaign.pk)).content.decode()

    assert all(f"Trial {number}" in page for number in range(count))


@pytest.mark.parametrize("kind", ["script", "offer", "scenario"])
def test_an_experiment_is_planned_by_the_form(client, planner, campaign, kind):
    chosen = things(kind, campaign)
    client.force_login(planner)

    answer = client.post(url("experiment-new", campaign.pk) + f"?kind={kind}", posted(chosen, (60, 40)))

    found = Experiment.objects.get()
    assert answer.url == reverse("metrics:experiment", args=[found.pk])
    assert (found.kind, found.state, found.per_arm, found.created_by) == (kind, "draft", 8297, planner)
    assert [(arm.thing, arm.share) for arm in found.arms.order_by("number")] == [(chosen[0], 60), (chosen[1], 40)]


def test_the_form_begins_with_what_the_campaign_has(client, planner, campaign):
    version = versions(campaign.product)[0]
    Campaign.objects.filter(pk=campaign.pk).update(script=version.script, script_version=version)
    client.force_login(planner)

    page = client.get(url("experiment-new", campaign.pk)).content.decode()

    assert f'<option value="{version.pk}" selected>' in page
    assert 'value="6.50"' in page


def test_only_what_fits_the_campaign_can_be_chosen(client, planner, campaign):
    other = OfferFactory(name="of another product")
    client.force_login(planner)

    page = client.get(url("experiment-new", campaign.pk) + "?kind=offer").content.decode()
    answer = client.post(
        url("experiment-new", campaign.pk) + "?kind=offer", posted([other, OfferFactory(product=campaign.product)])
    )

    assert "of another product" not in page
    assert "fewer than two to choose from" in page
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"share_2": "40"}, "sum to 100"),
        ({"share_2": ""}, "required"),
        ({"per_arm": "2"}, "as many persons an arm as looks"),
        ({"usual_percent": "0"}, "between 0 and 100"),
        ({"smallest_points": "99"}, "cannot be reached"),
        ({"share_3": "20"}, None),
    ],
)
def test_what_is_wrong_stands_on_the_form(client, planner, campaign, fields, told):
    client.force_login(planner)

    answer = client.post(url("experiment-new", campaign.pk), posted(versions(campaign.product), **fields))

    assert (told is None) == (answer.status_code == 302)
    if told:
        assert (answer.status_code, Experiment.objects.count()) == (422, 0)
        assert told in answer.content.decode()


def test_a_third_arm_needs_its_share(client, planner, campaign):
    three = versions(campaign.product, 3)
    client.force_login(planner)

    answer = client.post(url("experiment-new", campaign.pk), posted(three[:2], thing_3=three[2].pk))

    assert "Say how many percent" in answer.content.decode()


def test_a_draft_is_changed_by_the_form_and_a_running_one_is_not(client, planner, campaign):
    found = draft(campaign, planner)
    chosen = [arm.thing for arm in found.arms.order_by("number")]
    client.force_login(planner)

    client.post(url("experiment-edit", found.pk), posted(chosen, (80, 20), per_arm="900"))
    client.post(url("experiment-start", found.pk))
    refused = client.post(url("experiment-edit", found.pk), posted(chosen, (50, 50)))

    found = Experiment.objects.get()
    assert (found.name, found.per_arm, found.state) == ("Two openings", 900, "running")
    assert list(found.arms.order_by("number").values_list("share", flat=True)) == [80, 20]
    assert refused.url == reverse("metrics:experiment", args=[found.pk])


def test_it_is_started_stopped_and_decided_by_buttons(client, planner, campaign):
    found = draft(campaign, planner)
    client.force_login(planner)
    states = []
    for name, answers in [
        ("start", {}), ("start", {}), ("stop", {"reason": "trouble"}), ("decide", {"arm": "2"}), ("decide", {"arm": "2", "reason": "better"})
    ]:  # fmt: skip
        client.post(url(f"experiment-{name}", found.pk), answers)
        states.append(Experiment.objects.get().state)

    # the second start and the decision without a reason are refused with a sentence
    assert states == ["running", "running", "stopped", "stopped", "decided"]
    assert Campaign.objects.get().script_version == found.arms.get(number=2).script_version


@pytest.mark.parametrize("number", ["4", "0", "²", "x", "1" * 30])
def test_an_arm_that_is_not_there_is_not_adopted(client, planner, campaign, number):
    found = running(campaign, planner)
    client.force_login(planner)

    assert client.post(url("experiment-decide", found.pk), {"arm": number, "reason": "x"}).status_code == 404
    assert Experiment.objects.get().state == "running"


def test_a_draft_is_thrown_away_by_a_button_and_a_running_one_is_not(client, planner, campaign):
    found, other = draft(campaign, planner, name="Openings"), running(campaign, planner)
    client.force_login(planner)

    shown = client.get(reverse("metrics:experiment", args=[found.pk])).content.decode()
    gone = client.post(url("experiment-discard", found.pk), follow=True)
    client.post(url("experiment-discard", other.pk))

    assert url("experiment-discard", found.pk) in shown
    assert "The draft of Openings is thrown away." in gone.content.decode()
    assert list(Experiment.objects.all()) == [other]
    assert client.post(url("experiment-discard", found.pk)).status_code == 404


def test_an_offer_that_is_compared_says_so_on_its_form(client, planner, campaign):
    offer = running(campaign, planner, kind="offer").arms.get(number=1).offer
    client.force_login(planner)

    answer = client.post(
        reverse("scripts:offer_edit", args=[offer.product_id, offer.pk]),
        {"code": offer.code, "name": offer.name, "terms": "x", "price_cents": "5", "valid_from": offer.valid_from},
    )

    assert "The experiment “E” compares this at present." in answer.content.decode()


def test_a_scenario_that_is_compared_says_so_when_it_is_dropped(client, planner, campaign):
    scenario = running(campaign, planner, kind="scenario").arms.get(number=1).scenario
    client.force_login(planner)

    answer = client.post(reverse("scripts:scenario_move", args=[scenario.pk, "dropped"]), follow=True)

    assert "The experiment “E” compares this at present." in answer.content.decode()


@pytest.mark.parametrize("name", ["start", "stop", "decide", "edit", "discard"])
def test_who_only_reads_and_who_is_of_another_city_change_nothing(client, planner, name):
    found = draft(CampaignFactory(city=CityFactory()), planner)
    reader = person("qa")
    stranger = person("campaign_manager", city=CityFactory())

    answers = []
    for user in (reader, stranger, agent_of(TeamFactory())):
        client.force_login(user)
        answers.append(client.post(url(f"experiment-{name}", found.pk), {"reason": "x"}).status_code)

    assert answers == [403, 404, 403]
    assert Experiment.objects.get().state == "draft"


def test_the_list_of_another_city_is_not_there(client):
    campaign = CampaignFactory(city=CityFactory())
    client.force_login(person("campaign_manager", city=CityFactory()))

    assert client.get(url("experiments", campaign.pk)).status_code == 404


def test_a_city_plans_none_in_a_regional_campaign_and_sees_none_of_it(client, campaign):
    city = CityFactory()
    team = TeamFactory(city=city)
    campaign.team_links.create(team=team)
    running(campaign, name="of the region")
    client.force_login(person("campaign_manager", city=city))

    page = client.get(url("experiments", campaign.pk)).content.decode()

    assert "of the region" not in page
    assert client.get(url("experiment-new", campaign.pk)).status_code == 403


def test_the_campaign_leads_to_its_experiments(client, planner, campaign):
    client.force_login(planner)

    assert url("experiments", campaign.pk) in client.get(url("campaign", campaign.pk)).content.decode()
