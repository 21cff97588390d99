"""Segments: made, changed, counted anew on demand, archived; the ready set of a value grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from core.jobs import enqueue
from core.models import Job
from customers.conditions import find, parse
from customers.models import Segment, SegmentMembers, Tag
from customers.services.segment_rules import SegmentNotReady, check_free, mark
from people.models import City, User

# Segments up to this size are marked with the proposal of a rule for them, larger ones by a job.
MARKED_AT_ONCE = 2_000


class SegmentExists(DomainError):
    """Another segment of the same place has this name."""


class SegmentUnnamed(DomainError):
    """A segment needs a name."""


class NotYourPlace(DomainError):
    """A segment lies in a city that its maker sees; only who sees the region makes one of the region."""


class TagFollowsAnother(DomainError):
    """A tag follows one segment of a place."""


class SegmentArchived(DomainError):
    """An archived segment is neither changed nor counted."""


@dataclass(frozen=True)
class Told:
    """What somebody says of a segment. `conditions` is JSON as in customers.conditions; `tag` a name or ""."""

    name: str
    conditions: Any
    description: str = ""
    strategy: str = ""
    target: int | None = None
    refresh: str = Segment.Refresh.ON_DEMAND
    tag: str = ""


@transaction.atomic
def create_segment(*, told: Told, city: City | None, by: User, at: datetime) -> Segment:
    """Store it and ask for its count. Raises BadConditions, SegmentUnnamed, SegmentExists, TagFollowsAnother, NotYourPlace."""
    if not may_lie_in(by, city):
        raise NotYourPlace(
            _("Choose one of your cities: a segment of the whole region is made by who sees the region.")
        )
    segment = Segment(city=city, owner=by, created_at=at)
    _fill(segment, told, by=by)
    _store(segment)
    audit("customers.segment.created", segment, by=by, at=at, conditions=len(parse_stored(segment).leaves()))
    _enqueue(segment, by=by)
    return segment


@transaction.atomic
def change_segment(*, segment: Segment, told: Told, by: User, at: datetime) -> Segment:
    """Store the changes; other conditions or another tag are counted and set anew. Raises as create_segment, SegmentArchived; RulesHold when
    other conditions would free customers of a rule."""
    segment = _locked(segment)
    before = (segment.conditions, segment.tag_id)
    _fill(segment, told, by=by)
    if before[0] != segment.conditions:
        check_free(segment, at=at)
    _store(segment)
    audit("customers.segment.changed", segment, by=by, at=at, other_conditions=before[0] != segment.conditions)
    if before != (segment.conditions, segment.tag_id):
        _enqueue(segment, by=by)
    return segment


@transaction.atomic
def ask_refresh(*, segment: Segment, by: User | None, at: datetime) -> Job:
    """The job that counts it anew; the one at work, when there is one. Raises SegmentArchived."""
    segment = _locked(segment)
    if by is not None:
        audit("customers.segment.refresh_asked", segment, by=by, at=at)
    return _running(segment) or _enqueue(segment, by=by)


@transaction.atomic
def archive_segment(*, segment: Segment, by: User, at: datetime) -> Segment:
    """It is used no more: its customers are forgotten, the tag that followed it is taken off them. Raises SegmentArchived, RulesHold."""
    segment = _locked(segment)
    check_free(segment, at=at)
    segment.archived_at, segment.count, segment.counted_at = at, None, None
    segment.save(update_fields=["archived_at", "count", "counted_at"])
    SegmentMembers.objects.filter(segment=segment).delete()
    audit("customers.segment.archived", segment, by=by, at=at)
    _enqueue(segment, by=by)
    return segment


@transaction.atomic
def make_ready_for_rules(*, segment: Segment, at: datetime) -> Segment:
    """The segment, locked, its customers marked or about to be, before a rule for them is proposed. Raises SegmentNotReady."""
    row = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
    if row.archived_at is not None:
        raise SegmentNotReady(_("This segment is archived."))
    if row.counted_at is None:
        raise SegmentNotReady(_("This segment has not been counted yet. Count it, then propose the rule."))
    # a count that failed or was stopped: the stored customers may be those of other conditions
    last = Job.objects.filter(pk=row.job_id or 0).values_list("state", flat=True).first()
    if last not in (None, Job.State.DONE) and not _running(row):
        raise SegmentNotReady(
            _("The last count of this segment did not come to its end. Count it again, then propose the rule.")
        )
    if row.marked_at is None and (_running(row) or (row.count or 0) > MARKED_AT_ONCE):
        _enqueue(row, by=None)
    elif row.marked_at is None:
        mark(row.pk, list(SegmentMembers.objects.get(segment=row).ids))
        row.marked_at = at
        row.save(update_fields=["marked_at"])
    return row


def may_lie_in(user: User, city: City | None) -> bool:
    scope = user.scope()
    return scope.is_region or (city is not None and city.pk in scope.city_ids)


def parse_stored(segment: Segment) -> Any:
    """Its tree. Raises BadConditions when a condition is no longer known."""
    return parse(segment.conditions, user=None)


def _locked(segment: Segment) -> Segment:
    found = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
    if found.archived_at:
        raise SegmentArchived(_("This segment is archived."))
    return found


def _fill(segment: Segment, told: Told, *, by: User) -> None:
    name = " ".join(told.name.split())[:80]
    if not name:
        raise SegmentUnnamed(_("Give the segment a name."))
    others = Segment.objects.live().filter(city=segment.city_id).exclude(pk=segment.pk)
    if others.filter(name=name).exists():
        raise _exists(name)
    segment.name, segment.conditions = name, parse(told.conditions, user=by).as_json()
    segment.description, segment.strategy = told.description.strip()[:300], told.strategy.strip()
    segment.target, segment.refresh = told.target, told.refresh
    segment.tag = _tag(told.tag)
    if segment.tag is not None and others.filter(tag=segment.tag).exists():
        raise _follows_another(segment.tag)


def _store(segment: Segment) -> None:
    """Its name and its tag may have been given away between the look and the writing: the constraints decide."""
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError as fault:
        if "segment_name_once" in str(fault):
            raise _exists(segment.name) from None
        if "segment_tag_once" in str(fault):
            raise _follows_another(segment.tag) from None
        raise


def _exists(name: str) -> SegmentExists:
    return SegmentExists(_("There is a segment %(name)s already.") % {"name": name})


def _follows_another(tag: Tag | None) -> TagFollowsAnother:
    return TagFollowsAnother(_("The tag %(tag)s follows another segment already.") % {"tag": tag})


def _tag(name: str) -> Tag | None:
    name = " ".join(name.split())[:40]
    return Tag.objects.get_or_create(name=name)[0] if name else None


def _running(segment: Segment) -> Job | None:
    return Job.objects.open().filter(pk=segment.job_id).first() if segment.job_id else None


def _enqueue(segment: Segment, *, by: User | None) -> Job:
    """After the one at work, which may be past the point at which it looked at the conditions and the tag."""
    job = enqueue(
        kind="customers.refresh_segment",
        key=f"{segment.pk}:{segment.job_id or 0}",
        args={"segment": segment.pk},
        city_id=segment.city_id,
        by=by,
        after=_running(segment),
    )
    segment.job_id = job.pk
    segment.save(update_fields=["job_id"])
    return job


# ---------------------------------------------------------------- the value grid


class NoHistory(DomainError):
    """Without the history of orders nobody knows who bought."""


@dataclass(frozen=True)
class Grid:
    """What the four segments are told apart by: use of the kind, what was bought, and potential, two of them attributes of lists."""

    use: str
    use_from: float
    bought_days: int
    potential: str
    potential_from: float

    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """The parts of each segment's conditions. Everybody lies in exactly one of the four."""
        bought = {"is": "bought", "op": "within", "value": self.bought_days}
        uses = {"is": "attribute", "name": self.use, "op": "at_least", "value": self.use_from}
        high = {"is": "attribute", "name": self.potential, "op": "at_least", "value": self.potential_from}
        return {
            "NO IT": [_none_of(bought, uses)],
            "BIG": [bought],
            "HIPO": [uses, high, _none_of(bought)],
            "LOPO": [uses, _none_of(bought, high)],
        }


def _none_of(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"group": "not", "parts": list(parts)}


@dataclass(frozen=True)
class Square:
    """One of the four: its strategy and its target."""

    strategy: str
    target: int | None


@transaction.atomic
def create_value_grid(
    *,
    grid: Grid,
    squares: dict[str, Square],
    city: City | None,
    refresh: str,
    sets_tags: bool,
    by: User,
    at: datetime,
) -> list[Segment]:
    """All four segments or none; each may be edited afterwards as any other. Raises as create_segment, NoHistory."""
    if find("bought") is None:
        raise NoHistory(_("Orders are not recorded here, so that nobody knows who bought."))
    return [
        create_segment(
            told=Told(
                name=name,
                conditions={"version": 1, "root": {"group": "and", "parts": parts}},
                strategy=squares[name].strategy,
                target=squares[name].target,
                refresh=refresh,
                tag=name if sets_tags else "",
            ),
            city=city,
            by=by,
            at=at,
        )
        for name, parts in grid.rules().items()
    ]
