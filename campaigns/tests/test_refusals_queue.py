"""Refusals that cluster wait in a queue until an answer to them is in use."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns import queries_refusals
from campaigns.models import Call
from campaigns.queries_refusals import clusters
from campaigns.tests.factories import CampaignFactory, result
from core.partitions import ensure_partitions
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from scripts.models import Objection, ScriptStep
from scripts.services import new_version
from scripts.services_objections import save_objection, set_answer_status, write_answer
from scripts.tests.factories import live_version

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
WEEK = AT - timedelta(days=7)


@pytest.fixture(autouse=True)
def months():
    for month in (AT - timedelta(days=20), AT, datetime.now(UTC)):
        ensure_partitions("campaigns_call", month.date().replace(day=1), 1)


def refuse(campaign, reason="太贵", *, code="refused_price", note="", hours=1, city=1, **fields):
    return Call.objects.create(
        started_at=AT - timedelta(hours=hours), customer_id=1, city_id=city, agent_id=1, team_id=1, campaign_id=campaign.pk,
        disposition_id=result(code).pk, connected=True, reason=reason, note=note, **{"refuses_offer": True, **fields},
    )  # fmt: skip


def told(found):
    return [(cluster.reason, cluster.count, cluster.mid_call) for cluster in found]


def qa():
    return UserFactory(role="qa")


def test_refusals_of_one_reason_are_one_cluster_and_single_ones_are_none():
    campaign = CampaignFactory()
    for mid_call in (False, True, True):
        refuse(campaign, mid_call=mid_call)
    refuse(campaign, "没时间")
    refuse(campaign, "太贵", hours=24 * 8)
    refuse(CampaignFactory(), "太贵")
    refuse(campaign, "太贵", refuses_offer=False)

    assert told(clusters(qa(), since=WEEK)) == [("太贵", 3, 2)]


def test_a_reason_is_the_same_in_other_capitals_width_points_and_blanks():
    campaign = CampaignFactory()
    for reason in ("太贵了", "太贵了", "太贵了。", " 太 贵了！～", "贵", "TOO dear", "TOO dear", "ｔｏｏ　ｄｅａｒ．"):
        refuse(campaign, reason)

    assert told(clusters(qa(), since=WEEK)) == [("太贵了", 4, 0), ("TOO dear", 3, 0)]


def test_a_reason_of_points_alone_is_none():
    campaign = CampaignFactory()
    refuse(campaign, "。。"), refuse(campaign, "")

    assert told(clusters(qa(), since=WEEK)) == [("Too dear", 2, 0)]


def test_the_whole_period_is_counted_and_words_alone_are_of_the_newest(monkeypatch):
    monkeypatch.setattr(queries_refusals, "MOST_CALLS", 2)
    campaign = CampaignFactory()
    for hours in range(1, 6):
        refuse(campaign, hours=hours * 24, note=f"word {hours}")

    (found,) = clusters(qa(), since=WEEK)

    assert (found.count, found.words) == (5, [("word 1", 1), ("word 2", 1)])
    assert found.newest == AT - timedelta(days=1)


def test_the_same_step_of_two_versions_is_one_step():
    version = live_version()
    following = new_version(script=version.script, by=qa(), at=AT)
    old = version.steps.get(part=ScriptStep.Part.PERSUASION)
    new = following.steps.get(part=ScriptStep.Part.PERSUASION)
    other = version.steps.get(part=ScriptStep.Part.CLOSING)
    campaign = CampaignFactory()
    for step in (old, old, new, other, other):
        refuse(campaign, step_id=step.pk)

    found = clusters(qa(), since=WEEK)

    assert [(cluster.step.part, cluster.count) for cluster in found] == [("persuasion", 3), ("closing", 2)]


def test_the_words_that_agents_typed_stand_beside_the_most_frequent_first():
    campaign = CampaignFactory()
    for note in ("别家便宜", "已有宽带。", "已有宽带", " 已有宽带 "):
        refuse(campaign, note=note)

    (found,) = clusters(qa(), since=WEEK)

    assert found.words == [("已有宽带", 3), ("别家便宜", 1)]


def test_a_cluster_waits_until_an_answer_to_its_reason_is_in_use():
    campaign, by = CampaignFactory(), qa()
    refuse(campaign), refuse(campaign)
    objection = save_objection(
        objection=Objection(text="太贵了", reason="太贵。", product=campaign.product), by=by, at=AT
    )
    answer = write_answer(objection=objection, text="每天两块", by=by, at=AT)
    assert told(clusters(by, since=WEEK)) == [("太贵", 2, 0)]

    set_answer_status(answer=answer, status="in_use", by=by, at=AT)

    assert clusters(by, since=WEEK) == []
    (found,) = clusters(by, since=WEEK, waiting=False)
    assert found.answers == [objection]


def test_without_a_reason_the_result_itself_is_it_in_either_language():
    campaign, by = CampaignFactory(), qa()
    refuse(campaign, ""), refuse(campaign, ""), refuse(campaign, "", code="refused_distrust")
    (found,) = clusters(by, since=WEEK)
    assert (found.reason, found.count) == ("Too dear", 2)

    objection = save_objection(objection=Objection(text="太贵了", reason="价格太贵"), by=by, at=AT)
    answer = write_answer(objection=objection, text="每天两块", by=by, at=AT)
    set_answer_status(answer=answer, status="in_use", by=by, at=AT)

    assert clusters(by, since=WEEK) == []


def test_an_answer_of_another_product_does_not_count():
    campaign, by = CampaignFactory(), qa()
    refuse(campaign), refuse(campaign)
    objection = save_objection(
        objection=Objection(text="太贵了", reason="太贵", product=CampaignFactory().product), by=by, at=AT
    )
    answer = write_answer(objection=objection, text="每天两块", by=by, at=AT)
    set_answer_status(answer=answer, status="in_use", by=by, at=AT)

    assert told(clusters(by, since=WEEK)) == [("太贵", 2, 0)]


def test_a_city_sees_the_refusals_of_its_own_customers_alone():
    mine, campaign = CityFactory(), CampaignFactory()
    refuse(campaign, city=mine.pk), refuse(campaign, city=mine.pk), refuse(campaign, city=mine.pk + 1)

    assert told(clusters(UserFactory(role="supervisor", city=mine), since=WEEK)) == [("太贵", 2, 0)]


def test_the_page_leads_to_a_new_objection_with_the_reason(client):
    campaign, now = CampaignFactory(), datetime.now(UTC)
    hours = (AT - now).total_seconds() / 3600 + 1
    refuse(campaign, hours=hours), refuse(campaign, hours=hours)
    client.force_login(qa())

    page = client.get(reverse("campaigns:refusals")).content.decode()

    assert f"{reverse('scripts:objection_new')}?reason=%E5%A4%AA%E8%B4%B5" in page
    client.force_login(UserFactory(role="agent", team=TeamFactory()))
    assert client.get(reverse("campaigns:refusals")).status_code == 403
