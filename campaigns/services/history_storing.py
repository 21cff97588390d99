"""Storing judged calls: facts, orders, ledger, budget, refusals and leads of one piece of a file, by statements over all its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.models import CallImport, Campaign, Disposition, RetryRule
from campaigns.queries_kept import KEPT_WITHIN
from campaigns.services import refusals, retry
from customers.services import contacts
from customers.services.contacts import ContactRules

KEPT_ATTEMPTS = 20
FLAGS = "connected, right_party, sale, refuses_offer, refuses_calls, mid_call, complaint, bad_number"

# One import of a system at a time: what another stored meanwhile is left out here.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('campaigns.calls.' || %(system)s))"

# What is looked up once a row is written so that it goes by the unique index, whatever the planner believes of a table just filled.
PIECE = """
CREATE TEMP TABLE piece ON COMMIT DROP AS
SELECT v.row_no, nextval(pg_get_serial_sequence('campaigns_call', 'id')) AS call_id, s.external_id, s.content_hash, s.started_at, s.direction,
       s.talk_seconds, s.after_call_seconds, s.cancelled_at, s.amount_cents, coalesce(nullif(s.order_number, ''), s.external_id) AS order_number,
       v.campaign_id, v.agent_id, v.team_id, v.phone_id, v.customer_id, v.disposition_id, v.attempt, v.product_id AS sold_product_id,
       c.product_id, c.offer_id, c.type AS campaign_type, t.city_id AS team_city_id, cu.city_id, l.id AS lead_id, l.lead_list_id AS list_id,
       coalesce(l.source_id, cu.source_id) AS source_id, class.code AS class_code, d.follow,
       class.connected, class.right_party, class.sale, class.refuses_offer, class.refuses_calls, class.mid_call, class.complaint, class.bad_number
FROM campaigns_callverdict v
JOIN campaigns_stagedcall s ON s.call_import_id = v.call_import_id AND s.row_no = v.row_no
JOIN campaigns_campaign c ON c.id = v.campaign_id
JOIN people_team t ON t.id = v.team_id
JOIN customers_customer cu ON cu.id = v.customer_id
JOIN campaigns_disposition d ON d.id = v.disposition_id
JOIN campaigns_disposition class ON class.id = coalesce(d.maps_to_id, d.id)
LEFT JOIN LATERAL (
    SELECT x.id, x.lead_list_id, x.source_id FROM campaigns_lead x
    WHERE x.campaign_id = v.campaign_id AND x.customer_id = v.customer_id LIMIT 1) l ON true
WHERE v.call_import_id = %(import_id)s AND v.verdict = 'new' AND v.row_no > %(above)s AND v.row_no <= %(upto)s
  AND (SELECT k.id FROM campaigns_callkey k WHERE k.system = %(system)s AND k.external_id = s.external_id) IS NULL
  AND (NOT class.sale OR (
        SELECT o.id FROM campaigns_order o
        WHERE o.system = %(system)s AND o.number = coalesce(nullif(s.order_number, ''), s.external_id)) IS NULL)
"""
ANALYZE = "ANALYZE piece"

CALLS = f"""
INSERT INTO campaigns_call (id, started_at, direction, customer_id, phone_id, city_id, agent_id, team_id, team_city_id, campaign_id, lead_id, list_id,
    source_id, product_id, offer_id, attempt, recommended, disposition_id, {FLAGS}, ring_seconds, talk_seconds, hold_seconds, after_call_seconds, reason, note)
SELECT call_id, started_at, direction, customer_id, phone_id, city_id, agent_id, team_id, team_city_id, campaign_id, lead_id, list_id,
    source_id, product_id, offer_id, least(attempt, 32767), right_party AND follow <> 'callback', disposition_id, {FLAGS}, 0, talk_seconds, 0,
    after_call_seconds, '', ''
