"""What is to become of each staged call, decided by one statement over all rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.models import CallImport

# Everything a row names is looked up by joins; the first reason that fits decides. %(makes)s: missing things will be made, so they are no fault.
JUDGE = """
INSERT INTO campaigns_callverdict
    (call_import_id, row_no, verdict, fault, campaign_id, agent_id, team_id, phone_id, customer_id, disposition_id, product_id, attempt)
WITH named AS (
    SELECT s.row_no, s.external_id, s.fault AS own_fault, s.content_hash, s.started_at, s.talk_seconds, s.cancelled_at, s.order_number, s.product,
           s.direction, s.phone_blind, c.id AS campaign_id, a.id AS agent_id, coalesce(t.id, m.team_id) AS team_id, p.id AS phone_id,
           coalesce(cu.merged_into_id, cu.id) AS customer_id, p.id IS NOT NULL AS is_known_number,
           coalesce(own.id, common.id) AS disposition_id, coalesce(class.connected, common.connected) AS connected,
           coalesce(class.sale, common.sale) AS sale, CASE WHEN s.product = '' THEN c.product_id ELSE pr.id END AS product_id,
           s.team, s.campaign, k.content_hash AS known_hash, k.call_id AS known_call,
           row_number() OVER file AS nth, first_value(s.content_hash) OVER file AS first_hash, first_value(s.cancelled_at) OVER file AS first_cancelled
    FROM campaigns_stagedcall s
    LEFT JOIN campaigns_campaign c ON c.code = s.campaign AND (%(cities)s::bigint[] IS NULL OR c.city_id IS NULL OR c.city_id = ANY (%(cities)s::bigint[]))
    LEFT JOIN people_user a ON a.code = s.agent AND (%(cities)s::bigint[] IS NULL OR EXISTS (
        SELECT 1 FROM people_membership own_m JOIN people_team own_t ON own_t.id = own_m.team_id
        WHERE own_m.user_id = a.id AND own_m.role = 'agent' AND own_t.city_id = ANY (%(cities)s::bigint[])))
    LEFT JOIN people_team t ON t.code = s.team AND s.team <> '' AND (%(cities)s::bigint[] IS NULL OR t.city_id = ANY (%(cities)s::bigint[]))
    LEFT JOIN LATERAL (
        SELECT x.team_id FROM people_membership x JOIN people_team xt ON xt.id = x.team_id
        WHERE s.team = '' AND x.user_id = a.id AND x.role = 'agent' AND x.valid_from <= (s.started_at AT TIME ZONE %(zone)s)::date
          AND (x.valid_to IS NULL OR x.valid_to > (s.started_at AT TIME ZONE %(zone)s)::date)
          AND (%(cities)s::bigint[] IS NULL OR xt.city_id = ANY (%(cities)s::bigint[]))
        LIMIT 1) m ON true
    LEFT JOIN customers_phone p ON p.blind_index = s.phone_blind
    LEFT JOIN customers_customer cu ON cu.id = p.customer_id AND (%(cities)s::bigint[] IS NULL OR cu.city_id = ANY (%(cities)s::bigint[]))
    LEFT JOIN campaigns_disposition common ON common.campaign_id IS NULL AND common.code = s.result
    LEFT JOIN campaigns_disposition own ON own.campaign_id = c.id AND own.code = s.result
    LEFT JOIN campaigns_disposition class ON class.id = own.maps_to_id
    LEFT JOIN scripts_product pr ON pr.code = s.product AND s.product <> ''
    LEFT JOIN campaigns_callkey k ON k.system = %(system)s AND k.external_id = s.external_id
    WHERE s.call_import_id = %(import_id)s
    WINDOW file AS (PARTITION BY s.external_id, s.fault <> '' ORDER BY s.row_no)
), told AS (
    SELECT n.*, o.state AS order_state, CASE WHEN n.sale THEN taken.id END AS taken_order,
           n.sale AND count(*) FILTER (WHERE n.sale AND n.nth = 1) OVER (PARTITION BY coalesce(nullif(n.order_number, ''), n.external_id) ORDER BY n.row_no) > 1 AS is_second_order,
           EXISTS (SELECT 1 FROM campaigns_orderevent e WHERE e.order_id = o.id AND e.kind = 'cancelled' AND e.occurred_at = n.cancelled_at) AS is_same_cancellation
    FROM named n
    LEFT JOIN campaigns_order o ON o.call_id = n.known_call
    LEFT JOIN campaigns_order taken ON taken.system = %(system)s AND taken.number = coalesce(nullif(n.order_number, ''), n.external_id)
), judged AS (
    SELECT t.*, CASE
        WHEN own_fault <> '' THEN own_fault
        WHEN nth > 1 AND content_hash = first_hash AND cancelled_at IS NOT DISTINCT FROM first_cancelled THEN 'same_row'
        WHEN nth > 1 THEN 'call_id_twice'
        WHEN known_hash IS NOT NULL AND known_hash <> content_hash THEN 'call_known_otherwise'
        WHEN known_hash IS NOT NULL AND (cancelled_at IS NULL OR is_same_cancellation) THEN 'call_known'
        WHEN cancelled_at > %(at)s THEN 'in_future'
        WHEN known_hash IS NOT NULL AND order_state IN ('sold', 'reinstated') AND NOT EXISTS (
            SELECT 1 FROM campaigns_orderevent e JOIN campaigns_order x ON x.id = e.order_id WHERE x.call_id = t.known_call AND e.occurred_at > t.cancelled_at)
            THEN 'newly_cancelled'
        WHEN known_hash IS NOT NULL THEN 'cancelled_otherwise'
        WHEN campaign_id IS NULL AND (campaign = '' OR NOT %(makes)s) THEN 'campaign_unknown'
        WHEN agent_id IS NULL AND NOT %(makes)s THEN 'agent_unknown'
        WHEN team_id IS NULL AND (team = '' OR NOT %(makes)s) THEN 'team_unknown'
        WHEN customer_id IS NULL AND (is_known_number OR NOT %(makes)s) THEN 'number_unknown'
        WHEN disposition_id IS NULL THEN 'result_unknown'
        WHEN started_at + talk_seconds * interval '1 second' > %(at)s THEN 'in_future'
        WHEN NOT connected AND talk_seconds > 0 THEN 'talk_without_connection'
        WHEN NOT sale AND order_number <> '' THEN 'order_without_sale'
        WHEN NOT sale AND cancelled_at IS NOT NULL THEN 'cancellation_without_sale'
        WHEN product <> '' AND product_id IS NULL AND NOT %(makes)s THEN 'product_unknown'
        WHEN taken_order IS NOT NULL THEN 'order_known'
        WHEN is_second_order THEN 'order_twice'
        ELSE '' END AS why
    FROM told t
), settled AS (
    SELECT j.*, CASE
        WHEN why = '' THEN 'new'
        WHEN why = 'newly_cancelled' THEN 'cancellation'
        WHEN why IN ('same_row', 'call_known') THEN 'unchanged'
        WHEN why IN ('call_id_twice', 'call_known_otherwise', 'cancelled_otherwise') THEN 'conflict'
        ELSE 'invalid' END AS verdict
    FROM judged j
)
SELECT %(import_id)s, row_no, verdict, why, campaign_id, agent_id, team_id, phone_id, customer_id, disposition_id, product_id,
       row_number() OVER (PARTITION BY verdict, campaign_id, coalesce(customer_id::text, phone_blind::text) ORDER BY started_at, row_no)
