"""Groups of facts as they are counted: additive counts and sets of customers, and their sums one level up."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyroaring import BitMap

from metrics import facts
from metrics.columns import COUNTS, SETS, Level
from metrics.facts import Calls, Facts, Orders

Key = tuple[int, ...]
FLAGS = np.arange(64)
_out = (FLAGS & facts.INBOUND) == 0

# Which calls, by their flags, put their customer into which set.
CALL_SETS: dict[str, np.ndarray] = {
    "customers_called": _out,
    "customers_reached": _out & ((FLAGS & facts.CONNECTED) > 0),
    "customers_won": _out & ((FLAGS & facts.SALE) > 0),
    "inbound_customers": ~_out,
    "inbound_won": ~_out & ((FLAGS & facts.SALE) > 0),
    "customers_recommended": (FLAGS & facts.RECOMMENDED) > 0,
    "customers_accepted": ((FLAGS & facts.RECOMMENDED) > 0) & ((FLAGS & facts.SALE) > 0),
    "customers_complained": _out & ((FLAGS & facts.COMPLAINT) > 0),
}


@dataclass
class Group:
    """Counts in the order of COUNTS, sets by name (an empty set is absent)."""

    counts: list[int]
    sets: dict[str, BitMap] = field(default_factory=dict)


Groups = dict[Key, Group]


def count_leaves(city: int, day: Facts) -> tuple[Groups, list[np.ndarray]]:
    """The finest groups of a day of a city, keyed (city, team, agent, campaign) ascending; and the hour rows as columns."""
    calls = day.calls
    codes, tables = facts.factorize([calls.team, calls.agent, calls.campaign])
    size = len(tables[0])
    tables = [np.full(size, city, dtype=np.int64), *tables]
    keys = list(zip(*(table.tolist() for table in tables), strict=True))
    leaves = [Group(row) for row in _call_counts(calls, codes, size).tolist()]
    _call_sets(calls, codes, leaves)
    found = dict(zip(keys, leaves, strict=True))
    hours = _hours(calls, codes, tables)
    return _with_orders(found, day.orders), hours


def _with_orders(leaves: Groups, orders: Orders) -> Groups:
    """Add the orders. A group without a call can only come from an order whose call is not there."""
    if not len(orders.city):
        return leaves
    codes, tables = facts.factorize([orders.city, orders.team, orders.agent, orders.campaign])
    keys = list(zip(*(table.tolist() for table in tables), strict=True))
    is_new = False
    for key, sums in zip(keys, _order_counts(orders, codes, len(keys)).tolist(), strict=True):
        group = leaves.get(key)
        if group is None:
            group = leaves[key] = Group([0] * len(COUNTS))
            is_new = True
        for place, value in zip(ORDER_PLACES, sums, strict=True):
            group.counts[place] += value
    cancelled = np.flatnonzero(orders.cancelled)
    for code, customer in zip(codes[cancelled].tolist(), orders.customer[cancelled].tolist(), strict=True):
        leaves[keys[code]].sets.setdefault("customers_cancelled", BitMap()).add(customer)
    return dict(sorted(leaves.items())) if is_new else leaves


def _order_counts(orders: Orders, codes: np.ndarray, size: int) -> np.ndarray:
    """One row per group, in the order of ORDER_COUNTS."""
    kept = 1 - orders.cancelled
    weights = (None, orders.amount, orders.cancelled, orders.larger * kept, orders.amount * kept)
    return np.stack([_sum(codes, weight, size) for weight in weights], axis=1)


ORDER_COUNTS = ("orders", "amount_cents", "orders_cancelled", "orders_larger_plan", "final_amount_cents")
ORDER_PLACES = [COUNTS.index(name) for name in ORDER_COUNTS]


def with_other_orders(leaves: Groups, orders: Orders) -> Groups:
    """The finest groups as they would be counted with these orders and the same calls."""
    cleared: Groups = {}
    for key, group in leaves.items():
        counts = [0 if i in ORDER_PLACES else count for i, count in enumerate(group.counts)]
        sets = {name: members for name, members in group.sets.items() if name != "customers_cancelled"}
        if sets or any(counts):
            cleared[key] = Group(counts, sets)
    return _with_orders(cleared, orders)


def _sum(codes: np.ndarray, weights: np.ndarray | None, size: int) -> np.ndarray:
    """Sums by group. Exact: the floats of bincount hold whole numbers up to 2**53."""
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)


def _call_counts(calls: Calls, codes: np.ndarray, size: int) -> np.ndarray:
    """One row per group, in the order of COUNTS; what comes from orders is 0."""
    # by kind of call first: connected or not, in or out, in person or not
    kinds = np.bincount(codes * np.int64(16) + (calls.flags & 15), minlength=size * 16).reshape(size, 16)
    flags = np.arange(16)
    inbound, connected = (flags & facts.INBOUND) > 0, (flags & facts.CONNECTED) > 0
    counted = np.zeros((size, len(COUNTS)), dtype=np.int64)
    for name, mask in (
        ("calls", ~inbound),
        ("calls_connected", ~inbound & connected),
        ("calls_right_party", ~inbound & ((flags & facts.RIGHT_PARTY) > 0)),
        ("inbound_calls", inbound),
        ("inbound_calls_connected", inbound & connected),
    ):
        counted[:, COUNTS.index(name)] = kinds[:, mask].sum(axis=1)
    for prefix, wanted in (("", facts.CONNECTED), ("inbound_", facts.CONNECTED | facts.INBOUND)):
        found = np.flatnonzero((calls.flags & (facts.CONNECTED | facts.INBOUND)) == wanted)
        if len(found):
            groups = codes.take(found)
            counted[:, COUNTS.index(f"{prefix}talk_seconds")] = _sum(groups, calls.talk.take(found), size)
            counted[:, COUNTS.index(f"{prefix}after_call_seconds")] = _sum(groups, calls.after_call.take(found), size)
    return counted


def _call_sets(calls: Calls, codes: np.ndarray, leaves: list[Group]) -> None:
    """One sort of (group, customer, flags) in one number serves all sets: what is left of a sorted list is sorted."""
    if not len(codes):
        return
    packed = codes.astype(np.uint64)
    packed <<= np.uint64(32)
    packed |= calls.customer.astype(np.uint32, copy=False)
    packed <<= np.uint64(8)
    packed |= calls.flags
    packed.sort()
    flags = packed.astype(np.uint8)
    packed >>= np.uint64(8)
    customers = packed.astype(np.uint32)
    packed >>= np.uint64(32)
    groups = packed.astype(np.int32)
    for name, members in CALL_SETS.items():
        found = np.flatnonzero(members[flags])
        if len(found) == len(flags):
            _fill(leaves, name, groups, customers)
        elif len(found):
            _fill(leaves, name, groups.take(found), customers.take(found))


def _fill(leaves: list[Group], name: str, groups: np.ndarray, customers: np.ndarray) -> None:
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    ends = np.r_[starts[1:], len(groups)]
    ids = array("I")
    ids.frombytes(memoryview(customers).cast("B"))
    for group, start, end in zip(groups[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        leaves[group].sets[name] = BitMap(ids[start:end])


def _hours(calls: Calls, codes: np.ndarray, tables: list[np.ndarray]) -> list[np.ndarray]:
    """hour, city, team, agent, campaign, then the counts of HourFigures, as columns in the order of the groups."""
    slots = codes * np.int64(24) + calls.hour
    size = len(tables[0]) * 24
    kinds = np.bincount(slots * 16 + (calls.flags & 15), minlength=size * 16).reshape(size, 16)
    flags = np.arange(16)
    inbound, connected, sale = (flags & facts.INBOUND) > 0, (flags & facts.CONNECTED) > 0, (flags & facts.SALE) > 0
    used = np.flatnonzero(kinds.sum(axis=1))
    masks = (~inbound, ~inbound & connected, ~inbound & sale, inbound, inbound & sale)
    # seconds of talk: only of connected outbound calls, the rest have none or another column
    found = np.flatnonzero((calls.flags & (facts.CONNECTED | facts.INBOUND)) == facts.CONNECTED)
    talk = _sum(slots.take(found), calls.talk.take(found), size) if len(found) else np.zeros(size, dtype=np.int64)
    counted = [kinds[used][:, mask].sum(axis=1) for mask in masks]
    return [used % 24, *(table[used // 24] for table in tables), *counted, talk[used]]


def total(parts: Iterable[Group]) -> Group:
    """Counts added, sets united."""
    found = list(parts)
    if len(found) == 1:
        return found[0]
    counts = [sum(column) for column in zip(*(part.counts for part in found), strict=True)]
    sets: dict[str, BitMap] = {}
    for name in SETS:
        members = [part.sets[name] for part in found if name in part.sets]
        if members:
            sets[name] = unite(members)
    return Group(counts, sets)


def unite(members: list[BitMap]) -> BitMap:
    """The union; one after the other is quicker than all at once while they are few or small."""
    if len(members) > 40:
        return BitMap.union(*members)
    found = members[0]
    if len(members) > 1:
        found = members[0] | members[1]
        for more in members[2:]:
            found |= more
    return found


def regroup(groups: Groups, key: Callable[[Key], Key]) -> Groups:
    """The groups one level up."""
    parts: dict[Key, list[Group]] = {}
    for old, group in groups.items():
        parts.setdefault(key(old), []).append(group)
    return {new: total(found) for new, found in parts.items()}


def levels_of_city(leaves: Groups) -> dict[int, Groups]:
    """All levels of one city from its finest groups, each from the level just below it; {} when there are none."""
    if not leaves:
        return {}
    team_campaign = regroup(leaves, lambda k: (k[0], k[1], k[3]))
    team = regroup(team_campaign, lambda k: k[:2])
    city_campaign = regroup(team_campaign, lambda k: (k[0], k[2]))
    return {
        Level.CITY: regroup(team, lambda k: k[:1]),
        Level.CITY_CAMPAIGN: city_campaign,
        Level.TEAM: team,
        Level.TEAM_CAMPAIGN: team_campaign,
        Level.AGENT: regroup(leaves, lambda k: k[:3]),
        Level.AGENT_CAMPAIGN: leaves,
    }


def same(one: Any, other: Any) -> bool:
    return one.counts == other.counts and one.sets == other.sets
