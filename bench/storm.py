"""100,000 claims by 64 agents while switches, suppressions and rules change: calls outside the rules, beside a twin that does not ask again at the dial."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg2
from django.db import connection

from bench import claim
from bench.figures import Figure

CLAIMS = int(os.environ.get("BENCH_STORM", "100000"))
TWIN_CLAIMS = max(CLAIMS // 10, 1000)
THREADS = 64
AGENTS = itertools.count(1000)
# the judgement lies between the two times; on a busy machine they may be some milliseconds apart
REFUSAL = "SELECT clock_timestamp(), campaigns_dial_refusal(%s, %s, clock_timestamp()), clock_timestamp()"
# the gap of the rules, as short and as long as it becomes: the shortest must hold between any two contacts of a person
GAPS = (120, 180, 240)


@dataclass
class Changes:
    """When something was forbidden and allowed again: {thing: [(committed at, is forbidden), ...]} in the order of time."""

    rows: dict[tuple[str, int], list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))

    def forbids(self, thing: tuple[str, int], since: datetime, until: datetime) -> bool:
        """Was it forbidden all the time? Who judges while it changes may say either."""
        rows = self.rows.get(thing, [])
        place = bisect_right(rows, since, key=lambda row: row[0])
        return place > 0 and rows[place - 1][1] and (place == len(rows) or rows[place][0] > until)


@dataclass(frozen=True)
class Call:
    """A lead that was dialled, judged between `since` and `until`: everything a rule could speak of."""

    since: datetime
    until: datetime
    customer: int
    campaign: int
    city: int


def run() -> list[Figure]:
    """No call outside the rules, and the twin that shows that the storm would have found some."""
    with claim.own_database():
        claim.sql(claim.SEED)
        claim.sql(claim.LEAD_ROWS)
        claim.vacuum_tables(("campaigns_lead", "customers_customer", "customers_phone", "customers_consent"))
        calls, wrong = storm(CLAIMS, asks_again=True)
        close = contacts_too_close()
        twin_calls, twin_wrong = storm(TWIN_CLAIMS, asks_again=False)
    return [
        Figure("calls in the storm", calls, "", None, f"{CLAIMS:,} claims by {THREADS} agents"),
        Figure("calls outside the rules", wrong, "", None, "switches, suppressions", "0", wrong == 0),
        Figure("contacts closer than the gap", close, "", None, "", "0", close == 0),
        Figure("the twin that asks once: calls outside the rules", twin_wrong, "", None, f"{twin_calls:,} calls", "more than 0", twin_wrong > 0),
    ]  # fmt: skip


def storm(claims: int, *, asks_again: bool) -> tuple[int, int]:
    """(calls made, calls outside the rules)."""
    changes, calls, over = Changes(), [], threading.Event()
    left = itertools.count()
    weather = threading.Thread(target=_change, args=(changes, over))
    weather.start()
    agents = [
        threading.Thread(target=_work, args=(number, claims, left, calls, asks_again)) for number in range(THREADS)
    ]
    for thread in agents:
        thread.start()
    for thread in agents:
        thread.join()
    over.set()
    weather.join()
    return len(calls), sum(_is_wrong(call, changes) for call in calls)


def _is_wrong(call: Call, changes: Changes) -> bool:
    things = (("campaign", call.campaign), ("city", call.city), ("customer", call.customer))
    return any(changes.forbids(thing, call.since, call.until) for thing in things)


def _link() -> Any:
    params = dict(connection.get_connection_params())
    link = psycopg2.connect(**{k: v for k, v in params.items() if k not in ("client_encoding", "cursor_factory")})
    link.autocommit = True
    return link


def _work(number: int, claims: int, left: Any, calls: list[Call], asks_again: bool) -> None:
    link = _link()
    with link.cursor() as cursor:
        cursor.execute("SELECT CURRENT_DATE")
        today = cursor.fetchone()[0]
        campaign = 1 + number % claim.CAMPAIGNS
        team = claim.CITIES + campaign if number % 2 else 2 + number // 2 % (claim.CITIES - 1)
        while next(left) < claims:
            cursor.execute(claim.CLAIM, [next(AGENTS), team, None if number % 2 else team, today])
            lead = cursor.fetchone()[0]
            if lead is None:
                continue
            if asks_again:
                cursor.execute(REFUSAL, [lead, today])
            else:
                cursor.execute("SELECT clock_timestamp(), NULL, clock_timestamp()")
            since, refusal, until = cursor.fetchone()
            if refusal is None:
                cursor.execute("SELECT customer_id, campaign_id, city_id FROM campaigns_lead WHERE id = %s", [lead])
                calls.append(Call(since, until, *cursor.fetchone()))
    link.close()


SUPPRESS = """
INSERT INTO customers_suppression (customer_id, kind, valid_from, note, source, lift_reason) SELECT %s, 'refusal', now(), '', '', '';
UPDATE customers_customer SET is_suppressed = true WHERE id = %s"""


def _change(changes: Changes, over: threading.Event) -> None:
    """Something changes every few milliseconds. Written down is the time after the commit of what forbids, and before what allows again."""
    link, draw = _link(), random.Random(1)

    def note(thing: tuple[str, int], is_forbidden: bool) -> None:
        cursor.execute("SELECT clock_timestamp()")
        changes.rows[thing].append((cursor.fetchone()[0], is_forbidden))

    def switch(table: str, thing: str, number: int) -> None:
        cursor.execute(f"UPDATE {table} SET is_on = false WHERE id = %s", [number])
        note((thing, number), True)
        time.sleep(0.02)
        note((thing, number), False)
        cursor.execute(f"UPDATE {table} SET is_on = true WHERE id = %s", [number])

    with link.cursor() as cursor:
        while not over.is_set():
            match draw.randrange(4):
                case 0:
                    switch("campaigns_campaign", "campaign", draw.randint(1, claim.CAMPAIGNS))
                case 1:
                    switch("people_city", "city", draw.randint(2, claim.CITIES))
                case 2:
                    customer = draw.randint(1, claim.PERSONS)
                    cursor.execute(SUPPRESS, [customer, customer])
                    note(("customer", customer), True)
                case 3:
                    value = f'{{"minutes": {draw.choice(GAPS)}}}'
                    cursor.execute(
                        "UPDATE customers_contactrule SET value = %s WHERE key = 'gap' AND pack_id = 900", [value]
                    )
            time.sleep(0.005)
    link.close()


def contacts_too_close() -> int:
    """Pairs of contacts of one person that lie closer together than the shortest gap."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT at - lag(at) OVER (PARTITION BY customer_id ORDER BY at, id) AS apart FROM customers_contact"
            f" WHERE state <> 'void') x WHERE apart < interval '{min(GAPS)} minutes'"
        )
        return cursor.fetchone()[0]
