"""Where each lead of a large campaign stands, kept: a count judges again only those of whom something may be different by now.

Judging a million leads takes a second; in a minute a few thousand of them change. What is judged again:
* leads and persons whose rows were written since: the number of the transaction that wrote a row stands in it, whoever wrote it;
* those of whom the moment has come in which the class may change though no row does (statement.DUE);
* those who gained or lost a number, a consent or an entry of their own in a list: what is true of all is compared with what was.
Whether a place is open or switched off is nobody's class: the place says it when leads are counted. All is judged when the rules are others, when
much has changed, when the leads found do not add up to those that are there, and once a day.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.core.cache import caches
from django.db import connection, transaction

from campaigns.funnel import classes, reach, statement
from campaigns.funnel.places import Place
from campaigns.funnel.tables import Numbers, Table, numbers, places_of
from campaigns.models import Campaign
from core.calendar import business_date

# To judge so many again costs as much as to judge a million in a row; to judge so few again costs less than to send megabytes to the cache.
# So many persons of others cost as much to pass over as one to judge.
MOST_AGAIN, FEW, PASSED_OVER = 100_000, 3_000, 20
HOLDS = 24 * 3600

# Moments are kept as the database sends them: microseconds since 2000, NEVER for none.
EPOCH, NEVER = datetime(2000, 1, 1, tzinfo=UTC), 2**63 - 1
FREE, DUE, UNTIL = (f"timestamptz_send(coalesce({moment}, 'infinity'))" for moment in ("free_at", "due_at", "until"))

# (city, class, day, persons, those of them that wait, when each of these comes free, when he is due).
WAITS = "FILTER (WHERE due_at IS NOT NULL OR free_at > %(at)s)"
ENTRIES = f"SELECT string_agg(int8send(customer_id), '') AS persons, string_agg({UNTIL}, '') AS until FROM ({statement.BARRED}) barred"
JUDGED = f"""
SELECT city_id, class, NULL::int, string_agg(int8send(customer_id), ''), string_agg(int8send(customer_id), '') {WAITS},
    string_agg({FREE}, '') {WAITS}, string_agg({DUE}, '') {WAITS}
