"""Region, cities and teams."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import City, Region, Team, User, Zone


class CodeTaken(DomainError):
    """Another city or team has this code or name."""


class NoSuchZone(DomainError):
    """The name is no IANA time zone."""


def the_region() -> Region:
    """The one region; made at its first use."""
    return Region.objects.get_or_create(id=1, defaults={"name": _("Region")})[0]


@transaction.atomic
def update_region(*, name: str, currency: str, country: str, by: User, at: datetime, name_zh: str = "") -> Region:
    region = the_region()
    region.name, region.name_zh = name.strip(), name_zh.strip()
    region.currency, region.country = currency.strip().upper(), country.strip().upper()
    region.save(update_fields=["name", "name_zh", "currency", "country"])
    audit("people.region.changed", region, by=by, at=at, currency=region.currency, country=region.country)
    return region


@transaction.atomic
def create_city(*, code: str, name: str, by: User | None, at: datetime, name_zh: str = "", zone: str = "") -> City:
    """A city; without a time zone nobody is called there. Raises CodeTaken, NoSuchZone."""
    city = City(code=code.strip(), name=name.strip(), name_zh=name_zh.strip(), zone=_zone(zone))
    _check_city(city)
    city.save()
    audit("people.city.created", city, by=by, at=at, city_id=city.pk, code=city.code, zone=zone)
    return city


@transaction.atomic
def update_city(*, city: City, code: str, name: str, name_zh: str, zone: str, by: User, at: datetime) -> City:
    """Change names and time zone. Raises CodeTaken, NoSuchZone."""
    city = City.objects.select_for_update(of=("self",)).get(pk=city.pk)
    before = city.zone.name if city.zone else ""
    city.code, city.name, city.name_zh, city.zone = code.strip(), name.strip(), name_zh.strip(), _zone(zone)
    _check_city(city)
    city.save(update_fields=["code", "name", "name_zh", "zone"])
    audit("people.city.changed", city, by=by, at=at, city_id=city.pk, code=city.code, zone=zone, zone_before=before)
    return city


@transaction.atomic
def switch_city(*, city: City, is_on: bool, by: User, at: datetime) -> City:
    """Stop or start all calling into a city at once."""
    city = City.objects.select_for_update(of=("self",)).get(pk=city.pk)
    if city.is_on != is_on:
        city.is_on = is_on
        city.save(update_fields=["is_on"])
        audit("people.city.switched", city, by=by, at=at, city_id=city.pk, is_on=is_on)
    return city


@transaction.atomic
def create_team(*, code: str, name: str, city: City | None, by: User | None, at: datetime) -> Team:
    """A team of a city, or a regional one. Raises CodeTaken."""
    team = Team(code=code.strip(), name=name.strip(), city=city)
    _check_team(team)
    team.save()
    audit("people.team.created", team, by=by, at=at, code=team.code)
    return team


@transaction.atomic
def update_team(*, team: Team, code: str, name: str, is_active: bool, by: User, at: datetime) -> Team:
    """Names, and whether it works still. The city stays: calls were made there. Raises CodeTaken."""
    team = Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
    team.code, team.name, team.is_active = code.strip(), name.strip(), is_active
    _check_team(team)
    team.save(update_fields=["code", "name", "is_active"])
    audit("people.team.changed", team, by=by, at=at, code=team.code, is_active=is_active)
    return team


def _zone(name: str) -> Zone | None:
    if not name:
        return None
    if name not in available_timezones():
        raise NoSuchZone(_("%(name)s is no time zone; write it like Asia/Shanghai.") % {"name": name})
    return Zone.objects.get_or_create(name=name)[0]


def _check_city(city: City) -> None:
    others = City.objects.exclude(pk=city.pk)
    if others.filter(code=city.code).exists():
        raise CodeTaken(_("Another city has the code %(code)s.") % {"code": city.code})
    if others.filter(name=city.name).exists():
        raise CodeTaken(_("Another city has the name %(name)s.") % {"name": city.name})


def _check_team(team: Team) -> None:
    if Team.objects.exclude(pk=team.pk).filter(code=team.code).exists():
        raise CodeTaken(_("Another team has the code %(code)s.") % {"code": team.code})
