"""What the desk shows: the customer, the history, promises, own figures, and why there is no lead. The script is in queries_script."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from campaigns import desk_fields, queries_set_up
from campaigns.models import Call, Callback, Campaign, Disposition, Lead, Order
from core.calendar import business_date, day_bounds
from customers.models import Consent, Customer
from customers.queries import former_ids
from people.models import User
from scripts.models import Offer, Product

HISTORY_ROWS = 15
SLOT = timedelta(minutes=30)
SLOT_DAYS = 3
# a function is plpgsql, planned once in a connection: with its many partitions the table of calls takes the planner longer than the rows do
DUE = "SELECT due_at FROM campaigns_callback WHERE agent_id = %s AND state = 'promised' ORDER BY due_at, id LIMIT 500"
OWN_PROMISES = """
SELECT due_at, note, customer_id, name, is_locked, mask, fields::text FROM campaigns_own_promises(%s, %s)"""
HISTORY = """
SELECT started_at, disposition_id, campaign_id, connected, direction, note, reason FROM campaigns_history(%s, %s)"""


# ---------------------------------------------------------------- history


@dataclass(frozen=True)
class PastCall:
    started_at: datetime
    label: str
    is_connected: bool
    note: str
    campaign: str
    is_inbound: bool


def history(customer_id: int) -> list[PastCall]:
    """The person's last calls over all campaigns, newest first, those of who was merged into the person with them."""
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [customer_id, HISTORY_ROWS])
        calls = cursor.fetchall()
    results = queries_set_up.all_results() if calls else {}
    names = queries_set_up.campaign_names() if calls else {}
    return [
        PastCall(
            started_at=started_at,
            label=str(results.get(disposition_id, "")),
            is_connected=is_connected,
            note=note or reason,
            campaign=names.get(campaign_id, ""),
            is_inbound=direction == Call.Direction.INBOUND,
        )
        for started_at, disposition_id, campaign_id, is_connected, direction, note, reason in calls
    ]


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class ResultGroup:
    """Keys that stand together. `kind`: other, refusal, stop, silent (not connected)."""

    kind: str
    results: list[Disposition]


def result_groups(campaign_id: int, *, connected: bool | None) -> list[ResultGroup]:
    """The results that are valid now: of connected calls, of others, or (None) of both."""
    found = [d for d in queries_set_up.results(campaign_id) if connected is None or d.connected == connected]
    groups: dict[str, list[Disposition]] = {"other": [], "refusal": [], "stop": [], "silent": []}
    for result in found:
        groups[_kind(result)].append(result)
    return [ResultGroup(kind, results) for kind, results in groups.items() if results]


def _kind(result: Disposition) -> str:
    if not result.connected:
        return "silent"
    if result.complaint or result.refuses_calls:
        return "stop"
    return "refusal" if result.refuses_offer else "other"


def products_to_sell(campaign: Campaign, at: datetime) -> tuple[list[Product], list[Offer]]:
    """What may stand on an order: the campaign's product first, and the offers of the day."""
    products, offers = queries_set_up.products_to_sell(business_date(at))
    return sorted(products, key=lambda p: p.pk != campaign.product_id), list(offers)


# ---------------------------------------------------------------- times of a callback


@dataclass(frozen=True)
class Slot:
    at: datetime
    is_open: bool
    load: int


@dataclass(frozen=True)
class SlotDay:
    day: date
    slots: list[Slot]
    is_today: bool
    is_tomorrow: bool


def slot_days(
    *,
    hours: Mapping[int, Sequence[tuple[int, int]]],
    zone: Any,
    due: Iterable[datetime],
    at: datetime,
    free_from: datetime | None = None,
    count: int = SLOT_DAYS,
    closed: Sequence[tuple[datetime, datetime]] = (),
) -> list[SlotDay]:
    """Half hours of the next days in the customer's own time, inside calling hours; beside each how full the agent is there (`due`: own promises).

    `free_from`: before it the customer's caps forbid a further call; `closed`: in these spans the customer is not to be disturbed.
    """
    local = at.astimezone(zone)
    loads = _promise_loads(due, at, zone)
    days = []
    for offset in range(count):
        day = local.date() + timedelta(days=offset)
        spans = hours.get(day.isoweekday(), ())
        if not spans:
            continue
        first, last = min(opens for opens, _c in spans), max(closes for _o, closes in spans)
        slots = []
        for minute in range(first - first % 30, last, 30):
            moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
            allowed = (
                any(opens <= minute < closes for opens, closes in spans)
                and moment > at
                and (not free_from or moment >= free_from)
                and not any(begins <= moment < ends for begins, ends in closed)
            )
            slots.append(Slot(moment, allowed, min(100, 25 * loads[moment])))
        if any(slot.is_open for slot in slots):
            days.append(SlotDay(day, _narrow(slots), offset == 0, offset == 1))
    return days