FROM piece ORDER BY row_no
"""
KEYS = """
INSERT INTO campaigns_callkey (system, external_id, content_hash, call_id, call_started_at)
SELECT %(system)s, external_id, content_hash, call_id, started_at FROM piece ORDER BY row_no
"""
ORDERS = """
WITH sold AS (
    INSERT INTO campaigns_order (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, system, number, product_id, offer_id,
        amount_cents, state)
    SELECT p.call_id, p.started_at, p.customer_id, p.city_id, p.agent_id, p.team_id, p.campaign_id, %(system)s, p.order_number, p.sold_product_id,
           CASE WHEN o.product_id = p.sold_product_id THEN p.offer_id END, coalesce(p.amount_cents, 0),
           CASE WHEN p.cancelled_at IS NULL THEN 'sold' ELSE 'cancelled' END
    FROM piece p LEFT JOIN scripts_offer o ON o.id = p.offer_id WHERE p.sale ORDER BY p.row_no RETURNING id, call_id
)
INSERT INTO campaigns_orderevent (order_id, kind, occurred_at, reason, by_id)
SELECT s.id, e.kind, e.at, '', %(by_id)s
FROM sold s JOIN piece p ON p.call_id = s.call_id CROSS JOIN LATERAL (VALUES ('sold', p.started_at), ('cancelled', p.cancelled_at)) e(kind, at)
WHERE e.at IS NOT NULL
"""
CANCELLATIONS = """
WITH late AS (
    SELECT o.id, s.cancelled_at FROM campaigns_callverdict v
    JOIN campaigns_stagedcall s ON s.call_import_id = v.call_import_id AND s.row_no = v.row_no
    JOIN campaigns_callkey k ON k.system = %(system)s AND k.external_id = s.external_id
    JOIN campaigns_order o ON o.call_id = k.call_id AND o.state <> 'cancelled'
    WHERE v.call_import_id = %(import_id)s AND v.verdict = 'cancellation' AND v.row_no > %(above)s AND v.row_no <= %(upto)s
), written AS (
    INSERT INTO campaigns_orderevent (order_id, kind, occurred_at, reason, by_id)
    SELECT id, 'cancelled', cancelled_at, '', %(by_id)s FROM late ON CONFLICT DO NOTHING RETURNING order_id
)
UPDATE campaigns_order SET state = 'cancelled' WHERE id IN (SELECT order_id FROM written)
"""
LEDGER = """
INSERT INTO customers_contact (at, customer_id, city_id, channel, is_inbound, state, campaign_id, lead_id, phone_id, agent_id, call_id)
SELECT started_at, customer_id, city_id, 'call', direction = 'inbound', 'made', campaign_id, lead_id, phone_id, agent_id, call_id
FROM piece ORDER BY row_no
"""
# The newest attempts of the person over all campaigns, and from when the next may be made by the rules of these campaigns.
BUDGET = """
WITH made AS (
    SELECT customer_id, array_agg(started_at) FILTER (WHERE direction = 'outbound') AS attempts, max(started_at) FILTER (WHERE connected) AS answered_at
    FROM piece GROUP BY 1
), merged AS (
    SELECT cu.id, m.answered_at, ARRAY(
        SELECT x.at FROM unnest(cu.attempts || coalesce(m.attempts, ARRAY[]::timestamptz[])) x(at) ORDER BY x.at DESC LIMIT {kept}) AS a
    FROM made m JOIN customers_customer cu ON cu.id = m.customer_id
)
UPDATE customers_customer cu
SET attempts = m.a, answered_at = greatest(cu.answered_at, m.answered_at), callable_from = greatest(cu.callable_from, {free})
FROM merged m WHERE m.id = cu.id
"""


def store_piece(call_import: CallImport, *, above: int, upto: int, at: datetime) -> int:
    """Store the new calls and late cancellations of the rows (above, upto]; returns how many calls. Inside the caller's transaction.

    Persons are touched before leads, leads before promises, as everywhere. Refusals weigh as if they had been said here, dated as called.
    """
    asked: dict[str, Any] = {
        "import_id": call_import.pk,
        "system": call_import.system,
        "above": above,
        "upto": upto,
        "by_id": call_import.created_by_id,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK, asked)
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("DROP TABLE IF EXISTS piece")
        cursor.execute(PIECE, asked)
        stored = cursor.rowcount
        cursor.execute(ANALYZE)
        cursor.execute("SELECT DISTINCT campaign_id FROM piece")
        campaigns = list(Campaign.objects.filter(pk__in=[row[0] for row in cursor.fetchall()]))
        rules = {campaign.pk: contacts.rules_of(campaign, at=at) for campaign in campaigns}
        for statement in (CALLS, KEYS, ORDERS, CANCELLATIONS, LEDGER):
            cursor.execute(statement, asked)
        if stored:
            _empty_hands(cursor)
            _spend_budget(cursor, rules.values())
            _refuse(cursor, asked, rules)
            _move_leads(cursor, asked, [campaign.pk for campaign in campaigns])
    return stored


def _empty_hands(cursor: Any) -> None:
    """Undialled leads of persons who refused calls or complained; before the calls of the piece weigh on the budget given back here."""
    cursor.execute(IN_HANDS)
    refusals.take_from_hands([row[0] for row in cursor.fetchall()])


def _spend_budget(cursor: Any, rules: Iterable[ContactRules]) -> None:
    terms = {f"m.a[1] + interval '{int(rule.gap_minutes)} minutes'" for rule in rules if rule.gap_minutes}
    terms |= {
        f"m.a[{int(cap.most)}] + interval '{int(cap.hours)} hours'"
        for rule in rules
        for cap in rule.caps
        if cap.most <= KEPT_ATTEMPTS
    }
    cursor.execute(BUDGET.format(kept=KEPT_ATTEMPTS, free=", ".join(sorted(terms)) or "cu.callable_from"))


# ---------------------------------------------------------------- refusals

SUPPRESS = """
INSERT INTO customers_suppression (customer_id, kind, campaign_id, product_id, valid_from, valid_to, note, source, call_id, created_by_id, lift_reason)
SELECT DISTINCT ON (p.customer_id) p.customer_id, %(kind)s, NULL, NULL, p.started_at, NULL, '', %(source)s, p.call_id, %(by_id)s, ''
FROM piece p
WHERE {flag} AND NOT EXISTS (
    SELECT 1 FROM customers_suppression x WHERE x.customer_id = p.customer_id AND x.kind = %(kind)s AND x.campaign_id IS NULL AND x.product_id IS NULL
      AND x.lifted_at IS NULL AND x.valid_to IS NULL)
