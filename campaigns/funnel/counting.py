"""The counts of the funnel: all leads of some campaigns classed by one statement, kept for a while, cut for who looks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

from campaigns.funnel import classes, precedence, segment_terms
from campaigns.funnel.places import Place, places
from campaigns.models import Campaign, Lead
from core.calendar import business_date, midnight

# A count that takes longer than DEAR seconds is made anew each minute in the background, as long as somebody asks for it, so that nobody waits
# for it: kept longer than that minute, since who finds none counts himself. The others are kept for a moment only.
DEAR, ASKED_WITHIN = 0.05, 30 * 60
KEEP, KEEP_DEAR = 3, 180
# One that takes longer than SLOW is there for the first who asks, too: unasked it is made anew before it is forgotten, all such counts
# together for at most so many seconds of each minute. What a count took is remembered for a day.
SLOW, OLD, MOST_UNASKED, REMEMBERED = 0.3, timedelta(seconds=100), 6.0, 24 * 3600
# So far back is looked for days on which leads were finished.
BURN_DAYS = 14
# A hash of what stands against a million persons stays in memory; compiling the statement would take longer than it runs.
TUNED = "SET LOCAL work_mem = '96MB'; SET LOCAL jit = off"
# A person looked up costs about as much as this many read in a row.
LOOKUP = 20

DONE = f"""CASE l.outcome {" ".join(f"WHEN '{outcome}' THEN '{name}'" for outcome, name in classes.OUTCOMES.items())} ELSE 'other' END"""
IN_FORCE = "s.lifted_at IS NULL AND s.valid_from <= %(at)s AND (s.valid_to IS NULL OR s.valid_to > %(at)s)"
AGAINST_US = (
    "(s.campaign_id IS NULL OR s.campaign_id = %(campaign)s) AND (s.product_id IS NULL OR s.product_id = %(product)s)"
)
USABLE = f"""NOT n.is_dead AND NOT EXISTS (
    SELECT FROM customers_suppression s WHERE s.phone_blind = n.blind_index AND {IN_FORCE} AND {AGAINST_US})"""
GIVEN = "n.given_at <= %(at)s AND n.withdrawn_at IS NULL AND (n.expires_at IS NULL OR n.expires_at > %(at)s)"


# Has the person such a row? Looked up for each lead: right for a campaign that is small beside the pool.
LOOKED_UP = "EXISTS (SELECT FROM {table} n WHERE n.customer_id = l.customer_id AND {condition})"
# The same out of a bitmap of all persons that is made just before: a hash of a million persons is slower to make and to ask. Ids are dense,
# so that it has few holes. Of persons made in this very moment it may say either: the next count knows.
OF_BITMAP = "(l.customer_id >= %({name}_end)s OR get_bit(%({name})s, l.customer_id) = 1)"
# 64 persons in each number, turned (by # 56) so that the bytes one after the other have the person's bit where get_bit looks for it. The
# volatile column hides from the planner whose number the block is made of: taking as many blocks as persons it would send no workers.
BITMAP = """
SELECT string_agg(int8send(coalesce(b.bits, 0)), '' ORDER BY block) FROM generate_series(0, (SELECT max(id) >> 6 FROM customers_customer)) block
LEFT JOIN (SELECT block, bit_or(1::bigint << place) AS bits
    FROM (SELECT n.customer_id >> 6 AS block, ((n.customer_id & 63) # 56)::int AS place, clock_timestamp() AS fence FROM {table} n
        WHERE {condition}) x
    GROUP BY 1) b USING (block)"""
BARRED = f"""SELECT s.customer_id, CASE WHEN bool_and(s.valid_to IS NOT NULL) THEN max(s.valid_to) END AS until FROM customers_suppression s
    WHERE s.customer_id IS NOT NULL AND {IN_FORCE} AND {AGAINST_US} GROUP BY 1"""
# What the greylist says of a person on it. Asked where it decides, up to four times: joined beside the leads it would keep the workers away.
GREY = "customers_grey_judged(p.id, %(purpose)s, l.callback_agent_id IS NOT NULL, %(at)s, false)"
OWNED = """(p.owner_campaign_id <> %(campaign)s AND %(group)s <> '' AND p.owner_group = %(group)s AND p.owner_until > %(at)s)"""
# Another campaign comes first with the person; a promise was made to the customer, whoever else wants the person. Asked of those alone who
# have a lead there: what is said of one of them is what the claim says.
OTHERS_FIRST = """(l.callback_agent_id IS NULL AND l.customer_id IN (SELECT o.customer_id FROM campaigns_lead o
    WHERE o.state = 'open' AND o.campaign_id = ANY(%(prior)s::bigint[]))
    AND campaigns_wanted_first(l.customer_id, %(prior)s::bigint[], %(day)s, %(at)s) IS NOT NULL)"""
# Persons against whom something stands, perhaps: of the others, most of a campaign, no row need be joined and no more asked. An attempt
# that no cap and no gap of any place reaches back to stands against nobody.
MARKED = f"""(p.is_suppressed OR p.merged_into_id IS NOT NULL OR p.held_lead_id IS NOT NULL OR p.callable_from > %(at)s OR p.has_quiet_times
    OR p.is_greylisted OR p.rule_segments IS NOT NULL OR p.answered_at >= %(answered)s OR (p.attempts[1] > %(tried)s AND ({{tried}})) OR {OWNED})"""
# What a promise overrides, and the retry rule.
RESTS = """greatest(l.ready_at, CASE WHEN l.callback_agent_id IS NULL THEN greatest(p.callable_from, p.attempts[1] + z.gap, p.attempts[1] + g.gap,
    CASE WHEN (z.one_answer OR g.one_answer) AND p.answered_at >= z.day_start THEN z.day_end END) END)"""

# Nothing is known of the person, and nothing promised.
UNKNOWN = "p.id IS NULL AND l.callback_agent_id IS NULL"

# The order of classes.REASONS.
CLASS = f"""CASE
    WHEN p.is_suppressed OR p.merged_into_id IS NOT NULL OR barred.customer_id IS NOT NULL THEN 'suppressed'
    WHEN NOT ({{has_number}}) THEN 'number'
    WHEN (z.need_consent OR g.need_consent) AND NOT ({{has_consent}}) THEN 'consent'
    WHEN {UNKNOWN} AND l.ready_at <= %(at)s AND NOT {{others_first}} THEN z.usual
    WHEN CASE WHEN p.is_greylisted THEN ({GREY}).stands END THEN 'grey'
    WHEN p.held_lead_id IS NOT NULL THEN 'held'
    WHEN {OWNED} OR {{others_first}} THEN 'owned'
    WHEN l.callback_agent_id IS NOT NULL AND l.ready_at > %(at)s THEN 'promised'
    WHEN {{capped}} > %(at)s THEN 'cap'
    WHEN CASE WHEN p.has_quiet_times THEN customers_quiet_until(p.id, %(at)s) IS NOT NULL END
        OR CASE WHEN p.is_greylisted THEN ({GREY}).closed IS NOT NULL END THEN 'quiet'
    WHEN {RESTS} > %(at)s THEN 'cooling'
    WHEN z.is_stopped THEN 'off'
    WHEN NOT z.is_open OR g.closed IS NOT NULL THEN 'hours'
    ELSE 'callable' END"""
# When a lead comes free by itself: of those barred when the last entry ends (None: one has no end), else when the last of all rests does.
# Nobody knows when another campaign is done with a person. Hours of the greylist and of segments are those that come next from now on.
RESTED = f"""greatest({{capped}}, {RESTS}, CASE WHEN {OWNED} THEN p.owner_until END, g.closed,
    CASE WHEN p.is_greylisted THEN ({GREY}).closed END)"""
FREE = f"""CASE WHEN p.is_suppressed OR p.merged_into_id IS NOT NULL OR {{others_first}} THEN NULL WHEN barred.customer_id IS NOT NULL THEN barred.until
    WHEN {UNKNOWN} THEN l.ready_at
    WHEN p.has_quiet_times THEN coalesce(customers_quiet_until(p.id, greatest({RESTED}, %(at)s)), {RESTED})
    ELSE {RESTED} END"""
# The volatile column keeps the planner from merging this into what reads it: each class would be worked out several times for every lead,
# and the number of groups taken for that of the leads.
OPEN = f"""
SELECT l.id, l.city_id, {CLASS} AS class, {FREE} AS free_at, clock_timestamp() AS fence
FROM campaigns_lead l
JOIN ({{places}}) z ON z.city = l.city_id
LEFT JOIN customers_customer p ON p.id = l.customer_id AND {MARKED}
LEFT JOIN ({BARRED}) barred ON barred.customer_id = l.customer_id
{{segments}}
WHERE l.campaign_id = %(campaign)s AND l.state = 'open'"""
ENDED_ON = """CASE WHEN l.state = 'done' AND l.last_call_at >= %(since)s AND l.last_call_at < %(today)s
    THEN (l.last_call_at AT TIME ZONE %(zone)s)::date END"""
CLOSED = f"""
SELECT l.id, l.city_id, CASE WHEN l.state = 'held' THEN 'held' ELSE {DONE} END AS class, NULL::timestamptz AS free_at, clock_timestamp() AS fence, {ENDED_ON} AS ended_on
FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.state <> 'open'"""
COUNT = f"""
SELECT city_id, class, NULL::date, count(*), min(free_at) FROM ({OPEN}) x GROUP BY 1, 2
UNION ALL SELECT city_id, class, ended_on, count(*), NULL FROM ({CLOSED}) y GROUP BY 1, 2, 3"""
IS_LARGE = """
SELECT (SELECT count(*) FROM (SELECT FROM campaigns_lead WHERE campaign_id = %(campaign)s AND state = 'open' LIMIT many) l) = many
FROM (SELECT greatest(1000, max(reltuples) / %(lookup)s)::bigint AS many FROM pg_class
    WHERE oid IN ('customers_phone'::regclass, 'customers_consent'::regclass)) pool"""
EVERY = f"(SELECT id, city_id, class FROM ({OPEN}) x UNION ALL SELECT id, city_id, class FROM ({CLOSED}) y)"


@dataclass
class Counted:
    """One campaign's leads by (city, class), when the first of them comes free, calling hours considered, and how many were finished by
    (city, day)."""

    at: datetime
    seconds: float = 0
    leads: dict[tuple[int, str], int] = field(default_factory=dict)
    frees: dict[tuple[int, str], datetime] = field(default_factory=dict)
    finished: dict[tuple[int, date], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Funnel:
    """Leads by class; when the first of a class comes free; leads finished by day; when this was counted."""

    counts: Counter[str]
    frees: dict[str, datetime]
    finished: Counter[date]
    at: datetime

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def stock(self) -> int:
        return sum(self.counts[name] for name in classes.STOCK)

    @property
    def next_at(self) -> datetime | None:
        """When the next of those who wait becomes callable; None: none of them does by itself."""
        return min((self.frees[name] for name in classes.WAITING if name in self.frees), default=None)


def kept(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    """The counts of these campaigns as they were some moments ago (each says when); what is missing is counted now."""
    keys = {campaign.pk: _key(campaign) for campaign in campaigns}
    there = cache.get_many(keys.values())
    found = {pk: there[key] for pk, key in keys.items() if key in there}
    found |= _counted_anew([campaign for campaign in campaigns if campaign.pk not in found], at)
    dear = {_asked(pk): True for pk, counted in found.items() if counted.seconds >= DEAR}
    if dear:
        cache.set_many(dear, ASKED_WITHIN)
    return found


def count_again(at: datetime) -> int:
    """Count anew the calling campaigns whose counts take long and were asked for lately, then what is slow or was never counted. Returns
    how many."""
    calling = list(Campaign.objects.filter(stage__in=Campaign.CALLING).select_related("product").order_by("pk"))
    asked = cache.get_many([_asked(campaign.pk) for campaign in calling])
    wanted = [campaign for campaign in calling if _asked(campaign.pk) in asked]
    done = len(_counted_anew(wanted, at))
    until = time.monotonic() + MOST_UNASKED
    for campaign in _unasked(calling, wanted, at):
        if time.monotonic() >= until:
            break
        done += len(_counted_anew([campaign], at))
    return done


def _unasked(calling: Sequence[Campaign], wanted: Sequence[Campaign], at: datetime) -> list[Campaign]:
    """Of the calling campaigns those nobody asked for lately that are slow, or of which nobody knows, and that were counted a while ago;
    the oldest counts first."""
    others = [campaign for campaign in calling if campaign not in wanted]
    took = cache.get_many([_took(campaign.pk) for campaign in others])
    kept_ones = cache.get_many([_key(campaign) for campaign in others])
    found = []
    for campaign in others:
        counted = kept_ones.get(_key(campaign))
        is_old = counted is None or counted.at <= at - OLD
        if is_old and took.get(_took(campaign.pk), SLOW) >= SLOW:
            found.append((counted is not None, counted.at if counted else at, campaign.pk, campaign))
    return [campaign for *_order, campaign in sorted(found, key=lambda row: row[:3])]


def _counted_anew(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    fresh = count(campaigns, at)
    for campaign in campaigns:
        counted = fresh[campaign.pk]
        cache.set(_key(campaign), counted, KEEP_DEAR if counted.seconds >= DEAR else KEEP)
        cache.set(_took(campaign.pk), counted.seconds, REMEMBERED)
    return fresh


def _asked(campaign_id: int) -> str:
    return f"campaigns.funnel.asked.{campaign_id}"


def _took(campaign_id: int) -> str:
    return f"campaigns.funnel.took.{campaign_id}"


def _key(campaign: Campaign) -> str:
    """A switch or a stage that changes shows at once."""
    return f"campaigns.funnel.{campaign.pk}.{campaign.stage}.{campaign.is_on:d}{campaign.product.is_on:d}"


def count(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    """All leads of these campaigns by class, exactly, at `at`: one statement for each, so that the planner knows how many it joins."""
    if not campaigns:
        return {}
    where: dict[int, list[Place]] = {campaign.pk: [] for campaign in campaigns}
    for place in places(campaigns, at):
        where[place.campaign.pk].append(place)
    return {pk: _counted(ours, at) for pk, ours in where.items()}


def _counted(where: Sequence[Place], at: datetime) -> Counted:
    began, found, by_city = time.monotonic(), Counted(at), {place.city.pk: place for place in where}
    rows = _run(COUNT, where, at, by_bitmaps=is_large(where[0].campaign)) if where else []
    for city, name, ended_on, leads, free_at in rows:
        key = city, name
        found.leads[key] = found.leads.get(key, 0) + leads
        if ended_on is not None:
            found.finished[city, ended_on] = found.finished.get((city, ended_on), 0) + leads
        opens = by_city[city].opens(max(free_at, at)) if free_at is not None and name in classes.WAITING else None
        if opens is not None:
            found.frees[key] = min(opens, found.frees.get(key, opens))
    found.seconds = time.monotonic() - began
    return found


def cut(found: Iterable[Counted], cities: Collection[int] | None = None, *, at: datetime | None = None) -> Funnel:
    """The leads of these campaigns in these cities (None: in all). `at`: the moment when there is no campaign at all."""
    counts: Counter[str] = Counter()
    frees: dict[str, datetime] = {}
    finished: Counter[date] = Counter()
    moments = []
    for counted in found:
        moments.append(counted.at)
        for (city, name), leads in counted.leads.items():
            if cities is None or city in cities:
                counts[name] += leads
                free = counted.frees.get((city, name))
                if free is not None:
                    frees[name] = min(free, frees.get(name, free))
        for (city, day), leads in counted.finished.items():
            if cities is None or city in cities:
                finished[day] += leads
    oldest = min(moments, default=at)
    assert oldest is not None, "without a campaign the moment must be given"
    return Funnel(counts, frees, finished, oldest)


def class_page(
    where: Sequence[Place], at: datetime, name: str, *, cities: Collection[int] | None, start: int, most: int
) -> list[int]:
    """Ids of a campaign's leads of a class in their order, some of them from `start` on."""
    text = f"""SELECT id FROM {EVERY} e WHERE class = %(class)s AND (%(everywhere)s OR city_id = ANY(%(cities)s::bigint[]))
        ORDER BY id LIMIT %(most)s OFFSET %(start)s"""
    asked = {"class": name, "everywhere": cities is None, "cities": list(cities or ()), "start": start, "most": most}
    return [pk for (pk,) in _run(text, where, at, by_bitmaps=is_large(where[0].campaign), **asked)]


def class_of(lead: Lead, where: Sequence[Place], at: datetime) -> str:
    """The class of one lead, by the same statement."""
    ((name,),) = _run(f"SELECT class FROM {EVERY} e WHERE id = %(lead)s", where, at, by_bitmaps=False, lead=lead.pk)
    return name


def is_large(campaign: Campaign) -> bool:
    """So many open leads that reading through the pool costs less than to look up each person."""
    with connection.cursor() as cursor:
        cursor.execute(IS_LARGE, {"campaign": campaign.pk, "lookup": LOOKUP})
        return bool(cursor.fetchone()[0])


def _run(text: str, where: Sequence[Place], at: datetime, *, by_bitmaps: bool, **more: Any) -> list[tuple[Any, ...]]:
    """`where`: the places of one campaign."""
    campaign = where[0].campaign
    prior = precedence.served_first(campaign)
    asked: dict[str, Any] = {
        "at": at,
        "campaign": campaign.pk,
        "product": campaign.product_id,
        "group": campaign.exclusion_group,
        "prior": prior,
        "day": business_date(at),
        "purpose": campaign.purpose,
        "since": midnight(business_date(at) - timedelta(days=BURN_DAYS)),
        "today": midnight(business_date(at)),
        "zone": settings.TIME_ZONE,
        **more,
    }
    of_segments = segment_terms.terms(where, at)
    segments, segment_caps = segment_terms.joined(of_segments, asked)
    rows, caps = _places_rows(where, asked)
    parts = {
        "places": rows,
        "capped": f"greatest({', '.join([*caps, *segment_caps, f'CASE WHEN p.is_greylisted THEN ({GREY}).capped END'])})",
        "segments": segments,
        "tried": _tried(where, asked),
        "has_number": LOOKED_UP.format(table="customers_phone", condition=USABLE),
        "has_consent": LOOKED_UP.format(table="customers_consent", condition=GIVEN),
        # the function keeps the planner from workers beside: named only where it is asked
        "others_first": OTHERS_FIRST if prior else "false",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TUNED)
        if by_bitmaps:
            parts["has_number"] = _bitmap(cursor, "numbers", "customers_phone", USABLE, asked)
            if any(place.need_consent for place in where) or any(row.rules.consent_needed for row in of_segments):
                parts["has_consent"] = _bitmap(cursor, "consents", "customers_consent", GIVEN, asked)
        for name, part in parts.items():
            text = text.replace(f"{{{name}}}", part)
        cursor.execute(text, asked)
        return cursor.fetchall()


def _bitmap(cursor: Any, name: str, table: str, condition: str, asked: dict[str, Any]) -> str:
    """The expression that asks the bitmap of all persons with such a row, which is made now."""
    # each worker hashes the numbers on lists for itself: in a hash of all together, the planner would rather put all numbers of the pool
    cursor.execute("SET LOCAL enable_parallel_hash = off")
    cursor.execute(BITMAP.format(table=table, condition=condition), asked)
    bits = bytes(cursor.fetchone()[0] or b"")
    cursor.execute("SET LOCAL enable_parallel_hash = on")
    asked |= {name: bits, f"{name}_end": len(bits) * 8}
    return OF_BITMAP.format(name=name)


def _tried(where: Sequence[Place], asked: dict[str, Any]) -> str:
    """Which attempts may stand against a call by a cap or a gap, whatever the place: each place asks for itself afterwards."""
    at = asked["at"]
    reach = {1: max((place.gap for place in where if place.gap), default=timedelta())}
    for most, window in {cap for place in where for cap in place.caps}:
        reach[most] = max(window, reach.get(most, window))
    days = [place.day[0] for place in where if place.day and place.one_answer]
    asked |= {"tried": at - max(reach.values()), "answered": min(days, default=None)}
    asked |= {f"tried_{most}": at - window for most, window in reach.items()}
    return " OR ".join(f"p.attempts[{most}] > %(tried_{most})s" for most in sorted(reach))


def _usual(place: Place) -> str:
    """The class of those against whom nothing else stands."""
    if place.stops:
        return classes.OFF
    return classes.CALLABLE if place.is_open else classes.HOURS


def _places_rows(where: Sequence[Place], asked: dict[str, Any]) -> tuple[str, list[str]]:
    """The places as rows, each cap in columns of its own so that no lead unnests them; and the expressions of a person's caps."""
    columns: dict[str, tuple[str, list[Any]]] = {
        "city": ("bigint", [place.city.pk for place in where]),
        "kind": ("int", segment_terms.kinds(where)),
        "is_stopped": ("boolean", [bool(place.stops) for place in where]),
        "is_open": ("boolean", [place.is_open for place in where]),
        "usual": ("text", [_usual(place) for place in where]),
        "day_start": ("timestamptz", [place.day and place.day[0] for place in where]),
        "day_end": ("timestamptz", [place.day and place.day[1] for place in where]),
        "need_consent": ("boolean", [place.need_consent for place in where]),
        "one_answer": ("boolean", [place.one_answer for place in where]),
        "gap": ("interval", [place.gap for place in where]),
    }
    most_caps = max(len(place.caps) for place in where)
    for n in range(most_caps):
        of_places = [place.caps[n] if n < len(place.caps) else (None, None) for place in where]
        columns[f"most_{n}"] = ("int", [most for most, _window in of_places])
        columns[f"window_{n}"] = ("interval", [window for _most, window in of_places])
    for name, (_kind, values) in columns.items():
        asked[f"z_{name}"] = values
    arrays = ", ".join(f"%(z_{name})s::{kind}[]" for name, (kind, _values) in columns.items())
    return (
        f"SELECT * FROM unnest({arrays}) z({', '.join(columns)})",
        [f"p.attempts[z.most_{n}] + z.window_{n}" for n in range(most_caps)],
    )
