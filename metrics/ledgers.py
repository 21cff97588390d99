"""Measures from ledgers that no rollup holds: leads, costs, opportunities handed over."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from uuid import uuid4

from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.utils.translation import gettext_lazy as _

from campaigns.rules import can_read_opportunities
from core.calendar import day_bounds, days, month_start, next_month
from metrics.columns import Level
from metrics.models import DayFigures
from metrics.questions import Period, Question
from metrics.registry import Measure, Rows, register_source

Key = tuple[int | None, ...]
Answers = Mapping[tuple[int, Key], Mapping[str, int]]
Place = tuple[int | None, int | None]  # city, campaign


def asks_for_more(question: Question) -> bool:
    """Whether team or agent are asked about, which a lead and a cost do not have, or nothing of any city may be seen."""
    named = {*question.by, *question.filters}
    sees_places = question.reach.everything or bool(question.reach.cities)
    return not named <= {"city", "campaign"} or not sees_places


def key_of(question: Question, place: Place) -> Key | None:
    """The group of a row of this city and campaign; None when it is filtered out, not to be seen, or lacks what is grouped by."""
    known = dict(zip(("city", "campaign"), place, strict=True))
    if not question.reach.everything and known["city"] not in question.reach.cities:
        return None
    if any(known[name] not in wanted for name, wanted in question.filters.items()):
        return None
    key = tuple(known[name] for name in question.by)
    return None if None in key else key


class LeadCohorts:
    """Leads by the day they were made. A lead keeps no date of its first call, so what became of it is told as it stands now."""

    name = "lead_cohorts"
    makes_rows = False
    absent = 0
    measures = (
        Measure("leads_made", _("Leads made")),
        Measure("leads_called", _("Leads of these that were called")),
    )

    def read(self, question: Question) -> Answers:
        if asks_for_more(question):
            return {}
        found: dict[tuple[int, Key], Counter[str]] = {}
        firsts = [period.first for period in question.periods]
        cohorts = _cohorts()
        for day in days(question.first, question.last):
            for (city, campaign), (made, called) in cohorts.get(day, {}).items():
                key = key_of(question, (city, campaign))
                if key is not None:
                    number = bisect_right(firsts, day) - 1
                    found.setdefault((number, key), Counter()).update(leads_made=made, leads_called=called)
        return found


COHORTS = """
SELECT (created_at AT TIME ZONE %s)::date, city_id, campaign_id, count(*), count(*) FILTER (WHERE attempts_made > 0)
FROM campaigns_lead GROUP BY 1, 2, 3"""
Cohorts = dict[date, dict[tuple[int, int], tuple[int, int]]]
COUNTED, FRESH = "metrics.lead_cohorts", "metrics.lead_cohorts.fresh"
FRESH_SECONDS, KEEP_SECONDS = 900, 3600
_unpacked: tuple[str, Cohorts] = "", {}  # of this process: a table asks once for each of its periods


def _cohorts() -> Cohorts:
    """{day: {(city, campaign): (leads made, of these called)}}, as the rollup has counted them; counted here only where it has not."""
    global _unpacked
    counted = caches["shared"].get(COUNTED)
    if counted is None or counted != _unpacked[0]:
        found = caches["shared"].get(f"{COUNTED}:{counted}") if counted else None
        _unpacked = (counted, found) if found is not None else _count_cohorts()
    return _unpacked[1]


def renew_cohorts() -> None:
    """Count the leads again when the last time was a quarter of an hour ago. All of them are read: work for a job, not for a page."""
    if caches["shared"].add(FRESH, True, FRESH_SECONDS):
        _count_cohorts()


def _count_cohorts() -> tuple[str, Cohorts]:
    with connections[settings.REPORTS_DATABASE].cursor() as cursor:
        cursor.execute(COHORTS, [settings.TIME_ZONE])
        found: Cohorts = {}
        for day, city, campaign, made, called in cursor.fetchall():
            found.setdefault(day, {})[city, campaign] = (made, called)
    name = uuid4().hex
    caches["shared"].set(f"{COUNTED}:{name}", found, KEEP_SECONDS)
    caches["shared"].set(COUNTED, name, KEEP_SECONDS)
    return name, found


class Costs:
    """Costs entered for a month, laid evenly on its days. What names no city or no campaign is shared among those of its month by the key
    that was stated with it; without a key it is in the whole only."""

    name = "costs"
    makes_rows = False
    absent = None  # nothing entered is not nothing spent
    measures = (Measure("cost_cents", _("Costs, cents")),)

    def read(self, question: Question) -> Answers:
        if asks_for_more(question):
            return {}
        borne: dict[tuple[date, Key], Fraction] = {}
        for month, key, cents in _borne(question):
            borne[month, key] = borne.get((month, key), Fraction()) + cents
        sums: dict[tuple[int, Key], Fraction] = {}
        for (month, key), cents in borne.items():
            for number, share in _shares(question, month):
                sums[number, key] = sums.get((number, key), Fraction()) + cents * share
        return {cell: {"cost_cents": round(cents)} for cell, cents in sums.items()}


def _borne(question: Question) -> Iterator[tuple[date, Key, Fraction]]:
    """(month, the group that bears it, cents). Where nobody did any of what a key counts, the cost stays whole."""
    costs = _costs(question.first, question.last)
    work = _work(question) if any(spread for _month, _place, spread, _cents in costs) else {}
    for month, place, spread, cents in costs:
        by_key = work.get((month, spread), {}).get(place, {})
        whole = sum(by_key.values())
        own = key_of(question, place)
        if whole:
            yield from ((month, key, Fraction(cents * n, whole)) for key, n in by_key.items() if key is not None)
        elif own is not None:
            yield month, own, Fraction(cents)


def _shares(question: Question, month: date) -> Iterator[tuple[int, Fraction]]:
    """(number of the period, the part of the month's days that lies in it)."""
    end = next_month(month) - timedelta(days=1)
    for number, period in enumerate(question.periods):
        inside = _days_inside(period, month, end)
        if inside > 0:
            yield number, Fraction(inside, end.day)


def _days_inside(period: Period, first: date, last: date) -> int:
    return (min(period.last, last) - max(period.first, first)).days + 1


COSTS = """
SELECT month, city_id, campaign_id, spread, sum(amount_cents)::bigint FROM campaigns_cost
WHERE month BETWEEN %s AND %s AND taken_back_at IS NULL GROUP BY 1, 2, 3, 4"""
# The keys of Cost.Spread, each out of the rollup.
WORK = f"""
SELECT date_trunc('month', day)::date, city_id, campaign_id, sum(calls)::bigint, sum(talk_seconds + inbound_talk_seconds)::bigint, sum(orders)::bigint
FROM {DayFigures._meta.db_table} WHERE level = {Level.CITY_CAMPAIGN} AND day BETWEEN %s AND %s GROUP BY 1, 2, 3"""
KEYS = ("calls", "talk_seconds", "orders")
# {(month, key): {what a cost names: {group of those it leaves open, None where they are not asked about: how much was done}}}
Work = dict[tuple[date, str], dict[Place, Counter[Key | None]]]


def _costs(first: date, last: date) -> list[tuple[date, Place, str, int]]:
    with connections[settings.REPORTS_DATABASE].cursor() as cursor:
        cursor.execute(COSTS, [month_start(first), last])
        return [(month, (city, campaign), spread, cents) for month, city, campaign, spread, cents in cursor.fetchall()]


def _work(question: Question) -> Work:
    """Of whole months."""
    found: Work = {}
    with connections[settings.REPORTS_DATABASE].cursor() as cursor:
        cursor.execute(WORK, [month_start(question.first), next_month(question.last) - timedelta(days=1)])
        for month, city, campaign, *done in cursor.fetchall():
            group = key_of(question, (city, campaign))
            for key, n in zip(KEYS, done, strict=True):
                named = found.setdefault((month, key), {})
                for place in ((None, None), (city, None), (None, campaign)):
                    named.setdefault(place, Counter())[group] += n
    return found


def _rows(**state: str) -> Rows:
    return Rows("campaigns:opportunities", state, can_read_opportunities)


class Opportunities:
    """Opportunities by the day they were handed over; team and campaign are those of the call they came from."""

    name = "opportunities"
    makes_rows = False
    absent = 0
    measures = (
        Measure("opportunities_handed", _("Opportunities handed over"), rows=_rows()),
        Measure("opportunities_won", _("Opportunities of these that were won"), rows=_rows(state="won")),
        Measure("opportunities_closed", _("Opportunities of these that were closed")),
        Measure("opportunities_well_prepared", _("Opportunities of these that were well prepared")),
        Measure("opportunity_days", _("Days from the hand-over to the end")),
        Measure("opportunity_cents", _("Amount of the opportunities won, cents")),
    )

    def read(self, question: Question) -> Answers:
        names = [measure.key for measure in self.measures]
        keys = [f"f.{name}" for name in question.key_columns]
        seen, params = question.condition("f.")
        numbers, firsts, lasts = zip(*((n, one.first, one.last) for n, one in enumerate(question.periods)), strict=True)
        with connections[settings.REPORTS_DATABASE].cursor() as cursor:
            cursor.execute(
                OPPORTUNITIES.format(keys="".join(f", {key}" for key in keys), seen=seen),
                [
                    settings.TIME_ZONE,
                    day_bounds(question.first)[0],
                    day_bounds(question.last)[1],
                    list(numbers),
                    list(firsts),
                    list(lasts),
                    *params,
                ],
            )
            rows = cursor.fetchall()
        return {
            (number, tuple(row[: len(keys)])): dict(zip(names, row[len(keys) :], strict=True)) for number, *row in rows
        }


OPPORTUNITIES = """
SELECT p.number{keys}, count(*), count(*) FILTER (WHERE f.state = 'won'), count(*) FILTER (WHERE f.state <> 'open'),
    count(*) FILTER (WHERE f.quality = 'good'), coalesce(sum(f.ended - f.day), 0)::bigint, coalesce(sum(f.amount_cents), 0)::bigint
FROM (SELECT o.city_id, o.agent_id, o.state, o.quality, o.amount_cents, coalesce(o.team_id, c.team_id) AS team_id,
          coalesce(o.campaign_id, c.campaign_id) AS campaign_id, (o.handed_at AT TIME ZONE t.zone)::date AS day,
          (o.closed_at AT TIME ZONE t.zone)::date AS ended
      FROM (SELECT %s AS zone) t CROSS JOIN campaigns_opportunity o
      LEFT JOIN campaigns_call c ON c.id = o.call_id AND c.started_at = o.call_started_at
      WHERE o.handed_at >= %s AND o.handed_at < %s) f
JOIN unnest(%s::int[], %s::date[], %s::date[]) p(number, first, last) ON f.day BETWEEN p.first AND p.last
WHERE {seen} GROUP BY p.number{keys}"""

for _source in (LeadCohorts(), Costs(), Opportunities()):
    register_source(_source)
