"""The committed history of 2,000 persons, put into the tables of facts."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path

from campaigns.models import Call, Campaign, Order, OrderEvent
from core.calendar import region_zone
from core.partitions import ensure_partitions
from metrics.tests.factories import product
from people.models import City, Team, User
from people.tests.factories import CityFactory, TeamFactory, UserFactory

DATA = Path(__file__).parent / "data"


def expected() -> dict[str, dict[str, dict]]:
    return json.loads(gzip.decompress((DATA / "slice_expected.json.gz").read_bytes()))


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress((DATA / "slice_calls.csv.gz").read_bytes()).decode())))


def load() -> list[Call]:
    """All calls, orders and their events."""
    found = rows()
    ids = {
        "city": {name: CityFactory(name=name, code=name).pk for name in sorted({row["city"] for row in found})},
        "team": {code: TeamFactory(code=code, city=None).pk for code in sorted({row["team"] for row in found})},
        "agent": {code: UserFactory(code=code).pk for code in sorted({row["agent"] for row in found})},
        "campaign": {
            code: Campaign.objects.create(code=code, name=code, product=product()).pk for code in ("FIBRE", "SPRING")
        },
    }
    ensure_partitions("campaigns_call", date(2026, 1, 1), 5)
    calls = Call.objects.bulk_create([_call(row, ids) for row in found], batch_size=2000)
    orders = [(row, _order(call)) for row, call in zip(found, calls, strict=True) if call.sale]
    Order.objects.bulk_create([order for _row, order in orders])
    for row, order in orders:
        order.state = "reinstated" if row["reinstated_on"] else "cancelled" if row["cancelled_on"] else "sold"
    Order.objects.bulk_update([order for _row, order in orders], ["state"])
    OrderEvent.objects.bulk_create([event for row, order in orders for event in _events(row, order)])
    return calls


def _call(row: dict[str, str], ids: dict[str, dict[str, int]]) -> Call:
    return Call(
        started_at=datetime.fromisoformat(row["started_at"]).replace(tzinfo=region_zone()),
        direction=row["direction"],
        customer_id=int(row["customer"]),
        **{f"{name}_id": known[row[name]] for name, known in ids.items()},
        disposition_id=1,
        connected=row["connected"] == "1",
        sale=row["sale"] == "1",
        talk_seconds=int(row["talk"]),
        after_call_seconds=int(row["after"]),
    )


def _order(call: Call) -> Order:
    return Order(
        call_id=call.pk,
        call_started_at=call.started_at,
        customer_id=call.customer_id,
        city_id=call.city_id,
        agent_id=call.agent_id,
        team_id=call.team_id,
        campaign_id=call.campaign_id,
        number=f"S{call.pk}",
        product=product(),
        amount_cents=9900,
    )


def _events(row: dict[str, str], order: Order) -> list[OrderEvent]:
    found = [OrderEvent(order=order, kind="sold", occurred_at=order.call_started_at)]
    for name, kind in (("cancelled_on", "cancelled"), ("reinstated_on", "reinstated")):
        if row[name]:
            day = date.fromisoformat(row[name])
            found.append(
                OrderEvent(
                    order=order,
                    kind=kind,
                    occurred_at=datetime.combine(day, datetime.min.time(), region_zone()) + timedelta(hours=23),
                )
            )
    return found


def names() -> dict[str, dict[int, str]]:
    return {
        "city": dict(City.objects.values_list("pk", "name")),
        "team": dict(Team.objects.values_list("pk", "code")),
        "agent": dict(User.objects.values_list("pk", "code")),
        "campaign": dict(Campaign.objects.values_list("pk", "code")),
    }
