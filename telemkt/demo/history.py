"""Sixty days of calls as they might have been: agents' days, leads that are called again, results, cancellations.

Pure computation: no database. Times are seconds since the epoch.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from core.calendar import midnight

HOUR, DAY = 3600, 86400
DAYS = 60
MORNING = 3 * HOUR  # worked before the midday rest, from 9:00
AFTERNOON_OPENS = 4.5 * HOUR  # 13:30, counted from 9:00
SHIFT = 8 * HOUR
AGENTS_PRESENT = 0.93

# result, weight among connected calls
CONNECTED = [
    ("sold", 6.2), ("considering", 9.0), ("family", 8.5), ("callback", 7.0), ("decision_maker_absent", 7.5), ("wrong_person", 1.6),
    ("refused_no_need", 22.0), ("refused_not_interested", 17.0), ("refused_price", 7.0), ("refused_inconvenient", 5.0),
    ("refused_distrust", 3.5), ("refused_mid_call", 6.0), ("complaint", 0.15), ("do_not_call", 1.0),
]  # fmt: skip
SILENT = [("no_answer", 60.0), ("busy", 21.0), ("switched_off", 18.0), ("invalid_number", 1.5)]
# result, hours until the next attempt, most attempts
AGAIN = {
    "no_answer": (4, 6), "busy": (2, 6), "switched_off": (24, 4), "considering": (48, 4), "family": (48, 4),
    "decision_maker_absent": (24, 5), "callback": (30, 8),
}  # fmt: skip
CAPS = ((2, DAY), (6, 7 * DAY), (12, 30 * DAY))
CANCELLED_SHARE, CANCELLED_MEAN_DAYS = 0.14, 12.0


@dataclass(frozen=True)
class Crew:
    """The agents of one city, with what each sells against the mean, and how good the city's numbers are."""

    agents: Sequence[int]
    skills: Sequence[float]
    quality: float


@dataclass
class Calls:
    """Columns of calls, in order of time within a city."""

    started: list[float] = field(default_factory=list)
    agent: list[int] = field(default_factory=list)
    lead: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    result: list[str] = field(default_factory=list)
    ring: list[int] = field(default_factory=list)
    talk: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


@dataclass
class Leads:
    """What became of the leads of one pool: parallel columns; `first` is the number of the first one used."""

    times: list[list[float]] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    last_agent: list[int] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


