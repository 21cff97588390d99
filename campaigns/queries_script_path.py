"""Where conversations die: what became of the calls at each step of a script version, beside another version by the keys of the steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from campaigns.models import Call, CallPath, Campaign
from campaigns.queries_script import step_numbers
from core.stats import Difference, difference
from people.models import User
from scripts.models import ScriptStep, ScriptVersion

# As many of the newest calls of a version are read; more would not tell more. Older ones are not: a small team has fewer, and to
# look for them would be to walk every call of the version.
NEWEST = 50_000
NEWER_THAN = timedelta(days=90)

SQL = """
WITH paths AS ({paths}),
visits AS (
    SELECT p.call_id, v.step, sum(v.seconds) AS seconds
    FROM paths p CROSS JOIN LATERAL unnest(p.step_ids, p.seconds) AS v(step, seconds) GROUP BY 1, 2
),
reached AS (SELECT step, count(*) AS n, avg(seconds) AS mean FROM visits GROUP BY 1),
gone AS (
    SELECT left_step_id AS step, count(*) AS n, count(*) FILTER (WHERE ended = 'mid_call') AS mid_call,
        count(*) FILTER (WHERE ended = 'refused') AS refused, count(*) FILTER (WHERE ended = 'sold') AS sold
    FROM paths GROUP BY 1
)
SELECT r.step, r.n, r.mean, coalesce(g.n, 0), coalesce(g.mid_call, 0), coalesce(g.refused, 0), coalesce(g.sold, 0)
FROM reached r LEFT JOIN gone g ON g.step = r.step
"""


@dataclass(frozen=True)
class Toll:
    """Of the calls that reached a step: how many ended there, by what, and the mean seconds spent at it."""

    reached: int = 0
    mean_seconds: float | None = None
    left: int = 0
    mid_call: int = 0
    refused: int = 0
    sold: int = 0

    @property
    def lost(self) -> int:
        return self.mid_call + self.refused


@dataclass(frozen=True)
class StepRow:
    """A step with its toll; `reached_share` of all calls; `before`: the toll at the same step of the other version."""

    number: str
    title: str
    part: str
    toll: Toll
    reached_share: float | None
    lost_share: float | None
    before: Toll | None
    before_share: float | None
    change: Difference | None
    compared: int = 1

    @property
    def verdict(self) -> str:
        """good, bad, or "" when chance alone may have done it: with so many steps compared, all of them together err 5 times in a hundred."""
        if self.change is None or not self.change.is_clear or self.change.p * self.compared >= 0.05:
            return ""
        return "bad" if self.change.value > 0 else "good"


@dataclass(frozen=True)
class ScriptPath:
    rows: list[StepRow]
    calls: int
    before_calls: int
    worst: StepRow | None

    @property
    def is_capped(self) -> bool:
        return self.calls >= NEWEST

    @property
    def sentence(self) -> str:
        """Where most are lost, in words."""
        if self.worst is None:
            return ""
        told = {"number": self.worst.number, "title": self.worst.title, "n": self.worst.toll.lost, "of": self.calls}
        return _("Most are lost at step %(number)s %(title)s: %(n)s of %(of)s calls end there by a refusal.") % told


def script_path(
    version: ScriptVersion, *, other: ScriptVersion | None, campaign: Campaign | None, user: User, at: datetime
) -> ScriptPath:
    """What the user may see of the calls of a version in the last 90 days, of one campaign or all. Two queries, one of them over the
    kept paths."""
    versions = [version, *([other] if other else [])]
    tolls = _tolls(versions, campaign, user, at - NEWER_THAN)
    steps: dict[int, list[ScriptStep]] = {row.pk: [] for row in versions}
    for step in ScriptStep.objects.filter(version__in=versions).order_by("position"):
        steps[step.version_id].append(step)
    before = {step.key: tolls.get(step.pk, Toll()) for step in steps[other.pk]} if other else {}
    calls = sum(tolls[step.pk].left for step in steps[version.pk] if step.pk in tolls)
    numbers = step_numbers(steps[version.pk])
    rows = [_row(step, numbers[step.pk], tolls, before, calls) for step in steps[version.pk]]
    compared = sum(row.change is not None for row in rows)
    rows = [replace(row, compared=compared) for row in rows]
    lossy = [row for row in rows if row.toll.lost]
    return ScriptPath(
        rows=rows,
        calls=calls,
        before_calls=sum(toll.left for toll in before.values()),
        worst=max(lossy, key=lambda row: row.toll.lost) if lossy else None,
    )


def _row(step: ScriptStep, number: str, tolls: Mapping[int, Toll], before: Mapping[UUID, Toll], calls: int) -> StepRow:
    toll, other = tolls.get(step.pk, Toll()), before.get(step.key)
    return StepRow(
        number=number,
        title=step.title or step.text[:40],
        part=str(step.get_part_display()),
        toll=toll,
        reached_share=_share(toll.reached, calls),
        lost_share=_share(toll.lost, toll.reached),
        before=other,
        before_share=_share(other.lost, other.reached) if other else None,
        change=difference(toll.lost, toll.reached, other.lost, other.reached) if other else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _tolls(versions: list[ScriptVersion], campaign: Campaign | None, user: User, since: datetime) -> dict[int, Toll]:
    """By step; steps that no call reached are missing."""
    queries = [_newest(version, campaign, user, since) for version in versions]
    params: list[Any] = [value for _sql, values in queries for value in values]
    union = " UNION ALL ".join(f"({sql})" for sql, _values in queries)
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(paths=union), params)
        return {
            step: Toll(reached, float(mean), left, mid_call, refused, sold)
            for step, reached, mean, left, mid_call, refused, sold in cursor.fetchall()
        }


def _newest(
    version: ScriptVersion, campaign: Campaign | None, user: User, since: datetime
) -> tuple[str, tuple[Any, ...]]:
    rows = CallPath.objects.visible_to(user).filter(script_version_id=version.pk, call_started_at__gte=since)
    if campaign is not None:
        rows = rows.filter(campaign_id=campaign.pk)
    newest = rows.order_by("-call_started_at").values("call_id", "step_ids", "seconds", "left_step_id", "end")[:NEWEST]
    sql, params = newest.query.sql_with_params()
    return f'SELECT call_id, step_ids, seconds, left_step_id, "end" AS ended FROM ({sql}) newest', params


# ---------------------------------------------------------------- one call


@dataclass(frozen=True)
class Passage:
    """A step as one call walked it. `offset`: seconds of the talk before it, so that the place in a recording is found."""

    label: str
    offset: int
    seconds: int


def way_of(call: Call) -> list[Passage]:
    """The steps of one call in the order in which they were spoken; empty when no way is known."""
    path = CallPath.objects.filter(pk=call.pk).first()
    if path is None:
        return []
    rows = list(ScriptStep.objects.filter(version=path.script_version_id).order_by("position"))
    numbers, titles = step_numbers(rows), {row.pk: str(row) for row in rows}
    offsets = itertools.accumulate(path.seconds, initial=0)
    return [
        Passage(f"{numbers.get(step, '')} {titles.get(step, '')}".strip(), offset, seconds)
        for step, offset, seconds in zip(path.step_ids, offsets, path.seconds, strict=False)
    ]
