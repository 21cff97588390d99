"""May this person be called now? Every reason against a call in words; the rules and the hours that it asks are passed on from here.

The claim asks the same in SQL for speed; the dial check, the customer's page and "why not now" ask here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from core.calendar import business_date
from customers.models import ContactRule, Customer, GreyEntry, Suppression
from customers.services import greylist
from customers.services.calling_hours import is_open, moment_of, next_allowed, zone_of
from customers.services.combined_rules import (
    BLOCK,
    LOG,
    WARN,
    Cap,
    ContactRules,
    combine,
    fitting,
    rules_for,
    rules_of,
    strictest,
)
from customers.services.quiet_times import quiet_until
from customers.services.register_dates import counted_date

__all__ = [
    "Cap", "ContactRules", "Known", "Reason", "Verdict", "blocking", "combine", "first_promised", "fitting", "is_open", "next_allowed", "register_age",
    "rules_for", "rules_of", "suppressions_of", "verdicts", "why_not", "zone_of",
]  # fmt: skip


# A calling hour and a do-not-disturb time behind it, so often a promise is put off.
STEPS = 14


@dataclass(frozen=True)
class Known:
    """What why_not would ask the database of one person, for lists that ask it for all their rows at once."""

    suppressions: list[Suppression]
    has_number: bool
    has_consent: bool
    quiet_until: datetime | None
    grey: list[GreyEntry]


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


@dataclass(frozen=True)
class Verdict:
    """What one rule says of a call. `reason` None: it passes."""

    rule: ContactRule
    reason: Reason | None = None

    @property
    def blocks(self) -> bool:
        return self.reason is not None and self.reason.blocks


def first_promised(customer: Customer, rules: ContactRules, at: datetime) -> datetime | None:
    """The first moment from `at` on at which a callback that the customer asked for may be made: inside hours and caps, outside the
    customer's do-not-disturb times and what the greylist says of hours and attempts, whatever the gap. None: never, or not within two weeks."""
    grey = greylist.entries_of(customer, at)
    free = [until for row in grey if (until := greylist.capped_until(row, customer.attempts, at))]
    free += [customer.attempts[cap.most - 1] + cap.window for cap in rules.caps if len(customer.attempts) >= cap.most]
    zone = customer.city.zone.name if customer.city.zone else None
    first = next_allowed(zone, rules, max([at, *free]))
    for _step in range(STEPS):
        if first is None:
            return None
        until = quiet_until(customer, first) or greylist.closed_until(grey, zone, first)
        if until is None:
            return first
        first = next_allowed(zone, rules, until)
    return None


def why_not(
    *,
    customer: Customer,
    rules: ContactRules,
    at: datetime,
    campaign_id: int | None = None,
    product_id: int | None = None,
    exclusion_group: str = "",
    purpose: str = "",
    callback: bool = False,
    lead_id: int | None = None,
    known: Known | None = None,
) -> list[Reason]:
    """Everything against calling this person at `at`, the blocking first; [] when nothing is.

    Without a `purpose` no campaign is asked for: then the greylist only warns. `lead_id` names the lead in the asker's own hand: its hold and the attempt reserved with it do not count. A `callback` the
    customer asked for overrides the gap and the answered call of the day, never hours, caps, suppression or do-not-disturb times. `known` saves the queries.
    """
    known = known or _known(customer, rules, at)
    own_hand = lead_id is not None and customer.held_lead_id == lead_id
    attempts = list(customer.attempts or [])[1 if own_hand else 0 :]
    reasons = [
        *_standing(customer, known, campaign_id, product_id),
        *_elsewhere(customer, at, campaign_id, exclusion_group, own_hand),
        *_grey(known, purpose, callback, customer, attempts, at),
        *_quiet(known),
    ]
    for severity, part in ((BLOCK, rules), (WARN, rules.warn), (LOG, rules.log)):
        if part is not None:
            closed = severity != BLOCK and any(reason.code == "hours" for reason in reasons)
            judged = [] if closed else _hours(customer, part, at, severity)
            judged += [*_budget(customer, part, at, attempts, callback, known), *register_age(part, at)]
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


def verdicts(
    *,
    customer: Customer,
    rows: Iterable[ContactRule],
    at: datetime,
    product_id: int | None = None,
    callback: bool = False,
    lead_id: int | None = None,
) -> list[Verdict]:
    """Each rule by itself, by the same judges as why_not(). Hours of one pack, scope and severity are windows of one week and judged together."""
    own_hand = lead_id is not None and customer.held_lead_id == lead_id
    attempts = list(customer.attempts or [])[1 if own_hand else 0 :]
    counting = list(rows)
    found = []
    for row in counting:
        together = [other for other in counting if _window(other) == _window(row)] if row.key == "hours" else [row]
        part = strictest(together)
        if row.key == ContactRule.Key.HOURS:
            judged = _hours(customer, part, at, row.severity)
        elif row.key == ContactRule.Key.REFUSAL_REST:
            judged = _rests(customer, at, product_id)
        elif row.key == ContactRule.Key.REGISTER_AGE:
            judged = register_age(part, at)
        else:
            judged = _budget(customer, part, at, attempts, callback, _known(customer, part, at))
        reasons = [replace(reason, severity=row.severity) for reason in judged]
        found.append(Verdict(row, reasons[0] if reasons else None))
    return found


def _window(row: ContactRule) -> tuple[object, ...]:
    return row.key, row.severity, row.pack_id, row.city_id, row.campaign_id, row.product_id, row.segment_id


def _rests(customer: Customer, at: datetime, product_id: int | None) -> list[Reason]:
    """The rest of a refused product, which stands against the person once the refusal is recorded."""
    rows = suppressions_of(customer, at)
    refused = Suppression.Kind.OFFER_REFUSED
    return [_suppressed(row) for row in rows if row.kind == refused and row.product_id in (None, product_id)]


