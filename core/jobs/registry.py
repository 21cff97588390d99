"""Which kinds of jobs there are and when they are due. Filled by each app's `jobs.py`, found at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.jobs.runner import Run

Work = Callable[["Run"], "dict[str, Any] | None"]


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done. `label` is what people read."""

    kind: str
    work: Work
    label: Any
    max_attempts: int
    lease: timedelta
    say: Callable[[Any], str] | None = None
    link: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Schedule:
    """When a kind is due: every so often, or once a business day at a local time (`catch_up`: also the days missed, in order)."""

    kind: str
    queue: str
    every: timedelta | None
    daily_at: time | None
    catch_up: bool


_handlers: dict[str, Handler] = {}
_schedules: dict[str, Schedule] = {}


def handler(
    kind: str,
    *,
    label: Any = "",
    max_attempts: int = 5,
    lease: timedelta = timedelta(seconds=60),
    say: Callable[[Any], str] | None = None,
    link: Callable[[Any], str] | None = None,
) -> Callable[[Work], Work]:
    """Register the function that does jobs of this kind ("app.verb_noun"). It gets a Run and may return a JSON dict, the result.

    `say(job)` is the sentence when it is done, `link(job)` the URL of the thing it works on.
    """

    def register(work: Work) -> Work:
        _handlers[kind] = Handler(kind, work, label or kind, max_attempts, lease, say, link)
        return work

    return register


def scheduled(
    kind: str,
    *,
    every: timedelta | None = None,
    daily_at: str | None = None,
    catch_up: bool = False,
    queue: str = "bulk",
    **options: Any,
) -> Callable[[Work], Work]:
    """Register a handler and its times: `every=timedelta(...)`, or `daily_at="02:30"` local time of the region.

    A daily job gets args {"date": "2026-11-22"}, the local day on which it was due. With catch_up, days missed while nothing
    ran are done too, oldest first, each after the one before; without it only the newest. Other options as for handler().
    """
    if (every is None) == (daily_at is None):
        raise ValueError(f"{kind}: give either every or daily_at")

    def register(work: Work) -> Work:
        at = time.fromisoformat(daily_at) if daily_at else None
        _schedules[kind] = Schedule(kind=kind, queue=queue, every=every, daily_at=at, catch_up=catch_up)
        return handler(kind, **options)(work)

    return register


def find_handler(kind: str) -> Handler | None:
    return _handlers.get(kind)


def all_handlers() -> dict[str, Handler]:
    return dict(_handlers)


def all_schedules() -> list[Schedule]:
    return list(_schedules.values())


def label_of(kind: str) -> str:
    """What people read for a kind."""
    found = _handlers.get(kind)
    return str(found.label) if found else kind
