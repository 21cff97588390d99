"""Counting again without the product: sets and loops over plain dicts, slow and plain. Used to check the rollups."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

COUNTED = (
    "calls",
    "calls_connected",
    "customers_called",
    "customers_reached",
    "customers_won",
    "customers_cancelled",
    "talk_seconds",
    "after_call_seconds",
    "inbound_customers",
    "inbound_won",
)


def label(day: date, grain: str) -> str:
    if grain == "day":
        return day.isoformat()
    if grain == "week":
        year, week, _weekday = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day.year}-{day.month:02d}" if grain == "month" else "total"


def count(rows: list[dict], grain: str, by: tuple[str, ...]) -> dict[str, dict]:
    """{"2026-03 Foshan": {figure: value}}. A row: day, direction, connected, sale, cancelled, customer, talk, after, and the groups."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sets: dict[str, dict[str, set]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        key = " ".join([label(row["day"], grain), *(str(row[name]) for name in by)])
        one, some = sums[key], sets[key]
        if row["direction"] == "inbound":
            some["inbound_customers"].add(row["customer"])
            if row["sale"]:
                some["inbound_won"].add(row["customer"])
            continue
        one["calls"] += 1
        some["customers_called"].add(row["customer"])
        if row["connected"]:
            one["calls_connected"] += 1
            one["talk_seconds"] += row["talk"]
            one["after_call_seconds"] += row["after"]
            some["customers_reached"].add(row["customer"])
        if row["sale"]:
            some["customers_won"].add(row["customer"])
        if row["cancelled"]:
            some["customers_cancelled"].add(row["customer"])
    return {key: _figures(sums[key], sets[key]) for key in sorted(sets.keys() | sums.keys())}


def _figures(one: dict[str, int], some: dict[str, set]) -> dict:
    found: dict = {
        name: len(some[name]) if name.startswith(("customers_", "inbound_")) else one[name] for name in COUNTED
    }
    called, reached, won, cancelled = (found[f"customers_{name}"] for name in ("called", "reached", "won", "cancelled"))
    found["contact_rate"] = round(100 * reached / called, 4) if called else None
    found["success_rate"] = round(100 * won / reached, 4) if reached else None
    found["cancellation_rate"] = round(100 * cancelled / won, 4) if won else None
    found["final_success_rate"] = round(100 * (won - cancelled) / reached, 4) if reached else None
    found["inbound_success_rate"] = (
        round(100 * found["inbound_won"] / found["inbound_customers"], 4) if found["inbound_customers"] else None
    )
    return found
