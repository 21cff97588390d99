"""Where each lead of a large campaign stands, kept: a count judges again only those of whom something may be different by now.

Judging a million leads takes a second; in a minute a few thousand of them change. What is judged again:
* leads and persons whose rows were written since: the number of the transaction that wrote a row stands in it, whoever wrote it;
* those of whom the moment has come in which the class may change though no row does (statement.DUE);
* those who gained or lost a number, a consent or an entry of their own in a list: what is true of all is compared with what was.
Whether a place is open or switched off is nobody's class: the place says it when leads are counted. All is judged when the rules are others,
when much has changed, and when the leads found do not add up to those that are there.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.core.cache import caches
from django.db import connection, transaction

from campaigns.funnel import classes, reach, statement
from campaigns.funnel.places import Place
from campaigns.models import Campaign
from core.calendar import business_date

# Kept so long after it was last asked for. To judge so many again costs as much as to judge a million in a row; to judge so few again is
# cheaper than to keep what was found.
HOLDS, MOST_AGAIN, FEW = 2 * 3600, 100_000, 500

# Moments are kept as microseconds since 1970; NEVER for none, and for those past the year 5000.
EPOCH, NEVER = datetime(1970, 1, 1, tzinfo=UTC), 10**17
MICROSECONDS = f"coalesce(least(date_part('epoch', {{moment}}) * 1000000, {NEVER}), {NEVER})::bigint"
FREE, DUE, UNTIL = (MICROSECONDS.format(moment=moment) for moment in ("free_at", "due_at", "until"))

# (city, class, day, persons, those of them that wait, when each of these comes free, when he is due).
WAITS = "FILTER (WHERE due_at IS NOT NULL OR free_at > %(at)s)"
JUDGED = f"""
SELECT city_id, class, NULL::int, string_agg(int8send(customer_id), ''), string_agg(int8send(customer_id), '') {WAITS},
    string_agg(int8send({FREE}), '') {WAITS}, string_agg(int8send({DUE}), '') {WAITS}
FROM ({statement.OPEN}) x GROUP BY 1, 2
UNION ALL SELECT city_id, class, ended_on, string_agg(int8send(customer_id), ''), NULL, NULL, NULL FROM ({statement.CLOSED}) y GROUP BY 1, 2, 3"""
ONLY = "AND l.customer_id IN (SELECT unnest(%(persons)s::bigint[]))"
BARRED = f"SELECT string_agg(int8send(customer_id) || int8send({UNTIL}), '') FROM ({statement.BARRED}) barred"
ENTRY = np.dtype([("person", "<i8"), ("until", "<i8")])

# Rows of which this moment sees a version that a former one may not have seen: written by a transaction that was open then, or began later.
# Sent as four bytes, numbers of transactions compare as numbers do; the row has no other order of them.
WRITTEN = """xidsend({row}.xmin) BETWEEN %(first)s::bytea AND
    (SELECT xidsend(pg_snapshot_xmax(pg_current_snapshot())::xid))"""
LEADS = f"""SELECT count(*), string_agg(int8send(l.customer_id), '') FILTER (WHERE {WRITTEN.format(row="l")})
FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s"""
PERSONS = f"SELECT string_agg(int8send(p.id), '') FROM customers_customer p WHERE {WRITTEN.format(row='p')}"

# Another version of the product may judge otherwise.
HOW = zlib.crc32(JUDGED.encode())
NAMES = tuple(classes.WORDS)
# What the columns of a campaign's leads hold, and how wide they are.
WIDTH = {"person": np.int64, "kind": np.int32, "ended": np.int32, "free": np.int64, "due": np.int64}
NARROWED = {"person", "kind", "ended"}
Numbers = np.ndarray[Any, np.dtype[Any]]
Row = tuple[int, str, date | None, int, datetime | None]


@dataclass(frozen=True)
class Table:
    """Columns of numbers; the rows in the order of their persons, each of whom has one at most."""

    columns: dict[str, Numbers]

    def __getitem__(self, name: str) -> Numbers:
        return self.columns[name]

    def __getstate__(self) -> dict[str, Numbers]:
        """As it is sent to the cache: of persons the steps from one to the next; and no wider than need be."""
        sent = {**self.columns, "person": np.diff(self["person"], prepend=0)}
        for name in NARROWED & sent.keys():
            sent[name] = sent[name].astype(np.min_scalar_type(sent[name].max(initial=0)))
        return sent

    def __setstate__(self, sent: dict[str, Numbers]) -> None:
        columns = {name: column.astype(WIDTH[name]) for name, column in sent.items()}
        object.__setattr__(self, "columns", {**columns, "person": np.cumsum(columns["person"])})

    def __len__(self) -> int:
        return len(self["person"])

    @classmethod
    def of(cls, groups: Sequence[dict[str, Any]], *names: str) -> Table:
        """Of each group its columns, or one number for all of it."""
        whole = {}
        for name in names:
            parts = [np.broadcast_to(group[name], group["person"].shape) for group in groups]
            whole[name] = np.concatenate([np.empty(0, WIDTH[name]), *parts], dtype=WIDTH[name], casting="same_kind")
        order = np.argsort(whole["person"])
        return cls({name: column[order] for name, column in whole.items()})

    def with_anew(self, persons: Numbers, fresh: Table) -> Table:
        """These persons' rows are those that are fresh, and no others."""
        gone = _places(self["person"], persons)
        stay = {name: np.delete(column, gone) for name, column in self.columns.items()}
        at = np.searchsorted(stay["person"], fresh["person"])
        return Table({name: np.insert(column, at, fresh[name]) for name, column in stay.items()})


