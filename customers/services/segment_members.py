"""Counting a segment anew: its customers are gathered, stored at once, and the tag that follows it is set and taken off."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Min
from pyroaring import BitMap

from core.jobs import Run
from customers.conditions import matching, parse
from customers.models import Customer, Segment, SegmentMembers
from customers.services.segment_rules import follow_members
from customers.services.segments import SegmentArchived, ask_refresh

# ids looked at in one go
WINDOW = 200_000
MONDAY = 0

LEAVES = """segment_id = %(segment)s AND customer_id >= %(first)s AND customer_id < %(end)s
  AND (tag_id IS DISTINCT FROM %(tag)s OR NOT customer_id = ANY(%(ids)s))"""
# what a list says besides is from now on the list's alone
LEAVE_TO_LISTS = f"UPDATE customers_customertag SET segment_id = NULL WHERE {LEAVES} AND list_ids <> '{{}}'"
TAKE_OFF = f"DELETE FROM customers_customertag WHERE {LEAVES}"
SET = """
INSERT INTO customers_customertag (customer_id, tag_id, segment_id, is_by_hand, set_at)
SELECT c.id, %(tag)s, %(segment)s, false, %(at)s FROM customers_customer c WHERE c.id = ANY(%(ids)s) ON CONFLICT DO NOTHING
"""


def refresh_segment(run: Run) -> dict[str, Any]:
    """Gather and store the customers, then bring the tag and the marks of its rules in line, window by window. Begun anew it does no harm."""
    segment = Segment.objects.get(pk=run.args["segment"])
    first, last = _ids_in_use()
    if segment.archived_at is None and not run.cursor.get("stored"):
        while not _store(run, segment, _gather(run, segment, first, last)):
            segment.refresh_from_db()  # its conditions were changed meanwhile
            if segment.archived_at:
                break
    _follow(run, segment, first, last)
    follow_members(run, segment, _members(segment), first, last)
    segment.refresh_from_db()
    return {"members": segment.count or 0}


def _gather(run: Run, segment: Segment, first: int, last: int) -> BitMap:
    """Each window is one statement, so that a count of millions neither holds a snapshot for long nor outlasts a lease."""
    rows = matching(parse(segment.conditions, user=None), at=run.now(), city_id=segment.city_id).order_by()
    found = BitMap()
    for start in range(first, last + 1, WINDOW):
        run.check_cancelled()
        found.update(rows.filter(pk__gte=start, pk__lt=start + WINDOW).values_list("pk", flat=True))
        run.progress(min(start + WINDOW, last + 1) - first, total=last + 1 - first)
    return found


def _store(run: Run, segment: Segment, found: BitMap) -> bool:
    """False when the conditions are no longer those that were gathered by."""
    with run.chunk(cursor={"stored": True}) as chunk:
        now = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
        if now.archived_at or now.conditions != segment.conditions:
            chunk.cursor = {}
            return False
        SegmentMembers.objects.update_or_create(segment=now, defaults={"bitmap": SegmentMembers.packed(found)})
        now.count, now.counted_at = len(found), run.now()
        now.save(update_fields=["count", "counted_at"])
    return True


def _ids_in_use() -> tuple[int, int]:
    ends = Customer.objects.aggregate(first=Min("pk"), last=Max("pk"))
    return ends["first"] or 1, ends["last"] or 0


def _follow(run: Run, segment: Segment, first: int, last: int) -> None:
    """Rows of the tag that the segment set and that no longer belong are taken off; what people set by hand stays."""
    if segment.tag_id is None and not segment.tagged.exists():
        return
    ids = _members(segment)
    for start in range(run.cursor.get("followed", first), last + 1, WINDOW):
        end = start + WINDOW
        with run.chunk(cursor={**run.cursor, "stored": True, "followed": end}):
            _follow_window(segment, list(ids & BitMap(range(start, end))), start, end, run.now())


def _members(segment: Segment) -> BitMap:
    members = SegmentMembers.objects.filter(segment=segment).first()
    return members.ids if members and segment.archived_at is None else BitMap()


def _follow_window(segment: Segment, ids: list[int], first: int, end: int, at: datetime) -> None:
    values = {"segment": segment.pk, "tag": segment.tag_id, "ids": ids, "first": first, "end": end, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(LEAVE_TO_LISTS, values)
        cursor.execute(TAKE_OFF, values)
        if ids and segment.tag_id is not None:
            cursor.execute(SET, values)


def refresh_due(*, day: date, at: datetime) -> int:
    """Ask for the count of every segment that is due on this night; returns how many."""
    due = [Segment.Refresh.DAILY, *([Segment.Refresh.WEEKLY] if day.weekday() == MONDAY else [])]
    asked = 0
    for segment in Segment.objects.live().filter(refresh__in=due).order_by("pk"):
        with suppress(SegmentArchived):  # since it was read
            ask_refresh(segment=segment, by=None, at=at)
            asked += 1
    return asked
