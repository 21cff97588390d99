"""The rules of the bound packs put together: of each kind the strictest, for one city, campaign and product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from core import kept
from core.calendar import business_date
from customers.models import ContactRule
from customers.rule_values import minutes_of
from customers.services.packs import rules_in_force

BLOCK, WARN, LOG = ContactRule.Severity.BLOCK, ContactRule.Severity.WARN, ContactRule.Severity.LOG
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
    register_days: int | None = None
    simulator_only: bool = False
    packs: tuple[str, ...] = ()
    warn: ContactRules | None = None
    log: ContactRules | None = None

    @property
    def gap(self) -> timedelta:
        return timedelta(minutes=self.gap_minutes)

    def callable_from(self, attempts: list[datetime]) -> datetime | None:
        """Earliest next attempt after `attempts` (newest first) by gap and caps; None when nothing stands against it."""
        free = [attempts[cap.most - 1] + cap.window for cap in self.caps if len(attempts) >= cap.most]
        if attempts and self.gap_minutes:
            free.append(attempts[0] + self.gap)
        return max(free, default=None)


def rules_for(
    *,
    pack_ids: Iterable[int],
    on: date,
    city_id: int | None = None,
    campaign_id: int | None = None,
    product_id: int | None = None,
    segment_ids: Iterable[int] | None = None,
) -> ContactRules:
    """The rules of these packs (of the default pack when there are none) on a day, for that city, campaign, product and a person of these
    segments; strictest wins."""
    rows = rules_in_force(pack_ids=list(pack_ids), on=on)
    return combine(rows, city_id=city_id, campaign_id=campaign_id, product_id=product_id, segment_ids=segment_ids)


def rules_of(
    campaign: CampaignLike, *, at: datetime, city_id: int | None = None, segment_ids: Iterable[int] | None = None
) -> ContactRules:
    """rules_for() of a campaign's own packs, id and product."""
    return _of_campaign(campaign, business_date(at), city_id, tuple(sorted(segment_ids or ())))


@kept.by("rules", "campaigns")
def _of_campaign(campaign: CampaignLike, on: date, city_id: int | None, segment_ids: tuple[int, ...]) -> ContactRules:
    packs = list(campaign.packs.values_list("pk", flat=True))
    return rules_for(
        pack_ids=packs, on=on, city_id=city_id, campaign_id=campaign.pk, product_id=campaign.product_id,
        segment_ids=segment_ids,
    )  # fmt: skip


def combine(
    rows: Iterable[ContactRule],
    *,
    city_id: int | None = None,
    campaign_id: int | None = None,
    product_id: int | None = None,
    segment_ids: Iterable[int] | None = None,
) -> ContactRules:
    """One answer from many rule rows; rows of another city, campaign or product, or of other segments, do not count."""
    counting = fitting(rows, city_id=city_id, campaign_id=campaign_id, product_id=product_id, segment_ids=segment_ids)
    by_severity: dict[str, list[ContactRule]] = defaultdict(list)
    for row in counting:
        by_severity[row.severity].append(row)
    block = strictest(by_severity[BLOCK])
    # hours of a segment narrow those of everybody, and open nothing where nobody set those
    has_hours = any(row.key == ContactRule.Key.HOURS and not row.segment_id for row in by_severity[BLOCK])
    return replace(
        block,
        hours=block.hours if has_hours else {},
        simulator_only=any(row.pack.simulator_only for row in counting),
        packs=tuple(sorted({row.pack.code for row in counting})),
        warn=strictest(by_severity[WARN]) if by_severity[WARN] else None,
        log=strictest(by_severity[LOG]) if by_severity[LOG] else None,
    )


def fitting(
    rows: Iterable[ContactRule],
    *,
    city_id: int | None,
    campaign_id: int | None,
    product_id: int | None,
    segment_ids: Iterable[int] | None = None,
) -> list[ContactRule]:
    """The rules that count there: of everybody, or of that city, campaign, product or one of the person's segments."""
    segments = {None, *(segment_ids or ())}
    return [
        row
        for row in rows
        if row.city_id in (None, city_id)
        and row.campaign_id in (None, campaign_id)
        and row.product_id in (None, product_id)
        and row.segment_id in segments
    ]


def strictest(rows: list[ContactRule]) -> ContactRules:
    """Rows of one severity put together."""
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
        register_days=min((value["days"] for value in values["register_age"]), default=None),
    )


def _common_hours(rows: list[ContactRule]) -> dict[int, tuple[Span, ...]]:
    """Rows of one pack and scope add up (10 to 13 and 14 to 20); packs and scopes narrow one another."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row.pack_id, row.city_id, row.campaign_id, row.product_id, row.segment_id].append(row.value)
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
