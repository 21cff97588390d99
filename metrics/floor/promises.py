"""Callbacks of today: kept, due, and in danger because whoever promised is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from core.calendar import day_bounds

SOON = timedelta(minutes=15)
HOUR = timedelta(hours=1)
NAMED = 3


@dataclass(frozen=True)
class Promises:
    """Promised for today until now (`due`) and called in time (`kept`); `coming` in the next hour; `at_risk`: due within a quarter of
    an hour or passed, and the agent is away or not signed in; `risky`: (agent, due) of the first of these."""

    due: int
    kept: int
    coming: int
    at_risk: int
    risky: list[tuple[int, datetime]]


# A promise counts for the teams whose agent made it; one pass over those of the day.
PROMISES = """
WITH mine AS MATERIALIZED (
  SELECT c.id, c.agent_id, c.due_at, c.state FROM campaigns_callback c{lead}
  WHERE c.due_at >= %(start)s AND c.due_at <= %(until)s AND c.due_at < %(end)s AND c.state <> 'dropped'{campaign} AND c.agent_id IN (
    SELECT user_id FROM people_membership
    WHERE role = 'agent' AND team_id = ANY(%(teams)s) AND valid_from <= %(day)s AND (valid_to IS NULL OR valid_to > %(day)s))),
risky AS (
  SELECT m.agent_id, m.due_at, count(*) OVER () AS found FROM mine m
  WHERE m.state = 'promised' AND m.due_at <= %(soon)s AND NOT EXISTS (
    SELECT FROM campaigns_agentstate s WHERE s.agent_id = m.agent_id AND s.ended_at IS NULL AND s.state <> 'away')
  ORDER BY m.due_at, m.id LIMIT %(named)s)
SELECT count(*) FILTER (WHERE due_at <= %(at)s), count(*) FILTER (WHERE due_at <= %(at)s AND state = 'kept'),
  count(*) FILTER (WHERE due_at > %(at)s AND state = 'promised'), NULL::bigint, NULL::timestamptz, NULL::bigint FROM mine
UNION ALL (SELECT 0, 0, 0, agent_id, due_at, found FROM risky ORDER BY due_at)"""


def read_promises(*, teams: Sequence[int], day: date, at: datetime, campaign_id: int | None = None) -> Promises:
    """Promises of the agents of these teams."""
    start, end = day_bounds(day)
    of_campaign = {"lead": "", "campaign": ""}
    if campaign_id is not None:
        lead, campaign = " JOIN campaigns_lead l ON l.id = c.lead_id", " AND l.campaign_id = %(campaign)s"
        of_campaign = {"lead": lead, "campaign": campaign}
    params = {
        "start": start, "end": end, "until": at + HOUR, "soon": at + SOON, "at": at, "day": day, "teams": list(teams),
        "campaign": campaign_id, "named": NAMED,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PROMISES.format(**of_campaign), params)
        (due, kept, coming, *_none), *risky = cursor.fetchall()
    return Promises(
        due, kept, coming, risky[0][-1] if risky else 0, [(agent, due_at) for *_n, agent, due_at, _all in risky]
    )
