"""The indicators page with a year of rollups for 4,000 agents: server time of the whole page, opened again, after today's rollup, and at first."""

from __future__ import annotations

import os
import statistics
import time
from datetime import date, timedelta

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.figures import Figure

AGENTS = int(os.environ.get("BENCH_AGENTS", "4000"))
DAYS = int(os.environ.get("BENCH_DAYS", "365"))
FINEST_DAYS = 70  # so far back agents have rows of days and weeks; before that of months, which is where pages look
DATABASE = "telemkt_bench_indicators"
# what managers open: mostly the region and the cities, a month or the last weeks; sometimes teams and agents
VIEWS = [
    "",
    "",
    "?period=month",
    "?period=last_month",
    "?period=last_month&grain=week",
    "?period=days30",
    "?period=days7",
    "?period=quarter&grain=month",
    "?by=campaign",
    "?city=3&by=team",
    "?city=7&by=team&period=last_month",
    "?city=3&team=2&by=agent",
    "?team=40&by=agent&period=month",
    "?by=agent&city=5",
    "?by=period&grain=day&period=days30",
    "?by=agent&period=last_month",
    "?by=agent",
    "?by=team",
    "?period=year&grain=month",
    "?campaign=4",
]


def run() -> list[Figure]:
    """95th percentile over all views, first opened and opened again; and the number of queries."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        return _measure()


def _measure() -> list[Figure]:
    from core.calendar import business_date
    from core.clock import database_now

    today = business_date(database_now())
    _fill(today)
    client = _client()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    _seconds(client, "definitions/")
    first = [_seconds(client, view) for view in VIEWS]
    again = [_seconds(client, view) for _time in range(4) for view in VIEWS]
    rebuilt = [_seconds(client, view) for _time in range(3) for view in _after_rollup(today)]
    for view, seconds in sorted(zip(VIEWS, first, strict=True), key=lambda pair: -pair[1])[:4]:
        print(f"   opened first: {seconds * 1000:7.0f} ms  /indicators/{view}")
    queries = {_queries(client, f"?period=last_month&city={city}") for city in range(1, 4)}
    return [
        _figure(f"indicators page, a year of {AGENTS:,} agents, opened again, p95", again, "under 100 ms"),
        _figure("the same, opened first after a rollup of today, p95", rebuilt, "under 100 ms"),
        _figure("the same, opened first of all, p95", first, ""),
        Figure(
            "queries of the page, for different cities",
            max(queries),
            "queries",
            promise="constant",
            is_kept=len(queries) == 1,
        ),
    ]


def _figure(name: str, seconds: list[float], promise: str) -> Figure:
    value, median = _p95(seconds) * 1000, statistics.median(seconds) * 1000
    return Figure(
        name, value, "ms", floor=f"median {median:.0f} ms", promise=promise, is_kept=value < 100 if promise else None
    )


def _after_rollup(today: date) -> list[str]:
    """The views once more, after today was built anew: what was kept of ranges that hold today is worth nothing. The usual views of the
    region are asked for by the rollup itself, as its last step; those of single cities and teams are not."""
    from core.clock import database_now
    from metrics.indicator_page.usual import ask_usual_views
    from metrics.models import Partition

    Partition.objects.filter(day=today).update(built_at=database_now())
    ask_usual_views(today)
    return VIEWS


def _fill(today: date) -> None:
    from bench.yearly import fill_days, fill_people, fill_periods

    fill_people(AGENTS)
    first = today - timedelta(days=DAYS)
    finest_since = today - timedelta(days=FINEST_DAYS)
    fill_days(first, today, AGENTS, finest_since=finest_since)
    fill_periods(first, today, AGENTS, finest_since=finest_since)


def _client() -> Client:
    from people.models import User

    client = Client()
    client.force_login(User.objects.get(username="manager"), backend="people.backends.PersonBackend")
    return client


def _seconds(client: Client, view: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/indicators/{view}", headers={"host": "localhost"})
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise SystemExit(f"/indicators/{view} answered {answer.status_code}")
    return seconds


def _queries(client: Client, view: str) -> int:
    from django.core.cache import cache

    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        _seconds(client, view)
    return len(captured)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
