"""The commit of a list, as its job does it: good rows become customers, in one transaction or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from core.audit import audit
from core.jobs import JobCancelled, Run, enqueue
from customers.models import LeadList, Merge, RowVerdict
from customers.services import judging, list_tags
from customers.services.list_check import count_verdicts
from customers.signals import list_committed
from people.models import User

TRIES = 5

ROWS = """FROM customers_rowverdict v JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
  WHERE v.lead_list_id = %(list)s"""

FRESH = """JOIN customers_rowverdict v ON v.lead_list_id = s.lead_list_id AND v.row_no = s.row_no AND v.verdict = 'new'
  WHERE s.lead_list_id = %(list)s"""

# new rows whose number or customer number came into the pool after the check
OVERTAKEN = f"""
SELECT s.row_no FROM customers_phone p JOIN customers_stagedrow s ON s.phone_blind = p.blind_index {FRESH}
UNION
SELECT s.row_no FROM customers_customer c JOIN customers_stagedrow s ON s.external_id = c.external_id {FRESH}
  AND c.source_id = %(source)s AND c.external_id <> ''
"""

# new rows whose number was suppressed after the check. An hour before it too: whoever writes a long register is seen only at its end
SUPPRESSED = f"""
SELECT s.row_no FROM customers_suppression u JOIN customers_stagedrow s ON s.phone_blind = u.phone_blind {FRESH} AND {judging.IN_FORCE}
  AND greatest(u.created_at, u.valid_from) > %(checked)s - interval '1 hour'
"""

# rows of customers whom the taking back of another list has taken away or changed since the check; a person's decision is kept where it can be
UNDONE = """
SELECT v.row_no FROM customers_rowverdict v
WHERE v.lead_list_id = %(list)s AND v.verdict IN ('update', 'unchanged', 'left') AND v.customer_id IS NOT NULL AND (
  NOT EXISTS (SELECT FROM customers_customer c WHERE c.id = v.customer_id)
  OR v.reason = '' AND EXISTS (
    SELECT FROM customers_rowverdict u JOIN customers_leadlist l ON l.id = u.lead_list_id AND l.undo_asked_at IS NOT NULL
      AND coalesce(l.undone_at, %(at)s) >= %(checked)s
    WHERE u.customer_id = v.customer_id AND u.verdict = 'update'))
"""

# rows of customers who were merged since the check, or whose merge was undone: their numbers belong to somebody else now
MERGED = """
SELECT v.row_no FROM customers_rowverdict v
WHERE v.lead_list_id = %(list)s AND v.verdict IN ('update', 'unchanged') AND v.customer_id IN (
  SELECT p.id FROM customers_merge m CROSS JOIN LATERAL (VALUES (m.kept_id), (m.gone_id)) p (id)
  WHERE m.at >= %(checked)s OR m.undone_at >= %(checked)s)
"""

PREFIX = "CASE WHEN s.phone_mask LIKE '1__****%%' AND substr(s.phone_mask, 2, 1) BETWEEN '3' AND '9' THEN left(s.phone_mask, 3) ELSE '' END"

# in the order of the file, so that neighbours in the list are neighbours in the tables and their ids make dense bitmaps
NEW_CUSTOMERS = f"""
INSERT INTO customers_customer (id, city_id, source_id, external_id, name, name_sort, type, gender, age, attributes,
                                is_suppressed, created_at, updated_at)
SELECT v.customer_id, s.city_id, %(source)s, s.external_id, s.name, s.name_sort, s.type, s.gender, s.age, s.attributes, false, %(at)s, %(at)s
{ROWS} AND v.verdict = 'new' ORDER BY s.row_no
"""
# in the order of their largest index: written at random, its pages would come and go in the processor's cache
NEW_NUMBERS = f"""
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)
SELECT v.customer_id, s.phone_blind, s.phone_sealed, s.phone_mask, {PREFIX}, true, false, %(at)s
{ROWS} AND v.verdict = 'new' ORDER BY s.phone_blind
"""

# what a row gives a known customer; empty cells never erase
VALUES = {
    "name": """name = CASE WHEN s.name <> '' THEN s.name ELSE c.name END,
  name_sort = CASE WHEN s.name <> '' THEN s.name_sort ELSE c.name_sort END""",
    "type": "type = CASE WHEN s.type <> '' THEN s.type ELSE c.type END",
    "gender": "gender = CASE WHEN s.gender <> '' THEN s.gender ELSE c.gender END",
    "age": "age = coalesce(s.age, c.age)",
    "attributes": "attributes = c.attributes || s.attributes",
}
UPDATE = """
UPDATE customers_customer c SET {values},
  city_id = CASE WHEN v.reason = 'moved' OR c.city_id = ANY (%(nowhere)s) THEN s.city_id ELSE c.city_id END,
  source_id = CASE WHEN v.before ? 'external_id' AND v.reason <> 'keep_customer' THEN %(source)s ELSE c.source_id END,
  external_id = CASE WHEN v.before ? 'external_id' AND v.reason <> 'keep_customer' THEN s.external_id ELSE c.external_id END,
  updated_at = %(at)s
