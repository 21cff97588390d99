"""The taking back of a list, as its job does it: some thousands of rows at a time, so that the desk goes on beside it.

What the list alone brought goes: customers whom nobody has touched since, with their numbers, tags and the list's consent, and leads that
were never handed out. What was called, sold, promised, refused or used by others since stays, and its row says why.

Consents. One that goes with its customer was never acted upon and says something about a person who is not held any more: it goes too; the
list itself keeps on what ground, and by whom, it was said of how many. That of a customer who stays because somebody called stays in force:
it is the evidence of that call's ground, and the work begun with it, a promise to call back, is to be finished. That of a customer who was
known before ends now, by its date: withdrawn is only what the customer takes back, and what was called until now keeps its ground. Of
several lists that gave one ground the last that is taken back ends it.

Tags. Of customers known before those go that no person, segment or other list has said.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection
from django.db.models import Count

from core.audit import audit
from core.jobs import Run, TryLater
from customers.models import Customer, LeadList, Phone, RowVerdict
from customers.services import list_commit, list_tags
from customers.services.undo_judging import Outcome, Stored, all_stored, as_stored, judge_undo, stored_rows
from customers.signals import rows_taken_back

CHUNK = 2_000
TRIES = 5
# whoever waits for a lock keeps others waiting behind it: rather begin the chunk again
PATIENCE = "SET LOCAL lock_timeout = '1500ms'"
PAUSE = timedelta(seconds=5)

# values as a whole, of customers who are locked
CHANGE = """
UPDATE customers_customer c SET name = n.name, name_sort = n.name_sort, type = n.type, gender = n.gender, age = n.age, city_id = n.city_id,
  external_id = n.external_id, attributes = n.attributes, updated_at = %(at)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n (
  id bigint, name text, name_sort text, type text, gender text, age smallint, city_id bigint, external_id text, attributes jsonb)
WHERE c.id = n.id
"""
CHANGED = ("id", "name", "name_sort", "type", "gender", "age", "city_id", "external_id", "attributes")

# Which list wrote a consent is told by its time. The other list that still gives the ground was committed while it was in force, so it knew the
# customer. A customer whom a list taken back earlier had brought, and who stayed because somebody called, keeps that evidence.
# who was merged into the person of the consent is that person
PERSONS = "(SELECT p.id FROM customers_customer p WHERE p.id = k.customer_id OR p.merged_into_id = k.customer_id)"
END_CONSENTS = f"""
UPDATE customers_consent k SET expires_at = %(at)s FROM customers_leadlist m
WHERE k.customer_id = ANY (%(ids)s) AND k.basis = %(basis)s AND k.stated_by = %(stated_by)s AND k.withdrawn_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > %(at)s)
  AND m.committed_at = k.given_at AND m.consent_basis = k.basis AND m.consent_stated_by = k.stated_by AND m.status IN ('undoing', 'undone')
  AND NOT EXISTS (
    SELECT FROM customers_rowverdict v JOIN customers_leadlist o ON o.id = v.lead_list_id
    WHERE v.customer_id IN {PERSONS} AND v.verdict IN ('update', 'unchanged') AND o.status = 'committed'
      AND o.committed_at > k.given_at AND o.consent_basis = k.basis AND o.consent_stated_by = k.stated_by)
  AND (m.id = %(list)s OR NOT EXISTS (
    SELECT FROM customers_rowverdict v WHERE v.lead_list_id = m.id AND v.customer_id IN {PERSONS} AND v.verdict = 'new'
      AND v.stays IS NOT NULL AND v.stays <> 'other_list'))
