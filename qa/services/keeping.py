"""How long recordings stay, and how they go: by their rule, by the wish of the person; the bytes go with the last who has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from core.models import PrivateFile
from people.models import User
from qa import rules
from qa.models import Appeal, Clip, KeepRule, Recording, RecordingNote, Sound
from scripts.models import Product

A_NIGHT = 100_000
BATCH = 2_000


class RuleNeeded(DomainError):
    """Without the rule for all products and calls nobody would know how long to keep."""


class KeepTable:
    """The rules as they stand, read once."""

    def __init__(self) -> None:
        self._rules = {(rule.product_id, rule.of_sales): rule for rule in KeepRule.objects.all()}

    def rule(self, *, product_id: int | None, sale: bool) -> KeepRule:
        """The most particular rule that fits. Raises RuleNeeded."""
        for key in ((product_id, True), (product_id, False), (None, True), (None, False)):
            if key in self._rules and (sale or not key[1]):
                return self._rules[key]
        raise RuleNeeded(_("There is no rule that says how long recordings are kept. Add one for all products first."))

    def until(self, *, product_id: int | None, sale: bool, started_at: datetime) -> datetime:
        return started_at + timedelta(days=self.rule(product_id=product_id, sale=sale).days)


# -- rules -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_keep_rule(
    *, product: Product | None, of_sales: bool, days: int, is_duty: bool, basis: str, by: User, at: datetime
) -> KeepRule:
    """Say how long recordings are kept; those that are there get their new date in the background. Raises PermissionRefused."""
    if not rules.can_set_keep_rules(by):
        raise PermissionRefused(_("Your role does not allow this."))
    rule, _is_new = KeepRule.objects.update_or_create(
        product=product, of_sales=of_sales, defaults={"days": days, "is_duty": is_duty, "basis": basis.strip()}
    )
    audit("qa.keep_rule.set", rule, by=by, at=at, product=product.pk if product else None, of_sales=of_sales, days=days)
    _date_again(at, by)
    return rule


@transaction.atomic
def drop_keep_rule(*, rule: KeepRule, by: User, at: datetime) -> None:
    """Take a particular rule away: the more general one holds again. Raises PermissionRefused, RuleNeeded."""
    if not rules.can_set_keep_rules(by):
        raise PermissionRefused(_("Your role does not allow this."))
    if rule.product_id is None and not rule.of_sales:
        raise RuleNeeded(_("The rule for all products and calls stays: change its days instead."))
    audit("qa.keep_rule.dropped", rule, by=by, at=at, product=rule.product_id, of_sales=rule.of_sales)
    rule.delete()
    _date_again(at, by)


def _date_again(at: datetime, by: User) -> None:
    enqueue(kind="qa.date_recordings", key=at.isoformat(), args={}, by=by)


def date_recordings() -> int:
    """Give every kept recording the date that the rules give it now; returns how many have another one than before."""
    table, changed = KeepTable(), 0
    kinds = Recording.objects.kept().order_by().values_list("product_id", "sale").distinct()
    for product_id, sale in list(kinds):
        days = table.rule(product_id=product_id, sale=sale).days
        rows = Recording.objects.kept().filter(product_id=product_id, sale=sale)
        until = F("call_started_at") + timedelta(days=days)
        changed += rows.exclude(keep_until=until).update(keep_until=until)
    return changed


# -- the end -----------------------------------------------------------------------------------------------------------


def destroy_overdue(*, at: datetime) -> int:
    """Take away the recordings whose time is over by the rules as they are now; returns how many. What an appeal that is not decided
    speaks of waits."""
    date_recordings()
    gone = 0
    while gone < A_NIGHT:
        due = list(_overdue(at).order_by("keep_until").values_list("pk", flat=True)[:BATCH])
        if not due:
            break
        gone += destroy_recordings(rows=Recording.objects.filter(pk__in=due), at=at)
    return gone


def _overdue(at: datetime) -> QuerySet[Recording]:
    return Recording.objects.overdue(at).exclude(
        Exists(Appeal.objects.filter(answer__evaluation__recording=OuterRef("pk"), decision=""))
    )


def destroy_overdue_clips(*, at: datetime) -> int:
    return destroy_clips(rows=Clip.objects.kept().filter(keep_until__lte=at), at=at)


@transaction.atomic
def destroy_recordings(*, rows: QuerySet[Recording], at: datetime) -> int:
    """Sound, words and remarks go; the row, and who heard it, stays as a trace."""
    found = list(rows.filter(destroyed_at=None).select_for_update().values_list("pk", "sound_id"))
    ids = [pk for pk, _sound in found]
    RecordingNote.objects.filter(recording__in=ids).delete()
    Recording.objects.filter(pk__in=ids).update(destroyed_at=at, sound=None, transcript=None)
    release_sounds(ids={sound for _pk, sound in found if sound}, at=at)
    return len(ids)


@transaction.atomic
def destroy_clips(*, rows: QuerySet[Clip], at: datetime) -> int:
    found = list(rows.filter(destroyed_at=None).select_for_update().values_list("pk", "sound_id"))
    ids = [pk for pk, _sound in found]
    Clip.objects.filter(pk__in=ids).update(destroyed_at=at, sound=None, title="")
    release_sounds(ids={sound for _pk, sound in found if sound}, at=at)
    return len(ids)


def release_sounds(*, ids: Iterable[int], at: datetime) -> None:
    """Let those bytes go that nobody has any more. They cannot be put back if this transaction fails: their time is over, and the
    next sweep takes them."""
    locked = Sound.objects.filter(pk__in=list(ids)).select_for_update().order_by("pk")
    alone = [sound.pk for sound in locked]
    held = Exists(Recording.objects.filter(sound=OuterRef("pk"))) | Exists(Clip.objects.filter(sound=OuterRef("pk")))
    gone = dict(Sound.objects.filter(pk__in=alone).exclude(held).values_list("pk", "file_id"))
    Sound.objects.filter(pk__in=gone).delete()
    PrivateFile.objects.filter(pk__in=list(gone.values())).update(keep_until=at)
