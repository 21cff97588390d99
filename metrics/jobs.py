"""The rollup as a job: partition after partition, each in its own chunk, so that a death in the middle loses and doubles nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.calendar import business_date
from core.jobs import Run, handler, scheduled
from metrics import ledgers
from metrics.indicator_page.usual import ask_usual_views
from metrics.models import Partition
from metrics.services import activity, checks, dirty, lists, looks, offers, periods, rollup

BATCH_SECONDS = 1.0


@scheduled("metrics.rollup_nightly", daily_at="02:30", label=_("Nightly rollup"), lease=timedelta(minutes=5))
def rollup_nightly(run: Run) -> dict[str, Any]:
    told = roll_up(run)
    _ask_ahead(run, told)
    return told


@scheduled(
    "metrics.rollup_today",
    every=timedelta(minutes=5),
    queue="bulk",
    label=_("Rollup of what is new"),
    lease=timedelta(minutes=5),
)
def rollup_today(run: Run) -> dict[str, Any]:
    """What is new, without the weeks and months that are still running: these are read from their days until the night."""
    told = roll_up(run, with_running=False)
    ledgers.renew_cohorts()
    _ask_ahead(run, told)
    return told


@scheduled(
    "metrics.count_lists",
    every=timedelta(minutes=15),
    queue="bulk",
    label=_("Count calls by list"),
    lease=timedelta(minutes=5),
)
def count_lists(run: Run) -> dict[str, Any]:
    """The days that the rollup found to have news, counted by list and source; each day in its own chunk."""
    days = lists.days_waiting()
    for day, cities in days:
        with run.chunk(done=1, total=len(days)):
            lists.count_day(day=day, cities=cities)
    return {"partitions": len(days)}


@scheduled(
    "metrics.count_offers",
    every=timedelta(minutes=15),
    queue="bulk",
    label=_("Count calls by offer"),
    lease=timedelta(minutes=5),
)
def count_offers(run: Run) -> dict[str, Any]:
    """The days that the rollup found to have news, counted by offer; each day in its own chunk."""
    days = offers.days_waiting()
    for day, cities in days:
        with run.chunk(done=1, total=len(days)):
            offers.count_day(day=day, cities=cities)
    return {"partitions": len(days)}


@scheduled("metrics.take_looks", every=timedelta(minutes=5), label=_("Looks at experiments"))
def take_looks(run: Run) -> dict[str, Any]:
    """Every running experiment whose next look is due; each in its own chunk."""
    waiting = looks.running()
    taken = 0
    for experiment_id in waiting:
        with run.chunk(done=1, total=len(waiting)):
            taken += looks.take_look(experiment_id=experiment_id, at=run.now()) is not None
    return {"looks": taken}


def _ask_ahead(run: Run, told: dict[str, Any]) -> None:
    if told["partitions"]:
        ask_usual_views(business_date(run.now()))


@handler("metrics.rollup", label=_("Rollup"), lease=timedelta(minutes=5))
def rollup_asked(run: Run) -> dict[str, Any]:
    """Asked for by a person. args: since, until (dates) or all: build these again; without, what is dirty."""
    return roll_up(run)


@scheduled("metrics.check_figures", daily_at="03:30", label=_("Check of the figures"))
def check_figures(run: Run) -> dict[str, Any]:
    """One random past day counted again, sums compared, no call outside of the months."""
    with run.chunk(done=1):
        found = checks.check_figures(day=None, at=run.now())
    return {"alerts": found}


def roll_up(run: Run, *, with_running: bool = True) -> dict[str, Any]:
    """Mark, build the days, then the sums over them. Goes on where a dead worker stopped: what is built says so itself."""
    if "began" not in run.cursor:
        _mark(run)
    began = datetime.fromisoformat(run.cursor["began"])
    _build_days(run, began)
    _build_activity(run, began)
    _build_sums(run, with_running, began)
    cursor = run.cursor
    return {"partitions": cursor["partitions"], "rows": cursor["rows"], "sums": cursor["sums"]}


def _mark(run: Run) -> None:
    at = run.now()
    since = activity.built_until()
    with run.chunk() as piece:
        if run.args.get("all"):
            dirty.mark_all(at=at)
        elif run.args.get("since"):
            dirty.mark_range(
                since=date.fromisoformat(run.args["since"]), until=date.fromisoformat(run.args["until"]), at=at
            )
        dirty.mark_dirty(at=at)
        everything = bool(run.args.get("all")) or since is None
        days = set(activity.days_with_news(since=None if everything else since - dirty.IN_FLIGHT, at=at))
        if run.args.get("since"):
            days |= set(Partition.objects.filter(built_at=None).values_list("day", flat=True))
        piece.total = dirty.waiting().count()
        piece.cursor = {
            "began": at.isoformat(),
            "partitions": 0,
            "rows": 0,
            "sums": 0,
            "days": sorted(day.isoformat() for day in days),
            "months": sorted({day.replace(day=1).isoformat() for day in days}),
        }


def _build_days(run: Run, began: datetime) -> None:
    left = list(dirty.waiting().exclude(built_at__gte=began))
    for batch in _batches(_builds(left)):
        with run.chunk() as piece:
            stored = [build() for build in batch]
            piece.done = len(stored)
            piece.cursor = run.cursor | {
                "partitions": run.cursor["partitions"] + len(stored),
                "rows": run.cursor["rows"] + sum(stored),
            }


def _builds(left: list[Partition]) -> Iterator[Callable[[], int]]:
    """What builds each of these partitions, and gives the number of its rows."""
    for day, cities, only_orders in dirty.days_to_build(left):
        yield from (partial(rollup.build, day, city) for city in only_orders)
        if cities:
            for found in rollup.count_day(day, cities, whole=dirty.has_most(cities, day)):
                yield partial(rollup.store, found)


def _batches(items: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """Split into runs of about a second each: small partitions share a transaction, a large one has its own."""
    for first in items:
        yield _for_a_second(first, items)


def _for_a_second(first: Any, items: Iterator[Any]) -> Iterator[Any]:
    until = time.monotonic() + BATCH_SECONDS
    yield first
    while time.monotonic() < until:
        following = next(items, None)
        if following is None:
            return
        yield following


def _build_activity(run: Run, began: datetime) -> None:
    for day in list(run.cursor["days"]):
        with run.chunk(cursor=run.cursor | {"days": run.cursor["days"][1:]}):
            activity.build_activity(day=date.fromisoformat(day), at=run.now())
    for month in list(run.cursor["months"]):
        with run.chunk(cursor=run.cursor | {"months": run.cursor["months"][1:]}):
            activity.build_month(day=date.fromisoformat(month))
    with run.chunk():
        activity.advance(until=began)


def _build_sums(run: Run, with_running: bool, began: datetime) -> None:
    for batch in _batches(iter(periods.waiting(None if with_running else began))):
        with run.chunk() as piece:
            settled = [periods.settle(stale_id) for stale_id in batch]
            piece.cursor = run.cursor | {"sums": run.cursor["sums"] + len(settled)}
