"""What the page of a publication shows: who would have crossed the pass mark last month, of the reader's place."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from core.models import Job
from people.models import Team, User
from qa.models import FormPreview, FormVersion

SUMS = ("evaluations", "up", "down", "scored_now", "scores_now", "scored_then", "scores_then")


@dataclass(frozen=True)
class TeamMoves:
    """Of one team's evaluations: how many would pass or fail under the draft that did not before, and the mean of their scores, now and under
    the draft (None: none has a score). `crosses`: "up" when that mean reaches the draft's pass mark and did not reach the one in force, "down"
    the other way round, else ""."""

    team: str
    evaluations: int
    up: int
    down: int
    mean_now: Decimal | None
    mean_then: Decimal | None
    crosses: str


@dataclass(frozen=True)
class Shown:
    """`is_counted`: every evaluation is in; `is_old`: counted with other weights, another pass mark or another version in force than a count
    would be now. `renamed`: stages in force without one of the same name in the draft."""

    preview: FormPreview
    job: Job | None
    is_old: bool
    teams: list[TeamMoves]
    renamed: list[str]

    @property
    def is_counted(self) -> bool:
        return self.preview.counted_at is not None

    @property
    def evaluations(self) -> int:
        return sum(row.evaluations for row in self.teams)

    @property
    def crossing(self) -> list[TeamMoves]:
        return [row for row in self.teams if row.crosses]

    @property
    def up(self) -> int:
        return sum(row.up for row in self.teams)

    @property
    def down(self) -> int:
        return sum(row.down for row in self.teams)


def preview_shown(user: User, draft: FormVersion, in_force: FormVersion) -> Shown | None:
    """The newest count of the draft, cut to what the user reads; None when nobody has asked for one."""
    preview = FormPreview.objects.select_related("asked_by", "in_force").filter(version=draft).first()
    if preview is None:
        return None
    compared = FormVersion.objects.with_items().get(pk=preview.in_force_id)
    return Shown(
        preview=preview,
        job=Job.objects.filter(pk=preview.job_id or 0).first(),
        is_old=not preview.is_of(draft, in_force),
        teams=_by_team(user, preview),
        renamed=[str(stage) for stage in compared.stages.all() if str(stage.pk) not in preview.weights],
    )


def _by_team(user: User, preview: FormPreview) -> list[TeamMoves]:
    rows = preview.moves.all().visible_to(user).order_by().values("team_id")
    counts = list(rows.annotate(**{f"all_{name}": Sum(name) for name in SUMS}))
    names = {team.pk: str(team) for team in Team.objects.filter(pk__in=[row["team_id"] for row in counts])}
    return sorted((_moves(names.get(row["team_id"], "–"), row, preview) for row in counts), key=lambda row: row.team)


def _moves(team: str, row: dict[str, Any], preview: FormPreview) -> TeamMoves:
    now = _mean(row["all_scores_now"], row["all_scored_now"])
    then = _mean(row["all_scores_then"], row["all_scored_then"])
    crosses = ""
    if now is not None and then is not None:
        passed, passes = now >= preview.in_force.pass_mark, then >= preview.pass_mark
        crosses = "" if passed == passes else "up" if passes else "down"
    return TeamMoves(team, row["all_evaluations"], row["all_up"], row["all_down"], now, then, crosses)


def _mean(scores: Decimal, scored: int) -> Decimal | None:
    return scores / scored if scored else None
