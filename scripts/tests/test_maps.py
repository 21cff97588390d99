"""Guidance maps: begun from the product's own texts, cards moved between quadrants, archived and begun anew."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from people.tests.factories import TeamFactory, UserFactory
from scripts import queries_treasury as queries, services_maps as services
from scripts.models import GuidanceMap, Objection
from scripts.services_objections import save_objection
from scripts.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)


def begun():
    by = UserFactory(role="qa")
    product = ProductFactory(selling_points="快\n稳\n", mandatory_statements="合约两年")
    save_objection(objection=Objection(text="太贵", product=product), by=by, at=AT)
    return services.open_map(product=product, by=by, at=AT), by


def texts(found):
    return {code: [card.text for card in cards] for code, _words, cards in queries.quadrants(found)}


def test_a_map_begins_with_selling_points_mandatory_statements_and_objections():
    found, _by = begun()

    assert texts(found) == {"strength": ["快", "稳"], "duty": ["合约两年"], "leave_out": [], "weak_point": ["太贵"]}


def test_a_card_is_moved_before_the_card_it_was_dropped_on():
    found, by = begun()
    fast, steady = found.cards.filter(quadrant="strength").order_by("position")
    weak = found.cards.get(quadrant="weak_point")

    services.move_card(card=weak, quadrant="strength", before=steady.pk, by=by, at=AT)
    assert texts(found)["strength"] == ["快", "太贵", "稳"]

    services.move_card(card=fast, quadrant="leave_out", by=by, at=AT)
    assert texts(found) == {"strength": ["太贵", "稳"], "duty": ["合约两年"], "leave_out": ["快"], "weak_point": []}


def test_a_product_has_one_map_that_is_worked_on():
    found, by = begun()

    with pytest.raises(services.MapIsThere):
        services.open_map(product=found.product, by=by, at=AT)


def test_an_archived_map_stays_as_it_is_and_gives_its_cards_to_the_next():
    found, by = begun()
    services.add_card(map=found, quadrant="leave_out", text="老掉牙的笑话", by=by, at=AT)
    services.archive_map(map=found, by=by, at=AT)

    with pytest.raises(services.MapIsArchived):
        services.add_card(map=found, quadrant="duty", text="再一句", by=by, at=AT)
    following = services.open_map(product=found.product, like=found, by=by, at=AT)

    assert texts(following) == texts(found)
    assert texts(following)["leave_out"] == ["老掉牙的笑话"]


def test_cards_are_added_changed_moved_and_taken_away_on_the_page(client):
    found, by = begun()
    client.force_login(by)
    page = reverse("scripts:map", args=[found.pk])

    client.post(reverse("scripts:card_new", args=[found.pk]), {"text": "安静", "quadrant": "strength"})
    card = found.cards.get(text="安静")
    client.post(reverse("scripts:card_move", args=[card.pk]), {"quadrant": "duty", "before": ""})
    client.post(reverse("scripts:card_change", args=[card.pk]), {"text": "很安静", "note": "小声说"})
    shown = client.get(page).content.decode()
    client.post(reverse("scripts:card_change", args=[card.pk]), {"text": " "})

    assert "很安静" in shown
    assert "小声说" in shown
    assert texts(found)["duty"] == ["合约两年"]


def test_who_does_not_write_maps_reads_them_alone(client):
    found, _by = begun()
    client.force_login(UserFactory(role="agent", team=TeamFactory()))

    assert "data-move" not in client.get(reverse("scripts:map", args=[found.pk])).content.decode()
    assert (
        client.post(reverse("scripts:card_new", args=[found.pk]), {"text": "x", "quadrant": "duty"}).status_code == 403
    )
    assert client.post(reverse("scripts:map_new"), {"product": found.product_id}).status_code == 403
    assert GuidanceMap.objects.count() == 1


@pytest.mark.parametrize("before", ["²", "9" * 5000, "x"])
def test_a_card_dropped_before_no_card_goes_to_the_end(client, before):
    found, by = begun()
    client.force_login(by)
    card = found.cards.get(quadrant="weak_point")

    answer = client.post(reverse("scripts:card_move", args=[card.pk]), {"quadrant": "strength", "before": before})

    assert answer.status_code == 302
    assert texts(found)["strength"] == ["快", "稳", "太贵"]