FROM ({statement.OPEN}) x GROUP BY 1, 2
UNION ALL SELECT city_id, class, ended_on, string_agg(int8send(customer_id), ''), NULL, NULL, NULL FROM ({statement.CLOSED}) y GROUP BY 1, 2, 3"""
# Who is barred is said beside, as the statement saw it: (no city, BARRED, no day, persons, the same, until when, nothing).
BARRED = "barred"
ALL = f"{JUDGED} UNION ALL SELECT NULL, '{BARRED}', NULL, persons, persons, until, NULL FROM ({ENTRIES}) e"
# Of some persons the leads are read once, with what is known already of each: what the planner would have to guess of these rows is not
# asked of them.
OURS = ", ".join(
    f"l.{name}"
    for name in ("id", "city_id", "customer_id", "state", "outcome", "ready_at", "callback_agent_id", "last_call_at")
)
SOME = f"""
WITH ours AS MATERIALIZED (
    SELECT {OURS}, o.has_number, o.has_consent, o.is_barred, o.barred_until
    FROM unnest(%(persons)s::bigint[], %(has_number)s::boolean[], %(has_consent)s::boolean[], %(is_barred)s::boolean[], %(barred_until)s::timestamptz[])
        o(person, has_number, has_consent, is_barred, barred_until)
    JOIN campaigns_lead l ON l.customer_id = o.person AND l.campaign_id = %(campaign)s)
{JUDGED}"""
KNOWN = {
    "leads": "ours",
    "of_campaign": "true",
    "barred": "SELECT l.customer_id, l.barred_until AS until WHERE l.is_barred",
    "has_number": "l.has_number",
    "has_consent": "l.has_consent",
}

# Rows of which this moment sees a version that a former one may not have seen: written by a transaction that was open then, or began later.
# Sent as four bytes, numbers of transactions compare as numbers do; the row has no other order of them.
WRITTEN = """xidsend({row}.xmin) BETWEEN %(first)s::bytea AND
    (SELECT xidsend(pg_snapshot_xmax(pg_current_snapshot())::xid))"""
LEADS = f"""SELECT count(*), string_agg(int8send(l.customer_id), '') FILTER (WHERE {WRITTEN.format(row="l")})
FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s"""
PERSONS = f"SELECT string_agg(int8send(p.id), '') FROM customers_customer p WHERE {WRITTEN.format(row='p')}"

NAMES = tuple(classes.WORDS)


@dataclass(frozen=True)
class Basis:
    """What leads were judged by: what a moment saw, rules, and who has a number and a consent. Of rules of segments by what is carried."""

    moment: reach.Moment
    at: datetime
    terms: tuple[Any, ...]
    of_segments: dict[tuple[Any, ...], tuple[Any, ...]]
    numbers: bytes
    consents: bytes

    def leads_to(self, now: Basis) -> bool:
        """Can it be gone on from to there? Not over a turn of the counter of transactions, where their order cannot be told; and not by a
        transaction that has changed something itself: numbers of its own stand in what it wrote."""
        is_told = self.moment.first >> 32 == now.moment.end >> 32 and now.moment.is_clean
        is_same = self.moment.server == now.moment.server and self.terms == now.terms
        # who has come to carry others was written
        is_same &= all(now.of_segments.get(carried, rules) == rules for carried, rules in self.of_segments.items())
        return is_same and is_told and self.at <= now.at


@dataclass(frozen=True)
class Judged:
    """Leads: person, `kind` (place and class in one number) and `ended` (as in statement.ended_days; 0 for none). Waits, of those whom time
    changes: person, kind, `free` and `due`. Barred, as it was when they were judged: person and `until`."""

    leads: Table
    waits: Table
    barred: Table


@dataclass(frozen=True)
class Standing:
    """All leads of a campaign as they stood. `whole`: how many seconds it took to judge all of them."""

    basis: Basis
    judged: Judged
    whole: float

    def counted(self, where: Sequence[Place]) -> list[statement.Row]:
        """As statement.counted."""
        leads, waits = self.judged.leads, self.judged.waits
        kinds, days = len(where) * len(NAMES), statement.ended_days(self.basis.at)
        many = len(days) + 1
        day = np.where(leads["ended"] < many, leads["ended"], 0)
        counts = np.bincount(leads["kind"] * many + day, minlength=kinds * many)
        free = np.full(kinds, NEVER)
        np.minimum.at(free, waits["kind"], waits["free"])
        found = []
        for group in np.flatnonzero(counts).tolist():
            kind, n = divmod(group, many)
            place, name = where[kind // len(NAMES)], NAMES[kind % len(NAMES)]
            free_at = self.basis.at if name == classes.CALLABLE else _moment(int(free[kind]))
            found.append((place.city.pk, _there(name, place), days.get(n), int(counts[group]), free_at))
        return found


# Another version of the product may judge otherwise, or keep something else.
KEPT = [field.name for kept in (Standing, Basis, Judged, reach.Moment) for field in fields(kept)]
HOW = zlib.crc32(repr((ALL, SOME, KNOWN, NAMES, KEPT)).encode())


def _there(name: str, place: Place) -> str:
    """The class of a lead that was judged as if the place were open."""
    if name == classes.HOURS and place.stops:
        return classes.OFF
    return statement.usual(place) if name == classes.CALLABLE else name


def counted(asks: statement.Question) -> tuple[list[statement.Row], float]:
    """Of a large campaign's leads, where rows may share all but the last two; and how many seconds it took to judge all of them. No campaign may
    be served before it: who is wanted there stands in no row of its own."""
    assert not asks.prior
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.TUNED)
        found = _standing(cursor, asks)
        return found.counted(asks.where), found.whole


def is_there(campaign: Campaign) -> bool:
    return key_of(campaign) in caches["shared"]


def key_of(campaign: Campaign) -> str:
    return f"campaigns.funnel.standing.{HOW}.{campaign.pk}"


def _standing(cursor: Any, asks: statement.Question) -> Standing:
    began, moment = time.monotonic(), reach.moment(cursor)
    asks = asks.wherever().by_bitmaps(*reach.of_campaign(cursor, statement.USABLE, statement.GIVEN, asks.asked))
    of_segments = {(row.kind, row.segments): (repr(row.rules), row.closed) for row in asks.terms}
    now = Basis(moment, asks.at, _terms(asks), of_segments, asks.asked["numbers"], asks.asked["consents"])
    kept: Standing | None = caches["shared"].get(key_of(asks.campaign))
    gone_on = _gone_on(cursor, asks, kept, now) if kept and kept.basis.leads_to(now) else None
    if kept and gone_on:
        judged, cost, whole = *gone_on, kept.whole
    else:
        judged, cost, whole = _judged(cursor, asks), MOST_AGAIN, time.monotonic() - began
    found = Standing(now, judged, whole)
    if moment.is_clean and cost > FEW:
        caches["shared"].set(key_of(asks.campaign), found, HOLDS)
    return found


def _terms(asks: statement.Question) -> tuple[Any, ...]:
    """What all are judged by, besides rows and time, in this campaign's places. The day as well: whatever had been overlooked is mended by the next."""
    campaign = asks.campaign
    of_campaign = campaign.product_id, campaign.purpose, campaign.exclusion_group
    of_places = tuple(
        (place.city.pk, place.zone, place.caps, place.gap, place.need_consent, place.one_answer) for place in asks.where
    )
    kinds = tuple(asks.asked["z_kind"])
    return business_date(asks.at), tuple(sorted(asks.parts.items())), of_campaign, of_places, kinds


