"""What the page of a publication shows: who would have crossed the pass mark last month, of the reader's place."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from core.models import Job
from people.models import Team, User
from qa.models import FormPreview, FormVersion


@dataclass(frozen=True)
class TeamMoves:
    """Of one team's evaluations: how many would pass or fail under the draft that did not before."""

    team: str
    evaluations: int
    up: int
    down: int


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
    def up(self) -> int:
        return sum(row.up for row in self.teams)

    @property
    def down(self) -> int:
        return sum(row.down for row in self.teams)


def preview_shown(user: User, draft: FormVersion, in_force: FormVersion) -> Shown | None:
    """The newest count of the draft, cut to what the user reads; None when nobody has asked for one."""
    preview = FormPreview.objects.select_related("asked_by").filter(version=draft).first()
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
    rows = preview.moves.all().visible_to(user).order_by().values_list("team_id")
    counts = list(rows.annotate(Sum("evaluations"), Sum("up"), Sum("down")))
    names = {team.pk: str(team) for team in Team.objects.filter(pk__in=[team for team, *_counts in counts])}
    return sorted((TeamMoves(names.get(team, "–"), *found) for team, *found in counts), key=lambda row: row.team)
