"""Counting what publishing a draft would have changed last month: asked for by a person, done by a job in chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import DomainError, PermissionRefused
from core.jobs import Run, enqueue
from people.models import User
from qa import rules, scoring
from qa.models import EvaluationAnswer, FormPreview, FormVersion, PreviewMoves
from qa.models.previews import weights_of
from qa.services.forms import FormIsFixed

CHUNK = 1000


@dataclass
class Moves:
    """Of some evaluations: how many there are, would pass that did not, would not pass that did; of those with a score how many, and what is
    reported of them together, now and under the draft."""

    evaluations: int = 0
    up: int = 0
    down: int = 0
    scored_now: int = 0
    scores_now: Fraction = Fraction(0)
    scored_then: int = 0
    scores_then: Fraction = Fraction(0)

    def add(self, now: scoring.Score, then: scoring.Score) -> None:
        self.evaluations += 1
        self.up += now.outcome != "pass" and then.outcome == "pass"
        self.down += now.outcome == "pass" and then.outcome != "pass"
        if now.reported is not None:
            self.scored_now, self.scores_now = self.scored_now + 1, self.scores_now + now.reported
        if then.reported is not None:
            self.scored_then, self.scores_then = self.scored_then + 1, self.scores_then + then.reported


Counts = dict[tuple[int, int], Moves]


class NothingToCompare(DomainError):
    """No version of the form is in force."""


@transaction.atomic
def ask_preview(*, version: FormVersion, by: User, at: datetime) -> FormPreview:
    """Have the last month counted under the draft as it stands now; an older count of the draft goes.

    Raises PermissionRefused, FormIsFixed, NothingToCompare.
    """
    if not rules.can_publish_forms(by):
        raise PermissionRefused(_("Your role does not allow this."))
    version = FormVersion.objects.select_for_update(of=("self",)).select_related("form").get(pk=version.pk)
    if not version.is_draft:
        raise FormIsFixed(_("This version is published and stays as it is. Begin a new version."))
    in_force = FormVersion.objects.in_force_of(version)
    if in_force is None:
        raise NothingToCompare(_("No version is in force, so there is nothing to compare with."))
    FormPreview.objects.filter(version=version).delete()
    made = FormPreview.objects.create(
        version=version, in_force=in_force, pass_mark=version.pass_mark,
        fail_reports_zero=version.fail_reports_zero, weights=weights_of(version, in_force), asked_by=by, asked_at=at
    )  # fmt: skip
    made.job_id = enqueue(kind="qa.count_preview", key=str(made.pk), args={"preview": made.pk}, by=by).pk
    made.save(update_fields=["job_id"])
    return made


def count_preview(run: Run) -> dict[str, Any]:
    """Every evaluation of the month, chunk by chunk. Where another count has taken the place of this one there is nothing to do."""
    found = FormPreview.objects.filter(pk=run.args["preview"]).first()
    if found is None:
        return {}
    now = FormVersion.objects.with_items().get(pk=found.in_force_id).sheet()
    then = replace(
        scoring.reweighed(now, found.named_weights()),
        pass_mark=Fraction(found.pass_mark),
        fail_reports_zero=found.fail_reports_zero,
    )
    while True:
        with run.chunk() as piece:
            preview = FormPreview.objects.select_for_update(of=("self",)).filter(pk=found.pk).first()
            if preview is None:
                return {}
            rows = preview.evaluations().filter(pk__gt=run.cursor.get("after", 0)).order_by("pk")
            part = list(rows.values_list("pk", "city_id", "team_id")[:CHUNK])
            if not part:
                preview.counted_at = run.now()
                preview.save(update_fields=["counted_at"])
                return {"evaluations": run.done}
            _add(preview, _moves(part, now, then))
            piece.done, piece.cursor = len(part), {"after": part[-1][0]}
            piece.total = run.total or preview.evaluations().count()


def _moves(part: Iterable[tuple[int, int, int]], now: scoring.Sheet, then: scoring.Sheet) -> Counts:
    """By (city, team)."""
    answers: dict[int, dict[str, str]] = defaultdict(dict)
    kept = EvaluationAnswer.objects.filter(evaluation__in=[pk for pk, _city, _team in part])
    for pk, item, answer in kept.values_list("evaluation", "item", "answer"):
        answers[pk][str(item)] = answer
    counts: Counts = defaultdict(Moves)
    for pk, city, team in part:
        counts[city, team].add(scoring.score(now, answers[pk]), scoring.score(then, answers[pk]))
    return counts


def _add(preview: FormPreview, counts: Counts) -> None:
    """The preview's row is locked, so that nobody else adds to the same places."""
    places = {(row.city_id, row.team_id): row for row in preview.moves.all()}
    names = [field.name for field in fields(Moves)]
    changed = []
    for (city, team), moves in counts.items():
        row = places.get((city, team)) or PreviewMoves(preview=preview, city_id=city, team_id=team)
        for name in names:
            setattr(row, name, getattr(row, name) + _stored(getattr(moves, name)))
        changed.append(row)
    PreviewMoves.objects.bulk_create([row for row in changed if row.pk is None])
    PreviewMoves.objects.bulk_update([row for row in changed if row.pk is not None], names, batch_size=500)


def _stored(value: int | Fraction) -> int | Decimal:
    return value if isinstance(value, int) else scoring.in_thousandths(value)