ORDER BY p.customer_id, p.started_at
"""
REST = """
INSERT INTO customers_suppression (customer_id, kind, campaign_id, product_id, valid_from, valid_to, note, source, call_id, created_by_id, lift_reason)
SELECT DISTINCT ON (p.customer_id, p.product_id) p.customer_id, 'offer_refused', NULL, p.product_id, p.started_at,
       p.started_at + r.days * interval '1 day', '', %(source)s, p.call_id, %(by_id)s, ''
FROM piece p JOIN jsonb_to_recordset(%(rests)s::jsonb) r(campaign_id bigint, days int) ON r.campaign_id = p.campaign_id AND r.days > 0
WHERE p.refuses_offer AND NOT EXISTS (
    SELECT 1 FROM customers_suppression x WHERE x.customer_id = p.customer_id AND x.kind = 'offer_refused' AND x.product_id = p.product_id
      AND x.lifted_at IS NULL AND (x.valid_to IS NULL OR x.valid_to >= p.started_at + r.days * interval '1 day'))
ORDER BY p.customer_id, p.product_id, p.started_at DESC
"""
FLAG = "UPDATE customers_customer SET is_suppressed = true WHERE NOT is_suppressed AND id IN (SELECT customer_id FROM piece WHERE refuses_calls OR complaint)"
DEAD = """
UPDATE customers_phone ph SET is_dead = true
FROM (SELECT DISTINCT ON (phone_id) phone_id, customer_id, started_at, bad_number OR class_code = 'wrong_person' AS is_bad
      FROM piece ORDER BY phone_id, started_at DESC) last
