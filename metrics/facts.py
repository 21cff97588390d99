"""The calls and orders of a business day, read in bulk and put into groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.calendar import day_bounds, region_zone
from core.errors import DomainError
from metrics import copying

CONNECTED, RIGHT_PARTY, SALE, INBOUND, RECOMMENDED, COMPLAINT = 1, 2, 4, 8, 16, 32
MARKS = 1 << 26

# Three packed numbers a call: second of the day, customer and flags; agent and talk; team, campaign and after-call work. One string of
# them by city, because a million small rows would cost more to send than to read, arrays are sent element by element, and every string more
# is gathered by itself. The inbound calls by id: their orders are none of ours.
CALLS = """
SELECT city_id,
  string_agg(int8send((floor(date_part('epoch', started_at) - %s)::bigint << 40) | (customer_id << 8) | (connected::int
      | (right_party::int << 1) | (sale::int << 2) | ((direction = 'inbound')::int << 3) | (recommended::int << 4) | (complaint::int << 5)))
    || int8send((agent_id << 31) | talk_seconds) || int8send((team_id << 47) | (campaign_id << 31) | after_call_seconds), ''),
  string_agg(int8send(id), '') FILTER (WHERE direction = 'inbound')
FROM campaigns_call WHERE started_at >= %s AND started_at < %s{where} GROUP BY city_id"""

ORDERS = """
SELECT o.city_id, o.team_id, o.agent_id, o.campaign_id, o.customer_id, (o.state = 'cancelled')::int::bigint,
  (p.is_larger_plan)::int::bigint, o.amount_cents, o.call_id
FROM campaigns_order o JOIN scripts_product p ON p.id = o.product_id
WHERE o.call_started_at >= %s AND o.call_started_at < %s{where}"""

# As an array, so that each call is looked up by its key: a join reads the whole day.
INBOUND_WITH_ORDERS = """
SELECT id FROM campaigns_call
WHERE id = ANY(ARRAY(SELECT call_id FROM campaigns_order WHERE call_started_at >= %s AND call_started_at < %s AND city_id = %s))
  AND started_at >= %s AND started_at < %s AND direction = 'inbound'"""

# The strings of a day of millions of calls stay in memory instead of going to disk and back.
WORK_MEM = "512MB"


class TooManyToPack(DomainError):
    """An id is larger than the rollup can hold."""


@dataclass(frozen=True)
class Calls:
    """Calls as parallel arrays. `hour` is the hour of the region's clock."""

    team: np.ndarray
    agent: np.ndarray
    campaign: np.ndarray
    customer: np.ndarray
    flags: np.ndarray
    talk: np.ndarray
    after_call: np.ndarray
    hour: np.ndarray


@dataclass(frozen=True)
class Orders:
    """Orders whose call was on the day, as parallel arrays; `cancelled` and `larger` are 0 or 1."""

    city: np.ndarray
    team: np.ndarray
    agent: np.ndarray
    campaign: np.ndarray
    customer: np.ndarray
    cancelled: np.ndarray
    larger: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Facts:
    """What happened on a day to the customers of one city."""

    calls: Calls
    orders: Orders


def read_facts(day: date, cities: Sequence[int] | None = None) -> Iterator[tuple[int, Facts]]:
    """Everything of a business day by the customers' city, of these cities or of all; merged persons are one.

    The database has been asked when this returns: the cities may be taken in another thread.
    """
    _check_ids()
    found = _columns_of_calls(day, cities)
    inbound = [copying.numbers_of(columns.pop()) for columns in found.values() if len(columns) > 1]
    orders = _orders(day, cities, np.concatenate(inbound) if inbound else None)
    merged = merged_persons()
    orders[4] = follow(orders[4], merged)
    return _by_city(day, found, orders, merged)


def _by_city(
    day: date, found: dict[int, list[memoryview]], orders: list[np.ndarray], merged: dict[int, int]
) -> Iterator[tuple[int, Facts]]:
    for city in sorted(found.keys() | set(orders[0].tolist())):
        mine = orders[0] == city
        yield city, Facts(_calls(found.pop(city, None), day, merged), Orders(*(column[mine] for column in orders)))


def read_orders(day: date, city: int) -> Orders:
    """The orders of a business day of a city alone; merged persons are one."""
    columns = _orders(day, [city], _inbound_with_orders(day, city))
    columns[4] = follow(columns[4], merged_persons())
    return Orders(*columns)


def _inbound_with_orders(day: date, city: int) -> np.ndarray:
    """Ids of the inbound calls of the day that have an order in the city."""
    (found,) = copying.columns_out(INBOUND_WITH_ORDERS, [*day_bounds(day), city, *day_bounds(day)], 1)
    return found


