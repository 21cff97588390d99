"""Orders: cancelled, reinstated, and when that may not be."""

from datetime import date, timedelta

import pytest

from campaigns.models import Lead, Order, OrderEvent
from campaigns.services import calls, orders
from campaigns.services.orders import Sale
from campaigns.signals import order_changed
from campaigns.tests.factories import AT, CampaignFactory, held_lead
from core.partitions import ensure_partitions
from scripts.tests.factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db
START = AT - timedelta(minutes=3)
LATER = AT + timedelta(days=40)


@pytest.fixture(autouse=True)
def months():
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 11, 1), 1)


def sell(sale: Sale | None = None) -> Order:
    record_sold(held_lead(), sale or Sale())
    return Order.objects.latest("pk")


def record_sold(lead: Lead, sale: Sale) -> None:
    calls.record_call(
        lead=lead,
        agent=lead.agent,
        disposition_code="sold",
        started_at=START,
        talk_seconds=60,
        at=AT,
        order=sale,
    )


def cancel(order, occurred_at=LATER - timedelta(hours=1), reason="changed her mind", at=LATER):
    return orders.cancel_order(order=order, occurred_at=occurred_at, reason=reason, by=None, at=at)


def reinstate(order, occurred_at=LATER - timedelta(minutes=5), reason="took it after all", at=LATER):
    return orders.reinstate_order(order=order, occurred_at=occurred_at, reason=reason, by=None, at=at)


def test_a_late_cancellation_keeps_both_times_and_the_orders_cohort():
    order = cancel(sell())

    event = order.events.get(kind="cancelled")
    assert (order.state, order.call_started_at) == (Order.State.CANCELLED, START)
    assert (event.occurred_at, event.reason) == (LATER - timedelta(hours=1), "changed her mind")
    assert event.recorded_at > order.recorded_at - timedelta(seconds=1)


def test_a_cancelled_order_can_be_reinstated_and_cancelled_again():
    order = reinstate(cancel(sell()))
    assert order.state == Order.State.REINSTATED

    order = cancel(order, occurred_at=LATER)
    assert [event.kind for event in order.events.order_by("occurred_at")] == [
        "sold",
        "cancelled",
        "reinstated",
        "cancelled",
    ]


def test_cancelling_twice_is_refused():
    order = cancel(sell())
    with pytest.raises(orders.OrderAlreadyCancelled):
        cancel(order)
    assert OrderEvent.objects.filter(kind="cancelled").count() == 1


def test_reinstating_what_is_not_cancelled_is_refused():
    with pytest.raises(orders.OrderNotCancelled):
        reinstate(sell())


@pytest.mark.parametrize("occurred_at", [START - timedelta(seconds=1), LATER + timedelta(seconds=1)])
def test_a_cancellation_before_the_sale_or_in_the_future_is_refused(occurred_at):
    order = sell()
    with pytest.raises(orders.EventOutOfOrder):
        cancel(order, occurred_at=occurred_at)
    order.refresh_from_db()
    assert order.state == Order.State.SOLD


def test_a_reinstatement_before_the_cancellation_is_refused():
    order = cancel(sell())
    with pytest.raises(orders.EventOutOfOrder):
        reinstate(order, occurred_at=LATER - timedelta(hours=2))


def test_an_event_needs_its_reason():
    with pytest.raises(orders.OrderReasonMissing):
        cancel(sell(), reason="  ")


def test_another_product_with_its_offer_and_amount_can_be_sold():
    offer = OfferFactory(price_cents=5_000)
    order = sell(Sale(product=offer.product, offer=offer))
    assert (order.product, order.offer, order.amount_cents) == (offer.product, offer, 5_000)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sale(product=ProductFactory(is_on=False)),
        lambda: Sale(product=ProductFactory(), offer=OfferFactory()),
        lambda: offered(valid_to=START.date()),
        lambda: offered(valid_from=START.date() + timedelta(days=1)),
    ],
)
def test_what_may_not_be_sold_is_refused(make):
    with pytest.raises(orders.ProductNotSold):
        sell(make())


def offered(**days) -> Sale:
    offer = OfferFactory(**days)
    return Sale(product=offer.product, offer=offer)


def test_an_offer_counts_up_to_the_day_before_its_end():
    sale = offered(valid_from=START.date(), valid_to=START.date() + timedelta(days=1))
    assert sell(sale).offer == sale.offer


def test_a_campaigns_offer_that_is_over_is_not_put_into_its_orders():
    offer = OfferFactory(price_cents=5_000, valid_to=START.date())
    lead = held_lead(campaign=CampaignFactory(product=offer.product, offer=offer))
    record_sold(lead, Sale())
    assert Order.objects.get().offer is None


def test_a_number_given_away_between_look_and_writing_is_refused_with_its_sentence(monkeypatch):
    sell(Sale(number="A1"))
    monkeypatch.setattr(orders, "_number", lambda sale, call: "A1")
    with pytest.raises(orders.OrderNumberTaken, match="There is an order A1 already"):
        sell()


def test_a_negative_amount_is_refused():
    with pytest.raises(orders.AmountNegative):
        sell(Sale(amount_cents=-1))


def test_every_change_of_an_order_is_told(django_capture_on_commit_callbacks):
    heard = []
    listener = lambda sender, **news: heard.append((news["kind"], news["call_started_at"]))  # noqa: E731
    order_changed.connect(listener)
    with django_capture_on_commit_callbacks(execute=True):
        cancel(sell())
    assert heard == [("sold", START), ("cancelled", START)]
    order_changed.disconnect(listener)