WHERE last.is_bad AND ph.id = last.phone_id AND NOT ph.is_dead AND NOT EXISTS (
    SELECT 1 FROM campaigns_call c WHERE c.customer_id = last.customer_id AND c.phone_id = ph.id AND c.right_party AND c.started_at > last.started_at)
"""
IN_HANDS = """
SELECT l.id FROM campaigns_lead l
WHERE l.state = 'held' AND l.dialled_at IS NULL AND l.customer_id IN (SELECT customer_id FROM piece WHERE refuses_calls OR complaint)
"""
# A dialled lead stays with its agent: its own call decides.
WITHDRAW = """
UPDATE campaigns_lead SET state = 'done', outcome = 'suppressed', callback_agent_id = NULL
WHERE state = 'open' AND customer_id IN (SELECT customer_id FROM piece WHERE refuses_calls)
"""
DROP_PROMISES = """
UPDATE campaigns_callback b SET state = 'dropped'
FROM campaigns_lead l WHERE l.id = b.lead_id AND b.state = 'promised' AND l.state = 'done'
  AND l.customer_id IN (SELECT customer_id FROM piece WHERE refuses_calls)
"""
REST_LEADS = """
UPDATE campaigns_lead l SET due_at = greatest(l.due_at, x.valid_to), ready_at = greatest(l.ready_at, x.valid_to)
FROM (SELECT DISTINCT customer_id, product_id FROM piece WHERE refuses_offer) r
JOIN customers_suppression x ON x.customer_id = r.customer_id AND x.product_id = r.product_id AND x.kind = 'offer_refused' AND x.lifted_at IS NULL
    AND x.valid_to > %(at)s
JOIN campaigns_campaign c ON c.product_id = r.product_id
WHERE l.campaign_id = c.id AND l.customer_id = r.customer_id AND l.state = 'open'
"""


def _refuse(cursor: Any, asked: dict[str, Any], rules: dict[int, ContactRules]) -> None:
    rests = json.dumps([{"campaign_id": pk, "days": rule.refusal_rest_days} for pk, rule in rules.items()])
    said = {**asked, "source": asked["system"], "rests": rests}
    cursor.execute(SUPPRESS.format(flag="p.refuses_calls"), {**said, "kind": "refusal"})
    cursor.execute(SUPPRESS.format(flag="p.complaint"), {**said, "kind": "complaint"})
    cursor.execute(REST, said)
    for statement in (FLAG, DEAD, WITHDRAW, DROP_PROMISES):
        cursor.execute(statement)


# ---------------------------------------------------------------- leads of the same campaigns

# The newest call decides, as if it had been recorded here; a sale stays a sale, a suppressed or withdrawn lead stays so.
MOVE = """
WITH made AS (
    SELECT lead_id, count(*) FILTER (WHERE direction = 'outbound') AS attempts, bool_or(sale) AS sale FROM piece WHERE lead_id IS NOT NULL GROUP BY 1
), last AS (
    SELECT DISTINCT ON (lead_id) lead_id, started_at, talk_seconds, disposition_id, team_id, follow, bad_number, refuses_calls, campaign_id
    FROM piece WHERE lead_id IS NOT NULL ORDER BY lead_id, started_at DESC, row_no DESC
), decided AS (
    SELECT l.id, m.attempts, x.*, cu.callable_from, x.started_at + (x.talk_seconds * interval '1 second') + r.minutes * interval '1 minute' AS again_at,
        CASE WHEN m.sale OR l.outcome = 'won' THEN 'won'
             WHEN l.outcome IN ('suppressed', 'withdrawn', 'merged') THEN l.outcome
             WHEN x.refuses_calls THEN 'suppressed'
             WHEN x.bad_number AND NOT EXISTS (SELECT 1 FROM customers_phone ph WHERE ph.customer_id = l.customer_id AND NOT ph.is_dead) THEN 'bad_number'
             WHEN x.follow = 'won' THEN 'won'
             WHEN x.follow = 'refused' THEN 'refused'
             WHEN x.follow = 'closed' AND NOT x.bad_number THEN 'closed'
             WHEN l.attempts_made + m.attempts >= r.most THEN 'exhausted'
             ELSE '' END AS end_as
    FROM made m JOIN last x ON x.lead_id = m.lead_id JOIN campaigns_lead l ON l.id = m.lead_id JOIN customers_customer cu ON cu.id = l.customer_id
    JOIN jsonb_to_recordset(%(retries)s::jsonb) r(campaign_id bigint, disposition_id bigint, minutes int, most int)
        ON r.campaign_id = x.campaign_id AND r.disposition_id = x.disposition_id
    WHERE l.state <> 'held'
)
UPDATE campaigns_lead l SET
    attempts_made = least(l.attempts_made + d.attempts, 32767),
    state = CASE WHEN d.late THEN l.state WHEN d.end_as = '' THEN 'open' ELSE 'done' END,
    outcome = CASE WHEN d.late THEN l.outcome ELSE d.end_as END,
    callback_agent_id = CASE WHEN d.late OR d.end_as = '' THEN l.callback_agent_id END,
    due_at = CASE WHEN d.late OR d.end_as <> '' OR l.callback_agent_id IS NOT NULL THEN l.due_at ELSE d.again_at END,
    ready_at = CASE WHEN d.late OR d.end_as <> '' OR l.callback_agent_id IS NOT NULL THEN l.ready_at ELSE greatest(d.again_at, d.callable_from) END,
    last_disposition_id = CASE WHEN d.is_old THEN l.last_disposition_id ELSE d.disposition_id END,
    last_team_id = CASE WHEN d.is_old THEN l.last_team_id ELSE d.team_id END,
    last_call_at = greatest(l.last_call_at, d.started_at)
