"""Single rows that pages ask for all day long. Django builds and compiles its question anew each time, which takes longer than the answer:
of these the condition is written out, and the rest is Django's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


def row(model: type[M], condition: str, values: Sequence[Any], *, lock: bool = False) -> M | None:
    """The row for which the SQL condition holds; None when there is none. Of several the first by an ORDER BY at the end of the
    condition. `lock`: for update."""
    ends = " FOR UPDATE" if lock else ""
    found = model._default_manager.raw(f"SELECT * FROM {model._meta.db_table} WHERE {condition} LIMIT 1{ends}", values)
    return next(iter(found), None)
