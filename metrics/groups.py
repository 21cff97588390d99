"""Groups of facts as they are counted: additive counts and sets of customers, and their sums one level up."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
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
    "customers_right_party": _out & ((FLAGS & facts.RIGHT_PARTY) > 0),
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


def count_leaves(day: Facts) -> tuple[Groups, list[np.ndarray]]:
    """The finest groups of a day, keyed (city, team, agent, campaign) in ascending order; and the hour rows as columns."""
    calls, orders = day.calls, day.orders
    columns = [
        np.concatenate([getattr(calls, name), getattr(orders, name)]) for name in ("city", "team", "agent", "campaign")
    ]
    codes, tables = facts.factorize(columns)
    of_calls, of_orders = codes[: len(calls.city)], codes[len(calls.city) :]
    size = len(tables[0])
    counts = _call_counts(calls, of_calls, size) | _order_counts(orders, of_orders, size)
    matrix = np.stack([counts[name] for name in COUNTS], axis=1) if size else np.zeros((0, len(COUNTS)), dtype=np.int64)
    keys = list(zip(*(table.tolist() for table in tables), strict=True))
    leaves = [Group(row) for row in matrix.tolist()]
    _call_sets(calls, of_calls, leaves)
    _fill(
        leaves,
        "customers_cancelled",
        of_orders[orders.cancelled > 0],
        orders.customer[orders.cancelled > 0],
        presorted=False,
    )
    return dict(zip(keys, leaves, strict=True)), _hours(calls, of_calls, tables)


def _sum(codes: np.ndarray, weights: np.ndarray | None, size: int) -> np.ndarray:
    """Sums by group. Exact: the floats of bincount hold whole numbers up to 2**53."""
    return np.rint(np.bincount(codes, weights=weights, minlength=size)).astype(np.int64)


def _call_counts(calls: Calls, codes: np.ndarray, size: int) -> dict[str, np.ndarray]:
    connected = (calls.flags & facts.CONNECTED) > 0
    inbound = (calls.flags & facts.INBOUND) > 0
    found = {"calls": codes, "calls_connected": codes, "inbound_calls": codes, "inbound_calls_connected": codes}
    masks = {
        "calls": ~inbound,
        "calls_connected": ~inbound & connected,
        "inbound_calls": inbound,
        "inbound_calls_connected": inbound & connected,
    }
    counts = {}
    for name, mask in masks.items():
        counts[name] = _sum(found[name][mask], None, size) if mask.any() else np.zeros(size, dtype=np.int64)
    for prefix in ("", "inbound_"):
        mask = masks[f"{prefix}calls_connected"]
        seconds = {"talk_seconds": calls.talk, "after_call_seconds": calls.after_call}
        for name, values in seconds.items():
            counts[prefix + name] = (
                _sum(codes[mask], values[mask], size) if mask.any() else np.zeros(size, dtype=np.int64)
            )
    return counts


def _order_counts(orders: Orders, codes: np.ndarray, size: int) -> dict[str, np.ndarray]:
    kept = 1 - orders.cancelled
    return {
        "orders": _sum(codes, None, size),
        "orders_cancelled": _sum(codes, orders.cancelled, size),
        "orders_larger_plan": _sum(codes, orders.larger * kept, size),
        "amount_cents": _sum(codes, orders.amount, size),
        "final_amount_cents": _sum(codes, orders.amount * kept, size),
    }


def _call_sets(calls: Calls, codes: np.ndarray, leaves: list[Group]) -> None:
    """One sort of (group, customer, flags) in one number serves all sets: what is left of a sorted list is sorted."""
    if not len(codes):
        return
    packed = (
        (codes.astype(np.uint64) << np.uint64(40)) | (calls.customer.astype(np.uint64) << np.uint64(8)) | calls.flags
    )
    packed.sort()
    flags = (packed & np.uint64(0xFF)).astype(np.uint8)
    groups = (packed >> np.uint64(40)).astype(np.int64)
    customers = ((packed >> np.uint64(8)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    for name, members in CALL_SETS.items():
        mask = members[flags]
        if mask.all():
            _fill(leaves, name, groups, customers)
        elif mask.any():
            _fill(leaves, name, groups[mask], customers[mask])


def _fill(leaves: list[Group], name: str, groups: np.ndarray, customers: np.ndarray, presorted: bool = True) -> None:
    if not len(groups):
        return
    if not presorted:
        order = np.argsort(groups, kind="stable")
        groups, customers = groups[order], customers[order]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    ends = np.r_[starts[1:], len(groups)]
    ids = array("I", customers.astype(np.uint32).tobytes())
    for group, start, end in zip(groups[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
        leaves[group].sets[name] = BitMap(ids[start:end])


def _hours(calls: Calls, codes: np.ndarray, tables: list[np.ndarray]) -> list[np.ndarray]:
    """hour, city, team, agent, campaign, then the counts of HourFigures, as columns in the order of the groups."""
    slots = codes * 24 + calls.hour
    size = len(tables[0]) * 24
    inbound, sale = (calls.flags & facts.INBOUND) > 0, (calls.flags & facts.SALE) > 0
    every = np.bincount(slots, minlength=size)
    used = np.flatnonzero(every)
    counted = [
        np.bincount(slots[~inbound], minlength=size),
        np.bincount(slots[~inbound & ((calls.flags & facts.CONNECTED) > 0)], minlength=size),
        np.bincount(slots[~inbound & sale], minlength=size),
        np.bincount(slots[inbound], minlength=size),
        np.bincount(slots[inbound & sale], minlength=size),
        _sum(slots[~inbound], calls.talk[~inbound], size),
    ]
    return [used % 24, *(table[used // 24] for table in tables), *(column[used] for column in counted)]


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
            sets[name] = members[0] if len(members) == 1 else BitMap.union(*members)
    return Group(counts, sets)


def regroup(groups: Groups, key: Callable[[Key], Key]) -> Groups:
    """The groups one level up."""
    parts: dict[Key, list[Group]] = {}
    for old, group in groups.items():
        parts.setdefault(key(old), []).append(group)
    return {new: total(found) for new, found in parts.items()}


def levels_of_city(leaves: Groups) -> Iterator[tuple[int, Groups]]:
    """All levels of one city from its finest groups, each from the level just below it."""
    team_campaign = regroup(leaves, lambda k: (k[0], k[1], k[3]))
    team = regroup(team_campaign, lambda k: k[:2])
    city_campaign = regroup(team_campaign, lambda k: (k[0], k[2]))
    yield Level.CITY, regroup(team, lambda k: k[:1])
    yield Level.CITY_CAMPAIGN, city_campaign
    yield Level.TEAM, team
    yield Level.TEAM_CAMPAIGN, team_campaign
    yield Level.AGENT, regroup(leaves, lambda k: k[:3])
    yield Level.AGENT_CAMPAIGN, leaves


def by_city(leaves: Groups) -> dict[int, Groups]:
    found: dict[int, Groups] = {}
    for key, group in leaves.items():
        found.setdefault(key[0], {})[key] = group
    return found


def same(one: Any, other: Any) -> bool:
    return one.counts == other.counts and one.sets == other.sets