"""

# Customers last: their deletion keeps others from writing numbers and consents (core.migration_operations.ReferenceInSets) until the chunk is
# committed. What points to them is checked before that, in the statement, not at the commit: others then wait for milliseconds.
DELETE = (
    "SET CONSTRAINTS ALL IMMEDIATE",
    "DELETE FROM customers_sameperson WHERE first_id = ANY (%(ids)s) OR second_id = ANY (%(ids)s)",
    "DELETE FROM customers_customertag WHERE customer_id = ANY (%(ids)s)",
    "DELETE FROM customers_consent WHERE customer_id = ANY (%(ids)s)",
    "DELETE FROM customers_phone WHERE customer_id = ANY (%(ids)s)",
    "DELETE FROM customers_customer WHERE id = ANY (%(ids)s)",
)

# what the list had left to be remembered of rows held back; what a later list has brought again stays
FORGET_HELD = """
DELETE FROM customers_heldrow h USING customers_rowverdict v
JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
WHERE v.lead_list_id = %(list)s AND v.told = 'new' AND h.phone_blind = s.phone_blind AND h.city_id = s.city_id AND h.kept_at = %(committed)s
"""
RESTORE_HELD = """
UPDATE customers_heldrow h SET name = coalesce(v.before ->> 'name', h.name), type = coalesce(v.before ->> 'type', h.type),
  gender = coalesce(v.before ->> 'gender', h.gender),
  age = CASE WHEN v.before ? 'age' THEN (v.before ->> 'age')::smallint ELSE h.age END,
  external_id = coalesce(v.before ->> 'external_id', h.external_id),
  attributes = jsonb_strip_nulls(h.attributes || coalesce(v.before -> 'attributes', '{}'))
FROM customers_rowverdict v JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
WHERE v.lead_list_id = %(list)s AND v.told = 'update' AND v.before IS NOT NULL AND h.phone_blind = s.phone_blind
  AND h.city_id = s.city_id AND h.kept_at = %(committed)s
