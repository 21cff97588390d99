"""Reads of data requests: who fits and who of them could be called, and what became of the leads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Count, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from campaigns import samples
from campaigns.models import Campaign, DataRequest, Lead, ListSample
from customers.conditions import matching, parse
from customers.models import Customer, LeadList, RowVerdict, Suppression
from people.models import Team, User


def lot(seed: int) -> Func:
    """A customer's lot, as samples of lists draw them: anybody can draw it again."""
    return Func(
        Cast(Value(seed), BigIntegerField()), F("pk"), function="campaigns_draw", output_field=BigIntegerField()
    )


def callable_of(rows: QuerySet[Customer], campaign: Campaign, at: datetime) -> QuerySet[Customer]:
    """Of these customers those who could become leads of the campaign: not suppressed, in its city, not there already, and not among
    those who wait for the sample of their list, nor known only by lists that were stopped after theirs."""
    own = Q(campaign_id=None) | Q(campaign_id=campaign.pk)
    product = Q(product_id=None) | Q(product_id=campaign.product_id)
    against = Suppression.objects.in_force(at).filter(own, product, customer=OuterRef("pk"))
    there = Lead.objects.filter(campaign=campaign, customer=OuterRef("pk"))
    rows = rows.filter(~Exists(against), ~Exists(there), is_suppressed=False, merged_into=None)
    if campaign.city_id:
        rows = rows.filter(city=campaign.city_id)
    return _without_waiting(rows, campaign)


def _without_waiting(rows: QuerySet[Customer], campaign: Campaign) -> QuerySet[Customer]:
    holding = samples_that_hold(campaign)
    stopped = set(
        holding.filter(state=ListSample.State.STOPPED).values_list("allocation__lead_list__source_id", flat=True)
    )
    if holding.filter(state=ListSample.State.TRIED).exists():
        rows = rows.exclude(_among(samples.REST.format(state="tried"), campaign))
    if stopped:
        alone = Q(source__in=stopped) & ~Exists(_of_others(stopped)) & ~_among(samples.VOUCHED_BY_MERGED, campaign)
        rows = rows.filter(~(_among(samples.REST.format(state="stopped"), campaign) & alone))
    return rows


def _among(ids: str, campaign: Campaign) -> Q:
    return Q(pk__in=RawSQL(ids % {"campaign": int(campaign.pk)}, []))


def _of_others(sources: Collection[int]) -> QuerySet[RowVerdict]:
    """Rows of committed lists of other sources that found the customer known."""
    return RowVerdict.objects.filter(
        customer_id=OuterRef("pk"), verdict__in=["update", "unchanged"], lead_list__status=LeadList.Status.COMMITTED
    ).exclude(lead_list__source__in=sources)


def samples_that_hold(campaign: Campaign) -> QuerySet[ListSample]:
    """Samples of lists of this campaign of which the rest may not be called."""
    return ListSample.objects.filter(allocation__campaign=campaign).exclude(state=ListSample.State.RELEASED)


def fitting(request: DataRequest, at: datetime) -> QuerySet[Customer]:
    """Customers that meet the conditions of a request and could be called, in its city or the region."""
    rows = matching(parse(request.conditions, user=None), at=at, city_id=request.city_id)
    return callable_of(rows, request.campaign, at)


# ---------------------------------------------------------------- what became of them


@dataclass(frozen=True)
class Use:
    """Customers, not calls: a customer called five times is one called. Outbound calls of the leads of the request alone."""

    called: int
    reached: int
    won: int


@dataclass(frozen=True)
class UseOf:
    """The use by a team, or by one of its agents."""

    team: str
    agent: str
    use: Use


@dataclass(frozen=True)
class Record:
    """The record of use. `open` are leads that still may be called, in somebody's hand or waiting."""

    made: int
    open: int
    total: Use
    by_team: list[UseOf]
    by_agent: list[UseOf]


# the customer's index leads to the calls, also of who was merged into the person since; no month before the request is read
USE = """
SELECT c.team_id, c.agent_id, grouping(c.team_id, c.agent_id), count(DISTINCT l.customer_id),
    count(DISTINCT l.customer_id) FILTER (WHERE c.connected), count(DISTINCT l.customer_id) FILTER (WHERE c.sale)
FROM campaigns_lead l
JOIN campaigns_call c ON c.customer_id IN (
    SELECT p.id FROM customers_customer p WHERE p.id = l.customer_id OR p.merged_into_id = l.customer_id)
    AND c.lead_id = l.id AND c.started_at >= %(since)s
WHERE l.data_request_id = %(request)s AND c.direction = 'outbound'
GROUP BY GROUPING SETS ((), (c.team_id), (c.team_id, c.agent_id))
"""
ALL, BY_TEAM, BY_AGENT = 3, 1, 0


def record_of(request: DataRequest) -> Record:
    """What became of the leads of a request, as it stands now."""
    leads = Lead.objects.filter(data_request=request).aggregate(
        made=Count("pk"), open=Count("pk", filter=~Q(state=Lead.State.DONE))
    )
    rows = _use_rows(request) if request.decided_at else []
    teams = _names(Team, {row[0] for row in rows})
    agents = _names(User, {row[1] for row in rows})
    total = next((Use(*row[3:]) for row in rows if row[2] == ALL), Use(0, 0, 0))
    return Record(
        made=leads["made"],
        open=leads["open"],
        total=total,
        by_team=_sorted(UseOf(teams.get(row[0], ""), "", Use(*row[3:])) for row in rows if row[2] == BY_TEAM),
        by_agent=_sorted(
            UseOf(teams.get(row[0], ""), agents.get(row[1], ""), Use(*row[3:])) for row in rows if row[2] == BY_AGENT
        ),
    )


def _use_rows(request: DataRequest) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(USE, {"request": request.pk, "since": request.decided_at})
        return cursor.fetchall()


def _names(model: Any, ids: set[int | None]) -> dict[int, str]:
    return {pk: str(row) for pk, row in model.objects.in_bulk([pk for pk in ids if pk]).items()}


def _sorted(rows: Iterable[UseOf]) -> list[UseOf]:
    return sorted(rows, key=lambda row: (-row.use.called, row.team, row.agent))
