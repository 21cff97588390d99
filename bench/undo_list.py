"""A list of 200,000 customers is taken back beside a desk that goes on: claims of its very leads, and writers of numbers and consents."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import psycopg2
from django.db import connection

from bench import claim
from bench.figures import Figure
from bench.scratch import scratch_database

ROWS = int(os.environ.get("BENCH_ROWS", "200000"))
POOL = int(os.environ.get("BENCH_POOL", "300000"))
SECONDS = 30.0
ALONE_SECONDS = 5
# a claim or a write beside it against the same alone, at the 95th of 100; and nobody waits longer than this
SLOWER, LONGEST_MS = 3.0, 1000.0
CITY, CAMPAIGN, REGIONAL_TEAM = 2, 1, claim.CITIES + 1

# a list as its commit and its allocation leave it: customers, numbers, consents, verdicts, leads at the front of the queue
LIST = """
SELECT setval(pg_get_serial_sequence('customers_customer', 'id'), {pool});
SELECT setval(pg_get_serial_sequence('customers_phone', 'id'), (SELECT max(id) FROM customers_phone));
INSERT INTO customers_source (id, name, kind, supplier, price_cents) VALUES (1, 'bench', 'own', '', 0);
INSERT INTO customers_leadlist (id, name, source_id, sha256, status, fault, fault_detail, mapping, counts, row_count, consent_basis, consent_stated_by,
        created_by_id, created_at, committed_by_id, committed_at, undo_reason)
    VALUES (1, 'bench', 1, '', 'committed', '', '{{}}', '{{}}', '{{"new": {rows}}}', {rows}, 'list', 'bench', 1000, now(), 1000, now(), '');
INSERT INTO customers_customer (city_id, source_id, external_id, name, name_sort, type, gender, attributes, created_at, updated_at, is_suppressed)
    SELECT {city}, 1, 'L' || i, 'Person ' || i, 'person ' || i, '', '', '{{"plan": "gold"}}', now(), now(), false FROM generate_series(1, {rows}) i;
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)
    SELECT {pool} + i, decode(md5('list' || i), 'hex'), '\\x00', '199****0000', '199', true, false, now() FROM generate_series(1, {rows}) i;
INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at)
    SELECT {pool} + i, 'marketing_calls', 'list', '', 'bench', now() FROM generate_series(1, {rows}) i;
INSERT INTO customers_rowverdict (lead_list_id, row_no, verdict, reason, customer_id) SELECT 1, i + 1, 'new', '', {pool} + i FROM generate_series(1, {rows}) i;
INSERT INTO campaigns_listallocation (campaign_id, lead_list_id, priority, by_id, at, lead_count, left_out) VALUES ({campaign}, 1, 9, 1000, now(), {rows}, '{{}}');
INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, lead_list_id, source_id, priority, due_at, ready_at, state, outcome, attempts_made, created_at)
    SELECT {campaign}, {pool} + i, {city}, 1, 1, 9, now(), now(), 'open', '', 0, now() FROM generate_series(1, {rows}) i;
INSERT INTO customers_contact (at, customer_id, city_id, channel, is_inbound, state)
    SELECT now() - interval '1 minute' * (i %% 40000), i, {city}, 'call', false, 'made' FROM generate_series(1, {pool}) i;
