"""A version that comes into force reaches the calls; one that calls use is not taken away; a planner's form takes no script away unseen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from campaigns.models import Campaign
from campaigns.services import experiments, planning
from campaigns.tests import trying
from campaigns.tests.calling import Floor
from campaigns.tests.factories import AT, CampaignFactory, CityFactory, person
from campaigns.tests.test_desk_views import started
from core.clock import database_now
from core.models import AuditEvent
from customers.models import RulePack
from scripts import services
from scripts.models import Product, ScriptVersion
from scripts.tests.factories import ScriptFactory, ScriptVersionFactory, live_version
from scripts.tests.test_products import shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    return CampaignFactory().product


@pytest.fixture
def versions(product) -> list[ScriptVersion]:
    """One in force, and the next one of its script, approved."""
    return trying.versions(product)


def calling_with(version: ScriptVersion, **fields) -> Campaign:
    return CampaignFactory(product=version.script.product, script=version.script, script_version=version, **fields)


def version_of(campaign: Campaign) -> ScriptVersion | None:
    return Campaign.objects.get(pk=campaign.pk).script_version


def live(version: ScriptVersion) -> ScriptVersion:
    return services.make_live(version=version, by=person("qa"), at=AT)


# ---------------------------------------------------------------- put in force


def test_campaigns_that_call_with_the_version_before_call_with_the_new_one(versions):
    old, new = versions
    running, planned = calling_with(old), calling_with(old, stage="planned")
    closed, history = calling_with(old, stage="closed"), calling_with(old, stage="history")
    other = calling_with(live_version(ScriptFactory(product=old.script.product)))
    untouched = version_of(other)

    live(new)

    assert [version_of(one) for one in (running, planned)] == [new, new]
    assert [version_of(one) for one in (closed, history)] == [old, old]
    assert version_of(other) == untouched
    told = AuditEvent.objects.filter(action="campaigns.campaign.script_followed").order_by("id")
    assert [(event.subject_id, event.detail) for event in told] == [
        (str(running.pk), {"before": 1, "number": 2}),
        (str(planned.pk), {"before": 1, "number": 2}),
    ]


def test_the_next_lead_is_spoken_with_the_new_version(client):
    cache.clear()
    floor = Floor()
    floor.due = database_now() - timedelta(days=1)
    old, new = trying.versions(floor.campaign.product)
    Campaign.objects.filter(pk=floor.campaign.pk).update(script=old.script, script_version=old)
    live(new)
    client.force_login(floor.agent)

    started(client, floor)

    assert f'data-script="{new.pk}"' in client.get(reverse("campaigns:desk")).content.decode()


def test_a_first_version_in_force_leaves_campaigns_alone(product):
    first = ScriptVersionFactory(script=ScriptFactory(product=product), six_parts=True, status="approved")
    campaign = CampaignFactory(product=product)

    live(first)

    assert version_of(campaign) is None


def test_a_version_that_a_running_experiment_compares_is_not_displaced(versions):
    old, new = versions
    campaign, elsewhere = calling_with(old, name="Compared"), calling_with(old)
    found = trying.running(campaign, arms=versions)

    with pytest.raises(services.VersionInUse, match="A running experiment of Compared compares version 1"):
        live(new)

    assert [version_of(one) for one in (campaign, elsewhere)] == [old, old]
    old.refresh_from_db()
    assert old.status == "live"
    experiments.stop_experiment(experiment=found, reason="", by=person("campaign_manager"), at=AT)
    live(new)
    assert [version_of(one) for one in (campaign, elsewhere)] == [new, new]


def test_adopting_an_arm_takes_the_other_campaigns_along(versions):
    old, new = versions
    campaign, elsewhere = calling_with(old), calling_with(old)
    found = trying.running(campaign, arms=versions)

    experiments.decide_experiment(
        experiment=found, arm=found.arms.get(number=2), reason="better", by=person("campaign_manager"), at=AT
    )

    assert [version_of(one) for one in (campaign, elsewhere)] == [new, new]


def test_putting_it_in_force_twice_moves_nobody_twice(versions):
    old, new = versions
    calling_with(old)
    live(new)

    with pytest.raises(services.WrongMoment):
        live(new)

    assert AuditEvent.objects.filter(action="campaigns.campaign.script_followed").count() == 1


# ---------------------------------------------------------------- retired


def test_a_version_that_campaigns_use_is_not_retired_and_they_are_named(versions):
    _old, new = versions
    city = CityFactory()
    mine = calling_with(new, name="Mine", city=city)
    calling_with(new, name="Hidden", city=CityFactory(), stage="planned")
    qa = person("qa", city=city)

    with pytest.raises(services.VersionInUse, match=r"Version 2 is the script of Mine, 1 other campaign\."):
        services.retire_version(version=new, by=qa, at=AT)

    Campaign.objects.filter(script_version=new).update(stage="closed")
    assert services.retire_version(version=new, by=qa, at=AT).status == "retired"
    assert version_of(mine) == new


def test_a_version_that_a_running_arm_uses_is_not_retired(versions):
    old, new = versions
    trying.running(calling_with(old, name="Compared"), arms=versions)

    with pytest.raises(services.VersionInUse, match="Compared compares version 2"):
        services.retire_version(version=new, by=person("qa"), at=AT)


def test_the_refusal_is_told_on_the_page(client, versions):
    _old, new = versions
    calling_with(new, name="Mine")
    client.force_login(person("qa", language="en"))

    answer = client.post(reverse("scripts:version_retire", args=[new.pk]), follow=True)

    assert "Version 2 is the script of Mine." in answer.content.decode()


# ---------------------------------------------------------------- the planner's form


@pytest.fixture
def planner(client):
    user = person("campaign_manager", language="en")
    client.force_login(user)
    return user


def edit(client, campaign) -> str:
    return reverse("campaigns:campaign_edit", args=[campaign.pk])


def opened(client, campaign) -> dict[str, str]:
    return {
        name: value
        for name, value in shown(client.get(edit(client, campaign)).context["form"]).items()
        if not name.endswith("packs")
    }


def test_a_change_of_something_else_keeps_a_version_that_is_retired_by_now(client, planner, versions):
    _old, new = versions
    campaign = calling_with(new)
    ScriptVersion.objects.filter(pk=new.pk).update(status="retired")
    page = opened(client, campaign)
    assert page["script_version"] == str(new.pk)
    assert f"{new} (Retired)" in client.get(edit(client, campaign)).content.decode()

    answer = client.post(edit(client, campaign), page | {"stock_alert_days": "5"})

    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (campaign.script_version, campaign.stock_alert_days) == (new, 5)
    told = AuditEvent.objects.filter(action="campaigns.campaign.changed").latest("id")
    assert told.detail == {"fields": ["stock_alert_days"]}


def test_a_form_that_was_open_does_not_undo_what_came_into_force_meanwhile(client, planner, versions):
    old, new = versions
    campaign = calling_with(old, name="Old name")
    page = opened(client, campaign)
    live(new)

    answer = client.post(edit(client, campaign), page | {"name": "New name"})

    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.script_version) == ("New name", new)


def test_a_version_that_was_retired_while_the_form_was_open_is_not_chosen(client, planner, versions):
    old, new = versions
    campaign = calling_with(old)
    page = opened(client, campaign)
    ScriptVersion.objects.filter(pk=new.pk).update(status="retired")

    answer = client.post(edit(client, campaign), page | {"script_version": str(new.pk)})

    assert answer.context["form"].errors["script_version"]
    assert version_of(campaign) == old


@pytest.mark.parametrize(("stage", "is_kept"), [("planned", False), ("trial", True), ("running", True)])
def test_a_campaign_that_calls_is_not_left_without_a_version(client, planner, versions, stage, is_kept):
    campaign = calling_with(versions[0], stage=stage)

    answer = client.post(edit(client, campaign), opened(client, campaign) | {"script_version": ""})

    assert (version_of(campaign) is not None) == is_kept
    if is_kept:
        assert "needs a script version" in str(answer.context["form"].errors["script_version"])


def test_the_verb_itself_leaves_no_calling_campaign_without_a_version_or_with_a_retired_one(planner, versions):
    old, new = versions
    campaign = calling_with(old)
    ScriptVersion.objects.filter(pk=new.pk).update(status="retired")
    for version, words in ((None, "needs a script version"), (new, "Version 2 of this script is Retired now")):
        campaign.script_version = version

        with pytest.raises(planning.NotReady, match=words):
            planning.change_campaign(campaign=campaign, packs=[], by=planner, at=AT)

    assert version_of(campaign) == old


def test_rules_that_were_bound_under_the_open_form_stay(client, planner, versions):
    campaign = calling_with(versions[0])
    one = RulePack.objects.create(code="ONE", name="one")
    other = RulePack.objects.create(code="TWO", name="two")
    campaign.packs.set([one])
    page = opened(client, campaign) | {"initial-packs": [one.pk], "packs": [one.pk]}
    campaign.packs.set([one, other])

    client.post(edit(client, campaign), page | {"name": "New"})

    campaign.refresh_from_db()
    assert campaign.name == "New"
    assert set(campaign.packs.values_list("code", flat=True)) == {"ONE", "TWO"}
