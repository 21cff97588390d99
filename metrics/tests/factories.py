"""Facts for tests: calls, orders, cancellations, with plain ids, straight into their tables."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from campaigns.models import Call, Campaign, Order, OrderEvent
from core.calendar import midnight
from core.clock import database_now
from core.partitions import ensure_partitions
from customers.models import Customer
from metrics.services import dirty, periods, rollup
from people.models import City, Team
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from scripts.models import Product

DAY = date(2026, 3, 4)


def at(day: date, hour: int = 10, minute: int = 0, second: int = 0) -> datetime:
    """A moment by the region's clock."""
    return midnight(day) + timedelta(hours=hour, minutes=minute, seconds=second)


def make_call(day: date | datetime = DAY, **fields: Any) -> Call:
    """An outbound call of customer 1 of city 1 by agent 1 of team 1 in campaign 1, not connected, unless told."""
    moment = day if isinstance(day, datetime) else at(day)
    ensure_partitions("campaigns_call", moment.date(), 1)
    usual = {"customer_id": 1, "city_id": 1, "agent_id": 1, "team_id": 1, "campaign_id": 1, "disposition_id": 1}
    if fields.get("sale"):
        fields.setdefault("connected", True)
    return Call.objects.create(started_at=moment, **{**usual, "connected": False, **fields})


def product() -> Product:
    return Product.objects.get_or_create(code="P", defaults={"name": "P"})[0]


def make_order(call: Call, **fields: Any) -> Order:
    """The order of a call, with its event."""
    order = Order.objects.create(
        call_id=call.pk,
        call_started_at=call.started_at,
        customer_id=call.customer_id,
        city_id=call.city_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        campaign_id=call.campaign_id,
        number=f"O{call.pk}",
        **{"product": product(), "amount_cents": 10000, **fields},
    )
    OrderEvent.objects.create(order=order, kind="sold", occurred_at=call.started_at)
    return order


def make_sale(day: date | datetime = DAY, **fields: Any) -> Order:
    return make_order(make_call(day, sale=True, **fields))


def cancel(order: Order, day: date) -> None:
    """A cancellation that came on this day."""
    Order.objects.filter(pk=order.pk).update(state="cancelled")
    OrderEvent.objects.create(order=order, kind="cancelled", occurred_at=at(day, 15))


def reinstate(order: Order, day: date) -> None:
    Order.objects.filter(pk=order.pk).update(state="reinstated")
    OrderEvent.objects.create(order=order, kind="reinstated", occurred_at=at(day, 16))


def roll_up() -> list[tuple[date, int]]:
    """Build what is dirty, then the sums; returns the partitions built."""
    began = database_now()
    dirty.mark_dirty(at=began)
    built = sorted(dirty.waiting().values_list("day", "city_id"))
    for day, city in built:
        rollup.build(day, city)
    for mark in periods.waiting():
        periods.settle(mark)
    return built


def let_time_pass() -> None:
    """Make what was recorded so long ago that only what comes now is new."""
    from metrics.models import Partition, Watermark

    earlier = database_now() - timedelta(hours=1)
    for model in (Call, Order, OrderEvent):
        model.objects.update(recorded_at=earlier - timedelta(hours=1))
    recorded = earlier - timedelta(hours=1)
    Partition.objects.update(
        recorded_until=recorded, built_at=earlier, calls_recorded_until=recorded, calls_counted_at=earlier
    )
    Watermark.objects.update(scanned_until=earlier)


def place(city_name: str = "Foshan") -> tuple[City, Team, Any]:
    """A city with a team and an agent."""
    city = CityFactory(name=city_name, code=city_name)
    team = TeamFactory(city=city, code=f"{city_name}1")
    return city, team, UserFactory(agent=team, code=f"{city_name}101")


def campaign(**fields: Any) -> Campaign:
    return Campaign.objects.create(
        **{"code": "C1", "name": "Campaign", "product": product(), "stage": "running", **fields}
    )


def customers(city: City, count: int) -> list[Customer]:
    return Customer.objects.bulk_create([Customer(city=city, name=f"N{i}") for i in range(count)])