def _gone_on(cursor: Any, asks: statement.Question, kept: Standing, now: Basis) -> tuple[Judged, int] | None:
    """The leads as they stand now, from how they stood, and what it cost, in persons judged; None: all are to be."""
    first, before = (kept.basis.moment.first & 0xFFFFFFFF).to_bytes(4, "big"), kept.judged
    ((total, of_leads),) = asks.rows(cursor, LEADS, first=first)
    ((of_persons,),) = asks.rows(cursor, PERSONS, first=first)
    written = numbers(of_persons)
    ((who, until),) = asks.rows(cursor, ENTRIES)
    barred = Table.of([{"person": numbers(who), "until": numbers(until)}], "person", "until")
    persons = before.leads["person"]
    due = before.waits["person"][before.waits["due"] <= _microseconds(asks.at)]
    changed = [written, before.barred.unlike(barred, "until"), *_unlike(kept, now), due]
    again = np.union1d(numbers(of_leads), persons[places_of(np.unique(np.concatenate(changed)), persons)])
    if len(again) > MOST_AGAIN:
        return None
    fresh = _judged_again(cursor, asks, again, barred)
    leads = before.leads.with_anew(again, fresh.leads)
    if len(leads) != total:
        return None
    judged = Judged(leads, before.waits.with_anew(again, fresh.waits), fresh.barred)
    return judged, len(again) + len(written) // PASSED_OVER


def _unlike(kept: Standing, now: Basis) -> list[Numbers]:
    """Persons with or without a number or a consent who were not so; or of whom nothing was known yet."""
    found, persons = [], kept.judged.leads["person"]
    for before, after in ((kept.basis.numbers, now.numbers), (kept.basis.consents, now.consents)):
        one, other = reach.cut_alike(before, after)
        found.append(np.flatnonzero(np.unpackbits(one ^ other, bitorder="little")))
        found.append(persons[np.searchsorted(persons, len(one) * 8) :])
    return found


def _judged(cursor: Any, asks: statement.Question) -> Judged:
    return _tables(asks.rows(cursor, ALL), asks)


def _judged_again(cursor: Any, asks: statement.Question, persons: Numbers, barred: Table) -> Judged:
    """The leads of these persons alone; nobody is barred but those who are said to be."""
    if not len(persons):
        return replace(_tables([], asks), barred=barred)
    until: list[datetime | None] = [None] * len(persons)
    is_barred = np.zeros(len(persons), dtype=bool)
    is_barred[places_of(barred["person"], persons)] = True
    for n, moment in zip(np.flatnonzero(is_barred), barred["until"][places_of(persons, barred["person"])], strict=True):
        until[n] = _moment(int(moment))
    known = {
        "persons": persons.tolist(),
        "has_number": _told(asks.asked["numbers"], persons).tolist(),
        "has_consent": _told(asks.asked["consents"], persons).tolist(),
        "is_barred": is_barred.tolist(),
        "barred_until": until,
    }
    # as one text each: each of thousands of values by itself would be planned for
    arrays = {name: f"{{{','.join(map(_text, values))}}}" for name, values in known.items()}
    rows = replace(asks, parts=asks.parts | KNOWN).rows(cursor, SOME, **arrays)
    return replace(_tables(rows, asks), barred=barred)


def _text(value: Any) -> str:
    return "NULL" if value is None else f'"{value}"'


def _told(bits: bytes, persons: Numbers) -> Numbers:
    """As statement.OF_BITMAP."""
    found = np.ones(len(persons), dtype=bool)
    known = persons < len(bits) * 8
    found[known] = np.unpackbits(reach.bits(bits), bitorder="little")[persons[known]]
    return found


def _tables(rows: Sequence[tuple[Any, ...]], asks: statement.Question) -> Judged:
    places = {place.city.pk: n for n, place in enumerate(asks.where)}
    leads: list[dict[str, Any]] = []
    waits: list[dict[str, Any]] = []
    barred: list[dict[str, Any]] = []
    for city, name, day, persons, waiting, free, due in rows:
        if name == BARRED:
            barred.append({"person": numbers(persons), "until": numbers(free)})
        elif city in places:  # else the first lead there came in this very moment
            kind = places[city] * len(NAMES) + NAMES.index(name)
            leads.append({"person": numbers(persons), "kind": kind, "ended": day or 0})
            waits.append({"person": numbers(waiting), "kind": kind, "free": numbers(free), "due": numbers(due)})
    return Judged(
        Table.of(leads, "person", "kind", "ended"),
        Table.of(waits, "person", "kind", "free", "due"),
        Table.of(barred, "person", "until"),
    )


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime | None:
    return None if microseconds == NEVER else EPOCH + timedelta(microseconds=microseconds)
