"""The address of the page says everything that is shown: place, campaign, order and state of the agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from urllib.parse import urlencode

from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse

from metrics.floor import people
from metrics.floor.places import REGIONAL, Place

STATES = (people.TALK, people.WRAP, people.IDLE, people.AWAY)
STATE, DEALS = "state", "deals"


@dataclass(frozen=True)
class Look:
    """What else the address says: the order of the agents, only those of one state."""

    order: str = STATE
    show: str = ""


def city_key(city_id: int | None) -> str:
    return str(city_id or REGIONAL)


def query_of(place: Place, look: Look, **changes: str) -> str:
    city = city_key(place.city.pk if place.city else None) if place.city or place.is_regional else ""
    parts = {
        "city": city, "team": str(place.team.pk) if place.team else "", "campaign": str(place.campaign.pk) if place.campaign else "",
        "order": look.order if look.order != STATE else "", "show": look.show, **changes,
    }  # fmt: skip
    if parts["team"]:
        parts["city"] = ""
    return urlencode({name: value for name, value in parts.items() if value})


def address_of(place: Place, look: Look, **changes: str) -> str:
    query = query_of(place, look, **changes)
    return url_of("metrics:floor") + (f"?{query}" if query else "")


def calls_url(day: date, **filters: object) -> str:
    """The list of calls behind a figure of today, "" while there is no such page."""
    page = url_of("campaigns:calls")
    wanted = {"since": day.isoformat(), **{name: value for name, value in filters.items() if value}}
    return f"{page}?{urlencode(wanted)}" if page else ""


def url_of(name: str, *args: object) -> str:
    """The address of a page, or "" while it is not mounted."""
    return _reversed(name, args, get_script_prefix(), get_urlconf())


@lru_cache(maxsize=500)
def _reversed(name: str, args: tuple[object, ...], prefix: str, urlconf: str | None) -> str:
    """Kept, since a board asks for the same few pages hundreds of times."""
    try:
        return reverse(name, urlconf, args=args)
    except NoReverseMatch:
        return ""
