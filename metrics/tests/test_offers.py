"""What an offer did, beside other calls of the same campaigns, cities and days: every expected value counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from core.clock import database_now
from core.stats import newcombe
from customers.models import Customer
from metrics import offers
from metrics.models import OfferFigures, Partition
from metrics.services import dirty, offers as services
from metrics.tests import factories as f
from people.tests.factories import CityFactory, UserFactory
from scripts.models import Offer
from scripts.tests.factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db
DAY, NEXT = f.DAY, f.DAY + timedelta(days=1)


@pytest.fixture
def offer(db) -> Offer:
    return OfferFactory(product=f.product(), valid_from=date(2026, 3, 1))


@pytest.fixture
def region(db):
    return UserFactory(role="campaign_manager")


def count() -> list[tuple[date, list[int]]]:
    dirty.mark_dirty(at=database_now())
    days = services.days_waiting()
    for day, cities in days:
        services.count_day(day=day, cities=cities)
    return days


def calls(offer, *, reached, won=0, first=1, day=DAY, product=None, **more) -> list:
    """One connected call each to so many customers, the first of them won, with this offer or none. Returns the orders."""
    where = {"product_id": (product or f.product()).pk, "offer_id": offer and offer.pk, **more}
    made = [
        f.make_call(day, customer_id=first + number, connected=True, sale=number < won, **where)
        for number in range(reached)
    ]
    return [f.make_order(call) for call in made[:won]]


def told(offer, user, today=NEXT) -> offers.Effect:
    return offers.effect(offer, user, today)


def test_success_with_the_offer_stands_beside_success_without_it(offer, region):
    orders = calls(offer, reached=10, won=4)
    f.cancel(orders[0], DAY)
    calls(None, reached=20, won=2, first=100)
    f.make_call(DAY, customer_id=50, product_id=f.product().pk, offer_id=offer.pk)  # nobody there
    count()

    effect = told(offer, region)

    mine, others = effect.total.mine, effect.total.others
    assert (mine.counts["calls"], mine.reached, mine.counts["orders"], mine.counts["orders_cancelled"]) == (
        11,
        10,
        4,
        1,
    )
    assert (others.counts["calls"], others.reached, others.counts["orders"]) == (20, 20, 2)
    assert (mine.success.value, others.success.value) == (40, 10)
    found = effect.judged.difference
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx(newcombe(4, 10, 2, 20))
    assert effect.headline == "Too early to tell."
    assert effect.words.startswith("With the offer 30.0 points more; the data fit anything from")
    assert "more customers reached with the offer would tell" in effect.more_words


def test_a_clear_difference_among_enough_customers_is_said(offer, region):
    calls(offer, reached=40, won=20)
    calls(None, reached=40, won=4, first=100)
    count()

    effect = told(offer, region)

    assert effect.headline == "More success with the offer than without it."
    assert effect.more_words == ""


def test_other_days_campaigns_and_cities_are_not_compared_with(offer, region):
    calls(offer, reached=2)
    calls(None, reached=1, first=10)
    calls(None, reached=1, first=20, day=NEXT)
    calls(None, reached=1, first=30, campaign_id=2)
    calls(None, reached=1, first=40, city_id=2)
    calls(None, reached=1, first=50, product=ProductFactory())
    count()

    effect = told(offer, region)

    assert (effect.total.mine.reached, effect.total.others.reached, effect.days) == (2, 1, 1)


def test_a_call_with_another_offer_is_one_without_this(offer, region):
    other = OfferFactory(product=offer.product)
    calls(offer, reached=1)
    calls(other, reached=3, first=10)
    count()

    assert told(offer, region).total.others.reached == 3
    assert told(other, region).total.others.reached == 1


def test_when_every_call_carried_it_the_page_says_so(offer, region):
    assert told(offer, region).headline == "No call has carried this offer yet."
    calls(offer, reached=3)
    count()

    assert told(offer, region).headline == "Every call carried the offer: there is nothing to compare it with."


def test_a_customer_of_several_days_is_one_and_who_was_reached_both_ways_is_told(offer, region):
    calls(offer, reached=2)
    calls(offer, reached=2, day=NEXT)
    calls(None, reached=1, day=NEXT)
    count()

    effect = told(offer, region)

    assert (effect.total.mine.reached, effect.total.mine.counts["calls"], effect.both) == (2, 4, 1)


def test_merged_persons_are_one(offer, region):
    city, _team, _agent = f.place()
    one, other = f.customers(city, 2)
    for customer in (one, other):
        calls(offer, reached=1, first=customer.pk, city_id=city.pk)
    Customer.objects.filter(pk=other.pk).update(merged_into=one)
    count()

    assert told(offer, region).total.mine.reached == 1


def test_only_the_days_of_its_validity_are_read_and_no_more_than_92(offer, region):
    Offer.objects.filter(pk=offer.pk).update(valid_from=date(2026, 1, 1), valid_to=date(2026, 3, 5))
    offer.refresh_from_db()
    calls(offer, reached=1)
    calls(offer, reached=1, first=9, day=NEXT)
    count()

    effect = told(offer, region, today=date(2026, 6, 1))
    assert (effect.first, effect.last, effect.is_cut) == (date(2026, 1, 1), DAY, False)
    assert effect.total.mine.reached == 1

    Offer.objects.filter(pk=offer.pk).update(valid_to=None)
    offer.refresh_from_db()
    effect = told(offer, region, today=date(2026, 6, 1))
    assert (effect.first, effect.is_cut) == (date(2026, 3, 2), True)


def test_another_city_is_not_told(offer):
    here, there = CityFactory(), CityFactory()
    calls(offer, reached=2, city_id=here.pk)
    calls(offer, reached=5, first=10, city_id=there.pk)
    count()

    assert told(offer, UserFactory(role="city_manager", city=here)).total.mine.reached == 2


def test_a_day_is_counted_again_only_when_it_has_news(offer, region):
    calls(offer, reached=1)
    assert count() == [(DAY, [1])]
    f.let_time_pass()
    Partition.objects.update(offers_counted_at=database_now() - timedelta(hours=1))
    assert services.days_waiting() == []

    calls(offer, reached=1, first=9)
    assert count() == [(DAY, [1])]
    assert OfferFigures.objects.get().calls == 2

    f.let_time_pass()
    dirty.mark_range(since=DAY, until=DAY, at=database_now())
    assert services.days_waiting() == [(DAY, [1])]


def test_products_without_an_offer_are_not_counted(offer):
    calls(None, reached=2, product=ProductFactory())
    count()

    assert not OfferFigures.objects.exists()


def test_the_job_counts_what_waits(offer, region):
    from core.jobs import enqueue, run_inline

    calls(offer, reached=1)
    dirty.mark_dirty(at=database_now())

    run_inline(enqueue(kind="metrics.count_offers", key="x").pk)

    assert told(offer, region).total.mine.reached == 1


def test_the_page_tells_both_sides_by_campaign_and_that_it_was_not_randomised(client, offer, region):
    for code in ("C1", "C2"):
        campaign = Campaign.objects.create(code=code, name=f"Campaign {code}", product=offer.product, stage="running")
        calls(offer, reached=4, won=2, campaign_id=campaign.pk)
        calls(None, reached=4, won=1, first=50, campaign_id=campaign.pk)
    count()
    Offer.objects.filter(pk=offer.pk).update(valid_to=date(2026, 4, 1))
    client.force_login(region)

    answer = client.get(reverse("metrics:offer", args=[offer.pk]))

    text = answer.content.decode()
    assert answer.status_code == 200
    assert all(
        words in text for words in ("Campaign C1", "Campaign C2", "Not randomised", "With the offer", "Without it")
    )


@pytest.mark.parametrize("role", ["agent", "team_leader"])
def test_who_answers_for_no_city_is_refused(client, offer, role):
    _city, team, _agent = f.place()
    client.force_login(UserFactory(role=role, team=team))

    assert client.get(reverse("metrics:offer", args=[offer.pk])).status_code == 403
    assert "effect" not in client.get(reverse("scripts:offer", args=[offer.product_id, offer.pk])).content.decode()
