"""What hangs on its own day: cancellations by the day they came, agents' time by the day it was worked."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from core.calendar import business_date, day_bounds, days, month_start, next_month
from metrics.columns import Level
from metrics.models import Watermark

CANCELLATIONS = """
INSERT INTO metrics_cancellationday (day, city_id, team_id, agent_id, campaign_id, cancellations, reinstatements)
SELECT %s, o.city_id, o.team_id, o.agent_id, o.campaign_id,
  count(*) FILTER (WHERE e.kind = 'cancelled'), count(*) FILTER (WHERE e.kind = 'reinstated')
FROM campaigns_orderevent e JOIN campaigns_order o ON o.id = e.order_id
WHERE e.occurred_at >= %s AND e.occurred_at < %s AND e.kind IN ('cancelled', 'reinstated')
GROUP BY o.city_id, o.team_id, o.agent_id, o.campaign_id"""

# A stretch over midnight is cut there; an open one counts up to now.
TIME = """
INSERT INTO metrics_agenttime (kind, start, level, city_id, team_id, agent_id, campaign_id,
  signed_in_seconds, handling_seconds, waiting_seconds, away_seconds)
SELECT 'day', %(day)s, {level}, {keys}, sum(seconds), coalesce(sum(seconds) FILTER (WHERE state IN ('talking', 'after_call')), 0),
  coalesce(sum(seconds) FILTER (WHERE state IN ('waiting', 'preview', 'dialling')), 0), coalesce(sum(seconds) FILTER (WHERE state = 'away'), 0)
FROM (SELECT t.city_id, s.team_id, s.agent_id, s.campaign_id, s.state,
        extract(epoch FROM least(coalesce(s.ended_at, %(at)s), %(end)s) - greatest(s.began_at, %(start)s)) AS seconds
      FROM campaigns_agentstate s JOIN people_team t ON t.id = s.team_id
      WHERE s.began_at >= %(early)s AND s.began_at < %(end)s AND coalesce(s.ended_at, %(at)s) > %(start)s) x
WHERE seconds > 0 {where} {group}"""

MONTH = """
INSERT INTO metrics_agenttime (kind, start, level, city_id, team_id, agent_id, campaign_id,
  signed_in_seconds, handling_seconds, waiting_seconds, away_seconds)
SELECT 'month', %s, level, city_id, team_id, agent_id, campaign_id, sum(signed_in_seconds), sum(handling_seconds), sum(waiting_seconds), sum(away_seconds)
FROM metrics_agenttime WHERE kind = 'day' AND start >= %s AND start < %s GROUP BY level, city_id, team_id, agent_id, campaign_id"""

LONGEST_SHIFT = timedelta(hours=24)


def days_with_news(*, since: datetime | None, at: datetime) -> list[date]:
    """Business days that may have changed since: of order events recorded and of agents' states begun or ended."""
    zone = settings.TIME_ZONE
    since = since or datetime(1970, 1, 1, tzinfo=at.tzinfo)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT (occurred_at AT TIME ZONE %s)::date FROM campaigns_orderevent WHERE recorded_at >= %s AND kind <> 'sold'"
            " UNION SELECT DISTINCT (began_at AT TIME ZONE %s)::date FROM campaigns_agentstate WHERE began_at >= %s",
            [zone, since, zone, since - LONGEST_SHIFT],
        )
        found = {row[0] for row in cursor.fetchall()}
    if found:
        found |= set(days(max(business_date(since), max(found)), business_date(at)))
    return sorted(found)


def built_until() -> datetime | None:
    """Until when all activity recorded is in the figures."""
    return Watermark.objects.filter(pk=1).values_list("activity_until", flat=True).first()


def advance(*, until: datetime) -> None:
    """All days with news up to here are built. Never goes back: a rollup that began earlier may end later."""
    Watermark.objects.filter(pk=1).update(activity_until=Greatest("activity_until", Value(until)))


@transaction.atomic
def build_activity(*, day: date, at: datetime) -> None:
    """Replace what hangs on this day by itself."""
    start, end = day_bounds(day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('metrics.activity'))")
        cursor.execute("DELETE FROM metrics_cancellationday WHERE day = %s", [day])
        cursor.execute(CANCELLATIONS, [day, start, end])
        cursor.execute("DELETE FROM metrics_agenttime WHERE kind = 'day' AND start = %s", [day])
        for level, names in Level.OF.items():
            cursor.execute(
                _time_sql(level, names),
                {"day": day, "start": start, "end": end, "early": start - LONGEST_SHIFT, "at": at},
            )


def _time_sql(level: int, names: tuple[str, ...]) -> str:
    keys = ", ".join(
        name if name in names else f"NULL::bigint AS {name}"
        for name in ("city_id", "team_id", "agent_id", "campaign_id")
    )
    where = " AND campaign_id IS NOT NULL" if "campaign_id" in names else ""
    if level in (Level.CITY, Level.CITY_CAMPAIGN):
        where += " AND city_id IS NOT NULL"
    group = "GROUP BY " + ", ".join(names) if names else "HAVING count(*) > 0"
    return TIME.format(level=level, keys=keys, where=where, group=group)


@transaction.atomic
def build_month(*, day: date) -> None:
    """Add up the days of the month of `day`."""
    first = month_start(day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('metrics.activity'))")
        cursor.execute("DELETE FROM metrics_agenttime WHERE kind = 'month' AND start = %s", [first])
        cursor.execute(MONTH, [first, first, next_month(first)])
