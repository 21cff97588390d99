"""Orders and what happens to them: sold in a call, cancelled, reinstated. Events are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign, Order, OrderEvent
from campaigns.signals import order_changed
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from people.models import User
from scripts.models import Offer, Product

OWN_SYSTEM = "telemkt"


class OrderNumberTaken(DomainError):
    """Another order has this number."""


class ProductNotSold(DomainError):
    """The product may not be sold, or the offer is not for it or not made on that day."""


class AmountNegative(DomainError):
    """An order cannot be worth less than nothing."""


class OrderAlreadyCancelled(DomainError):
    """The order is cancelled already."""


class OrderNotCancelled(DomainError):
    """Only a cancelled order can be reinstated."""


class EventOutOfOrder(DomainError):
    """The event lies before what it follows, or in the future."""


class OrderReasonMissing(DomainError):
    """A cancellation or reinstatement needs its reason."""


@dataclass(frozen=True)
class Sale:
    """What was sold. Empty: a number of our own, the campaign's product and offer, their price. `has_no_offer`: sold without any offer,
    at the product's price."""

    number: str = ""
    product: Product | None = None
    offer: Offer | None = None
    has_no_offer: bool = False
    amount_cents: int | None = None


@transaction.atomic
def record_sale(*, call: Call, sale: Sale, by: User | None, at: datetime) -> Order:
    """The order of a call that sold, with its first event, dated as the call. Raises OrderNumberTaken, ProductNotSold, AmountNegative."""
    campaign = Campaign.objects.select_related("product", "offer").get(pk=call.campaign_id)
    product = sale.product or campaign.product
    day = business_date(call.started_at)
    offer = None if sale.has_no_offer else sale.offer or _usual_offer(call, campaign, product, day)
    _check_goods(product, offer, day)
    order = _store(
        call_id=call.pk,
        call_started_at=call.started_at,
        customer_id=call.customer_id,
        city_id=call.city_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        campaign_id=call.campaign_id,
        system=OWN_SYSTEM,
        number=_number(sale, call),
        product=product,
        offer=offer,
        amount_cents=_amount(sale, product, offer),
    )
    _add_event(order, OrderEvent.Kind.SOLD, call.started_at, "", by)
    audit("campaigns.order.sold", order, by=by, at=at, call_id=call.pk, amount_cents=order.amount_cents)
    return order


def _store(**fields: Any) -> Order:
    """The order, unless its number was given away between the look and the writing."""
    try:
        with transaction.atomic():
            return Order.objects.create(**fields)
    except IntegrityError as fault:
        if "order_number_once" not in str(fault):
            raise
        raise _taken(fields["number"]) from None


def _usual_offer(call: Call, campaign: Campaign, product: Product, day: date) -> Offer | None:
    """The offer of the call, where it is for this product and still made on that day."""
    is_usual = call.offer_id in (None, campaign.offer_id)
    offer = campaign.offer if is_usual else Offer.objects.filter(pk=call.offer_id or 0).first()
    return offer if offer and offer.product_id == product.pk and _is_valid(offer, day) else None


def _is_valid(offer: Offer, day: date) -> bool:
    return Offer.objects.valid_on(day).filter(pk=offer.pk).exists()


def _check_goods(product: Product, offer: Offer | None, day: date) -> None:
    if not product.is_on:
        raise ProductNotSold(_("%(product)s may not be sold at present.") % {"product": product.name})
    if offer is not None and offer.product_id != product.pk:
        raise ProductNotSold(
            _("The offer %(offer)s is not for %(product)s.") % {"offer": offer.name, "product": product.name}
        )
    if offer is not None and not _is_valid(offer, day):
        raise ProductNotSold(_("The offer %(offer)s is not made on the day of this call.") % {"offer": offer.name})


def _number(sale: Sale, call: Call) -> str:
    number = sale.number.strip() or f"T{call.pk}"
    if Order.objects.filter(system=OWN_SYSTEM, number=number).exists():
        raise _taken(number)
    return number


def _taken(number: str) -> OrderNumberTaken:
    return OrderNumberTaken(_("There is an order %(number)s already.") % {"number": number})


def _amount(sale: Sale, product: Product, offer: Offer | None) -> int:
    if sale.amount_cents is not None:
        if sale.amount_cents < 0:
            raise AmountNegative(_("The amount of an order cannot be negative."))
        return sale.amount_cents
    if offer is not None and offer.price_cents is not None:
        return offer.price_cents
    return product.price_cents or 0


@transaction.atomic
def cancel_order(*, order: Order, occurred_at: datetime, reason: str, by: User | None, at: datetime) -> Order:
    """The customer went back on it, `occurred_at`; the sale's own day and week change, not those of today.

    Raises OrderAlreadyCancelled, EventOutOfOrder, OrderReasonMissing.
    """
    order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if order.state == Order.State.CANCELLED:
        raise OrderAlreadyCancelled(_("Order %(number)s is cancelled already.") % {"number": order.number})
    return _happen(order, OrderEvent.Kind.CANCELLED, Order.State.CANCELLED, occurred_at, reason, by, at)


@transaction.atomic
def reinstate_order(*, order: Order, occurred_at: datetime, reason: str, by: User | None, at: datetime) -> Order:
    """The cancellation is taken back. Raises OrderNotCancelled, EventOutOfOrder, OrderReasonMissing."""
    order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if order.state != Order.State.CANCELLED:
        raise OrderNotCancelled(_("Order %(number)s is not cancelled.") % {"number": order.number})
    return _happen(order, OrderEvent.Kind.REINSTATED, Order.State.REINSTATED, occurred_at, reason, by, at)


def _happen(
    order: Order, kind: str, state: str, occurred_at: datetime, reason: str, by: User | None, at: datetime
) -> Order:
    reason = reason.strip()
    if not reason:
        raise OrderReasonMissing(_("Say why."))
    _check_time(order, occurred_at, at)
    order.state = state
    order.save(update_fields=["state"])
    _add_event(order, kind, occurred_at, reason, by)
    audit(f"campaigns.order.{kind}", order, by=by, at=at, occurred_at=occurred_at.isoformat())
    return order


def _check_time(order: Order, occurred_at: datetime, at: datetime) -> None:
    if occurred_at > at:
        raise EventOutOfOrder(_("The time lies in the future."))
    if occurred_at < order.call_started_at:
        raise EventOutOfOrder(_("The time lies before the sale."))
    last = order.events.order_by("-occurred_at", "-id").first()
    if last is not None and occurred_at <= last.occurred_at and last.kind != OrderEvent.Kind.SOLD:
        raise EventOutOfOrder(_("The time lies before the last event of this order."))


def _add_event(order: Order, kind: str, occurred_at: datetime, reason: str, by: User | None) -> None:
    OrderEvent.objects.create(order=order, kind=kind, occurred_at=occurred_at, reason=reason[:200], by=by)
    announce(order, kind)


def announce(order: Order, kind: str) -> None:
    """Tell the apps above when the transaction is safe."""
    news = {"order_id": order.pk, "kind": kind, "call_started_at": order.call_started_at, "city_id": order.city_id}
    transaction.on_commit(lambda: order_changed.send(Order, **news), robust=True)