@dataclass(frozen=True)
class Standing:
    """All leads of a campaign as they stood at `at`, seen in that moment; and what is true of all by which they were judged.

    `leads`: person, `kind` (place and class in one number) and `ended` (the ordinal of the day on which it was finished, 0 for none).
    `waits`: of those of them that time will change: person, kind, `free` and `due`.
    """

    moment: reach.Moment
    at: datetime
    terms: tuple[Any, ...]
    numbers: bytes
    consents: bytes
    barred: Numbers
    leads: Table
    waits: Table

    def leads_to(self, now: Standing) -> bool:
        """Can it be gone on from to there? Not over a turn of the counter of transactions, where their order cannot be told; and not by a
        transaction that has changed something itself: numbers of its own stand in what it wrote."""
        is_told = self.moment.first >> 32 == now.moment.first >> 32 and now.moment.is_clean
        is_same = self.moment.server == now.moment.server and self.terms == now.terms
        return is_same and is_told and self.at <= now.at

    def counted(self, where: Sequence[Place]) -> list[Row]:
        """As statement.counted."""
        kinds, many = len(where) * len(NAMES), statement.BURN_DAYS + 1
        first = business_date(self.at).toordinal() - statement.BURN_DAYS
        day = self.leads["ended"] - (first - 1)
        day[(day < 0) | (day >= many)] = 0
        leads = np.bincount(self.leads["kind"] * many + day, minlength=kinds * many)
        free = np.full(kinds, NEVER)
        np.minimum.at(free, self.waits["kind"], self.waits["free"])
        found = []
        for group in np.flatnonzero(leads).tolist():
            kind, n = divmod(group, many)
            place, name = where[kind // len(NAMES)], NAMES[kind % len(NAMES)]
            free_at = self.at if name == classes.CALLABLE else _moment(int(free[kind]))
            ended_on = date.fromordinal(first + n - 1) if n else None
            found.append((place.city.pk, _there(name, place), ended_on, int(leads[group]), free_at))
        return found


def _there(name: str, place: Place) -> str:
    """The class of a lead that was judged as if the place were open."""
    if name == classes.HOURS and place.stops:
        return classes.OFF
    return statement.usual(place) if name == classes.CALLABLE else name


def counted(asks: statement.Question) -> list[Row]:
    """(city, class, day on which they were finished, leads, when the first comes free) of a large campaign's leads; rows may share all but
    the last two. No campaign may be served before it: who is wanted there stands in no row of its own."""
    assert not asks.prior
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.TUNED)
        return _standing(cursor, asks).counted(asks.where)


def _standing(cursor: Any, asks: statement.Question) -> Standing:
    moment = reach.moment(cursor)
    asks = asks.wherever().by_bitmaps(*reach.of_campaign(cursor, statement.USABLE, statement.GIVEN, asks.asked))
    bits = asks.asked["numbers"], asks.asked["consents"]
    nobody = _tables([], asks)
    now = Standing(moment, asks.at, _terms(asks), *bits, _barred(cursor, asks), *nobody)
    kept: Standing | None = caches["shared"].get(key_of(asks.campaign))
    gone_on = _gone_on(cursor, asks, kept, now) if kept and kept.leads_to(now) else None
    leads, waits, judged = gone_on or (*_judged(cursor, asks), MOST_AGAIN)
    now = replace(now, leads=leads, waits=waits)
    if moment.is_clean and judged > FEW:
        caches["shared"].set(key_of(asks.campaign), now, HOLDS)
    return now


def is_there(campaign: Campaign) -> bool:
    return key_of(campaign) in caches["shared"]