FROM (SELECT d.*, coalesce(l2.last_call_at > d.started_at, false) AS is_old, coalesce(l2.last_call_at > d.started_at, false) AND d.end_as <> 'won' AS late
      FROM decided d JOIN campaigns_lead l2 ON l2.id = d.id) d
WHERE l.id = d.id
"""
# The first call after the promise kept it, as if it had been recorded here. Leads that go on keep theirs: the promise is with an agent.
KEEP_PROMISES = f"""
UPDATE campaigns_callback b SET kept_at = m.kept_at,
    state = CASE WHEN m.kept_at IS NULL THEN 'dropped' WHEN m.kept_at > b.due_at + interval '{int(KEPT_WITHIN.total_seconds())} seconds' THEN 'late' ELSE 'kept' END
FROM (
    SELECT b2.id, min(p.started_at) FILTER (WHERE p.started_at > coalesce(b2.call_started_at, b2.created_at)) AS kept_at
    FROM piece p JOIN campaigns_lead l ON l.id = p.lead_id AND l.state = 'done'
    JOIN campaigns_callback b2 ON b2.lead_id = l.id AND b2.state = 'promised' GROUP BY 1) m
WHERE b.id = m.id
"""


def _move_leads(cursor: Any, asked: dict[str, Any], campaign_ids: list[int]) -> None:
    cursor.execute(MOVE, {**asked, "retries": json.dumps(_retries(campaign_ids))})
    cursor.execute(KEEP_PROMISES)
    cursor.execute(REST_LEADS, asked)


def _retries(campaign_ids: list[int]) -> list[dict[str, int]]:
    """The retry rule of every result in every one of the campaigns."""
    own = {
        (rule.campaign_id, rule.disposition_id): rule for rule in RetryRule.objects.filter(campaign__in=campaign_ids)
    }
    found = []
    for disposition in Disposition.objects.select_related("maps_to"):
        usual = retry.DEFAULTS.get(retry.common_of(disposition).code, retry.OTHERWISE)
        for campaign_id in campaign_ids:
            rule = own.get((campaign_id, disposition.pk)) or own.get((campaign_id, disposition.maps_to_id or 0))
            minutes = rule.delay_minutes if rule else int(usual.delay.total_seconds() // 60)
            most = rule.most_attempts if rule else usual.most_attempts
            found.append(
                {"campaign_id": campaign_id, "disposition_id": disposition.pk, "minutes": minutes, "most": most}
            )
    return found
