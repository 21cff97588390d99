"""The customers of a segment, read out of its bitmap a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyroaring import BitMap

from customers.models import Customer
from customers.queries import for_list
from people.models import User


class Members(Sequence):
    """The customers of a bitmap, a page at a time, in the order of their ids; who meanwhile left the user's cities is not shown."""

    def __init__(self, ids: BitMap, user: User) -> None:
        self.ids, self.user = ids, user

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: Any) -> Any:
        wanted = list(self.ids[place]) if isinstance(place, slice) else [self.ids[place]]
        return list(for_list(Customer.objects.visible_to(self.user).filter(pk__in=wanted)).order_by("pk"))
