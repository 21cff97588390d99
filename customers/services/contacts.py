"""May this person be called now? The rules of the bound packs put together, and every reason against a call in words.

The claim asks the same in SQL for speed; the dial check, the customer's page and "why not now" ask here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from core.calendar import business_date
from customers.models import ContactRule, Customer, Suppression
from customers.rule_values import minutes_of
from customers.services.packs import rules_in_force
from people.models import City

BLOCK, WARN, LOG = ContactRule.Severity.BLOCK, ContactRule.Severity.WARN, ContactRule.Severity.LOG
DAY_MINUTES = 24 * 60
Span = tuple[int, int]


class CampaignLike(Protocol):
    """What rules ask of a campaign, which lives floors above."""

    pk: Any
    product_id: int
    packs: Any


@dataclass(frozen=True)
class Cap:
    """At most `most` attempts within `hours`."""

    most: int
    hours: int

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class ContactRules:
    """All rules of one severity put together, the strictest of each. `hours`: per weekday (1 = Monday) the open spans in minutes
    of the local day, already intersected over the packs; empty when nobody said hours, which blocks.

    `warn` and `log` hold the rules that do not block, in the same shape.
    """

    hours: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    gap_minutes: int = 0
    answered_per_day: int | None = None
    refusal_rest_days: int = 0
    consent_needed: bool = False
    simulator_only: bool = False
    packs: tuple[str, ...] = ()
    warn: ContactRules | None = None
    log: ContactRules | None = None

    @property
    def gap(self) -> timedelta:
        return timedelta(minutes=self.gap_minutes)

    @cached_property
    def is_round_the_clock(self) -> bool:
        return all(self.hours.get(day) == ((0, DAY_MINUTES),) for day in range(1, 8))

    def callable_from(self, attempts: list[datetime]) -> datetime | None:
        """Earliest next attempt after `attempts` (newest first) by gap and caps; None when nothing stands against it."""
        free = [attempts[cap.most - 1] + cap.window for cap in self.caps if len(attempts) >= cap.most]
        if attempts and self.gap_minutes:
            free.append(attempts[0] + self.gap)
        return max(free, default=None)


@dataclass(frozen=True)
class Reason:
    """One thing against a call. `until`: when it passes by itself, None when it does not. `severity` block, warn or log."""

    code: str
    sentence: str
    until: datetime | None = None
    severity: str = BLOCK

    @property
    def blocks(self) -> bool:
        return self.severity == BLOCK


# ---------------------------------------------------------------- the rules put together


def rules_for(
    *,
    pack_ids: Iterable[int],
    on: date,
    city_id: int | None = None,
    campaign_id: int | None = None,
    product_id: int | None = None,
) -> ContactRules:
    """The rules of these packs (of the default pack when there are none) on a day, for that city, campaign and product; strictest wins."""
    return combine(
        rules_in_force(pack_ids=list(pack_ids), on=on), city_id=city_id, campaign_id=campaign_id, product_id=product_id
    )


def rules_of(campaign: CampaignLike, *, at: datetime, city_id: int | None = None) -> ContactRules:
    """rules_for() of a campaign's own packs, id and product."""
    packs = list(campaign.packs.values_list("pk", flat=True))
    return rules_for(
        pack_ids=packs, on=business_date(at), city_id=city_id, campaign_id=campaign.pk, product_id=campaign.product_id
    )


def open_city_ids(
    *,
    pack_ids: Iterable[int],
    at: datetime,
    campaign_id: int | None = None,
    product_id: int | None = None,
    city_ids: Iterable[int] | None = None,
) -> list[int]:
    """Cities in which it is a calling hour now: switched on, with a known time zone, inside every bound pack's hours. Two queries."""
    rows = rules_in_force(pack_ids=list(pack_ids), on=business_date(at))
    cities = City.objects.filter(is_on=True, zone__isnull=False).select_related("zone").order_by("pk")
    if city_ids is not None:
        cities = cities.filter(pk__in=city_ids)
    own = {row.city_id for row in rows if row.city_id}
    everywhere = combine(rows, campaign_id=campaign_id, product_id=product_id)
    found = []
    for city in cities:
        rules = (
            combine(rows, city_id=city.pk, campaign_id=campaign_id, product_id=product_id)
            if city.pk in own
            else everywhere
        )
        if city.zone and is_open(city.zone.name, rules, at):
            found.append(city.pk)
    return found


