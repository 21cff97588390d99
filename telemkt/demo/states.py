"""What the demo's agents did for how long: blocks for past days, today by the call, and where each is now."""

from __future__ import annotations

from datetime import datetime

from telemkt.demo.store import run

PAST = """
WITH days AS (
    SELECT agent_id, team_id, date_trunc('day', started_at AT TIME ZONE %(zone)s) AS day, min(started_at) AS first,
        max(started_at + make_interval(secs => ring_seconds + talk_seconds + after_call_seconds)) AS last,
        sum(talk_seconds) AS talk, sum(after_call_seconds) AS after
    FROM campaigns_call WHERE started_at < %(today)s GROUP BY 1, 2, 3),
blocks AS (
    SELECT agent_id, team_id, first, talk, after,
        greatest(extract(epoch FROM last - first) - talk - after - 4500, 0) AS waiting, 4500 AS away FROM days)
INSERT INTO campaigns_agentstate (agent_id, team_id, state, reason, began_at, ended_at)
SELECT agent_id, team_id, state, CASE state WHEN 'away' THEN 'meal' ELSE '' END, first + make_interval(secs => before), first + make_interval(secs => before + length)
FROM blocks CROSS JOIN LATERAL (VALUES
    ('talking', 0::float8, talk::float8), ('after_call', talk, after), ('waiting', talk + after, waiting), ('away', talk + after + waiting, away)) s (state, before, length)
"""
TODAY = """
WITH calls AS (
    SELECT agent_id, team_id, campaign_id, started_at, started_at + make_interval(secs => ring_seconds) AS answered,
        started_at + make_interval(secs => ring_seconds + talk_seconds) AS hung,
        started_at + make_interval(secs => ring_seconds + talk_seconds + after_call_seconds) AS done,
        lead(started_at) OVER (PARTITION BY agent_id ORDER BY started_at) AS next_at
    FROM campaigns_call WHERE started_at >= %(today)s)
INSERT INTO campaigns_agentstate (agent_id, team_id, campaign_id, state, reason, began_at, ended_at)
SELECT agent_id, team_id, campaign_id, state, '', began, least(ended, %(now)s) FROM calls CROSS JOIN LATERAL (VALUES
    ('dialling', started_at, answered), ('talking', answered, hung), ('after_call', hung, done), ('waiting', done, next_at)) s (state, began, ended)
WHERE ended > began AND began < %(now)s
"""


def make_states(*, today_begins: datetime, now: datetime, zone: str) -> None:
    """The log of agent states up to now. Nobody is left signed in: who is on the floor is told by those who work."""
    params = {"zone": zone, "today": today_begins, "now": now}
    run(PAST, params)
    run(TODAY, params)
