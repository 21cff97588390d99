"""The statement of the funnel: every lead of a campaign in its class, counted, listed, or one alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaigns.funnel import classes, precedence, reach, segment_terms
from campaigns.funnel.places import Place
from campaigns.funnel.unnested import Columns, unnested
from campaigns.models import Campaign, Lead
from core.calendar import business_date, midnight

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
# The same out of a bitmap of all persons: a hash of a million persons is slower to make and to ask. Of persons made in this very moment it may
# say either: the next count knows.
OF_BITMAP = "(l.customer_id >= %({name}_end)s OR get_bit(%({name})s, l.customer_id) = 1)"
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
    OR p.is_greylisted OR p.rule_segments IS NOT NULL OR p.answered_at >= %(answered)s OR {OWNED} OR {{tried}})"""
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
# When the class may change though no row does. What the hours of the week decide is looked at each time.
DUE = f"""CASE WHEN {UNKNOWN} AND l.ready_at <= %(at)s AND barred.until IS NULL THEN NULL WHEN p.has_quiet_times OR p.is_greylisted THEN %(at)s
    ELSE least({", ".join(f"CASE WHEN {moment} > %(at)s THEN {moment} END" for moment in ("barred.until", "p.owner_until", "{capped}", RESTS))}) END"""
# The volatile column keeps the planner from merging this into what reads it: each class would be worked out several times for every lead,
# and the number of groups taken for that of the leads.
OPEN = f"""
SELECT l.id, l.city_id, l.customer_id, {CLASS} AS class, {FREE} AS free_at, {DUE} AS due_at, clock_timestamp() AS fence
FROM {{leads}} l
JOIN ({{places}}) z ON z.city = l.city_id
LEFT JOIN customers_customer p ON p.id = l.customer_id AND {{marked}}
LEFT JOIN LATERAL ({{barred}}) barred ON barred.customer_id = l.customer_id
{{segments}}
WHERE {{of_campaign}} AND l.state = 'open'"""
# The number of the day, see ended_days.
ENDED_ON = """CASE WHEN l.state = 'done' AND l.last_call_at >= %(since)s
    THEN width_bucket(l.last_call_at, %(midnights)s::timestamptz[])::int END"""
CLOSED = f"""
SELECT l.id, l.city_id, l.customer_id, CASE WHEN l.state = 'held' THEN 'held' ELSE {DONE} END AS class, {ENDED_ON} AS ended_on
FROM {{leads}} l
WHERE {{of_campaign}} AND l.state <> 'open'"""
# (city, class, day, leads, when the first comes free).
COUNT = f"""
SELECT city_id, class, NULL::int, count(*), min(free_at) FROM ({OPEN}) x GROUP BY 1, 2
UNION ALL SELECT city_id, class, ended_on, count(*), NULL FROM ({CLOSED}) y GROUP BY 1, 2, 3"""
IS_LARGE = """
SELECT (SELECT count(*) FROM (SELECT FROM campaigns_lead WHERE campaign_id = %(campaign)s AND state = 'open' LIMIT many) l) = many
FROM (SELECT greatest(1000, max(reltuples) / %(lookup)s)::bigint AS many FROM pg_class
    WHERE oid IN ('customers_phone'::regclass, 'customers_consent'::regclass)) pool"""
EVERY = f"(SELECT id, city_id, class FROM ({OPEN}) x UNION ALL SELECT id, city_id, class FROM ({CLOSED}) y)"

# (city, class, day before today on which they were finished, leads, when the first comes free)
Row = tuple[int, str, date | None, int, datetime | None]


@dataclass(frozen=True)
class Question:
    """What a campaign's leads are judged by in one moment: the parts of the statement, and what is asked for in it."""

    where: Sequence[Place]
    at: datetime
    terms: Sequence[segment_terms.Terms]
    prior: Sequence[int]
    parts: dict[str, str]
    asked: dict[str, Any]

    @property
    def campaign(self) -> Campaign:
        return self.where[0].campaign

    def rows(self, cursor: Any, text: str, **more: Any) -> list[tuple[Any, ...]]:
        for name, part in self.parts.items():
            text = text.replace(f"{{{name}}}", part)
        cursor.execute(text, {**self.asked, **more})
        return cursor.fetchall()

    def by_bitmaps(self, numbers: bytes, consents: bytes) -> Question:
        """The same, where numbers and consents are told by a bit of each person."""
        told = {"has_number": OF_BITMAP.format(name="numbers"), "has_consent": OF_BITMAP.format(name="consents")}
        bits = {
            "numbers": numbers,
            "numbers_end": len(numbers) * 8,
            "consents": consents,
            "consents_end": len(consents) * 8,
        }
        return replace(self, parts=self.parts | told, asked=self.asked | bits)

    def wherever(self) -> Question:
        """The same, were every place open and nothing switched off."""
        alike = {"z_is_stopped": False, "z_is_open": True, "z_usual": classes.CALLABLE}
        return replace(self, asked=self.asked | {name: [value] * len(self.where) for name, value in alike.items()})