def key_of(campaign: Campaign) -> str:
    return f"campaigns.funnel.standing.1.{campaign.pk}"


def _terms(asks: statement.Question) -> tuple[Any, ...]:
    """What all are judged by, besides rows and time."""
    campaign = asks.campaign
    of_places = tuple(
        (place.city.pk, place.zone, place.caps, place.gap, place.need_consent, place.one_answer) for place in asks.where
    )
    of_segments = tuple((row.kind, row.segments, repr(row.rules), row.closed) for row in asks.terms)
    kinds = tuple(asks.asked["z_kind"]) if of_segments else ()
    of_campaign = campaign.product_id, campaign.purpose, campaign.exclusion_group
    return HOW, NAMES, of_campaign, of_places, of_segments, kinds


def _gone_on(cursor: Any, asks: statement.Question, kept: Standing, now: Standing) -> tuple[Table, Table, int] | None:
    """Leads and waits as they are now, from what they were, and of how many persons they were judged; None: all are to be."""
    first = (kept.moment.first & 0xFFFFFFFF).to_bytes(4, "big")
    ((total, of_leads),) = asks.rows(cursor, LEADS, first=first)
    ((of_persons,),) = asks.rows(cursor, PERSONS, first=first)
    due = kept.waits["person"][kept.waits["due"] <= _microseconds(asks.at)]
    persons = kept.leads["person"]
    others = np.unique(np.concatenate([_numbers(of_persons), *_unlike(kept, now), due]))
    again = np.union1d(_numbers(of_leads), persons[_places(persons, others)])
    if len(again) > MOST_AGAIN:
        return None
    fresh_leads, fresh_waits = _judged(cursor, asks, again)
    leads = kept.leads.with_anew(again, fresh_leads)
    if len(leads) != total:
        return None
    return leads, kept.waits.with_anew(again, fresh_waits), len(again)


def _unlike(kept: Standing, now: Standing) -> list[Numbers]:
    """Persons with or without a number, a consent, an entry against them, who were not so; or of whom nothing was known yet."""
    found = [np.setxor1d(kept.barred, now.barred)["person"]]
    for before, after in ((kept.numbers, now.numbers), (kept.consents, now.consents)):
        one, other = reach.cut_alike(before, after)
        found.append(np.flatnonzero(np.unpackbits(one ^ other, bitorder="little")))
        persons = kept.leads["person"]
        found.append(persons[np.searchsorted(persons, len(one) * 8) :])
    return found


def _places(persons: Numbers, some: Numbers) -> Numbers:
    """Where some of the persons stand among them; both in order."""
    at = np.searchsorted(persons, some)
    some, at = some[at < len(persons)], at[at < len(persons)]
    return at[persons[at] == some]


def _barred(cursor: Any, asks: statement.Question) -> Numbers:
    """Who is barred and until when."""
    ((entries,),) = asks.rows(cursor, BARRED)
    return _numbers(entries).view(ENTRY)


def _judged(cursor: Any, asks: statement.Question, persons: Numbers | None = None) -> tuple[Table, Table]:
    """The leads of these persons, or all."""
    if persons is None:
        return _tables(asks.rows(cursor, JUDGED), asks)
    if not len(persons):
        return _tables([], asks)
    only = replace(asks, parts={**asks.parts, "only": ONLY})
    # as one text: each of thousands of numbers by itself would be planned for
    array = f"{{{','.join(map(str, persons.tolist()))}}}"
    return _tables(only.rows(cursor, JUDGED, persons=array), asks)


def _tables(judged: Sequence[tuple[Any, ...]], asks: statement.Question) -> tuple[Table, Table]:
    places = {place.city.pk: n for n, place in enumerate(asks.where)}
    days = {n: day.toordinal() for n, day in statement.ended_days(asks.at).items()}
    leads: list[dict[str, Any]] = []
    waits: list[dict[str, Any]] = []
    for city, name, day, persons, waiting, free, due in judged:
        kind = places[city] * len(NAMES) + NAMES.index(name)
        leads.append({"person": _numbers(persons), "kind": kind, "ended": days.get(day, 0)})
        waits.append({"person": _numbers(waiting), "kind": kind, "free": _numbers(free), "due": _numbers(due)})
    return Table.of(leads, "person", "kind", "ended"), Table.of(waits, "person", "kind", "free", "due")


def _numbers(sent: Any) -> Numbers:
    return np.frombuffer(sent or b"", dtype=">i8").astype(np.int64)


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime | None:
    return None if microseconds == NEVER else EPOCH + timedelta(microseconds=microseconds)
