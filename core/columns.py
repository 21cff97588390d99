"""One column of a list: what it takes of a row, and how a value is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.templatetags import look


@dataclass(frozen=True)
class Column:
    """One column. `name` is its key in the URL.

    value: a path ("city.label"), a function of the row, or "" for the attribute `name`.
    sort: order_by expression, None for `name` when the value is the attribute itself, "" for not sortable.
    num: figures, right and sorted descending first. kind: how it is shown ("number", "percent", "duration", "day", "moment", ...: a filter of
    `look`). link: function of the row giving a URL. template: draws the cell from `row` and `value`. export: function of the
    row for files, False to leave it out. format: Excel's number format.
    """

    name: str
    label: str | Promise
    value: str | Callable[[Any], Any] = ""
    sort: str | None = None
    num: bool = False
    kind: str = ""
    link: Callable[[Any], str | None] | None = None
    template: str = ""
    export: Callable[[Any], Any] | bool = True
    format: str = ""
    width: float = 16
    css: str = ""

    def value_of(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        found = row
        for part in (self.value or self.name).split("."):
            found = found.get(part) if isinstance(found, dict) else getattr(found, part, None)
            if callable(found) and not isinstance(found, type):
                found = found()
            if found is None:
                return None
        return found

    @property
    def order(self) -> str:
        """What the database sorts by; "" when it cannot."""
        if self.sort is not None:
            return self.sort
        return "" if self.value else self.name

    def file_value(self, row: Any) -> Any:
        return self.export(row) if callable(self.export) else self.value_of(row)


KINDS: dict[str, Callable[[Any], str]] = {
    "number": look.thousands,
    "percent": look.percent,
    "fixed": look.fixed,
    "duration": look.clock,
    "day": look.day,
    "moment": look.moment,
    "moment_exact": look.moment_exact,
    "points": look.points,
    "masked": look.masked,
}


def shown(value: Any, kind: str = "") -> str:
    """A value as the page writes it; nothing known is a dash. Escaped by the template."""
    if value is None or value == "":
        return look.NOTHING
    if kind:
        return KINDS[kind](value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return look.thousands(value)
    return str(value)