def combine(
    rows: Iterable[ContactRule],
    *,
    city_id: int | None = None,
    campaign_id: int | None = None,
    product_id: int | None = None,
) -> ContactRules:
    """One answer from many rule rows; rows of another city, campaign or product do not count."""
    fitting = [
        row
        for row in rows
        if row.city_id in (None, city_id)
        and row.campaign_id in (None, campaign_id)
        and row.product_id in (None, product_id)
    ]
    by_severity: dict[str, list[ContactRule]] = defaultdict(list)
    for row in fitting:
        by_severity[row.severity].append(row)
    return replace(
        _strictest(by_severity[BLOCK]),
        simulator_only=any(row.pack.simulator_only for row in fitting),
        packs=tuple(sorted({row.pack.code for row in fitting})),
        warn=_strictest(by_severity[WARN]) if by_severity[WARN] else None,
        log=_strictest(by_severity[LOG]) if by_severity[LOG] else None,
    )


def _strictest(rows: list[ContactRule]) -> ContactRules:
    values: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        values[row.key].append(row.value)
    caps: dict[int, int] = {}
    for value in values["cap"]:
        caps[value["hours"]] = min(value["most"], caps.get(value["hours"], value["most"]))
    return ContactRules(
        hours=_common_hours([row for row in rows if row.key == ContactRule.Key.HOURS]),
        caps=tuple(Cap(most, hours) for hours, most in sorted(caps.items())),
        gap_minutes=max((value["minutes"] for value in values["gap"]), default=0),
        answered_per_day=min((value["most"] for value in values["answered_per_day"]), default=None),
        refusal_rest_days=max((value["days"] for value in values["refusal_rest"]), default=0),
        consent_needed=any(value["needed"] for value in values["consent"]),
    )