FROM customers_rowverdict v JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
WHERE v.lead_list_id = %(list)s AND v.verdict = 'update' AND v.reason <> 'add_number' AND c.id = v.customer_id
"""

# a further number of a customer who is known, or whom this very list has brought
NUMBERS = f"""
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)
SELECT coalesce(c.merged_into_id, c.id), s.phone_blind, s.phone_sealed, s.phone_mask,
  {PREFIX},
  NOT EXISTS (SELECT 1 FROM customers_phone p WHERE p.customer_id = coalesce(c.merged_into_id, c.id) AND p.is_primary), false, %(at)s
{ROWS.replace(" WHERE", " JOIN customers_customer c ON c.source_id = %(source)s AND c.external_id = s.external_id AND c.external_id <> '' WHERE")}
  AND v.verdict = 'update' AND v.reason = 'add_number'
ON CONFLICT (blind_index) DO NOTHING
"""

# numbers that stood on the greylist before they belonged to anybody
GREY = """
UPDATE customers_customer c SET is_greylisted = true
FROM customers_greyentry g JOIN customers_phone p ON p.blind_index = g.phone_blind
WHERE g.lifted_at IS NULL AND c.id = p.customer_id AND NOT c.is_greylisted
"""

NUMBERS_OF = """
UPDATE customers_rowverdict v SET customer_id = p.customer_id
FROM customers_stagedrow s JOIN customers_phone p ON p.blind_index = s.phone_blind
WHERE v.lead_list_id = %(list)s AND v.verdict = 'update' AND v.reason = 'add_number'
  AND s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
"""

# on what ground the customers of this list may be called
NEW_CONSENTS = """
INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at)
SELECT v.customer_id, 'marketing_calls', l.consent_basis, '', l.consent_stated_by, %(at)s
FROM customers_rowverdict v JOIN customers_leadlist l ON l.id = v.lead_list_id
WHERE v.lead_list_id = %(list)s AND v.verdict = 'new' ORDER BY v.row_no
"""
# said once for the same customer, ground and person, as long as it is in force
CONSENTS = """
INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at)
SELECT DISTINCT ON (v.customer_id) v.customer_id, 'marketing_calls', l.consent_basis, '', l.consent_stated_by, %(at)s
FROM customers_rowverdict v JOIN customers_leadlist l ON l.id = v.lead_list_id
WHERE v.lead_list_id = %(list)s AND v.customer_id IS NOT NULL AND v.verdict IN ('update', 'unchanged') AND NOT EXISTS (
  SELECT 1 FROM customers_consent k WHERE k.customer_id = v.customer_id AND k.basis = l.consent_basis
    AND k.stated_by = l.consent_stated_by AND k.withdrawn_at IS NULL
    AND k.given_at <= %(at)s AND (k.expires_at IS NULL OR k.expires_at > %(at)s))
ORDER BY v.customer_id
"""


class CountsDiffer(Exception):
    """Fewer rows were stored than judged new; the transaction is rolled back."""


def commit_list(run: Run) -> dict[str, Any]:
    """Store the good rows, in one transaction fenced by the job's token. Done already: nothing."""
    lead_list = LeadList.objects.select_related("created_by").get(pk=run.args["lead_list"])
    if lead_list.status != LeadList.Status.COMMITTING:
        return {}
    good = sum(lead_list.counts.get(verdict, 0) for verdict in ("new", "update"))
    try:
        with run.chunk(done=good, cursor={"committed": True}, total=good):
            at = run.now()
            one_at_a_time()
            _execute(judging.ROOM, {})
            # whoever wants to stop us now waits until it is too late
            lead_list = (
                LeadList.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=lead_list.pk)
            )
            if lead_list.status != LeadList.Status.COMMITTING:
                return {}
            _store(lead_list, at=at)
            _settle(lead_list, by=User.objects.get(pk=run.args["user"]), at=at)
    except JobCancelled:
        LeadList.objects.filter(pk=lead_list.pk, status=LeadList.Status.COMMITTING).update(
            status=LeadList.Status.CHECKED
        )
        raise
    return {"counts": lead_list.counts}


