"""At the desk and over its API a person meets what their arm says, and nothing of the other arms."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from campaigns.models import Call, Campaign, ExperimentPerson, Lead, ScenarioUse
from campaigns.services import experiments
from campaigns.tests.calling import Floor
from campaigns.tests.factories import person
from campaigns.tests.guiding import Guided, answer_to, scenario
from campaigns.tests.test_desk_views import dialled, lead_of, post
from campaigns.tests.test_guide_views import find, page
from campaigns.tests.trying import running
from core.clock import database_now
from scripts.tests.factories import OfferFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    cache.clear()
    made = Floor()
    made.due = database_now() - timedelta(days=1)
    Guided(made.campaign.product).goes_live(made.campaign)
    return made


@pytest.fixture
def at_desk(client, floor):
    client.force_login(floor.agent)
    return client


@pytest.fixture
def offers(floor):
    """ "Usual" at 1, which the campaign has, and "Other" at 2."""
    made = [
        OfferFactory(product=floor.campaign.product, name=n, price_cents=c) for n, c in (("Usual", 100), ("Other", 200))
    ]
    Campaign.objects.filter(pk=floor.campaign.pk).update(offer=made[0])
    return made


@pytest.fixture
def scenarios(floor):
    """Two that are compared, "{name} at home", and a third."""
    return [scenario(floor.campaign.product, name, by=floor.agent, lines="Hello {name}") for name in ("A", "B", "C")]


def in_arm(floor, experiment, number, **fields) -> Lead:
    """A lead of somebody who has met this arm before, next in the queue."""
    lead = lead_of(floor, **fields)
    found = experiment.arms.get(number=number)
    ExperimentPerson.objects.create(
        experiment=experiment, customer_id=lead.customer_id, arm=found, agent_id=floor.agent.pk
    )
    return lead


def shown(text: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-scenario="(\d+)"', text)]


@pytest.mark.parametrize(("number", "told"), [(1, "Usual costs 1"), (2, "Other costs 2")])
def test_a_found_answer_tells_offer_and_price_of_the_arm(at_desk, floor, offers, number, told):
    answer = answer_to("太贵了", by=floor.agent)
    type(answer).objects.filter(pk=answer.pk).update(text="{offer} costs {offer_price}")
    in_arm(floor, running(floor.campaign, kind="offer", arms=offers), number)
    post(at_desk, "desk_start")

    assert told in find(at_desk, "太贵")


@pytest.mark.parametrize("number", [1, 2])
def test_everybody_is_shown_the_scenario_of_their_arm_and_none_of_the_others(at_desk, floor, scenarios, number):
    experiment = running(floor.campaign, kind="scenario", arms=scenarios[:2])
    lead = in_arm(floor, experiment, number)
    post(at_desk, "desk_start")

    text = page(at_desk)

    assert shown(text) == [scenarios[number - 1].pk, scenarios[2].pk]
    # the blanks are filled, and one click says whether it was used
    assert f"Hello {lead.customer.name}" in text
    assert text.count('data-used="1"') == text.count('data-used="0"') == 2
    assert text.count('data-free-key="U"') == 1


def test_who_is_in_a_stopped_arm_is_shown_none_that_is_compared(at_desk, floor, scenarios):
    experiment = running(floor.campaign, kind="scenario", arms=scenarios, shares=(34, 33, 33))
    lead = in_arm(floor, experiment, 3)
    experiments.stop_arm(arm=experiment.arms.get(number=3), why="worse", at=database_now() - timedelta(hours=1))
    post(at_desk, "desk_start")

    assert Lead.objects.get(pk=lead.pk).state == "held"
    assert shown(page(at_desk)) == []


def test_when_the_experiment_is_over_all_are_proposed_again(at_desk, floor, scenarios):
    experiment = running(floor.campaign, kind="scenario", arms=scenarios[:2])
    experiments.stop_experiment(
        experiment=experiment, reason="", by=person("campaign_manager"), at=database_now() - timedelta(hours=1)
    )
    lead_of(floor)
    post(at_desk, "desk_start")

    assert shown(page(at_desk)) == [row.pk for row in scenarios]


@pytest.mark.parametrize("used", [True, False])
def test_whether_the_scenario_of_the_arm_was_used_is_kept_with_the_call(at_desk, floor, scenarios, used):
    running(floor.campaign, kind="scenario", arms=scenarios[:2])
    lead = dialled(at_desk, floor)
    met = ExperimentPerson.objects.get(customer_id=lead.customer_id).arm

    notes = {"version": 1, "scenarios": {str(met.scenario_id): used}}
    sent = {"lead": lead.pk, "disposition": "refused_price", "notes": json.dumps(notes)}
    answer = at_desk.post(reverse("campaigns:desk_result"), sent)

    assert answer.status_code == 200
    call = Call.objects.get()
    assert call.experiment_arm_id == met.pk
    assert [(row.call_id, row.scenario_id, row.used) for row in ScenarioUse.objects.all()] == [
        (call.pk, met.scenario_id, used)
    ]


@pytest.mark.parametrize("number", [1, 2])
def test_the_api_hands_a_lead_out_with_the_offer_and_scripts_of_its_arm(at_desk, floor, offers, number):
    in_arm(floor, running(floor.campaign, kind="offer", arms=offers), number)

    lead = at_desk.post(reverse("api:lead-next")).json()["lead"]

    version = Campaign.objects.get(pk=floor.campaign.pk).script_version_id
    assert (lead["offer"], lead["script_version"], lead["scenario"]) == (offers[number - 1].code, version, None)


def test_the_api_tells_the_scenario_of_the_arm(at_desk, floor, scenarios):
    lead = in_arm(floor, running(floor.campaign, kind="scenario", arms=scenarios[:2]), 2)

    told = at_desk.post(reverse("api:lead-next")).json()["lead"]["scenario"]

    name = lead.customer.name
    assert told == {
        "id": scenarios[1].pk,
        "name": "B",
        "picture": f"{name} at home",
        "lines": f"Hello {name}",
        "sms_text": "",
    }


def test_the_api_tells_what_the_campaign_has_without_an_experiment(at_desk, floor):
    lead_of(floor)

    lead = at_desk.post(reverse("api:lead-next")).json()["lead"]

    assert (lead["offer"], lead["scenario"]) == (None, None)
