"""What becomes of drawn calls afterwards: those that were deleted are replaced, and who lost the scorer, or never had one, gets another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from core.calendar import business_date, midnight
from people.models import Membership
from qa import drawing
from qa.models import Evaluation, QualityForm, SampleGap, SamplePick, ScoringTask
from qa.models.work import OWN_TEAM
from qa.services import work
from qa.services.sampling import BATCH, give_picks, newest_sounds
from qa.services.scorers import Scorers

REPLACED_AT_ONCE = 500


@transaction.atomic
def replace_deleted(*, at: datetime, most: int = REPLACED_AT_ONCE) -> int:
    """Picks whose recording has gone or broken before they were scored leave the queue; another call of the agent and period is drawn for each, or the
    gap is kept. Returns how many left."""
    gone = Q(recording__destroyed_at__isnull=False) | Q(recording__sound__state="broken")
    lost = ScoringTask.objects.open().filter(gone, source=ScoringTask.Source.PLAN)
    tasks = list(lost.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:most])
    for task in tasks:
        if (
            sound := newest_sounds([task.call_id], task.call_started_at, task.call_started_at).get(task.call_id)
        ) is not None:
            task.recording_id = sound
            task.save(update_fields=["recording"])
            continue
        lose(task=task, why=_("The recording was deleted."), at=at)
    return len(tasks)


@transaction.atomic
def lose(*, task: ScoringTask, why: str, at: datetime) -> ScoringTask:
    """What can be scored no more leaves the queue with the reason; another call is drawn for each of its picks, or the gap is kept."""
    task = work.drop(task=task, why=why, at=at)
    for pick in task.picks.filter(replaced_by=None).select_related("draw__plan"):
        _replace(pick, at)
    return task


def _replace(pick: SamplePick, at: datetime) -> None:
    made, plan = pick.draw, pick.draw.plan
    QualityForm.objects.select_for_update(no_key=True).get(pk=plan.form_id)  # as draw_period does
    of_agent = made.picks.filter(agent_id=pick.agent_id)
    known = list(of_agent.values_list("call_id", flat=True))
    found = drawing.draw_instead(
        plan, midnight(made.starts_on), midnight(made.ends_on), made.seed, pick=pick.pk, agent=pick.agent_id, known=known, take=_taken(of_agent) + 1
    )  # fmt: skip
    if found is None:
        _keep_gap(pick, of_agent.filter(task__dropped_at=None).count())
        return
    tasks = give_picks(plan, made, [found], at, how=Evaluation.Pick.RANDOM)
    SamplePick.objects.create(
        draw=made, task=tasks[found.call_id], agent_id=pick.agent_id, call_id=found.call_id, stratum=found.stratum,
        is_new=pick.is_new, after_complaint=pick.after_complaint, pick=Evaluation.Pick.RANDOM, of_calls=found.n,
        picked=found.take, probability=found.probability, replaces=pick,
    )  # fmt: skip


def _taken(of_agent: QuerySet[SamplePick]) -> int:
    """How many of an agent's picks are among the calls that can be heard now, or will be replaced by such."""
    rows = list(of_agent.filter(task__dropped_at=None).values_list("call_id", "task__call_started_at", "task__done_at"))
    if not rows:
        return 0
    times = [started_at for _call, started_at, _done in rows]
    heard = newest_sounds([call for call, _started, _done in rows], min(times), max(times))
    return sum(done_at is None or call in heard for call, _started, done_at in rows)


def _keep_gap(pick: SamplePick, left: int) -> None:
    gap, is_new = SampleGap.objects.get_or_create(
        draw=pick.draw, agent_id=pick.agent_id,
        defaults={"city_id": pick.task.city_id, "wanted": max(pick.picked, left + 1), "drawn": left, "why": SampleGap.Why.NO_RECORDING},
    )  # fmt: skip
    if not is_new:
        gap.drawn = left
        gap.save(update_fields=["drawn"])


@transaction.atomic
def give_anew(*, at: datetime) -> int:
    """Open calls of plans whose scorer has left the place, or works in the call's team by now, go to another. Returns how many."""
    held = Membership.objects.valid_on(business_date(at)).filter(user=OuterRef("scorer"), user__is_active=True)
    of_place = Q(city=OuterRef("city_id")) | Q(team=OuterRef("team_id")) | Q(city=None, team=None)
    may = Exists(held.filter(of_place, role=Membership.Role.QA)) & ~Exists(
        held.filter(role__in=OWN_TEAM, team=OuterRef("team_id"))
    )
    rows = ScoringTask.objects.open().filter(source=ScoringTask.Source.PLAN, scorer__isnull=False).exclude(may)
    tasks = list(rows.select_for_update(of=("self",), skip_locked=True).order_by("lot", "pk")[:BATCH])
    return _move(tasks, Scorers(at).next_for)


@transaction.atomic
def share_out(*, at: datetime) -> int:
    """Open calls of plans that wait for anybody get a scorer as soon as their place has one. Returns how many."""
    held = Membership.objects.valid_on(business_date(at)).filter(user__is_active=True)
    of_place = Q(city=OuterRef("city_id")) | Q(team=OuterRef("team_id")) | Q(city=None, team=None)
    tied = held.filter(role__in=OWN_TEAM, user=OuterRef("user"), team=OuterRef(OuterRef("team_id")))
    scorers = held.filter(of_place, ~Exists(tied), role=Membership.Role.QA).exclude(user=OuterRef("agent_id"))
    # only what has a scorer: else the calls of a place without one would fill the batch for good
    rows = ScoringTask.objects.open().filter(Exists(scorers), source=ScoringTask.Source.PLAN, scorer=None)
    tasks = list(rows.select_for_update(of=("self",), skip_locked=True).order_by("lot", "pk")[:BATCH])
    return _move(tasks, Scorers(at).next_for)


def _move(tasks: list[ScoringTask], next_for: Callable[[Any], int | None]) -> int:
    moved = []
    for task in tasks:
        scorer = next_for(task)
        if scorer != task.scorer_id:
            task.scorer_id = scorer
            moved.append(task)
    ScoringTask.objects.bulk_update(moved, ["scorer"], batch_size=BATCH)
    return len(moved)
