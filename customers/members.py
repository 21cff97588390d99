"""The customers of a segment, read out of its bitmap: a page at a time, or as a filter of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from pyroaring import BitMap

from customers.models import Customer, Segment, SegmentMembers
from customers.queries import for_list
from people.models import User

# ids looked at in one go
READ = 12_000


def ids_of(segment: Segment) -> BitMap:
    """Who is in it as it was counted; nobody before."""
    stored = SegmentMembers.objects.filter(segment=segment).first()
    return stored.ids if stored else BitMap()


def among(rows: QuerySet[Customer], ids: BitMap) -> QuerySet[Customer]:
    """Those of `rows` who are in the bitmap. One array and not a parameter for each, of which a statement takes 65,535."""
    return rows.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))


def count_among(rows: QuerySet[Customer], ids: BitMap, *, most: int) -> int:
    """How many of `rows` are in the bitmap; when there are more than `most`, some number above it, and the rest is not read."""
    found = 0
    for start in range(0, len(ids), READ):
        found += among(rows.order_by(), ids[start : start + READ]).count()
        if found > most:
            break
    return found


class Members(Sequence):
    """The customers of a bitmap, a page at a time, in the order of their ids; who meanwhile left the user's cities is not shown."""

    def __init__(self, ids: BitMap, user: User) -> None:
        self.ids, self.user = ids, user

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: Any) -> Any:
        wanted = list(self.ids[place]) if isinstance(place, slice) else [self.ids[place]]
        return list(for_list(Customer.objects.visible_to(self.user).filter(pk__in=wanted)).order_by("pk"))
