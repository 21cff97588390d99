"""What agents made of their promises in the last days, and what they put away undialled: read from the calls of the demo."""

from __future__ import annotations

from datetime import datetime, timedelta

from telemkt.demo.store import run

DAYS = timedelta(days=5)

# The call after one that ended with a promise kept it: mostly in time, here and there an hour late.
KEPT = """
WITH told AS (
    SELECT k.lead_id, k.agent_id, k.id, k.started_at, d.code, lead(k.started_at) OVER (PARTITION BY k.lead_id ORDER BY k.started_at) AS called_at
    FROM campaigns_call k JOIN campaigns_disposition d ON d.id = k.disposition_id WHERE k.started_at >= %(since)s AND k.lead_id IS NOT NULL),
made AS (
    SELECT *, id %% 9 = 0 AS is_late, called_at - make_interval(mins => (CASE WHEN id %% 9 = 0 THEN 40 + id %% 50 ELSE id %% 25 END)::int) AS due_at
    FROM told WHERE code = 'callback' AND called_at IS NOT NULL)
INSERT INTO campaigns_callback (lead_id, agent_id, due_at, note, state, call_id, call_started_at, kept_at, created_at)
SELECT lead_id, agent_id, due_at, '', CASE WHEN is_late THEN 'late' ELSE 'kept' END, id, started_at, called_at, started_at
FROM made WHERE due_at > started_at
"""
DIALLED = """
INSERT INTO campaigns_livecall (lead_id, agent_id, phone_id, adapter, placed_at, outcome, reveal_reason, settled_at)
SELECT lead_id, agent_id, phone_id, 'simulator', started_at, '', '', started_at + make_interval(secs => ring_seconds + talk_seconds + after_call_seconds)
FROM campaigns_call WHERE started_at >= %(since)s AND lead_id IS NOT NULL AND phone_id IS NOT NULL
"""
# One lead in ninety, and with one agent of each city one in eight.
SKIPPED = """
WITH pickers AS (SELECT min(agent_id) AS id FROM campaigns_call WHERE started_at >= %(since)s GROUP BY team_city_id),
seen AS (
    SELECT k.*, p.id IS NOT NULL AS picks, row_number() OVER (ORDER BY k.id) AS n FROM campaigns_call k LEFT JOIN pickers p ON p.id = k.agent_id
    WHERE k.started_at >= %(since)s AND k.lead_id IS NOT NULL)
INSERT INTO campaigns_leadskip (agent_id, team_id, lead_id, campaign_id, reason, at)
SELECT agent_id, team_id, lead_id, campaign_id,
    CASE WHEN picks THEN (ARRAY['年纪太大', '资料对不上', '看起来不会买'])[n / 8 %% 3 + 1] ELSE (ARRAY['认识这位客户', '资料对不上', '语言不通'])[n / 90 %% 3 + 1] END,
    started_at - interval '20 seconds'
FROM seen WHERE n %% (CASE WHEN picks THEN 8 ELSE 90 END) = 0
"""


def make_promises(at: datetime) -> None:
    for statement in (KEPT, DIALLED, SKIPPED):
        run(statement, {"since": at - DAYS})
