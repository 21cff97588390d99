"""A campaign's guidance map: begun with the cards of the last of its kind, archived with the campaign, changed by its own people alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns.models import Campaign, Gate
from campaigns.queries_maps import map_of
from campaigns.services import planning
from campaigns.services.maps import CampaignIsOver, open_campaign_map
from campaigns.tests.factories import CampaignFactory, CityFactory, TeamFactory, agent_of, person
from scripts.models import GuidanceMap
from scripts.services_maps import MapIsThere, add_card, archive_map
from scripts.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def product():
    return ProductFactory(selling_points="快\n稳", mandatory_statements="合约两年")


@pytest.fixture
def qa():
    return person("qa")


def begun(campaign, by, at=AT, **more) -> GuidanceMap:
    return open_campaign_map(campaign=campaign, by=by, at=at, **more)


def learned(campaign, by, text, at=AT) -> GuidanceMap:
    """An archived map of the campaign with a card of its own."""
    found = begun(campaign, by)
    add_card(map=found, quadrant="leave_out", text=text, by=by, at=at)
    return archive_map(map=found, by=by, at=at)


def texts(found):
    return sorted(found.cards.values_list("text", flat=True))


def test_a_map_begins_with_the_products_own_texts(product, qa):
    campaign = CampaignFactory(product=product, name="Spring")

    found = begun(campaign, qa)

    assert (found.campaign_id, found.title, texts(found)) == (campaign.pk, "Spring", sorted(["快", "稳", "合约两年"]))
    assert map_of(campaign, qa).is_open


def test_the_next_of_its_kind_begins_with_the_cards_of_the_last_archived_one(product, qa):
    learned(CampaignFactory(product=product, name="Winter"), qa, "old", at=AT)
    last = learned(CampaignFactory(product=product, name="Spring"), qa, "new", at=AT + DAY)
    learned(CampaignFactory(product=product, type=Campaign.Type.SURVEY), qa, "survey", at=AT + 2 * DAY)
    learned(CampaignFactory(), qa, "other product", at=AT + 3 * DAY)
    campaign = CampaignFactory(product=product)

    offered = map_of(campaign, qa)
    found = begun(campaign, qa, with_cards=True)

    assert (offered.map, offered.like, offered.like_of) == (None, last, "Spring")
    assert texts(found) == texts(last)
    assert "new" in texts(found)


def test_without_one_of_its_kind_it_begins_from_the_product(product, qa):
    campaign = CampaignFactory(product=product)

    assert map_of(campaign, qa).like is None
    assert len(texts(begun(campaign, qa, with_cards=True))) == 3


def test_a_campaign_has_one_map_that_is_worked_on(product, qa):
    campaign = CampaignFactory(product=product)
    begun(campaign, qa)
    Campaign.objects.filter(pk=campaign.pk).update(product=ProductFactory())

    with pytest.raises(MapIsThere):
        begun(campaign, qa)


@pytest.mark.parametrize("stage", ["closed", "history"])
def test_none_is_begun_for_a_campaign_that_is_over(product, qa, stage):
    with pytest.raises(CampaignIsOver):
        begun(CampaignFactory(product=product, stage=stage), qa)


def test_when_the_campaign_is_closed_its_map_is_archived_and_no_other(product, qa):
    campaign, other = (CampaignFactory(product=product, stage="wrap_up") for _number in range(2))
    Gate.objects.create(campaign=campaign, stage="closed", status="passed", decided_by=qa, decided_at=AT)
    mine, others = begun(campaign, qa), begun(other, qa)

    planning.enter_stage(campaign=campaign, stage="closed", by=qa, at=AT + DAY)

    mine.refresh_from_db(), others.refresh_from_db()
    assert (mine.archived_at, others.archived_at) == (AT + DAY, None)
    assert (map_of(campaign, qa).map, map_of(campaign, qa).is_open) == (mine, False)


# ---------------------------------------------------------------- the pages


def test_the_campaigns_page_offers_the_last_map_says_whose_it_is_and_opens_the_new_one(client, product):
    leader = person("campaign_manager")
    learned(CampaignFactory(product=product, name="Winter"), leader, "old joke")
    campaign = CampaignFactory(product=product)
    client.force_login(leader)
    page = reverse("campaigns:campaign", args=[campaign.pk])
    shown = client.get(page).content.decode()
    assert "The last of its kind is that of Winter" in shown

    answer = client.post(reverse("campaigns:campaign_map", args=[campaign.pk]), {"with": "cards"})

    found = GuidanceMap.objects.get(campaign_id=campaign.pk)
    assert answer["Location"] == reverse("scripts:map", args=[found.pk])
    assert "old joke" in client.get(answer["Location"]).content.decode()
    assert answer["Location"] in client.get(page).content.decode()
    again = client.post(reverse("campaigns:campaign_map", args=[campaign.pk]), follow=True)
    assert "has a guidance map already" in again.content.decode()


def test_the_product_is_begun_from_when_so_asked(client, product):
    leader = person("campaign_manager")
    learned(CampaignFactory(product=product), leader, "old joke")
    campaign = CampaignFactory(product=product)
    client.force_login(leader)

    client.post(reverse("campaigns:campaign_map", args=[campaign.pk]), {"with": "product"})

    assert "old joke" not in texts(GuidanceMap.objects.get(campaign_id=campaign.pk))


def test_another_city_neither_sees_nor_changes_nor_is_offered_the_map_of_a_campaign(client, product):
    city = CityFactory()
    campaign = CampaignFactory(product=product, city=city, name="Ours")
    found = begun(campaign, person("supervisor", city=city))
    card = found.cards.first()
    urls = {name: reverse(f"scripts:{name}", args=[found.pk]) for name in ("map", "card_new", "map_archive")}
    urls |= {name: reverse(f"scripts:{name}", args=[card.pk]) for name in ("card_change", "card_move")}
    elsewhere = CityFactory()
    client.force_login(person("supervisor", city=elsewhere))

    assert "Ours" not in client.get(reverse("scripts:maps")).content.decode()
    assert client.get(urls.pop("map")).status_code == 404
    posted = {"text": "", "quadrant": "duty"}
    assert {client.post(url, posted).status_code for url in urls.values()} == {404}
    assert client.post(reverse("campaigns:campaign_map", args=[campaign.pk])).status_code == 404
    archive_map(map=found, by=person("qa"), at=AT)
    assert client.post(reverse("scripts:map_new"), {"like": found.pk}).status_code == 404
    assert map_of(CampaignFactory(product=product), person("supervisor", city=elsewhere)).like is None


def test_a_team_leader_reads_the_map_of_a_campaign_and_leaves_it_to_those_who_cover_it(client, product):
    city = CityFactory()
    campaign = CampaignFactory(product=product, city=city)
    found = begun(campaign, person("supervisor", city=city))
    client.force_login(person("team_leader", team=TeamFactory(city=city)))

    assert client.post(reverse("campaigns:campaign_map", args=[campaign.pk])).status_code in (403, 404)
    assert client.post(reverse("scripts:map_archive", args=[found.pk])).status_code in (403, 404)
    client.force_login(person("supervisor", city=city))
    assert client.post(reverse("scripts:map_archive", args=[found.pk])).status_code == 302
    found.refresh_from_db()
    assert found.archived_at is not None


def test_a_citys_people_read_the_map_of_a_regional_campaign_and_do_not_change_it(client, product):
    found = begun(CampaignFactory(product=product, city=None), person("qa"))
    client.force_login(person("supervisor", city=CityFactory()))

    page = client.get(reverse("scripts:map", args=[found.pk]))

    assert page.status_code == 200
    assert "data-move" not in page.content.decode()
    assert client.post(reverse("scripts:map_archive", args=[found.pk])).status_code == 403


def test_an_agent_and_a_stranger_begin_none(client, product):
    campaign = CampaignFactory(product=product)
    url = reverse("campaigns:campaign_map", args=[campaign.pk])
    assert client.post(url).status_code == 302
    client.force_login(agent_of(TeamFactory()))

    assert client.post(url).status_code == 403
    assert not GuidanceMap.objects.exists()