def settle_indexes() -> int:
    """Sort what commits have put on the waiting lists of the search indexes into them; returns pages. Searches are right before it too, only slower."""
    rows = _execute(
        "SELECT gin_clean_pending_list('customer_search'::regclass)",
        {},
    )
    return int(rows[0][0])


def one_at_a_time() -> None:
    """Two lists with common numbers would otherwise wait for each other crosswise; and no customer goes while a list is committed."""
    _execute("SELECT pg_advisory_xact_lock(hashtext('customers.commit_list'))", {})


def _store(lead_list: LeadList, *, at: datetime) -> None:
    _judge_again(lead_list, SUPPRESSED, at=at)
    if _was_undone_since(lead_list, at=at):
        _judge_again(lead_list, UNDONE, at=at)
    if _was_merged_since(lead_list, at=at):
        _judge_again(lead_list, MERGED, at=at)
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                _store_new(lead_list, at=at)
            break
        except IntegrityError:
            # since the check somebody else's customer got a number or a customer number of this list
            if attempt == TRIES:
                raise
            _judge_again(lead_list, OVERTAKEN, at=at)
    values = _values(lead_list, at)
    _execute(UPDATE.replace("{values},", _values_of_known(lead_list)), values)
    _execute(NUMBERS, values)
    _execute(NUMBERS_OF, values)
    _execute(GREY, values)
    _execute(CONSENTS, values)
    list_tags.set_tags(lead_list, at=at)
    judging.keep_held(lead_list, at=at)


def _was_undone_since(lead_list: LeadList, *, at: datetime) -> bool:
    """Some other list was or is being taken back since this one was checked."""
    undoing = LeadList.objects.exclude(undo_asked_at=None).exclude(undone_at__lt=lead_list.checked_at or at)
    return undoing.exists()


def _was_merged_since(lead_list: LeadList, *, at: datetime) -> bool:
    """Some customers were merged, or parted again, since this list was checked."""
    checked = lead_list.checked_at or at
    return Merge.objects.filter(Q(at__gte=checked) | Q(undone_at__gte=checked)).exists()


def _judge_again(lead_list: LeadList, whom: str, *, at: datetime) -> None:
    rows = [row for (row,) in _execute(whom, _values(lead_list, at))]
    if rows:
        judging.judge_rows(lead_list, rows, at=at)


def _store_new(lead_list: LeadList, *, at: datetime) -> None:
    expected = RowVerdict.objects.filter(lead_list=lead_list, verdict=RowVerdict.Verdict.NEW).count()
    if not expected:
        return
    values = _values(lead_list, at)
    stored = [_stored(statement, values) for statement in (NEW_CUSTOMERS, NEW_NUMBERS, NEW_CONSENTS)]
    if stored != [expected] * len(stored):
        raise CountsDiffer(f"{expected} new rows; customers, numbers and consents: {stored}")


def _stored(statement: str, values: dict[str, Any]) -> int:
    """How many rows the statement wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def _values_of_known(lead_list: LeadList) -> str:
    """The values that this list may change."""
    names = lead_list.known_fields if lead_list.known == LeadList.Known.FIELDS else list(VALUES)
    return "".join(f"\n  {VALUES[name]}," for name in VALUES if name in names)


def _values(lead_list: LeadList, at: datetime) -> dict[str, Any]:
    return {
        "list": lead_list.pk,
        "source": lead_list.source_id,
        "at": at,
        "checked": lead_list.checked_at or at,
        "nowhere": judging.nowhere_ids() or [0],
    }


def _execute(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _settle(lead_list: LeadList, *, by: User, at: datetime) -> None:
    lead_list.counts = count_verdicts(lead_list)
    lead_list.status, lead_list.committed_at, lead_list.committed_by = LeadList.Status.COMMITTED, at, by
    lead_list.save(update_fields=["counts", "status", "committed_at", "committed_by"])
    audit("customers.list.committed", lead_list, by=by, at=at, counts=lead_list.counts)
    enqueue(kind="customers.settle_indexes", key=str(lead_list.pk), by=by)
    enqueue(kind="customers.find_same_persons", key=f"list-{lead_list.pk}", args={"lead_list": lead_list.pk}, by=by)
    list_committed.send(sender=LeadList, lead_list_id=lead_list.pk)