def _narrow(slots: list[Slot]) -> list[Slot]:
    """Past half hours of today fall away, but one, so that the row begins where the day stands."""
    first = next((i for i, slot in enumerate(slots) if slot.is_open), 0)
    return slots[max(0, first - 1) :][:24]


def _promise_loads(due: Iterable[datetime], at: datetime, zone: Any) -> Counter[datetime]:
    loads: Counter[datetime] = Counter()
    for moment in due:
        if moment < at - SLOT:
            continue
        here = moment.astimezone(zone)
        loads[here.replace(minute=here.minute // 30 * 30, second=0, microsecond=0)] += 1
    return loads


# ---------------------------------------------------------------- own figures and promises


@dataclass(frozen=True)
class OwnFigures:
    """The agent's own day. `after_call_seconds` per connected call, None before the first."""

    calls: int
    connected: int
    deals: int
    after_call_seconds: int | None


def own_figures(agent: User, at: datetime) -> OwnFigures:
    start, end = day_bounds(business_date(at))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT calls, reached, deals, after_call FROM campaigns_own_day(%s, %s, %s)", [agent.pk, start, end]
        )
        calls, reached, deals, after = cursor.fetchone()
    return OwnFigures(calls, reached, deals, round(after) if after is not None else None)


@dataclass(frozen=True)
class Promise:
    """A promise on a board. `risk`: late, soon (within a quarter of an hour), or "" as planned; `name` as an agent may see it."""

    row: Callback
    name: str
    risk: str
    number_end: str


def promises(callbacks: Iterable[Callback], at: datetime) -> list[Promise]:
    """Promises with their risk; each row needs lead__customer__phones prefetched."""
    return [
        Promise(row, desk_fields.name_of(row.lead), _risk(row.due_at, at), _number_end(row.lead.customer))
        for row in callbacks
    ]


def due_promises(agent: User) -> list[datetime]:
    """When the agent's open promises are due, the next first, at most five hundred."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [agent.pk])
        return [due_at for (due_at,) in cursor.fetchall()]


def own_promises(agent: User, at: datetime, limit: int = 8) -> list[Promise]:
    """The next of the agent's open promises."""
    with connection.cursor() as cursor:
        cursor.execute(OWN_PROMISES, [agent.pk, limit])
        return [_own_promise(at, *row) for row in cursor.fetchall()]


def _own_promise(
    at: datetime,
    due_at: datetime,
    note: str,
    customer_id: int,
    name: str,
    is_locked: bool,
    mask: str | None,
    fields: str | None,
) -> Promise:
    customer = Customer(pk=customer_id, name=name, is_locked=is_locked)
    seen = desk_fields.name_behind(desk_fields.Door(json.loads(fields) if fields else None), customer)
    return Promise(Callback(due_at=due_at, note=note), seen, _risk(due_at, at), f"*{mask[-4:]}" if mask else "")


def _risk(due_at: datetime, at: datetime) -> str:
    if due_at < at:
        return "late"
    return "soon" if due_at - at <= timedelta(minutes=15) else ""


def _number_end(customer: Customer) -> str:
    """The last four of the mask, as boards show a number."""
    numbers = sorted(customer.phones.all(), key=lambda phone: not phone.is_primary)
    return f"*{numbers[0].mask[-4:]}" if numbers else ""


def open_orders(customer_id: int, limit: int = 5) -> list[Order]:
    """What the person has bought and not cancelled, newest first."""
    persons = [customer_id, *former_ids(customer_id)]
    rows = Order.objects.filter(customer_id__in=persons).exclude(state=Order.State.CANCELLED)
    return list(rows.select_related("product").order_by("-call_started_at")[:limit])


def other_promises(lead: Lead) -> list[Callback]:
    """Calls promised to the person of this lead in other campaigns."""
    rows = Callback.objects.filter(lead__customer=lead.customer_id, state=Callback.State.PROMISED).exclude(lead=lead)
    return list(rows.select_related("lead__campaign", "agent").order_by("due_at"))


# ---------------------------------------------------------------- the customer


def consent_in_force(customer_id: int, at: datetime) -> Consent | None:
    return Consent.objects.filter(customer=customer_id).in_force(at).order_by("-given_at").first()


def facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Attributes in words: what the list's columns were called, and what stood there."""
    return [
        (str(name).replace("_", " "), _in_words(value))
        for name, value in attributes.items()
        if value not in (None, "", [])
    ][:14]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


# ---------------------------------------------------------------- why there is no lead


@dataclass(frozen=True)
class Why:
    """One reason why nobody can be called: how many leads it holds back (or more, when `is_capped`), and when it passes."""

    text: str
    count: int = 0
    until: datetime | None = None
    is_capped: bool = False
