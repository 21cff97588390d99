"""From every figure to the rows behind it: calls, and what the apps above list of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from metrics import registry
from people.models import User


class Ways:
    """Addresses of the lists behind measures, for somebody who may open some of them. Each rule is asked once."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._lists = cache(self._list)

    def to(self, measure: str, *, since: date, until: date, groups: Mapping[str, int | None]) -> str:
        """The address of the rows that a count was made of; "" for counts without rows, and for who may not open them."""
        base, rows = self._lists(measure)
        if not base or rows is None:
            return ""
        chosen = {rows.groups.get(name, name): str(number) for name, number in groups.items() if number is not None}
        first, last = rows.days
        return f"{base}?{urlencode({**chosen, **rows.query, first: since.isoformat(), last: until.isoformat()})}"

    def _list(self, measure: str) -> tuple[str, registry.Rows | None]:
        found = registry.measures().get(measure)
        if found is None or found.rows is None or not found.rows.may_open(self.user):
            return "", None
        try:
            return reverse(found.rows.page), found.rows
        except NoReverseMatch:
            return "", None