"""
WRITES = (
    "UPDATE customers_phone SET is_dead = true WHERE id = %s",
    "INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at) VALUES (%s, 'marketing_calls', 'desk', '', 'bench', now())",
)


def run() -> list[Figure]:
    with scratch_database("telemkt_bench_undo"):
        _seed()
        job, lead_list = _asked()
        alone = Desk(first=0)
        alone.start()
        time.sleep(ALONE_SECONDS)
        alone.stop()
        desk = Desk(first=10_000)
        desk.start()
        started = time.perf_counter()
        _work(job)
        seconds = time.perf_counter() - started
        desk.stop()
        return _figures(seconds, alone, desk, lead_list)


def _seed() -> None:
    fill = {"rows": ROWS, "pool": POOL, "city": CITY, "campaign": CAMPAIGN}
    with connection.cursor() as cursor:
        seed = claim.SEED.format(
            cities=claim.CITIES, campaigns=claim.CAMPAIGNS, persons=POOL, leads=POOL, agents=claim.AGENTS
        )
        cursor.execute(seed.replace("%%", "%"))
        cursor.execute(LIST.format(**fill).replace("%%", "%"))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _asked() -> tuple[int, Any]:
    from core.clock import database_now
    from customers.models import LeadList
    from customers.services import lists
    from people.models import User

    user = User.objects.get_or_create(username="bench", defaults={"is_superuser": True})[0]
    lead_list = LeadList.objects.get(pk=1)
    return lists.undo_list(lead_list=lead_list, by=user, reason="bench", at=database_now()).pk, lead_list


def _work(job: int) -> None:
    from core.jobs import run_inline
    from core.models import Job

    for _attempt in range(20):
        run_inline(job)
        if Job.objects.get(pk=job).is_final:
            return
        time.sleep(1)


class Desk:
    """An agent asks for a customer 20 times a second, and others write numbers and consents, each on a connection of its own."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.over = threading.Event()
        self.claims: list[float] = []
        self.writes: list[float] = []
        self.faults: list[str] = []
        self.threads = [threading.Thread(target=self._run, args=(work,)) for work in (self._claim, self._write)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, work: Any) -> None:
        params = {
            k: v
            for k, v in connection.get_connection_params().items()
            if k not in ("cursor_factory", "client_encoding")
        }
        link = psycopg2.connect(**params)
        link.autocommit = True
        number = self.first
        with link.cursor() as cursor:
            while not self.over.is_set():
                number += 1
                try:
                    work(cursor, number)
                except psycopg2.Error as fault:
                    self.faults.append(str(fault))
                time.sleep(0.05)
        link.close()

    def _claim(self, cursor: Any, number: int) -> None:
        began = time.perf_counter()
        cursor.execute("SELECT campaigns_claim_lead(%s, %s, NULL, CURRENT_DATE, now())", [1000 + number, REGIONAL_TEAM])
        self.claims.append((time.perf_counter() - began) * 1000)

    def _write(self, cursor: Any, number: int) -> None:
        began = time.perf_counter()
        cursor.execute(WRITES[number % 2], [1 + number])
        self.writes.append((time.perf_counter() - began) * 1000)


def _figures(seconds: float, alone: Desk, desk: Desk, lead_list: Any) -> list[Figure]:
    from campaigns.models import Lead
    from customers.models import Customer, RowVerdict

    lead_list.refresh_from_db()
    assert lead_list.status == "undone", lead_list.status
    stayed = RowVerdict.objects.filter(stays__isnull=False).count()
    assert Customer.objects.filter(source=1).count() == stayed, "nobody is lost and nobody too many stays"
    assert Lead.objects.filter(customer__source=1).count() == stayed
    assert not desk.faults + alone.faults, (desk.faults + alone.faults)[:3]
    return [
        Figure(
            f"{ROWS:,} rows taken back", seconds, "s", None, f"{stayed} stayed", f"under {SECONDS:.0f} s", seconds < SECONDS
        ),
        *_beside("a claim", alone.claims, desk.claims),
        *_beside("a write to numbers or consents", alone.writes, desk.writes),
    ]  # fmt: skip


def _beside(name: str, alone: list[float], beside: list[float]) -> list[Figure]:
    floor, value = _percentile(alone), _percentile(beside)
    words = f"{SLOWER:.0f} times at most"
    longest = max(beside)
    return [
        Figure(f"  p95 of {name} beside it", value, "ms", value / floor, f"alone {floor:.1f} ms", words, value <= SLOWER * floor),
        Figure(f"  longest {name[2:]} of {len(beside)}", longest, "ms", None, f"alone {max(alone):.1f} ms", f"under {LONGEST_MS:.0f} ms", longest < LONGEST_MS),
    ]  # fmt: skip


def _percentile(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
