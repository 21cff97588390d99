"""Names of the groups: for files by code (team, agent, campaign) and name (city), for pages in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Campaign
from people.models import City, Team, User

Namer = Callable[[int | None], str]

_FILE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "city": (City, ("name",)),
    "team": (Team, ("code",)),
    "agent": (User, ("code", "username")),
    "campaign": (Campaign, ("code",)),
}
_PAGE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "city": (City, ("name_zh", "name")),
    "team": (Team, ("name", "code")),
    "agent": (User, ("display_name", "code", "username")),
    "campaign": (Campaign, ("name", "code")),
}


def file_names(group: str, ids: Iterable[int] | None = None) -> dict[int, str]:
    """{id: name as files have it}; of all, or of these."""
    return _names(*_FILE[group], ids)


def page_names(group: str, ids: Iterable[int] | None = None) -> dict[int, str]:
    """{id: name as pages have it}."""
    if group == "city":
        cities = City.objects.all() if ids is None else City.objects.filter(pk__in=list(ids))
        return {city.pk: city.label for city in cities}
    return _names(*_PAGE[group], ids)


def _names(model: Any, fields: tuple[str, ...], ids: Iterable[int] | None) -> dict[int, str]:
    rows = model._default_manager.all() if ids is None else model._default_manager.filter(pk__in=list(ids))
    return {row[0]: next((part for part in row[1:] if part), f"#{row[0]}") for row in rows.values_list("pk", *fields)}


def group_label(group: str) -> str:
    return {
        "city": _("City"),
        "team": _("Team"),
        "agent": _("Agent"),
        "campaign": _("Campaign"),
        "period": _("Period"),
    }[group]