FROM settled
"""

MET = ("campaigns_stagedcall", "campaigns_callkey", "campaigns_order", "campaigns_lead", "customers_phone")
MEMORY = "SET LOCAL work_mem = '96MB'"  # two sorts over the whole file

# Attempts made before this file, of the same person in the same campaign.
EARLIER_ATTEMPTS = """
UPDATE campaigns_callverdict v SET attempt = v.attempt + before.made
FROM (
    SELECT c.customer_id, c.campaign_id, count(*) AS made FROM campaigns_call c
    WHERE c.customer_id IN (SELECT customer_id FROM campaigns_callverdict WHERE call_import_id = %(import_id)s AND verdict = 'new')
    GROUP BY 1, 2) before
WHERE v.call_import_id = %(import_id)s AND v.verdict = 'new' AND before.customer_id = v.customer_id AND before.campaign_id = v.campaign_id
"""


def judge(call_import: CallImport, *, makes_missing: bool, at: datetime, analyze: bool = True) -> dict[str, Any]:
    """Decide every staged row of the import anew; returns {"new": n, ..., "faults": {reason: n}}. Writes nothing but the verdicts.

    Somebody who works on some cities finds only their customers, agents and teams; all others are unknown to them.
    """
    from core.calendar import region_zone

    scope = call_import.created_by.scope()
    asked: dict[str, Any] = {
        "import_id": call_import.pk,
        "system": call_import.system,
        "makes": makes_missing,
        "at": at,
        "zone": str(region_zone()),
        "cities": None if scope.is_region else sorted(scope.city_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(MEMORY)
        if analyze:  # a file's rows are many, and what they meet may have been filled a moment ago
            cursor.execute(f"ANALYZE {', '.join(MET)}")
        cursor.execute("DELETE FROM campaigns_callverdict WHERE call_import_id = %(import_id)s", asked)
        cursor.execute(JUDGE, asked)
        if analyze:
            cursor.execute("ANALYZE campaigns_callverdict")
        cursor.execute(EARLIER_ATTEMPTS, asked)
        return count_verdicts(cursor, call_import.pk)


def count_verdicts(cursor: Any, import_id: int) -> dict[str, Any]:
    cursor.execute(
        "SELECT verdict, fault, count(*) FROM campaigns_callverdict WHERE call_import_id = %s GROUP BY 1, 2 ORDER BY 3 DESC, 2",
        [import_id],
    )
    counts: dict[str, Any] = {"new": 0, "cancellation": 0, "unchanged": 0, "conflict": 0, "invalid": 0}
    faults: dict[str, int] = {}
    for verdict, fault, number in cursor.fetchall():
        counts[verdict] += number
        if verdict in ("conflict", "invalid"):
            faults[fault] = number
    return {**counts, "faults": faults}
