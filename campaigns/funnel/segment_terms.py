"""What the rules of segments say of a call now: once for each set of segments that somebody carries and each kind of place, so that of a lead
nothing is left but to compare the person's own attempts. campaigns_segment_rules() says the same of one person at a time, for claim and dial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.funnel.places import Place
from campaigns.funnel.unnested import Columns, unnested
from core.calendar import business_date, midnight
from customers.models import ContactRule
from customers.services.calling_hours import next_allowed
from customers.services.combined_rules import ContactRules, fitting, strictest

# From one set to the next by the index, however many persons carry each. A mark that is set in this very moment is seen by the next count.
CARRIED = """
WITH RECURSIVE carried AS (
    (SELECT rule_segments AS ids FROM customers_customer WHERE rule_segments IS NOT NULL ORDER BY rule_segments LIMIT 1)
    UNION ALL
    SELECT (SELECT p.rule_segments FROM customers_customer p WHERE p.rule_segments > c.ids ORDER BY p.rule_segments LIMIT 1)
    FROM carried c WHERE c.ids IS NOT NULL)
SELECT ids FROM carried WHERE ids && %s::bigint[]"""
# Hours that are never open are looked at again a week after this day began: the same moment for all counts of a day.
WEEK = timedelta(days=7)
Kind = tuple[str | None, frozenset[int]]


@dataclass(frozen=True)
class Terms:
    """Of who carries `segments` (as the row has them), in places of a kind. `closed`: when the next calling hour begins that all of them allow;
    None in such an hour."""

    kind: int
    segments: tuple[int, ...]
    rules: ContactRules
    closed: datetime | None

    @property
    def caps(self) -> list[tuple[int, timedelta]]:
        return [(cap.most, cap.window) for cap in self.rules.caps]


def kinds(where: Sequence[Place]) -> list[int]:
    """The kind of each place: those of one zone where the same rules of segments hold are of one."""
    found: dict[Kind, int] = {}
    return [found.setdefault(_kind(place), len(found)) for place in where]


def _kind(place: Place) -> Kind:
    return place.zone, frozenset(row.pk for row in _holding(place) if row.city_id)


def _holding(place: Place) -> list[ContactRule]:
    """The rules of segments there, not those for everybody, which the place says itself."""
    rows = (row for row in place.rows if row.segment_id and row.severity == ContactRule.Severity.BLOCK)
    return fitting(
        rows, city_id=place.city.pk, campaign_id=place.campaign.pk, product_id=place.campaign.product_id, segment_ids=place.segments
    )  # fmt: skip


def terms(where: Sequence[Place], at: datetime) -> list[Terms]:
    """Those of one campaign in these places; empty when nobody carries a segment that has rules there."""
    rules_of = {kind: _holding(place) for kind, place in zip(kinds(where), where, strict=True)}
    zone_of = dict(zip(kinds(where), (place.zone for place in where), strict=True))
    segments = {row.segment_id for rows in rules_of.values() for row in rows}
    if not segments:
        return []
    with connection.cursor() as cursor:
        cursor.execute(CARRIED, [sorted(segments)])
        carried = [tuple(ids) for (ids,) in cursor.fetchall()]
    return [row for kind, rows in rules_of.items() for row in _of_kind(kind, zone_of[kind], rows, carried, at)]


def _of_kind(
    kind: int, zone: str | None, rows: list[ContactRule], carried: list[tuple[int, ...]], at: datetime
) -> Iterator[Terms]:
    known: dict[frozenset[int], tuple[ContactRules, datetime | None]] = {}
    bound = {row.segment_id for row in rows}
    for ids in carried:
        ours = frozenset(bound.intersection(ids))
        if ours not in known:
            rules = strictest([row for row in rows if row.segment_id in ours])
            known[ours] = rules, _closed(zone, rules, at)
        yield Terms(kind, ids, *known[ours])


def _closed(zone: str | None, rules: ContactRules, at: datetime) -> datetime | None:
    if not rules.hours:
        return None
    opens = next_allowed(zone, rules, at)
    return None if opens == at else opens or midnight(business_date(at)) + WEEK


# ---------------------------------------------------------------- within the statement of the funnel

NONE = "CROSS JOIN (SELECT false AS need_consent, false AS one_answer, NULL::interval AS gap, NULL::timestamptz AS closed) g"


def joined(rows: Sequence[Terms], asked: dict[str, Any]) -> tuple[str, list[str]]:
    """The terms joined as `g` to a lead's place `z` and person `p`; and the expressions of their caps, each with columns of its own."""
    if not rows:
        return NONE, []
    columns: Columns = {
        "kind": ("int", [row.kind for row in rows]),
        # arrays of unlike length make no array
        "carried": ("text", [f"{{{','.join(map(str, row.segments))}}}" for row in rows]),
        "need_consent": ("boolean", [row.rules.consent_needed for row in rows]),
        "one_answer": ("boolean", [row.rules.answered_per_day is not None for row in rows]),
        "gap": ("interval", [row.rules.gap or None for row in rows]),
        "closed": ("timestamptz", [row.closed for row in rows]),
    }
    of_terms, reached = unnested("g", columns, [row.caps for row in rows], asked)
    join = f"""LEFT JOIN (SELECT g.*, g.carried::bigint[] AS segments FROM {of_terms}) g
    ON g.kind = z.kind AND g.segments = p.rule_segments"""
    return join, reached
