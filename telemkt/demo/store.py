"""The made-up history into the tables: by COPY into scratch tables and set-based statements, in one transaction."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import date, datetime
from random import Random

import numpy as np
from django.db import connection

from campaigns.models import ListAllocation
from core.partitions import ensure_partitions
from core.phones import mask_phone
from core.sealed import BulkSealer
from customers.models import LeadList
from customers.names import sort_key
from telemkt.demo import history, words
from telemkt.demo.accounts import People
from telemkt.demo.plan import Plan

# Seven-digit prefixes that are assigned to nobody (public numbering tables of 2023).
PREFIXES = [f"190{n:04d}" for n in range(1, 30)]
OUTCOMES = {
    "sold": "won", "do_not_call": "refused", "refused_no_need": "refused", "refused_not_interested": "refused", "refused_price": "refused",
    "refused_inconvenient": "refused", "refused_distrust": "refused", "refused_mid_call": "refused", "invalid_number": "bad_number",
    "wrong_person": "closed", "complaint": "closed",
}  # fmt: skip


NULL = "\\N"


def copy_rows(table: str, columns: str, rows: Iterable[tuple]) -> None:
    """COPY rows as text; NULL is written as `NULL`. Values hold no tab, backslash or line break but those written here."""
    line = "\t".join(["%s"] * (columns.count(",") + 1)) + "\n"
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("".join(line % row for row in rows)))


def run(sql: str, params: list | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


def reserve(table: str, count: int) -> int:
    """Take `count` ids from a table's sequence; the first of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        first = cursor.fetchone()[0]
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first + count - 1])
    return first


SCRATCH = """
CREATE TEMP TABLE demo_lead (id bigint, customer_id bigint, campaign_id bigint, city_id bigint, list_id bigint, row_no int,
    times float8[], last text, last_agent bigint, due float8, answered float8, callable_from float8) ON COMMIT DROP;
CREATE TEMP TABLE demo_person (id bigint, name text, name_sort text, gender text, age int, attributes jsonb, external_id text,
    blind bytea, sealed bytea, mask text, prefix text) ON COMMIT DROP;
CREATE TEMP TABLE demo_call (started float8, agent_id bigint, lead_id bigint, attempt int, result text, ring int, talk int, after int) ON COMMIT DROP;
CREATE TEMP TABLE demo_cancel (order_id bigint, at float8) ON COMMIT DROP;
"""


