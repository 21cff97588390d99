"""Rules of contact for the customers of a segment alone: who of them carries the mark by which claim and dial know that there is one.

The members of a segment are a bitmap, of which the claim can ask nothing. So each customer's row keeps the segments with rules to which the
person belongs, as counted, in `rule_segments`: of who belongs to none, most, nothing is asked.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from core.calendar import business_date
from core.errors import DomainError
from core.jobs import Run
from customers.models import ContactRule, RuleChange, Segment

# So many persons are locked at a time; a claim passes over those.
WINDOW = 20_000
# In the order of ids, or two segments marked at the same time could wait for each other.
TAKE_OFF = """
WITH gone AS (
    SELECT id FROM customers_customer
    WHERE id >= %(first)s AND id < %(end)s AND rule_segments @> ARRAY[%(segment)s::bigint] AND NOT id = ANY(%(ids)s::bigint[])
    ORDER BY id FOR NO KEY UPDATE)
UPDATE customers_customer c SET rule_segments = nullif(array_remove(c.rule_segments, %(segment)s), '{}') FROM gone WHERE c.id = gone.id"""
SET = """
WITH come AS (
    SELECT id FROM customers_customer
    WHERE id = ANY(%(ids)s::bigint[]) AND (rule_segments @> ARRAY[%(segment)s::bigint]) IS NOT TRUE
    ORDER BY id FOR NO KEY UPDATE)
UPDATE customers_customer c SET rule_segments = array_append(c.rule_segments, %(segment)s) FROM come WHERE c.id = come.id"""


class NotOfPersons(DomainError):
    """Rules of products and registers say nothing of a person, so that no segment can have one of its own."""


class SegmentNotReady(DomainError):
    """The customers of the segment are not counted, not marked yet, or no longer kept."""


class SegmentElsewhere(DomainError):
    """A rule of one city cannot bind a segment of another."""


class RulesHold(DomainError):
    """Two persons decided on a rule for these customers: nobody frees them of it alone."""


KEYS = (
    ContactRule.Key.HOURS,
    ContactRule.Key.CAP,
    ContactRule.Key.GAP,
    ContactRule.Key.ANSWERED,
    ContactRule.Key.CONSENT,
)


def check_key(key: str) -> None:
    """Raises NotOfPersons."""
    if key not in KEYS:
        raise NotOfPersons(
            _("A segment can have its own hours, caps, gap, answered calls and consent, but not this rule.")
        )


def check_marked(segment: Segment | None) -> None:
    """Nothing holds before everybody carries the mark: else some would be called against it. Raises SegmentNotReady."""
    if segment is not None and not Segment.objects.filter(pk=segment.pk, marked_at__isnull=False).exists():
        raise SegmentNotReady(
            _("The customers of this segment are still being marked. Try again when its count is done.")
        )


def check_free(segment: Segment, *, at: datetime) -> None:
    """Raises RulesHold while a rule holds, will hold or waits for a decision."""
    if is_bound(segment, at=at):
        raise RulesHold(
            _(
                "A rule of contact holds or waits for the customers of this segment. End it first, or make another segment."
            )
        )


def is_bound(segment: Segment, *, at: datetime) -> bool:
    """Whether a rule of the segment holds, will hold, or waits for its second person."""
    rules = ContactRule.objects.filter(segment=segment)
    holds = rules.filter(valid_to=None) | rules.filter(valid_to__gt=business_date(at))
    return holds.exists() or RuleChange.objects.waiting().filter(segment=segment).exists()


# ---------------------------------------------------------------- marks


def follow_members(run: Run, segment: Segment, ids: BitMap, first: int, last: int) -> None:
    """The marks brought in line with a new count, part by part; taken off everybody when no rule of the segment is left. Nobody says that all
    are marked but who marked them all: with a rule proposed while the marks were taken off, a job taken up again begins anew."""
    bound = _settle(run, segment)
    if not bound and not _had_rules(segment):
        return
    members = ids if bound else BitMap()
    for start in range(_first_to_mark(run, bound, first), last + 1, WINDOW):
        end = start + WINDOW
        with run.chunk(cursor={**run.cursor, "stored": True, "bound": bound, "marked": end}):
            mark(segment.pk, list(members & BitMap(range(start, end))), (start, end))
    if bound:
        Segment.objects.filter(pk=segment.pk, marked_at=None).update(marked_at=run.now())


def _first_to_mark(run: Run, bound: bool, first: int) -> int:
    """Where a job taken up again goes on: behind what it did, unless a rule was proposed or ended meanwhile. What it did then says the contrary."""
    marked = run.cursor.get("marked", first) if run.cursor.get("bound") is bound else first
    return int(marked)


def _settle(run: Run, segment: Segment) -> bool:
    """Whether the segment has a rule. Decided under its lock, so that a proposal of this moment sees that the marks are going."""
    with transaction.atomic():
        row = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
        bound = row.archived_at is None and is_bound(row, at=run.now())
        if not bound and row.marked_at is not None:
            row.marked_at = None
            row.save(update_fields=["marked_at"])
    return bound


def _had_rules(segment: Segment) -> bool:
    """Marks are only there when a rule was proposed at some time: of all other segments no customer is looked at."""
    return ContactRule.objects.filter(segment=segment).exists() or RuleChange.objects.filter(segment=segment).exists()


def mark(segment_id: int, ids: list[int], window: tuple[int, int] | None = None) -> None:
    """These customers carry the mark of the segment, and no others of the window of ids."""
    with connection.cursor() as cursor:
        if window is not None:
            cursor.execute(TAKE_OFF, {"segment": segment_id, "ids": ids, "first": window[0], "end": window[1]})
        if ids:
            cursor.execute(SET, {"segment": segment_id, "ids": ids})
