"""Verbs on the work of scorers: give a call to be scored, drop it, begin it, close it with its evaluation."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from campaigns.models import Call
from core.audit import audit
from core.errors import DomainError
from people.models import User
from qa import rules
from qa.models import Evaluation, QualityForm, Recording, ScoringTask

OF_CALL = ("customer_id", "city_id", "team_id", "agent_id", "campaign_id")


class NotOpen(DomainError):
    """The task is done or dropped."""


class NotForThem(DomainError):
    """Nobody scores an own call."""


def lot_of(call_id: int, form_id: int) -> int:
    """A random number that is the same each time; so that the order of the queue tells nothing and does not jump."""
    return int.from_bytes(sha256(f"{call_id}/{form_id}".encode()).digest()[:4]) >> 1


def newest_sound(call: Call) -> Recording | None:
    rows = Recording.objects.kept().filter(call_id=call.pk, call_started_at=call.started_at)
    return rows.filter(sound__state__in=("checked", "ready")).order_by("-pk").first()


@transaction.atomic
def give(
    *, call: Call, form: QualityForm, pick: str, source: str, at: datetime, scorer: User | None = None,
    probability: float | None = None, source_id: int | None = None, blind: bool = False, due_at: datetime | None = None,
) -> ScoringTask:  # fmt: skip
    """Have the call scored on the form: by `scorer`, or by anybody of its place. Asked again for the same call, form, scorer and source,
    the answer is the task that is there: the open one, or the one done for the same `source_id`. Raises NotForThem."""
    if scorer is not None and scorer.pk == call.agent_id:
        raise NotForThem(_("Nobody scores an own call."))
    same = ScoringTask.objects.filter(call_id=call.pk, form=form, scorer=scorer, source=source)
    found = same.open().first() or same.filter(done_at__isnull=False, source_id=source_id).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return ScoringTask.objects.create(
                call_id=call.pk, call_started_at=call.started_at, recording=newest_sound(call), form=form, scorer=scorer, pick=pick,
                probability=probability, source=source, source_id=source_id, blind=blind, due_at=due_at, given_at=at,
                lot=lot_of(call.pk, form.pk), **{name: getattr(call, name) for name in OF_CALL},
            )  # fmt: skip
    except IntegrityError:
        found = same.open().first()  # given by another at the same moment
        if found is None:
            raise
        return found


@transaction.atomic
def drop(*, task: ScoringTask, why: str, at: datetime) -> ScoringTask:
    """Take the task out of the queue, with the reason. Dropped twice is dropped once. Raises NotOpen when it is done."""
    task = ScoringTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
    if task.done_at:
        raise NotOpen(_("This call is scored already."))
    if task.dropped_at is None:
        task.dropped_at, task.dropped_why = at, why.strip()[:200] or _("no reason given")
        task.save(update_fields=["dropped_at", "dropped_why"])
        audit("qa.task.dropped", task, by=None, at=at, why=task.dropped_why, call_id=task.call_id)
    return task


def open_tasks(*, call_id: int, form_id: int, scorer: User) -> list[ScoringTask]:
    """The open tasks that an evaluation of this call on this form by this person does; the one that feeds published scores first, then that of
    the first hours."""
    found = ScoringTask.objects.filter(call_id=call_id, form=form_id)
    named = [task for task in found.open().filter(scorer=scorer) if rules.can_score(scorer, task.pick, task)]
    rows = [*named, *found.open_to_anybody(scorer)]
    return sorted(rows, key=lambda task: (_rank(task.pick), task.scorer_id is None, task.pk))


def _rank(pick: str) -> int:
    """What a plan drew goes before what a full run drew, and that before what was chosen."""
    if pick in Evaluation.PUBLISHED_PICKS:
        return 0
    return 1 if pick in Evaluation.AT_RANDOM else 2


def choice_of(evaluation: Evaluation) -> tuple[str, float | None]:
    """How the call was chosen, and with what probability: a call that a plan drew is one of the plan's, also when it was begun by hand; and no
    more when its task went to another scorer or left the queue meanwhile, because then another call or evaluation counts instead."""
    asked = open_tasks(call_id=evaluation.call_id, form_id=evaluation.version.form_id, scorer=evaluation.scorer)
    if asked and asked[0].pick in Evaluation.AT_RANDOM:
        return asked[0].pick, asked[0].probability
    drawn = ScoringTask.objects.filter(call_id=evaluation.call_id, form=evaluation.version.form_id)
    if evaluation.pick in Evaluation.AT_RANDOM and drawn.filter(pick__in=Evaluation.AT_RANDOM).exists():
        return Evaluation.Pick.REQUESTED, None
    return evaluation.pick, evaluation.probability


@transaction.atomic
def close_with(*, evaluation: Evaluation, at: datetime) -> int:
    """A submitted evaluation does every open task of its call, form and scorer; returns how many. One scored by hand before its call was
    drawn is the drawn call's from here on: else what people score by hand would be missing from the published figures, which would lean. So is one
    of the first hours of a full run, by the plan's chance."""
    found = open_tasks(call_id=evaluation.call_id, form_id=evaluation.version.form_id, scorer=evaluation.scorer)
    if found and _rank(found[0].pick) < _rank(evaluation.pick):
        before, evaluation.pick, evaluation.probability = evaluation.pick, found[0].pick, found[0].probability
        evaluation.save(update_fields=["pick", "probability"])
        audit("qa.evaluation.drawn", evaluation, by=None, at=at, before=before, pick=evaluation.pick)
    rows = ScoringTask.objects.open().filter(pk__in=[task.pk for task in found])
    return rows.update(evaluation=evaluation, done_at=at)


@transaction.atomic
def reopen(*, evaluation: Evaluation) -> int:
    """The evaluation was taken back: what it had done is to be scored again, unless it was asked for anew meanwhile; returns how many."""
    again = ScoringTask.objects.open().filter(
        call_id=OuterRef("call_id"), form=OuterRef("form"), source=OuterRef("source")
    )
    rows = ScoringTask.objects.filter(evaluation=evaluation).exclude(Exists(again))
    return rows.update(evaluation=None, done_at=None)