def _columns_of_calls(day: date, cities: Sequence[int] | None) -> dict[int, list[memoryview]]:
    """{city: the strings of CALLS}, the last of them only where there are inbound calls."""
    where, more = _of_cities("city_id", cities)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
        found = {}
        start, end = day_bounds(day)
        for row in copying.rows_out(CALLS.format(where=where), [start.timestamp(), start, end, *more], 3):
            city, *columns = (part for part in row if part is not None)
            found[int.from_bytes(city)] = columns
    return found


def _orders(day: date, cities: Sequence[int] | None, inbound: np.ndarray | None) -> list[np.ndarray]:
    """The columns of Orders: of outbound calls, and of calls that are not known."""
    where, more = _of_cities("o.city_id", cities)
    *columns, call = copying.columns_out(ORDERS.format(where=where), [*day_bounds(day), *more], 9)
    if inbound is None:
        return columns
    outbound = ~np.isin(call, inbound)
    return [column[outbound] for column in columns]


def _of_cities(column: str, cities: Sequence[int] | None) -> tuple[str, list[Any]]:
    return ("", []) if cities is None else (f" AND {column} = ANY(%s)", [list(cities)])


def _calls(columns: list[memoryview] | None, day: date, merged: dict[int, int]) -> Calls:
    packed = np.zeros(0, dtype=np.int64) if columns is None else copying.numbers_of(columns[0])
    a, b, c = packed.reshape(-1, 3).T
    return Calls(
        team=(c >> 47).astype(np.int32),
        agent=(b >> 31).astype(np.int32),
        campaign=((c >> 31) & 0xFFFF).astype(np.int32),
        customer=follow((a >> 8).astype(np.uint32), merged),
        flags=(a & 0xFF).astype(np.uint8),
        talk=(b & 0x7FFFFFFF).astype(np.int32),
        after_call=(c & 0x7FFFFFFF).astype(np.int32),
        hour=hours_of((a >> 40).astype(np.int32), day),
    )


def _check_ids() -> None:
    """The packing has 16 bits for a team and a campaign, 32 for an agent."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT max(id) FROM people_team), (SELECT max(id) FROM campaigns_campaign)")
        largest = max(found or 0 for found in cursor.fetchone())
    if largest >= 1 << 16:
        raise TooManyToPack(_("There are more teams or campaigns than the rollup can tell apart."))


def merged_persons() -> dict[int, int]:
    """{merged customer: the customer it is now}, chains followed to their end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, merged_into_id FROM customers_customer WHERE merged_into_id IS NOT NULL")
        into = dict(cursor.fetchall())
    return {old: _end_of(old, into) for old in into}


def _end_of(old: int, into: dict[int, int]) -> int:
    seen = {old}
    while old in into and into[old] not in seen:
        old = into[old]
        seen.add(old)
    return old


def follow(customers: np.ndarray, merged: dict[int, int]) -> np.ndarray:
    """The ids with merged customers replaced."""
    if not merged or not len(customers):
        return customers
    old = np.array(sorted(merged), dtype=np.int64)
    new = np.array([merged[int(i)] for i in old], dtype=np.int64)
    place = np.minimum(np.searchsorted(old, customers), len(old) - 1)
    return np.where(old[place] == customers, new[place], customers).astype(customers.dtype)


def hours_of(seconds: np.ndarray, day: date) -> np.ndarray:
    """Hour of the region's clock for each second of the day; right on days when the clocks change."""
    start, end = day_bounds(day)
    clock, at = [], start.astimezone(UTC)
    while at < end:
        clock.append(at.astimezone(region_zone()).hour)
        at += timedelta(minutes=15)
    return np.repeat(np.array(clock, dtype=np.int32), 900)[np.clip(seconds, 0, 900 * len(clock) - 1)]


def factorize(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Dense numbers 0, 1, ... of the distinct tuples, in the order of the tuples; and their parts, by number.

    Marks in a table instead of a sort, as long as the table is small enough: ids are small numbers.
    """
    codes, parts = _dense(columns[0])
    tables = [parts]
    for column in columns[1:]:
        numbers, values = _dense(column)
        wide = (
            codes * np.int64(len(values)) if len(tables[0]) * len(values) > 2**31 - 1 else codes * np.int32(len(values))
        )
        wide += numbers
        codes, found = _dense(wide)
        tables = [*(table[found // len(values)] for table in tables), values[found % len(values)]]
    return codes, tables


def _dense(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return values.astype(np.int32), values.astype(np.int64)
    top = int(values.max()) + 1
    if top > MARKS or values.min() < 0:
        found, numbers = np.unique(values, return_inverse=True)
        return numbers.astype(np.int32), found
    marks = np.zeros(top, dtype=bool)
    marks[values] = True
    found = np.flatnonzero(marks)
    table = np.zeros(top, dtype=np.int32)
    table[found] = np.arange(len(found), dtype=np.int32)
    return table.take(values), found