def agent_days(
    crew: Crew, today: date, now: datetime, rng: np.random.Generator
) -> list[tuple[float, int, bool, int, int, int]]:
    """Every call slot of a crew: start, place of the agent in the crew, connected, ring, talk and after-call seconds."""
    slots: list[tuple[float, int, bool, int, int, int]] = []
    for back in range(DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        if day.weekday() == 6 and back:
            continue
        opens, length, rests = _shift(day, now if back == 0 else None)
        for place in range(len(crew.agents)):
            if rng.random() < AGENTS_PRESENT:
                slots += _one_day(place, opens, length, rests, crew.quality, rng)
    slots.sort()
    return slots


def _shift(day: date, now: datetime | None) -> tuple[float, float, bool]:
    """When the shift opens, its length, and whether a midday rest is cut out. Today's runs until now, and began early enough to show something."""
    nine = midnight(day).timestamp() + 9 * HOUR
    if now is None:
        return nine, SHIFT, True
    end = now.timestamp()
    opens = max(midnight(day).timestamp(), min(nine, end - 4 * HOUR))
    return opens, max(end - opens, 0), False


def _one_day(place: int, opens: float, length: float, rests: bool, quality: float, rng: np.random.Generator) -> list:
    most = int(length / 110) + 5
    mean = rng.uniform(0.86, 1.16)
    ring = rng.integers(4, 32, most)
    connected = rng.random(most) < 0.43 * quality * rng.uniform(0.93, 1.07)
    talk = np.where(connected, np.minimum(rng.lognormal(4.75, 0.75, most), 1500), 0).astype(int)
    after = np.where(connected, rng.gamma(3.0, 19.0, most), 3).astype(int)
    pause = rng.gamma(2.0, 58.0, most) * mean
    ends = np.cumsum(ring + talk + after + pause)
    starts = ends - (ring + talk + after)
    kept = ends < length
    clock = opens + starts + np.where(rests & (starts >= MORNING), AFTERNOON_OPENS - MORNING, 0)
    return [
        (float(clock[i]), place, bool(connected[i]), int(ring[i]), int(talk[i]), int(after[i]))
        for i in np.flatnonzero(kept)
    ]


class Pool:
    """The leads of one campaign in one city: new ones in list order, old ones when they are due again."""

    def __init__(self, size: int) -> None:
        self.size, self.waiting, self.leads = size, [], Leads()

    def next(self, at: float) -> int | None:
        if self.waiting and self.waiting[0][0] <= at:
            return heapq.heappop(self.waiting)[1]
        used = len(self.leads.times)
        if used >= self.size:
            return None
        leads = self.leads
        leads.times.append([])
        leads.last.append("")
        leads.last_agent.append(0)
        leads.due.append(0.0)
        leads.answered.append(0.0)
        return used

    def settle(self, lead: int, at: float, ended: float, agent: int, result: str, delay: float) -> None:
        leads = self.leads
        times = leads.times[lead]
        times.append(at)
        leads.last[lead], leads.last_agent[lead] = result, agent
        if result not in dict(SILENT):
            leads.answered[lead] = at
        again = AGAIN.get(result)
        if again is None or len(times) >= again[1]:
            leads.due[lead] = 0.0
            return
        due = max(ended + again[0] * HOUR * delay, at + 2 * HOUR)
        for most, window in CAPS:
            if len(times) >= most:
                due = max(due, times[-most] + window)
        leads.due[lead] = due
        heapq.heappush(self.waiting, (due, lead))


def play(crew: Crew, slots: list, pool_of, calls: dict[str, Calls], trend, rng: np.random.Generator) -> None:
    """Give each slot a lead and a result. `pool_of(start, place)` names campaign and pool; `trend(start)` lifts success over time."""
    words, weights = zip(*CONNECTED, strict=True)
    silent, silent_weights = zip(*SILENT, strict=True)
    luck, which, delays = rng.random(len(slots)), rng.random(len(slots)), rng.uniform(0.9, 1.5, len(slots))
    edges, silent_edges = np.cumsum(weights) / sum(weights), np.cumsum(silent_weights) / sum(silent_weights)
    for n, (start, place, connected, ring, talk, after) in enumerate(slots):
        code, pool = pool_of(start, place)
        lead = pool.next(start)
        if lead is None:
            continue
        if not connected:
            result = silent[int(np.searchsorted(silent_edges, which[n]))]
        elif luck[n] < 0.062 * crew.skills[place] * trend(start):
            result = "sold"
        else:
            result = words[1 + int(np.searchsorted(edges[1:] - edges[0], which[n] * (1 - edges[0])))]
        pool.settle(lead, start, start + ring + talk + after, place, result, delays[n])
        book = calls[code]
        book.started.append(start)
        book.agent.append(crew.agents[place])
        book.lead.append(lead)
        book.attempt.append(len(pool.leads.times[lead]))
        book.result.append(result)
        book.ring.append(ring)
        book.talk.append(talk)
        book.after.append(after)


def cancellations(sold_at: np.ndarray, now: float, rng: np.random.Generator) -> np.ndarray:
    """When each sale was cancelled, 0 for those that stand or whose cancellation has not come yet: they come late."""
    cancelled = rng.random(len(sold_at)) < CANCELLED_SHARE
    when = sold_at + DAY + rng.exponential(CANCELLED_MEAN_DAYS * DAY, len(sold_at))
    return np.where(cancelled & (when < now), when, 0.0)