def question(where: Sequence[Place], at: datetime) -> Question:
    """`where`: the places of one campaign."""
    campaign = where[0].campaign
    prior = precedence.served_first(campaign)
    today = business_date(at)
    asked: dict[str, Any] = {
        "at": at,
        "campaign": campaign.pk,
        "product": campaign.product_id,
        "group": campaign.exclusion_group,
        "prior": prior,
        "day": today,
        "purpose": campaign.purpose,
        "since": midnight(today - timedelta(days=BURN_DAYS)),
        "midnights": [midnight(today - timedelta(days=n)) for n in range(BURN_DAYS, -1, -1)],
    }
    terms = segment_terms.terms(where, at)
    segments, segment_caps = segment_terms.joined(terms, asked)
    rows, caps = _places_rows(where, asked)
    parts = {
        "places": rows,
        "capped": f"greatest({', '.join([*caps, *segment_caps, f'CASE WHEN p.is_greylisted THEN ({GREY}).capped END'])})",
        "segments": segments,
        "marked": MARKED.replace("{tried}", _tried(where, asked)),
        "has_number": LOOKED_UP.format(table="customers_phone", condition=USABLE),
        "has_consent": LOOKED_UP.format(table="customers_consent", condition=GIVEN),
        # the function keeps the planner from workers beside: named only where it is asked
        "others_first": OTHERS_FIRST if prior else "false",
        "leads": "campaigns_lead",
        "of_campaign": "l.campaign_id = %(campaign)s",
        "barred": BARRED,
    }
    return Question(where, at, terms, prior, parts, asked)


def ended_days(at: datetime) -> dict[int, date]:
    """The day that each number of `ended_on` stands for, today left out."""
    first = business_date(at) - timedelta(days=BURN_DAYS)
    return {n + 1: first + timedelta(days=n) for n in range(BURN_DAYS)}


def counted(asks: Question, *, by_bitmaps: bool) -> list[Row]:
    """Of a campaign's leads."""
    days, rows = ended_days(asks.at), _run(asks, COUNT, by_bitmaps=by_bitmaps)
    return [(city, name, days.get(day), leads, free_at) for city, name, day, leads, free_at in rows]


def class_page(
    where: Sequence[Place], at: datetime, name: str, *, cities: Collection[int] | None, start: int, most: int
) -> list[int]:
    """Ids of a campaign's leads of a class in their order, some of them from `start` on."""
    text = f"""SELECT id FROM {EVERY} e WHERE class = %(class)s AND (%(everywhere)s OR city_id = ANY(%(cities)s::bigint[]))
        ORDER BY id LIMIT %(most)s OFFSET %(start)s"""
    more = {"class": name, "everywhere": cities is None, "cities": list(cities or ()), "start": start, "most": most}
    return [pk for (pk,) in _run(question(where, at), text, by_bitmaps=is_large(where[0].campaign), **more)]


def class_of(lead: Lead, where: Sequence[Place], at: datetime) -> str:
    """The class of one lead, by the same statement."""
    text = f"SELECT class FROM {EVERY} e WHERE id = %(lead)s"
    ((name,),) = _run(question(where, at), text, by_bitmaps=False, lead=lead.pk)
    return name


def is_large(campaign: Campaign) -> bool:
    """So many open leads that reading through the pool costs less than to look up each person."""
    with connection.cursor() as cursor:
        cursor.execute(IS_LARGE, {"campaign": campaign.pk, "lookup": LOOKUP})
        return bool(cursor.fetchone()[0])


def _run(asks: Question, text: str, *, by_bitmaps: bool, **more: Any) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TUNED)
        if by_bitmaps:
            asks = asks.by_bitmaps(*reach.of_campaign(cursor, USABLE, GIVEN, asks.asked))
        return asks.rows(cursor, text, **more)


def _tried(where: Sequence[Place], asked: dict[str, Any]) -> str:
    """Which attempts may stand against a call by a cap or a gap, whatever the place: each place asks for itself afterwards. One inside the
    other: to count a person's attempts costs less than to read one, and most have none, or none that lately."""
    at = asked["at"]
    windows = {1: max((place.gap for place in where if place.gap), default=timedelta())}
    for most, window in {cap for place in where for cap in place.caps}:
        windows[most] = max(window, windows.get(most, window))
    days = [place.day[0] for place in where if place.day and place.one_answer]
    asked["answered"] = min(days, default=None)
    text, longest = "false", timedelta()
    for most in sorted(windows, reverse=True):
        longest = max(longest, windows[most])
        asked |= {f"tried_{most}": at - windows[most], f"reached_{most}": at - longest}
        text = f"""(cardinality(p.attempts) >= {most} AND p.attempts[{most}] > %(reached_{most})s
            AND (p.attempts[{most}] > %(tried_{most})s OR {text}))"""
    return text


def usual(place: Place) -> str:
    """The class of those against whom nothing else stands."""
    if place.stops:
        return classes.OFF
    return classes.CALLABLE if place.is_open else classes.HOURS


def _places_rows(where: Sequence[Place], asked: dict[str, Any]) -> tuple[str, list[str]]:
    """The places as rows, and the expressions of a person's caps there."""
    columns: Columns = {
        "city": ("bigint", [place.city.pk for place in where]),
        "kind": ("int", segment_terms.kinds(where)),
        "is_stopped": ("boolean", [bool(place.stops) for place in where]),
        "is_open": ("boolean", [place.is_open for place in where]),
        "usual": ("text", [usual(place) for place in where]),
        "day_start": ("timestamptz", [place.day and place.day[0] for place in where]),
        "day_end": ("timestamptz", [place.day and place.day[1] for place in where]),
        "need_consent": ("boolean", [place.need_consent for place in where]),
        "one_answer": ("boolean", [place.one_answer for place in where]),
        "gap": ("interval", [place.gap for place in where]),
    }
    rows, reached = unnested("z", columns, [place.caps for place in where], asked)
    return f"SELECT * FROM {rows}", reached
