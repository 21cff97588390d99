"""A campaign in a city: may it call there now, and under which rules.

Open cities and their rules are those of campaigns_rules_now, which the claim asks; when the others open, and what holds there, is told by the
same rule rows in Python.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from campaigns.models import Campaign
from core.calendar import business_date
from customers.models import ContactRule
from customers.services import contacts, packs
from customers.services.calling_hours import moment_of
from people.models import City

RULES = """
SELECT c.id, r.cities, r.need_consent, r.one_answer, r.cap_most, r.cap_window, r.cap_city, r.cap_is_gap
FROM unnest(%(campaigns)s::bigint[]) c(id) CROSS JOIN LATERAL campaigns_rules_now(c.id, NULL, %(today)s, %(at)s) r"""


@dataclass(frozen=True)
class Place:
    """`stops`: codes of what is switched off. `rules`, `caps` (most, window) and the like: what holds for everybody; `rows` those of segments as
    well. `day`: start and end of the local day, None without a zone."""

    campaign: Campaign
    city: City
    stops: tuple[str, ...]
    is_open: bool
    rules: contacts.ContactRules
    caps: tuple[tuple[int, timedelta], ...]
    gap: timedelta | None
    need_consent: bool
    one_answer: bool
    day: tuple[datetime, datetime] | None
    rows: tuple[ContactRule, ...] = ()

    @property
    def zone(self) -> str | None:
        return self.city.zone.name if self.city.zone else None

    @property
    def segments(self) -> set[int]:
        """Those with rules of their own here."""
        return {row.segment_id for row in self.rows if row.segment_id}

    def rules_of(self, segments: Iterable[int] | None) -> contacts.ContactRules:
        """What holds for a person of these segments."""
        ours = self.segments.intersection(segments or ())
        return _combined(self.campaign, self.city, self.rows, ours) if ours else self.rules

    def opens(self, moment: datetime) -> datetime | None:
        """The first calling hour from `moment` on; None: never, or not while something is switched off."""
        return None if self.stops else contacts.next_allowed(self.zone, self.rules, moment)


@dataclass(frozen=True)
class _Now:
    """What campaigns_rules_now says of one campaign."""

    consent: dict[int, bool]
    answer: dict[int, bool]
    caps: list[tuple[int, timedelta, int | None, bool]]


def places(campaigns: Sequence[Campaign], at: datetime, cities: Iterable[int] | None = None) -> list[Place]:
    """Each campaign in every city (or in these), by a number of queries that does not grow with them."""
    known = City.objects.select_related("zone").order_by("pk")
    if cities is not None:
        known = known.filter(pk__in=list(cities))
    now, rows = _now(campaigns, at), _rows(campaigns, at)
    everywhere = list(known)
    return [_place(c, city, now[c.pk], rows[c.pk], at) for c in campaigns for city in everywhere]


def _now(campaigns: Sequence[Campaign], at: datetime) -> dict[int, _Now]:
    asked = {"campaigns": [c.pk for c in campaigns], "today": business_date(at), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(RULES, asked)
        return {
            pk: _Now(
                dict(zip(cities or (), consent or (), strict=True)),
                dict(zip(cities or (), answer or (), strict=True)),
                list(zip(most or (), window or (), city or (), gap or (), strict=True)),
            )
            for pk, cities, consent, answer, most, window, city, gap in cursor.fetchall()
        }


def _rows(campaigns: Sequence[Campaign], at: datetime) -> dict[int, list[ContactRule]]:
    """The rule rows of each campaign. A pack for the simulator counts only with the simulated telephone, as in the claim."""
    bound: dict[int, set[int]] = defaultdict(set)
    for link in Campaign.packs.through.objects.filter(campaign__in=campaigns):
        bound[link.campaign_id].add(link.rulepack_id)
    day = business_date(at)
    chosen = sorted(set().union(*bound.values()))
    of_packs = packs.rules_in_force(pack_ids=chosen, on=day) if chosen else []
    usual = packs.rules_in_force(pack_ids=[], on=day) if len(bound) < len(campaigns) else []
    found = {}
    for campaign in campaigns:
        ours = [row for row in of_packs if row.pack_id in bound[campaign.pk]] if bound.get(campaign.pk) else usual
        is_simulated = campaign.telephony == Campaign.Telephony.SIMULATOR
        found[campaign.pk] = [row for row in ours if is_simulated or not row.pack.simulator_only]
    return found


def _place(campaign: Campaign, city: City, now: _Now, rows: list[ContactRule], at: datetime) -> Place:
    rules = _combined(campaign, city, rows)
    ours = [(most, window, is_gap) for most, window, where, is_gap in now.caps if where in (None, city.pk)]
    is_open = city.pk in now.consent
    return Place(
        campaign, city, (*stops_of(campaign, city), *_register(rules, at)), is_open, rules,
        caps=tuple((most, window) for most, window, is_gap in ours if not is_gap),
        gap=max((window for _most, window, is_gap in ours if is_gap), default=None),
        need_consent=now.consent[city.pk] if is_open else rules.consent_needed,
        one_answer=bool(now.answer[city.pk]) if is_open else rules.answered_per_day is not None,
        day=_day(city, at),
        rows=tuple(rows),
    )  # fmt: skip


def _combined(
    campaign: Campaign, city: City, rows: Iterable[ContactRule], segments: Iterable[int] = ()
) -> contacts.ContactRules:
    return contacts.combine(
        rows, city_id=city.pk, campaign_id=campaign.pk, product_id=campaign.product_id, segment_ids=segments
    )


def _register(rules: contacts.ContactRules, at: datetime) -> tuple[str, ...]:
    """A do-not-call register that is too old closes a place as a switch does: nobody knows when it opens again."""
    return tuple(reason.code for reason in contacts.register_age(rules, at))


def stops_of(campaign: Campaign, city: City) -> tuple[str, ...]:
    """What is switched off, by code."""
    stops = {
        "campaign_off": not campaign.is_on,
        "stage": campaign.stage not in Campaign.CALLING,
        "product_off": not campaign.product.is_on,
        "city_off": not city.is_on,
        "unknown_zone": contacts.zone_of(city.zone.name if city.zone else None) is None,
        "outside": campaign.city_id not in (None, city.pk),
    }
    return tuple(code for code, is_so in stops.items() if is_so)


def _day(city: City, at: datetime) -> tuple[datetime, datetime] | None:
    zone = contacts.zone_of(city.zone.name if city.zone else None)
    if zone is None:
        return None
    today = at.astimezone(zone).date()
    return moment_of(today, 0, zone), moment_of(today + timedelta(days=1), 0, zone)
