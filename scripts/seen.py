"""What a writer had before them, so that two who write at once do not undo each other without a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model
from django.utils.translation import gettext as _

from core.errors import DomainError
from scripts.queries_changes import last_deed, who_and_when
from scripts.stamps import stamp
from scripts.staying import locked

Row = TypeVar("Row", bound=Model)


class WrittenMeanwhile(DomainError):
    """Somebody else has saved another wording since the page was opened."""


def seen_of(row: Model, fields: Iterable[str]) -> str:
    """The same as long as these fields of the row read the same."""
    values = [row.serializable_value(name) for name in fields]
    return stamp(values)


def lock_as_seen(row: Row, fields: Iterable[str], seen: str | None, *, deed: str) -> Row:
    """The row, locked, when it still reads as the writer saw it; None looks no further. Raises WrittenMeanwhile, which names who did `deed`."""
    now = locked(row)
    if seen is not None and seen_of(now, fields) != seen:
        raise WrittenMeanwhile(
            _(
                "%(who)s saved another wording on %(when)s, after you opened this page. What you wrote stands below and is not stored: "
                "look at the other wording in a second window; saved once more, yours takes its place."
            )
            % who_and_when(last_deed(row, deed))
        )
    return now
