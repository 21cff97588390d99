"""What likeness learns from: persons whose lead has ended after they were reached, with what was known of them before the first call.

Nothing that a call recorded is read: no result, no duration, no attempt. What was changed after the first call may know its result
already, so persons changed since are left out, and tags set since do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from campaigns.models import Campaign, LikenessModel, ProtectedAttribute
from core.calendar import region_zone

# the newest of these are enough for weights, and few enough for a minute's work
MOST_ROWS = 200_000

# One row per customer and campaign, by the calls alone; a lead that is still open has not been decided.
FINISHED = """
SELECT c.id, c.city_id, c.source_id, c.type, c.gender, c.age, c.attributes, d.bought,
    (d.decided_at AT TIME ZONE %(zone)s)::date, d.first_at, c.created_at > d.first_at,
    c.updated_at > c.created_at AND c.updated_at > d.first_at
FROM (
    SELECT k.customer_id, k.campaign_id, min(k.started_at) AS first_at, bool_or(k.sale) AS bought,
        coalesce(min(k.started_at) FILTER (WHERE k.sale), max(k.started_at) FILTER (WHERE k.connected)) AS decided_at
    FROM campaigns_call k
    WHERE k.campaign_id = ANY (%(campaigns)s) AND (%(city)s::bigint IS NULL OR k.city_id = %(city)s) AND k.direction = 'outbound'
    GROUP BY 1, 2 HAVING bool_or(k.connected)
) d
JOIN customers_customer c ON c.id = d.customer_id
WHERE NOT EXISTS (
    SELECT FROM campaigns_lead l WHERE l.campaign_id = d.campaign_id AND l.customer_id = d.customer_id AND l.state <> 'done')
ORDER BY d.decided_at DESC LIMIT %(most)s
"""
TAGS = """
SELECT t.customer_id, g.name, t.set_at FROM customers_customertag t JOIN customers_tag g ON g.id = t.tag_id WHERE t.customer_id = ANY (%s)
"""
KNOWN = """
SELECT c.id, c.city_id, c.source_id, c.type, c.gender, c.age, c.attributes FROM customers_customer c WHERE c.id = ANY (%s)
"""

ATTRIBUTE = "attribute:"
TAG = "tag:"


@dataclass(frozen=True)
class Finished:
    """Rows to learn from, oldest decision last; `changed` were left out, `entered_later` are among the rows."""

    people: list[dict[str, Any]]
    bought: list[bool]
    days: list[date]
    changed: int
    entered_later: int


def protected_names() -> list[str]:
    return sorted(ProtectedAttribute.objects.values_list("name", flat=True))


def folded(name: str) -> str:
    return name.strip().casefold()


def is_protected(feature: str, protected: Iterable[str]) -> bool:
    """Whether a feature is, or stems from, one of these: "gender" keeps out both the customer's gender and a list's column of that name."""
    names = {folded(name) for name in protected}
    bare = feature.removeprefix(ATTRIBUTE).removeprefix(TAG)
    return folded(bare) in names or (feature.startswith(TAG) and "tags" in names)


def finished_leads(*, campaign: Campaign, scope: str, protected: Iterable[str]) -> Finished:
    """Of the campaign, or of all campaigns of its product; in its city, when it has one."""
    campaigns = [campaign.pk]
    if scope == LikenessModel.Scope.PRODUCT:
        campaigns = list(Campaign.objects.filter(product=campaign.product_id).values_list("pk", flat=True))
    asked = {"campaigns": campaigns, "city": campaign.city_id, "zone": str(region_zone()), "most": MOST_ROWS}
    with connection.cursor() as cursor:
        cursor.execute(FINISHED, asked)
        rows = cursor.fetchall()
    usable = [row for row in rows if not row[11]]
    tags = _tags([row[0] for row in usable])
    protected = list(protected)
    people = [
        _person(row[1:7], [name for name, set_at in tags.get(row[0], []) if set_at < row[9]], protected)
        for row in usable
    ]
    return Finished(
        people=people,
        bought=[row[7] for row in usable],
        days=[row[8] for row in usable],
        changed=len(rows) - len(usable),
        entered_later=sum(row[10] for row in usable),
    )


def known_of(customer_ids: list[int], protected: Iterable[str]) -> dict[int, dict[str, Any]]:
    """What is known of these customers now, before they are called."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [customer_ids])
        rows = cursor.fetchall()
    tags = _tags(customer_ids)
    protected = list(protected)
    return {row[0]: _person(row[1:], [name for name, _at in tags.get(row[0], [])], protected) for row in rows}


def _tags(customer_ids: list[int]) -> dict[int, list[tuple[str, Any]]]:
    found: dict[int, list[tuple[str, Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(TAGS, [customer_ids])
        for customer_id, name, set_at in cursor.fetchall():
            found.setdefault(customer_id, []).append((name, set_at))
    return found


def _person(facts: tuple[Any, ...], tags: Iterable[str], protected: list[str]) -> dict[str, Any]:
    city, source, kind, gender, age, attributes = facts
    person = {"city": city, "source": source, "type": kind, "gender": gender, "age": age}
    person |= {ATTRIBUTE + name: value for name, value in json.loads(attributes or "{}").items()}
    person |= {TAG + name: "yes" for name in tags}
    return {name: value for name, value in person.items() if not is_protected(name, protected)}