def _common_hours(rows: list[ContactRule]) -> dict[int, tuple[Span, ...]]:
    """Rows of one pack and scope add up (10 to 13 and 14 to 20); packs and scopes narrow one another."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row.pack_id, row.city_id, row.campaign_id, row.product_id].append(row.value)
    if not groups:
        return {}
    weeks = [{day: _union(values, day) for day in range(1, 8)} for values in groups.values()]
    common = weeks[0]
    for week in weeks[1:]:
        common = {day: _overlap(common[day], week[day]) for day in range(1, 8)}
    return {day: tuple(spans) for day, spans in common.items()}


def _union(values: list[dict[str, Any]], day: int) -> list[Span]:
    spans = sorted((minutes_of(v["opens"]), minutes_of(v["closes"])) for v in values if day in v["days"])
    merged: list[Span] = []
    for opens, closes in spans:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged


def _overlap(ours: list[Span], theirs: list[Span]) -> list[Span]:
    common = [(max(a, c), min(b, d)) for a, b in ours for c, d in theirs]
    return [(opens, closes) for opens, closes in common if opens < closes]


# ---------------------------------------------------------------- hours


def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone, or None when it is not known: then nobody is called."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def is_open(zone_name: str | None, rules: ContactRules, at: datetime) -> bool:
    """True when `at` is a calling hour there. Unknown zone, or no hours set: never."""
    zone = zone_of(zone_name)
    if zone is None:
        return False
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(opens <= minute < closes for opens, closes in rules.hours.get(local.isoweekday(), ()))


def next_allowed(zone_name: str | None, rules: ContactRules, at: datetime) -> datetime | None:
    """The first moment from `at` on that is a calling hour there; `at` itself when it is one. None: never."""
    if is_open(zone_name, rules, at):
        return at
    zone = zone_of(zone_name)
    if zone is None:
        return None
    today = at.astimezone(zone).date()
    for offset in range(8):
        day = today + timedelta(days=offset)
        for opens, _closes in rules.hours.get(day.isoweekday(), ()):
            start = _moment(day, opens, zone)
            if start > at:
                return start
    return None


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    naive = datetime.combine(day, time()) + timedelta(minutes=minute)
    # by way of the absolute moment: an hour skipped by daylight saving begins when the clocks jump
    return datetime.fromtimestamp(naive.replace(tzinfo=zone).timestamp(), tz=zone)


def first_promised(customer: Customer, rules: ContactRules, at: datetime) -> datetime | None:
    """The first moment from `at` on at which a callback that the customer asked for may be made: inside hours and caps, whatever the gap. None: never."""
    free = [customer.attempts[cap.most - 1] + cap.window for cap in rules.caps if len(customer.attempts) >= cap.most]
    return next_allowed(customer.city.zone.name if customer.city.zone else None, rules, max([at, *free]))


# ---------------------------------------------------------------- one person


def why_not(
    *,
    customer: Customer,
    rules: ContactRules,
    at: datetime,
    campaign_id: int | None = None,
    product_id: int | None = None,
    exclusion_group: str = "",
    callback: bool = False,
    lead_id: int | None = None,
) -> list[Reason]:
    """Everything against calling this person at `at`, the blocking first; [] when nothing is.

    `lead_id` names the lead in the asker's own hand: its hold and the attempt reserved with it do not count. A `callback` the
    customer asked for overrides the gap and the answered call of the day, never hours, caps or suppression.
    """
    own_hand = lead_id is not None and customer.held_lead_id == lead_id
    attempts = list(customer.attempts or [])[1 if own_hand else 0 :]
    reasons = [
        *_standing(customer, at, campaign_id, product_id),
        *_elsewhere(customer, at, campaign_id, exclusion_group, own_hand),
    ]
    for severity, part in ((BLOCK, rules), (WARN, rules.warn), (LOG, rules.log)):
        if part is not None:
            closed = severity != BLOCK and any(reason.code == "hours" for reason in reasons)
            judged = [] if closed else _hours(customer, part, at, severity)
            judged += _budget(customer, part, at, attempts, callback)
            reasons += [replace(reason, severity=severity) for reason in judged]
    if (
        not own_hand
        and not callback
        and customer.callable_from > at
        and not any(r.code in ("gap", "cap") and r.blocks for r in reasons)
    ):
        reasons.append(
            Reason(
                "resting",
                _("Called a short while ago; may be called again from %(when)s.") % _when(customer.callable_from),
                customer.callable_from,
            )
        )
    return sorted(reasons, key=lambda reason: [BLOCK, WARN, LOG].index(ContactRule.Severity(reason.severity)))


def blocking(reasons: Iterable[Reason]) -> list[Reason]:
    return [reason for reason in reasons if reason.blocks]


def _when(moment: datetime) -> dict[str, str]:
    return {"when": formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")}


def _standing(customer: Customer, at: datetime, campaign_id: int | None, product_id: int | None) -> list[Reason]:
    """What stands against the person whatever the rules say."""
    found = []
    if customer.merged_into_id:
        found.append(Reason("merged", _("This customer was merged into another one.")))
    if not customer.phones.filter(is_dead=False).exists():
        found.append(Reason("no_number", _("There is no number in use.")))
    if not customer.city.is_on:
        found.append(Reason("city_off", _("Calling is switched off in %(city)s.") % {"city": customer.city.label}))
    rows = suppressions_of(customer, at)
    found += [
        _suppressed(row)
        for row in rows
        if row.campaign_id in (None, campaign_id) and row.product_id in (None, product_id)
    ]
    if customer.is_suppressed and not any(row.campaign_id is None and row.product_id is None for row in rows):
        found.append(Reason("suppressed", _("Not to be called.")))
    return found


def suppressions_of(customer: Customer, at: datetime) -> list[Suppression]:
    """What is in force against the person, by row or by one of the numbers."""
    numbers = customer.phones.values("blind_index")
    return list(
        Suppression.objects.in_force(at).filter(Q(customer=customer) | Q(phone_blind__in=numbers)).order_by("pk")
    )


def _suppressed(row: Suppression) -> Reason:
    told = {"kind": row.get_kind_display()}
    code = "product_rest" if row.kind == Suppression.Kind.OFFER_REFUSED else "suppressed"
    if row.valid_to:
        return Reason(
            code, _("Not to be called until %(when)s: %(kind)s.") % {**told, **_when(row.valid_to)}, row.valid_to
        )
    return Reason(code, _("Not to be called: %(kind)s.") % told)


def _elsewhere(customer: Customer, at: datetime, campaign_id: int | None, group: str, own_hand: bool) -> list[Reason]:
    found = []
    if customer.held_lead_id and not own_hand:
        found.append(Reason("held", _("The customer is in the hand of an agent just now.")))
    others = customer.owner_campaign_id and customer.owner_campaign_id != campaign_id
    if others and group and customer.owner_group == group and customer.owner_until and customer.owner_until > at:
        found.append(
            Reason(
                "owned",
                _("Another campaign of the same exclusion group works on this customer until %(when)s.")
                % _when(customer.owner_until),
                customer.owner_until,
            )
        )
    return found


def _hours(customer: Customer, rules: ContactRules, at: datetime, severity: str) -> list[Reason]:
    if not rules.hours:
        return [Reason("no_hours", _("No calling hours are set in the bound rule packs."))] if severity == BLOCK else []
    zone = customer.city.zone.name if customer.city.zone else None
    if zone_of(zone) is None:
        if severity != BLOCK:
            return []
        return [
            Reason(
                "unknown_zone",
                _("The time zone of %(city)s is not known, so nobody is called there.") % {"city": customer.city.label},
            )
        ]
    if is_open(zone, rules, at):
        return []
    opens = next_allowed(zone, rules, at)
    if severity != BLOCK:
        return [
            Reason(
                "rest_hours",
                _("It is a time of rest there; better not call before %(when)s.") % _when(opens or at),
                opens,
            )
        ]
    if opens is None:
        return [Reason("hours", _("The bound rule packs leave no hour in which calls are allowed."))]
    return [Reason("hours", _("Outside calling hours; they begin at %(when)s.") % _when(opens), opens)]


def _budget(
    customer: Customer, rules: ContactRules, at: datetime, attempts: list[datetime], callback: bool
) -> list[Reason]:
    found = [
        _capped(cap, attempts)
        for cap in rules.caps
        if len(attempts) >= cap.most and attempts[cap.most - 1] + cap.window > at
    ]
    if not callback:
        found += [*_too_soon(rules, attempts, at), *_answered(customer, rules, at)]
    if rules.consent_needed and not _has_consent(customer, at):
        found.append(Reason("consent", _("There is no consent in force, and the rules ask for one.")))
    return found


def _capped(cap: Cap, attempts: list[datetime]) -> Reason:
    until = attempts[cap.most - 1] + cap.window
    told = {"most": cap.most, "hours": cap.hours, **_when(until)}
    return Reason(
        "cap", _("%(most)s attempts in %(hours)s hours are used up; the next is possible from %(when)s.") % told, until
    )


def _too_soon(rules: ContactRules, attempts: list[datetime], at: datetime) -> list[Reason]:
    if not attempts or not rules.gap_minutes or attempts[0] + rules.gap <= at:
        return []
    until = attempts[0] + rules.gap
    return [
        Reason(
            "gap",
            _("The last attempt was less than %(minutes)s minutes ago; the next is possible from %(when)s.")
            % {"minutes": rules.gap_minutes, **_when(until)},
            until,
        )
    ]


def _answered(customer: Customer, rules: ContactRules, at: datetime) -> list[Reason]:
    """Counted by the day of the called party."""
    zone = zone_of(customer.city.zone.name if customer.city.zone else None)
    if rules.answered_per_day is None or customer.answered_at is None or zone is None:
        return []
    today = at.astimezone(zone).date()
    if customer.answered_at.astimezone(zone).date() != today:
        return []
    until = _moment(today + timedelta(days=1), 0, zone)
    return [
        Reason(
            "answered", _("The customer was spoken to today already; not again before %(when)s.") % _when(until), until
        )
    ]


def _has_consent(customer: Customer, at: datetime) -> bool:
    return customer.consents.in_force(at).exists()