class Loader:
    """Collects the leads and calls of each city, then writes everything."""

    def __init__(self, people: People, plan: Plan, today: date, now: datetime, rng: Random) -> None:
        self.people, self.plan, self.today, self.now, self.rng = people, plan, today, now, rng
        self.sealer = BulkSealer()
        self.used = 0
        run(SCRATCH)

    def add_city(
        self, city_id: int, code: str, pool: history.Leads, spare: int, calls: history.Calls, agents: list[int]
    ) -> None:
        """One campaign's leads in one city, with `spare` never called ones behind them."""
        campaign, lists = self.plan.campaigns[code], self.plan.lists[code]
        count = len(pool.times) + spare
        if not count:
            return
        first_lead, first_person = reserve("campaigns_lead", count), reserve("customers_customer", count)
        copy_rows(
            "demo_person",
            "id, name, name_sort, gender, age, attributes, external_id, blind, sealed, mask, prefix",
            self._persons(first_person, count),
        )
        copy_rows(
            "demo_lead", "id, customer_id, campaign_id, city_id, list_id, row_no, times, last, last_agent, due, answered, callable_from",
            (
                (first_lead + n, first_person + n, campaign.pk, city_id, lists[0 if n % 10 < 7 else -1].pk, self.used + n + 2, *_fate(pool, n, agents))
                for n in range(count)
            ),
        )  # fmt: skip
        copy_rows(
            "demo_call", "started, agent_id, lead_id, attempt, result, ring, talk, after",
            zip(calls.started, calls.agent, (first_lead + n for n in calls.lead), calls.attempt, calls.result, calls.ring, calls.talk, calls.after, strict=True),
        )  # fmt: skip
        self.used += count

    def _persons(self, first: int, count: int) -> Iterable[tuple]:
        pick = self.rng.choice
        for n in range(count):
            place = self.used + n
            number = f"86{PREFIXES[place // 10000]}{place * 7919 % 10000:04d}"
            blind, sealed = self.sealer.index_and_seal(number)
            given = pick(words.GIVEN)
            name = pick(words.SURNAMES) + given
            attributes = {
                "现用套餐": pick(words.PLANS), "在网年数": self.rng.randint(1, 15), "月均消费": self.rng.randint(38, 320),
                "主要用途": pick(words.USES), "付费人": pick(words.PAYERS),
            }  # fmt: skip
            yield (
                first + n, name, sort_key(name), "female" if given in words.WOMEN else "male", self.rng.randint(20, 72),
                json.dumps(attributes, ensure_ascii=False), f"C{first + n:08d}", f"\\\\x{blind.hex()}", f"\\\\x{sealed.hex()}", mask_phone(number), number[2:5],
            )  # fmt: skip

    def write(self) -> None:
        self._partitions()
        built_last = _drop_search_indexes()
        run("ANALYZE demo_lead; ANALYZE demo_person; ANALYZE demo_call")
        for statement in (PERSONS, PHONES, LEADS, CALLS, CONTACTS, ORDERS, SOLD):
            run(statement, [self.now] if "%s" in statement else None)
        self._cancellations()
        for statement in (CALLBACKS, SUPPRESSIONS, SUPPRESSED, VERDICTS, CONSENTS):
            run(statement)
        self._count_lists()
        for definition in built_last:
            run(definition)
        run("ANALYZE customers_customer; ANALYZE campaigns_lead")

    def _partitions(self) -> None:
        first = self.today.replace(day=1)
        for _ in range(3):
            first = (first.replace(day=1) - date.resolution).replace(day=1)
        for parent in ("campaigns_call", "customers_contact"):
            ensure_partitions(parent, first, 7)

    def _cancellations(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, extract(epoch FROM call_started_at)::float8 FROM campaigns_order ORDER BY id")
            orders = cursor.fetchall()
        when = history.cancellations(
            np.array([at for _, at in orders]), self.now.timestamp(), np.random.default_rng(11)
        )
        copy_rows(
            "demo_cancel", "order_id, at", ((order, at) for (order, _), at in zip(orders, when, strict=True) if at)
        )
        run(CANCELLED)
        run("UPDATE campaigns_order o SET state = 'cancelled' FROM demo_cancel d WHERE d.order_id = o.id")

    def _count_lists(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT list_id, campaign_id, count(*) FROM demo_lead GROUP BY 1, 2")
            rows = cursor.fetchall()
        for list_id, campaign_id, count in rows:
            LeadList.objects.filter(pk=list_id).update(row_count=count, counts={"new": count})
            lead_list = LeadList.objects.get(pk=list_id)
            ListAllocation.objects.create(
                campaign_id=campaign_id,
                lead_list=lead_list,
                by=lead_list.created_by,
                at=lead_list.committed_at,
                lead_count=count,
            )


def _drop_search_indexes() -> list[str]:
    """Drop the GIN indexes of the empty table of customers: built at the end they cost a third. Returns how to make them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'customers_customer' AND indexdef LIKE '%USING gin%'"
        )
        found = cursor.fetchall()
        for name, _definition in found:
            cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _name, definition in found]


def _fate(pool: history.Leads, n: int, agents: list[int]) -> tuple:
    """times newest first, last result, last agent, due, answered, callable_from of lead `n`; blanks for one never called."""
    if n >= len(pool.times):
        return "{}", NULL, NULL, 0, 0, 0
    times = pool.times[n]
    newest = times[-1]
    free = newest + 2 * history.HOUR
    for most, window in history.CAPS:
        if len(times) >= most:
            free = max(free, times[-most] + window)
    listed = "{" + ",".join(f"{t:.3f}" for t in reversed(times[-20:])) + "}"
    return listed, pool.last[n], agents[pool.last_agent[n]], pool.due[n], pool.answered[n], free


PERSONS = """
INSERT INTO customers_customer (id, city_id, source_id, external_id, name, name_sort, type, gender, age, attributes, created_at, updated_at,
    is_suppressed, callable_from, attempts, answered_at, owner_group)
SELECT p.id, l.city_id, b.source_id, p.external_id, p.name, p.name_sort, 'consumer', p.gender, p.age, p.attributes, b.committed_at, b.committed_at,
    false, to_timestamp(l.callable_from), ARRAY(SELECT to_timestamp(t) FROM unnest(l.times) WITH ORDINALITY u(t, n) ORDER BY n),
    CASE WHEN l.answered > 0 THEN to_timestamp(l.answered) END, ''
FROM demo_person p JOIN demo_lead l ON l.customer_id = p.id JOIN customers_leadlist b ON b.id = l.list_id ORDER BY p.id
"""
PHONES = """
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)
SELECT p.id, p.blind, p.sealed, p.mask, p.prefix, true, coalesce(l.last = 'invalid_number', false), b.committed_at
FROM demo_person p JOIN demo_lead l ON l.customer_id = p.id JOIN customers_leadlist b ON b.id = l.list_id ORDER BY p.id
"""
_OUTCOME = (
    "CASE l.last "
    + " ".join(f"WHEN '{result}' THEN '{outcome}'" for result, outcome in OUTCOMES.items())
    + " ELSE 'exhausted' END"
)
LEADS = f"""
INSERT INTO campaigns_lead (id, campaign_id, customer_id, city_id, lead_list_id, source_id, priority, due_at, ready_at, state, outcome,
    callback_agent_id, attempts_made, last_disposition_id, last_call_at, last_team_id, created_at)
SELECT l.id, l.campaign_id, l.customer_id, l.city_id, l.list_id, b.source_id, 5,
    greatest(to_timestamp(l.due), b.committed_at), greatest(to_timestamp(l.due), b.committed_at, to_timestamp(l.callable_from)),
    CASE WHEN is_open THEN 'open' ELSE 'done' END,
    CASE WHEN is_open THEN '' WHEN l.last IS NULL OR l.due > 0 THEN 'closed' ELSE {_OUTCOME} END,
    CASE WHEN is_open AND l.last = 'callback' THEN l.last_agent END,
    coalesce(array_length(l.times, 1), 0), d.id, to_timestamp(l.times[1]), m.team_id, b.committed_at
FROM demo_lead l JOIN customers_leadlist b ON b.id = l.list_id JOIN campaigns_campaign c ON c.id = l.campaign_id
LEFT JOIN campaigns_disposition d ON d.code = l.last AND d.campaign_id IS NULL
LEFT JOIN people_membership m ON m.user_id = l.last_agent AND m.role = 'agent'
CROSS JOIN LATERAL (SELECT c.stage IN ('trial', 'running') AND (l.last IS NULL OR l.due > 0) AS is_open) o ORDER BY l.id
"""
# every third lead without the offer, so that its effect can be read
CALLS = """
INSERT INTO campaigns_call (started_at, recorded_at, direction, customer_id, phone_id, city_id, agent_id, team_id, team_city_id, campaign_id, lead_id,
    list_id, source_id, product_id, offer_id, script_version_id, attempt, recommended, disposition_id, connected, right_party, sale, refuses_offer,
    refuses_calls, mid_call, complaint, bad_number, ring_seconds, talk_seconds, hold_seconds, after_call_seconds, reason, note)
SELECT to_timestamp(x.started), to_timestamp(x.started + x.ring + x.talk + x.after), 'outbound', l.customer_id, f.id, l.city_id, x.agent_id, t.id, t.city_id,
    l.campaign_id, l.id, l.list_id, b.source_id, c.product_id, CASE WHEN l.id % 3 > 0 THEN c.offer_id END, c.script_version_id, x.attempt,
    d.sale OR d.refuses_offer OR d.code IN ('considering', 'family'), d.id, d.connected, d.right_party, d.sale, d.refuses_offer,
    d.refuses_calls, d.mid_call, d.complaint, d.bad_number, x.ring, x.talk, 0, x.after, '', ''
FROM demo_call x JOIN demo_lead l ON l.id = x.lead_id JOIN customers_phone f ON f.customer_id = l.customer_id
JOIN customers_leadlist b ON b.id = l.list_id JOIN campaigns_campaign c ON c.id = l.campaign_id
JOIN campaigns_disposition d ON d.code = x.result AND d.campaign_id IS NULL
JOIN people_membership m ON m.user_id = x.agent_id AND m.role = 'agent' JOIN people_team t ON t.id = m.team_id
ORDER BY x.started
"""
CONTACTS = """
INSERT INTO customers_contact (at, customer_id, city_id, channel, is_inbound, state, campaign_id, lead_id, phone_id, agent_id, call_id)
SELECT started_at, customer_id, city_id, 'call', false, 'made', campaign_id, lead_id, phone_id, agent_id, id FROM campaigns_call
"""
ORDERS = """
INSERT INTO campaigns_order (call_id, call_started_at, customer_id, city_id, agent_id, team_id, campaign_id, system, number, product_id, offer_id,
    amount_cents, state, recorded_at)
SELECT k.id, k.started_at, k.customer_id, k.city_id, k.agent_id, k.team_id, k.campaign_id, 'telemkt', 'T' || lpad(k.id::text, 10, '0'), k.product_id,
    k.offer_id, coalesce(o.price_cents, p.price_cents, 0), 'sold', k.recorded_at
FROM campaigns_call k JOIN scripts_product p ON p.id = k.product_id LEFT JOIN scripts_offer o ON o.id = k.offer_id WHERE k.sale ORDER BY k.started_at
"""
SOLD = "INSERT INTO campaigns_orderevent (order_id, kind, occurred_at, recorded_at, reason) SELECT id, 'sold', call_started_at, recorded_at, '' FROM campaigns_order"
CANCELLED = """
INSERT INTO campaigns_orderevent (order_id, kind, occurred_at, recorded_at, reason)
SELECT order_id, 'cancelled', to_timestamp(at), to_timestamp(at), '客户改变主意' FROM demo_cancel
"""
CALLBACKS = """
INSERT INTO campaigns_callback (lead_id, agent_id, due_at, note, state, call_id, call_started_at, created_at)
SELECT l.id, l.callback_agent_id, l.due_at, '', 'promised', k.id, k.started_at, k.recorded_at
FROM campaigns_lead l JOIN LATERAL (
    SELECT id, started_at, recorded_at FROM campaigns_call k WHERE k.customer_id = l.customer_id ORDER BY started_at DESC LIMIT 1) k ON true
WHERE l.callback_agent_id IS NOT NULL
"""
SUPPRESSIONS = """
INSERT INTO customers_suppression (customer_id, kind, product_id, valid_from, valid_to, note, source, call_id, lift_reason)
SELECT k.customer_id,
    CASE WHEN k.refuses_calls THEN 'refusal' WHEN k.complaint THEN 'complaint' ELSE 'offer_refused' END,
    CASE WHEN k.refuses_offer THEN k.product_id END, k.started_at, CASE WHEN k.refuses_offer THEN k.started_at + interval '90 days' END, '', 'call', k.id, ''
FROM campaigns_call k WHERE k.refuses_calls OR k.complaint OR k.refuses_offer
"""
SUPPRESSED = """
UPDATE customers_customer c SET is_suppressed = true FROM customers_suppression s
WHERE s.customer_id = c.id AND s.product_id IS NULL AND s.campaign_id IS NULL
"""
VERDICTS = """
INSERT INTO customers_rowverdict (lead_list_id, row_no, verdict, reason, customer_id)
SELECT list_id, row_number() OVER (PARTITION BY list_id ORDER BY row_no) + 1, 'new', '', customer_id FROM demo_lead
"""
CONSENTS = """
INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at)
SELECT l.customer_id, 'marketing_calls', b.consent_basis, '', b.consent_stated_by, b.created_at
FROM demo_lead l JOIN customers_leadlist b ON b.id = l.list_id
"""
