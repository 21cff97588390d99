"""Verbs on the steps of a draft: their texts and order, what is at hand, all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.errors import DomainError
from people.models import User
from scripts import contents, queries_changes, rules
from scripts.flow import TEXTS, stamp
from scripts.models import (
    Article,
    Objection,
    ScriptStep,
    ScriptVersion,
    StepComment,
    StepObjection,
    StepQuote,
)
from scripts.services_drafts import StepIsGone, TooMuch, locked_draft, refuse_unseen, step_of_draft, touch

STEPS = 200  # of one version
ORDER = {part: number for number, part in enumerate(ScriptStep.Part.values)}


class DraftMovedOn(DomainError):
    """Somebody wrote on the draft since the table was taken from it."""


# ---------------------------------------------------------------- steps


@transaction.atomic
def add_step(*, version: ScriptVersion, part: str, by: User, at: datetime) -> ScriptStep:
    """An empty step at the end of a part. Raises VersionIsFixed, TooMuch."""
    version = locked_draft(version)
    _check_room(version)
    step = ScriptStep.objects.create(version=version, part=part, position=_last_position(version) + 1, text="")
    _settle_order(version)
    touch(version, by, at, "added", step)
    return step


@transaction.atomic
def save_step(
    *, step: ScriptStep, values: dict[str, str], by: User, at: datetime, seen: str | None = None
) -> ScriptStep:
    """Store title, text, hint and must-say points as they stand on the page. Nothing is traced when nothing changed.

    `seen`: the stamp of the step that the writer had before them. Raises VersionIsFixed, StepIsGone, WrittenMeanwhile.
    """
    version, step = step_of_draft(step)
    changed = [name for name in TEXTS if name in values and getattr(step, name) != values[name]]
    if not changed:
        return step
    if seen is not None and seen != stamp_of(step):
        refuse_unseen(version, by)
    for name in changed:
        setattr(step, name, values[name])
    step.save(update_fields=changed)
    touch(version, by, at, "written", step)
    return step


def stamp_of(step: ScriptStep) -> str:
    """As flow.Step has it."""
    return stamp([getattr(step, name) for name in TEXTS])


@transaction.atomic
def delete_step(*, step: ScriptStep, by: User, at: datetime) -> dict[str, Any]:
    """Take a step out; what is handed back brings it back by `restore_step`. Comments on it stay with the version."""
    version, step = step_of_draft(step)
    memento = {
        "content": contents.take([step])[0],
        "incoming": contents.incoming(step),
        "position": step.position,
        "comments": list(step.comments.values_list("pk", flat=True)),
    }
    step.comments.update(step=None)
    touch(version, by, at, "deleted", step)
    step.delete()
    _settle_order(version)
    return memento


@transaction.atomic
def restore_step(*, version: ScriptVersion, memento: dict[str, Any], by: User, at: datetime) -> ScriptStep:
    """Bring a deleted step back to where it stood, with the answers that led to it. A second call finds it there."""
    version = locked_draft(version)
    there = version.steps.filter(key=memento["content"]["key"]).first()
    if there:
        return there
    _check_room(version)
    step = _insert(version, memento["content"], memento["position"])
    contents.lead_in(step, memento["incoming"])
    StepComment.objects.filter(pk__in=memento["comments"], version=version).update(step=step)
    touch(version, by, at, "restored", step)
    return step


@transaction.atomic
def duplicate_step(*, step: ScriptStep, by: User, at: datetime) -> ScriptStep:
    """The same step once more, right below, with a key of its own. Answers that led to the first still lead there."""
    version, step = step_of_draft(step)
    _check_room(version)
    twin = _insert(version, contents.take([step])[0] | {"key": str(uuid4())}, step.position + 1)
    touch(version, by, at, "added", twin)
    return twin


@transaction.atomic
def move_step(*, step: ScriptStep, part: str, place: int, by: User, at: datetime) -> ScriptStep:
    """Put a step into a part, before its step number `place` counted from 0 without the step itself."""
    version, step = step_of_draft(step)
    others = [one for one in _in_order(version) if one.pk != step.pk]
    step.part = part
    inside = [one for one in others if one.part == part]
    below = [one for one in others if ORDER[one.part] < ORDER[part]]
    at_place = len(below) + max(0, min(place, len(inside)))
    _write_order([*others[:at_place], step, *others[at_place:]])
    touch(version, by, at, "moved", step)
    return step


def nudge_step(*, step: ScriptStep, up: bool, by: User, at: datetime) -> ScriptStep:
    """One place up or down; from the edge of a part into the next part. At the very edge nothing happens."""
    inside = list(
        ScriptStep.objects.filter(version=step.version_id, part=step.part)
        .order_by("position")
        .values_list("pk", flat=True)
    )
    if step.pk not in inside:
        raise StepIsGone(_("This step is no longer there. Load the page anew."))
    place = inside.index(step.pk) + (-1 if up else 1)
    if 0 <= place < len(inside):
        return move_step(step=step, part=step.part, place=place, by=by, at=at)
    parts = ScriptStep.Part.values
    neighbour = ORDER[step.part] + (-1 if up else 1)
    if not 0 <= neighbour < len(parts):
        return step
    return move_step(step=step, part=parts[neighbour], place=STEPS if up else 0, by=by, at=at)


def _insert(version: ScriptVersion, content: contents.Content, position: int) -> ScriptStep:
    step = contents.plant(version, [content], first=_last_position(version) + 1)[0]
    others = [one for one in _in_order(version) if one.pk != step.pk]
    place = sum(1 for one in others if one.position < position)
    _write_order([*others[:place], step, *others[place:]])
    return step


def _in_order(version: ScriptVersion) -> list[ScriptStep]:
    return sorted(version.steps.order_by("position"), key=lambda step: ORDER[step.part])


def _settle_order(version: ScriptVersion) -> None:
    _write_order(_in_order(version))


def _write_order(steps: Iterable[ScriptStep]) -> None:
    """Places from 1 on, parts in their order. The constraint on places looks only at the end of the transaction."""
    ordered = sorted(steps, key=lambda step: ORDER[step.part])
    for place, step in enumerate(ordered, start=1):
        step.position = place
    ScriptStep.objects.bulk_update(ordered, ["position", "part"])


def _last_position(version: ScriptVersion) -> int:
    return version.steps.aggregate(last=Max("position"))["last"] or 0


def _check_room(version: ScriptVersion) -> None:
    if version.steps.count() >= STEPS:
        raise TooMuch(_("A script has at most %(most)s steps.") % {"most": STEPS})


# ---------------------------------------------------------------- what is at hand


@transaction.atomic
def link_objection(*, step: ScriptStep, objection: Objection, by: User, at: datetime) -> None:
    version, step = step_of_draft(step)
    _link, is_new = StepObjection.objects.get_or_create(step=step, objection=objection)
    if is_new:
        touch(version, by, at, "written", step)


@transaction.atomic
def unlink_objection(*, step: ScriptStep, objection_id: int, by: User, at: datetime) -> None:
    version, step = step_of_draft(step)
    StepObjection.objects.filter(step=step, objection=objection_id).delete()
    touch(version, by, at, "written", step)


@transaction.atomic
def quote_article(*, step: ScriptStep, article: Article, by: User, at: datetime) -> None:
    """Quote an article as it stands now; quoting it again says that the step agrees with its newest version."""
    version, step = step_of_draft(step)
    StepQuote.objects.update_or_create(step=step, article=article, defaults={"article_version": article.number})
    touch(version, by, at, "written", step)


@transaction.atomic
def unquote_article(*, step: ScriptStep, article_id: int, by: User, at: datetime) -> None:
    version, step = step_of_draft(step)
    StepQuote.objects.filter(step=step, article=article_id).delete()
    touch(version, by, at, "written", step)


# ---------------------------------------------------------------- the whole at once


@transaction.atomic
def replace_steps(
    *,
    version: ScriptVersion,
    steps: Sequence[contents.Content],
    by: User,
    at: datetime,
    seen: Collection[str] | None = None,
) -> ScriptVersion:
    """Put these steps in place of all that the draft has. Comments stay with the steps whose key is still there.

    `seen`: the stamps of what the writer had before them. When the draft is another by now, and not just as it was begun, nothing is
    stored. Raises VersionIsFixed, DraftMovedOn.
    """
    version = locked_draft(version)
    if seen is not None and set(seen) != {contents.stamp(version)}:
        _check_unwritten(version)
    said = dict(version.comments.exclude(step=None).values_list("pk", "step__key"))
    version.comments.update(step=None)
    version.steps.all().delete()
    planted = contents.plant(version, sorted(steps, key=lambda content: ORDER[content["part"]]))
    by_key = {step.key: step for step in planted}
    for pk, key in said.items():
        if key in by_key:
            StepComment.objects.filter(pk=pk).update(step=by_key[key])
    touch(version, by, at, "replaced", None)
    return version


def _check_unwritten(version: ScriptVersion) -> None:
    """A draft on which nobody wrote yet says what the version says that it was made from: nothing is lost with it."""
    last = queries_changes.last_deed(version, rules.WRITTEN)
    if last is not None:
        raise DraftMovedOn(
            _("%(who)s changed this draft on %(when)s, after the table was taken from it, or from another version.")
            % queries_changes.who_and_when(last)
        )
