"""How a made-up customer looks: as the customers who came into its city last, whose consents, source and columns it has as well."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from customers.models import Consent, Customer, Source
from people.models import City

NEIGHBOURS = 50
# words and values that so many neighbours have are a list's, not a person's
SHARED = 2
LIKE = ("source_id", "type", "gender", "age", "created_at", "updated_at")


@dataclass
class Look:
    """Columns of the customer, and the columns of each consent."""

    columns: dict[str, Any] = field(default_factory=dict)
    consents: list[dict[str, Any]] = field(default_factory=list)


def look_of(city: City, source: Source | None) -> Look:
    """That of the neighbour who came last. What only one person can have is not copied: the row would be half that person."""
    rows = Customer.objects.filter(city=city, merged_into=None, is_locked=False, canary=None).exclude(name="")
    rows = rows.filter(source=source) if source else rows
    near = list(rows.order_by("-pk").prefetch_related("consents")[:NEIGHBOURS])
    if not near:
        return Look({"source_id": source.pk if source else None, "type": Customer.Type.CONSUMER})
    columns = {name: getattr(near[0], name) for name in LIKE}
    return Look(columns | {"attributes": _attributes(near)}, _consents(near))


def _attributes(near: list[Customer]) -> dict[str, Any]:
    values = Counter(_told(name, value) for row in near for name, value in row.attributes.items())
    return {name: value for name, value in near[0].attributes.items() if values[_told(name, value)] >= SHARED}


def _told(name: str, value: Any) -> str:
    return json.dumps([name, value], sort_keys=True, default=str)


def _consents(near: list[Customer]) -> list[dict[str, Any]]:
    words = Counter(consent.evidence for row in near for consent in row.consents.all())
    return [_like(consent, words) for consent in near[0].consents.all() if consent.withdrawn_at is None]


def _like(consent: Consent, words: Counter[str]) -> dict[str, Any]:
    return {
        "kind": consent.kind, "basis": consent.basis, "stated_by": consent.stated_by, "given_at": consent.given_at,
        "expires_at": consent.expires_at, "evidence": consent.evidence if words[consent.evidence] >= SHARED else "",
    }  # fmt: skip
