"""From every figure to the calls behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from metrics import registry


def calls_url() -> str:
    """The list of calls; "" where there is none."""
    try:
        return reverse("campaigns:calls")
    except NoReverseMatch:
        return ""


def calls_behind(measure: str, *, since: date, until: date, groups: Mapping[str, int | None], base: str) -> str:
    """The address of the calls that a count was made of; "" for counts without calls."""
    found = registry.measures().get(measure)
    if not base or found is None or found.drill is None:
        return ""
    chosen = {name: str(number) for name, number in groups.items() if number is not None}
    return f"{base}?{urlencode({**chosen, **found.drill, 'from': since.isoformat(), 'to': until.isoformat()})}"