"""


def take_back(run: Run) -> dict[str, Any]:
    """Go on where the last worker ended; the list is then taken back. Done already: nothing.

    A customer whose row somebody has locked, an agent's claim above all, is passed over and looked at again at the end: by then the claim
    has made it a customer who stays, or not.
    """
    lead_list = LeadList.objects.get(pk=run.args["lead_list"])
    if lead_list.status != LeadList.Status.UNDOING:
        return {}
    if run.total is None:
        _start(run, lead_list)
    while rows := stored_rows(lead_list, before=run.cursor.get("row"), most=CHUNK):
        _patiently(run, lead_list, rows)
    _look_again(run, lead_list)
    return _settle(run, lead_list)


def _start(run: Run, lead_list: LeadList) -> None:
    with run.chunk(cursor={"row": None, "left": []}, total=all_stored(lead_list).count()):
        pass


def _patiently(run: Run, lead_list: LeadList, rows: list[Stored]) -> None:
    """One chunk; again when it met somebody who holds what it needs."""
    for attempt in range(1, TRIES + 1):
        try:
            with run.chunk(done=len(rows)) as piece:
                passed_over = _take_chunk(lead_list, rows, at=run.now(), waits=False)
                piece.done = len(rows) - len(passed_over)
                piece.cursor = {"row": rows[-1].row_no, "left": run.cursor.get("left", []) + passed_over}
            return
        except OperationalError:
            if attempt == TRIES:
                raise


def _look_again(run: Run, lead_list: LeadList) -> None:
    """Rows passed over, now with patience: whoever holds a customer does so for a moment."""
    left = run.cursor.get("left", [])
    if not left:
        return
    rows = as_stored(all_stored(lead_list).filter(row_no__in=left).order_by("-row_no"))
    try:
        with run.chunk(done=len(left), cursor={**run.cursor, "left": []}):
            _take_chunk(lead_list, rows, at=run.now(), waits=True)
    except OperationalError:
        raise TryLater(PAUSE) from None


# -- a chunk -----------------------------------------------------------------------------------------------------------


def _take_chunk(lead_list: LeadList, rows: list[Stored], *, at: datetime, waits: bool) -> list[int]:
    """Take these rows back; returns the numbers of those passed over because somebody holds their customer."""
    list_commit.one_at_a_time()
    _execute(PATIENCE, {})
    customers = _lock({row.customer_id for row in rows}, waits=waits)
    passed_over, of_whom = _passed_over(rows, customers)
    outcome = judge_undo(lead_list, [row for row in rows if row.customer_id not in of_whom], customers)
    _note(lead_list, outcome)
    _restore(outcome, at=at)
    known = {pk for pk, created_at in customers.items() if created_at != lead_list.committed_at}
    followed = _merged_into(set(customers))
    _end_consents(lead_list, known | _of_other_lists(rows, outcome) | followed, at=at)
    list_tags.take_tags_back(lead_list, sorted(known | followed))
    staying = sorted(set(customers) - outcome.going | followed)
    rows_taken_back.send(
        sender=LeadList, lead_list_id=lead_list.pk, going=sorted(outcome.going), staying=staying,
        moved=sorted(outcome.moved),
    )  # fmt: skip
    _delete(sorted(outcome.going))
    return passed_over


def _lock(ids: set[int], *, waits: bool) -> dict[int, datetime]:
    """Persons first and in order, as everywhere, with the time at which they came; whom somebody holds at this moment is left out, unless
    there is time to wait."""
    rows = Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), skip_locked=not waits)
    return dict(rows.values_list("pk", "created_at"))


def _merged_into(ids: set[int]) -> set[int]:
    """Whom these persons were merged into, locked: what the list gave them went over. No merge runs beside (list_commit.one_at_a_time)."""
    found: set[int] = set()
    wave = ids
    while (
        wave := set(
            Customer.objects.filter(pk__in=wave).exclude(merged_into=None).values_list("merged_into_id", flat=True)
        )
        - found
    ):
        found |= wave
    list(
        Customer.objects.filter(pk__in=found)
        .order_by("pk")
        .select_for_update(of=("self",))
        .values_list("pk", flat=True)
    )
    return found


def _passed_over(rows: list[Stored], locked: dict[int, datetime]) -> tuple[list[int], set[int]]:
    """Rows, and their customers, who are there and could not be locked. Who is gone was taken back by a worker before."""
    unlocked = {row.customer_id for row in rows} - set(locked)
    there = set(Customer.objects.filter(pk__in=unlocked).values_list("pk", flat=True)) if unlocked else set()
    return [row.row_no for row in rows if row.customer_id in there], there


def _of_other_lists(rows: list[Stored], outcome: Outcome) -> set[int]:
    """Customers whom this list brought, and who stay for no more than that another list names them: nobody has called them on its ground."""
    return {
        row.customer_id
        for row in rows
        if row.verdict == RowVerdict.Verdict.NEW and outcome.stays.get(row.row_no) == "other_list"
    }


def _note(lead_list: LeadList, outcome: Outcome) -> None:
    by_reason: dict[str, list[int]] = defaultdict(list)
    for row_no, code in outcome.stays.items():
        by_reason[code].append(row_no)
    for code, row_nos in by_reason.items():
        RowVerdict.objects.filter(lead_list=lead_list, row_no__in=row_nos).update(stays=code)


def _restore(outcome: Outcome, *, at: datetime) -> None:
    if outcome.changed:
        rows = [{name: getattr(customer, name) for name in CHANGED} for customer in outcome.changed.values()]
        _execute(CHANGE, {"rows": json.dumps(rows), "at": at})
    if outcome.numbers:
        Phone.objects.filter(pk__in=outcome.numbers)._raw_delete("default")


def _end_consents(lead_list: LeadList, customer_ids: set[int], *, at: datetime) -> None:
    """On the ground that this list gives, unless another list still gives it: that one did not say the same once more, and rests on it."""
    if customer_ids:
        values = {
            "ids": sorted(customer_ids), "list": lead_list.pk, "basis": lead_list.consent_basis,
            "stated_by": lead_list.consent_stated_by, "at": at,
        }  # fmt: skip
        _execute(END_CONSENTS, values)


def _delete(ids: list[int]) -> None:
    if ids:
        for statement in DELETE:
            _execute(statement, {"ids": ids})


def _execute(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# -- the end -----------------------------------------------------------------------------------------------------------


def _settle(run: Run, lead_list: LeadList) -> dict[str, Any]:
    with run.chunk():
        lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
        if lead_list.status != LeadList.Status.UNDOING:
            return {}
        for statement in (FORGET_HELD, RESTORE_HELD):
            _execute(statement, {"list": lead_list.pk, "committed": lead_list.committed_at})
        lead_list.status, lead_list.undone_at = LeadList.Status.UNDONE, run.now()
        lead_list.save(update_fields=["status", "undone_at"])
        stays = count_stays(lead_list)
        audit("customers.list.undone", lead_list, by=lead_list.undo_by, at=lead_list.undone_at, stays=stays)
    return {"rows": run.done, "stays": stays}


def count_stays(lead_list: LeadList) -> dict[str, int]:
    """Rows of which something stays, by reason."""
    rows = RowVerdict.objects.filter(lead_list=lead_list).stayed(is_region=True).values("stays")
    return {row["stays"]: row["n"] for row in rows.annotate(n=Count("row_no")).order_by("stays")}
