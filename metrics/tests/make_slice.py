"""Makes the history of 2,000 persons and the figures that the rollups are checked against: python metrics/tests/make_slice.py

Nothing of the product is used: the history is drawn with a seed, the figures are counted by naive.py.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from naive import count  # noqa: E402

CITIES = ["Foshan", "Huizhou", "Zhuhai"]
SECTIONS = {
    "total": ("total", ()),
    "day": ("day", ()),
    "week": ("week", ()),
    "month": ("month", ()),
    "month_city": ("month", ("city",)),
    "month_team": ("month", ("team",)),
    "month_agent": ("month", ("agent",)),
    "week_campaign": ("week", ("campaign",)),
    "total_city_team_campaign": ("total", ("city", "team", "campaign")),
    "day_city_campaign": ("day", ("city", "campaign")),
}
FIRST, DAYS = date(2026, 1, 26), 75
HEADS = [
    "started_at",
    "direction",
    "customer",
    "city",
    "team",
    "agent",
    "campaign",
    "connected",
    "sale",
    "talk",
    "after",
    "cancelled_on",
    "reinstated_on",
]


def history() -> list[dict]:
    """Calls of 2,000 persons over 75 days: busy midnights, an agent who changes team, late and withdrawn cancellations."""
    draw = random.Random(20260126)
    rows = []
    for person in range(1, 2001):
        city = draw.choices(CITIES, [5, 3, 2])[0]
        for _attempt in range(draw.choice([1, 2, 3, 4, 7])):
            rows.append(_call(draw, person, city))
    return sorted(rows, key=lambda row: row["started_at"])


def _call(draw: random.Random, person: int, city: str) -> dict:
    day = FIRST + timedelta(days=draw.randrange(DAYS))
    second = draw.choice(
        [draw.randrange(8 * 3600, 21 * 3600)] * 8 + [draw.randrange(86340, 86400), draw.randrange(0, 60)]
    )
    agent = draw.randrange(1, 19)
    # regional teams call everywhere, and agent 5 changes from team 2 to team 6 in the middle of a day
    moved = agent == 5 and (day, second) > (date(2026, 2, 25), 12 * 3600)
    team = 6 if moved else (agent - 1) // 3 + 1
    connected = draw.random() < 0.45
    sale = connected and draw.random() < 0.16
    cancelled = sale and draw.random() < 0.3
    came = day + timedelta(days=draw.choice([0, 1, 5, 42])) if cancelled else None
    back = came + timedelta(days=3) if came and draw.random() < 0.2 else None
    return {
        "started_at": datetime.combine(day, datetime.min.time()) + timedelta(seconds=second),
        "direction": "inbound" if draw.random() < 0.06 else "outbound",
        "customer": person,
        "city": city,
        "team": f"T{team}",
        "agent": f"A{agent:02d}",
        "campaign": draw.choice(["SPRING", "FIBRE", "FIBRE"]),
        "connected": connected,
        "sale": sale,
        "talk": draw.randrange(5, 600) if connected else 0,
        "after": draw.randrange(2, 90),
        "cancelled_on": came,
        "reinstated_on": back,
    }


def counted(rows: list[dict]) -> dict[str, dict]:
    plain = [
        {
            **row,
            "day": row["started_at"].date(),
            "cancelled": row["cancelled_on"] is not None and row["reinstated_on"] is None,
        }
        for row in rows
    ]
    return {section: count(plain, grain, by) for section, (grain, by) in SECTIONS.items()}


def write() -> None:
    rows = history()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for row in rows:
        writer.writerow(
            [
                "" if row[name] is None else int(row[name]) if isinstance(row[name], bool) else row[name]
                for name in HEADS
            ]
        )
    _pack(HERE / "data" / "slice_calls.csv.gz", text.getvalue())
    _pack(HERE / "data" / "slice_expected.json.gz", json.dumps(counted(rows), indent=0))


def _pack(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    write()