def blocking(reasons: Iterable[Reason]) -> list[Reason]:
    return [reason for reason in reasons if reason.blocks]


def _when(moment: datetime) -> dict[str, str]:
    return {"when": formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")}


def _known(customer: Customer, rules: ContactRules, at: datetime) -> Known:
    asks = any(part is not None and part.consent_needed for part in (rules, rules.warn, rules.log))
    return Known(
        suppressions_of(customer, at),
        customer.phones.filter(is_dead=False).exists(),
        has_consent=not asks or customer.consents.in_force(at).exists(),
        quiet_until=quiet_until(customer, at),
        grey=greylist.entries_of(customer, at),
    )


def _standing(customer: Customer, known: Known, campaign_id: int | None, product_id: int | None) -> list[Reason]:
    """What stands against the person whatever the rules say."""
    found = []
    if customer.merged_into_id:
        found.append(Reason("merged", _("This customer was merged into another one.")))
    if not known.has_number:
        found.append(Reason("no_number", _("There is no number in use.")))
    if not customer.city.is_on:
        found.append(Reason("city_off", _("Calling is switched off in %(city)s.") % {"city": customer.city.label}))
    rows = known.suppressions
    counting = [row for row in rows if row.campaign_id in (None, campaign_id) and row.product_id in (None, product_id)]
    found += [_suppressed(row) for row in counting if not _has_another_number(customer, row, counting)]
    if customer.is_suppressed and not any(row.campaign_id is None and row.product_id is None for row in rows):
        found.append(Reason("suppressed", _("Not to be called.")))
    return found


def _has_another_number(customer: Customer, row: Suppression, rows: list[Suppression]) -> bool:
    """A number kept from one campaign or product leaves the person's other numbers to it."""
    if row.customer_id or (row.campaign_id is None and row.product_id is None):
        return False
    closed = {bytes(other.phone_blind) for other in rows if other.phone_blind}
    alive = customer.phones.filter(is_dead=False).values_list("blind_index", flat=True)
    return any(bytes(number) not in closed for number in alive)


def suppressions_of(customer: Customer, at: datetime) -> list[Suppression]:
    """What is in force against the person, by row or by one of the numbers."""
    # asked before: with the question inside this one, the planner reads all that is suppressed
    numbers = list(customer.phones.values_list("blind_index", flat=True))
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


def _grey(
    known: Known, purpose: str, callback: bool, customer: Customer, attempts: list[datetime], at: datetime
) -> list[Reason]:
    against = [row for row in known.grey if not greylist.allows(row, purpose=purpose, callback=callback)]
    severity = BLOCK if purpose else WARN
    found = [
        Reason(
            "grey",
            _("On the greylist: %(conditions)s.") % {"conditions": greylist.in_words(row)},
            row.valid_to,
            severity,
        )
        for row in against
    ]
    return [*found, *_grey_capped(known, attempts, at), *_grey_hours(known, customer, at)]


def _grey_capped(known: Known, attempts: list[datetime], at: datetime) -> list[Reason]:
    sentence = _("On the greylist: %(conditions)s. The next is possible from %(when)s.")
    ends = [(row, greylist.capped_until(row, attempts, at)) for row in known.grey]
    return [
        Reason("grey_cap", sentence % {"conditions": greylist.in_words(row), **_when(until)}, until)
        for row, until in ends
        if until is not None
    ]


def _grey_hours(known: Known, customer: Customer, at: datetime) -> list[Reason]:
    until = greylist.closed_until(known.grey, customer.city.zone.name if customer.city.zone else None, at)
    if until is None:
        return []
    first, last = greylist.hours_of(known.grey) or (0, 0)
    if first >= last:
        return [Reason("grey_hours", _("The hours of the greylist leave none in which this customer may be called."))]
    told = {"conditions": greylist.hours_in_words(first, last), **_when(until)}
    return [
        Reason(
            "grey_hours",
            _("On the greylist: %(conditions)s of the customer's clock. The next is possible from %(when)s.") % told,
            until,
        )
    ]


def _quiet(known: Known) -> list[Reason]:
    if known.quiet_until is None:
        return []
    told = _when(known.quiet_until)
    return [Reason("quiet", _("The customer asked not to be disturbed before %(when)s.") % told, known.quiet_until)]


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
    customer: Customer, rules: ContactRules, at: datetime, attempts: list[datetime], callback: bool, known: Known
) -> list[Reason]:
    found = [
        _capped(cap, attempts)
        for cap in rules.caps
        if len(attempts) >= cap.most and attempts[cap.most - 1] + cap.window > at
    ]
    if not callback:
        found += [*_too_soon(rules, attempts, at), *_answered(customer, rules, at)]
    if rules.consent_needed and not known.has_consent:
        found.append(Reason("consent", _("There is no consent in force, and the rules ask for one.")))
    return found


def register_age(rules: ContactRules, at: datetime) -> list[Reason]:
    """Whether the do-not-call register of a source in use is older than these rules allow, or there is none: then nobody is called."""
    if rules.register_days is None:
        return []
    counted = counted_date()
    if counted is None:
        return [Reason("register", _("No do-not-call register is in force, and the rules ask for one."))]
    age = (business_date(at) - counted).days
    if age <= rules.register_days:
        return []
    told = {"age": age, "days": rules.register_days}
    return [Reason("register", _("The do-not-call register is %(age)s days old; the rules allow %(days)s.") % told)]


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
    until = moment_of(today + timedelta(days=1), 0, zone)
    return [
        Reason(
            "answered", _("The customer was spoken to today already; not again before %(when)s.") % _when(until), until
        )
    ]
