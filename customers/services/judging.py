"""The verdict of each staged row, by one statement over the whole list. Nothing here touches customers.

Who works for one city gets no answer about another city's customers. Such a row is left to the region's data team (`undecided`, `region`),
whatever else would be said about it, and `told` holds what readers without the region see in its place: what the row would be if customers
of other cities did not exist, mostly "new". Pages, counts, API and workbook show `told` to them, so that a list answers nobody whether a
number is known elsewhere; `LeadList.counts`, jobs and audit rows hold the told numbers, and only `list_queries.counts_for` tells the region's
readers the others. The commit leaves such rows out. A list that the region brings for one city is told to that city in the same way.

What the pool itself shows stays true: who looks for each person of a file after its commit, by name, finds one missing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from customers import list_rules
from customers.models import LeadList
from customers.services import judging_scopes
from people.models import City

# Old value of each field that a row would change; {} when nothing. Empty cells never erase. The city is judged apart and always.
CHANGES = {
    "name": "CASE WHEN s.name <> '' AND s.name <> c.name THEN jsonb_build_object('name', c.name) ELSE '{}' END",
    "type": "CASE WHEN s.type <> '' AND s.type <> c.type THEN jsonb_build_object('type', c.type) ELSE '{}' END",
    "gender": "CASE WHEN s.gender <> '' AND s.gender <> c.gender THEN jsonb_build_object('gender', c.gender) ELSE '{}' END",
    "age": "CASE WHEN s.age IS NOT NULL AND s.age IS DISTINCT FROM c.age THEN jsonb_build_object('age', c.age) ELSE '{}' END",
    "city": "CASE WHEN s.city_id <> c.city_id THEN jsonb_build_object('city', c.city_id) ELSE '{}' END",
    "external_id": """CASE WHEN s.external_id <> '' AND c.external_id = '' AND coalesce(c.source_id, %(source)s) = %(source)s
           THEN jsonb_build_object('external_id', '') ELSE '{}' END""",
    "attributes": """CASE WHEN c.attributes @> s.attributes THEN '{}' ELSE jsonb_build_object('attributes', (
        SELECT jsonb_object_agg(k, c.attributes -> k) FROM jsonb_object_keys(s.attributes) k
        WHERE c.attributes -> k IS DISTINCT FROM s.attributes -> k)) END""",
}

# read again by key, only where a customer is known: names and attributes of all rows would go through every join of the judgement
WHAT_CHANGES = """SELECT {changes} FROM customers_stagedrow s CROSS JOIN customers_customer c
  WHERE s.lead_list_id = %(list)s AND s.row_no = k.row_no AND c.id = k.customer_id"""

LAST = 2**31 - 1  # no row comes after it

# for this transaction: 200,000 rows are sorted and joined in memory instead of on the disk
ROOM = "SET LOCAL work_mem = '128MB'"

IN_FORCE = """campaign_id IS NULL AND product_id IS NULL AND lifted_at IS NULL AND valid_from <= %(at)s
    AND (valid_to IS NULL OR valid_to > %(at)s)"""

NUMBER_BLOCKED = f"EXISTS (SELECT FROM customers_suppression u WHERE u.phone_blind = s.phone_blind AND {IN_FORCE})"
ON_A_REGISTER = NUMBER_BLOCKED.replace("WHERE", "WHERE u.customer_id IS NULL AND")

# what the judgement asks of a customer. By key, row by row: a join over the pool reads all of it for every part of a list
KNOWN = "c.id, c.city_id, c.source_id, c.external_id, c.is_suppressed, c.created_at"

# the rows to be judged; what came before them in the file is looked at too
SOME = "s.row_no > %(after)s AND s.row_no <= %(upto)s AND (%(all)s OR s.row_no = ANY (%(rows)s))"

# in the order of the index in which each number is looked for: at random its pages come and go in the processor's cache
THESE = f"""SELECT row_no, phone_blind, external_id, city_id, fault FROM customers_stagedrow s
    WHERE lead_list_id = %(list)s AND {SOME} ORDER BY phone_blind"""

# those that a row can repeat
EARLIER = "lead_list_id = %(list)s AND row_no <= %(upto)s AND fault = ''"

# customers whom the list's readers without the region do not know, and those whom the uploader does not
FOREIGN = "(%(is_told)s AND (c.city_id <> ALL (%(cities)s) OR x.city_id <> ALL (%(cities)s)))"
NOT_THE_UPLOADERS = "(c.city_id <> ALL (%(uploaders)s) OR x.city_id <> ALL (%(uploaders)s))"
OWN = "CASE WHEN c.city_id = ANY (%(cities)s) THEN c.id WHEN x.city_id = ANY (%(cities)s) THEN x.id END"
OWN_SINCE = (
    "CASE WHEN c.city_id = ANY (%(cities)s) THEN c.created_at WHEN x.city_id = ANY (%(cities)s) THEN x.created_at END"
)
# what would be said of a row if they did not exist; asked of few rows
TOLD = f"""CASE
      WHEN {ON_A_REGISTER} THEN 'suppressed:register'
      WHEN EXISTS (SELECT 1 FROM customers_customer o WHERE o.id = {OWN} AND (o.is_suppressed OR EXISTS (
        SELECT 1 FROM customers_suppression u WHERE u.customer_id = o.id AND {IN_FORCE}))) THEN 'suppressed:customer'
      WHEN {OWN_SINCE} >= %(left_from)s THEN %(left)s
      WHEN s.row_no > r.first THEN 'undecided:second_number'
      WHEN {OWN} IS NULL THEN 'new:'
      WHEN c.id IS NULL OR c.city_id <> ALL (%(cities)s) THEN 'undecided:new_number'
      WHEN s.external_id <> '' AND c.source_id = %(source)s AND c.external_id <> '' AND c.external_id <> s.external_id
        THEN 'undecided:other_customer_number'
      WHEN c.city_id <> s.city_id THEN 'undecided:other_city'
      WHEN d.before = '{{}}' THEN 'unchanged:'
      ELSE 'update:'
    END"""

JUDGE = f"""
WITH asked AS MATERIALIZED (
  SELECT phone_blind, external_id FROM customers_stagedrow s
  WHERE lead_list_id = %(list)s AND fault = '' AND {SOME} AND (%(each)s OR row_no = ANY (%(again)s))
), twice AS MATERIALIZED (
  SELECT phone_blind, min(row_no) AS first FROM customers_stagedrow
  WHERE {EARLIER} AND phone_blind IN (SELECT phone_blind FROM asked) GROUP BY phone_blind HAVING count(*) > 1
), many AS MATERIALIZED (
  SELECT external_id FROM customers_stagedrow
  WHERE {EARLIER} AND external_id IN (SELECT external_id FROM asked WHERE external_id <> '') GROUP BY external_id HAVING count(*) > 1
), numbers AS MATERIALIZED (
  SELECT phone_blind AS number, min(row_no) AS first FROM customers_stagedrow
  WHERE {EARLIER} AND phone_blind IN (SELECT phone_blind FROM customers_stagedrow WHERE {EARLIER} AND external_id IN (SELECT external_id FROM many))
  GROUP BY phone_blind
), renumbered AS MATERIALIZED (
  SELECT external_id, min(row_no) AS first FROM customers_stagedrow JOIN numbers n ON n.number = phone_blind AND n.first = row_no
  WHERE {EARLIER} AND external_id IN (SELECT external_id FROM many)
  GROUP BY external_id
), judged AS (
  SELECT s.row_no, coalesce(c.id, x.id) AS known_id, d.before, CASE WHEN c.city_id = ANY (%(cities)s) THEN d.before END AS own_before, {OWN} AS own_id,
    CASE WHEN {FOREIGN} AND s.fault = '' AND (t.first IS NULL OR s.row_no <= t.first) THEN {TOLD} END AS told,
    CASE
      WHEN s.fault <> '' THEN 'invalid:' || s.fault
      WHEN s.row_no > t.first THEN 'duplicate:same_number'
      WHEN NOT %(region)s AND {NOT_THE_UPLOADERS} THEN 'undecided:region'
      WHEN {NUMBER_BLOCKED} THEN 'suppressed:register'
      WHEN coalesce(c.is_suppressed, x.is_suppressed) OR coalesce(c.id, x.id) IS NOT NULL AND EXISTS (
        SELECT 1 FROM customers_suppression u WHERE u.customer_id = coalesce(c.id, x.id) AND {IN_FORCE}) THEN 'suppressed:customer'
      WHEN coalesce(c.created_at, x.created_at) >= %(left_from)s THEN %(left)s
      WHEN s.row_no > r.first THEN 'undecided:second_number'
      WHEN c.id IS NULL AND x.id IS NULL THEN 'new:'
      WHEN c.id IS NULL THEN 'undecided:new_number'
      WHEN x.id <> c.id THEN 'undecided:two_customers'
      WHEN s.external_id <> '' AND c.source_id = %(source)s AND c.external_id <> '' AND c.external_id <> s.external_id
        THEN 'undecided:other_customer_number'
      WHEN c.city_id <> s.city_id AND c.city_id <> ALL (%(nowhere)s) THEN 'undecided:other_city'
      WHEN d.before = '{{}}' THEN 'unchanged:'
      ELSE 'update:'
    END AS said
  FROM ({THESE}) s
  LEFT JOIN twice t ON t.phone_blind = s.phone_blind
  LEFT JOIN renumbered r ON r.external_id = s.external_id
  LEFT JOIN LATERAL (SELECT {KNOWN} FROM customers_customer c WHERE c.id = (
    SELECT p.customer_id FROM customers_phone p WHERE p.blind_index = s.phone_blind) OFFSET 0) c ON true
  LEFT JOIN LATERAL (SELECT {KNOWN} FROM customers_customer c WHERE c.id = (
    SELECT coalesce(o.merged_into_id, o.id) FROM customers_customer o
    WHERE o.source_id = %(source)s AND o.external_id = s.external_id AND o.external_id <> '') OFFSET 0) x ON true
  CROSS JOIN LATERAL (VALUES (s.row_no, c.id)) k (row_no, customer_id)
  CROSS JOIN LATERAL (SELECT CASE WHEN c.id IS NOT NULL THEN ({WHAT_CHANGES}) END AS before OFFSET 0) d
  ORDER BY s.row_no
)
INSERT INTO customers_rowverdict (lead_list_id, row_no, verdict, reason, customer_id, before, told, told_reason)
SELECT %(list)s, row_no, split_part(said, ':', 1), split_part(said, ':', 2),
  CASE WHEN said = 'new:' THEN nextval(%(ids)s::regclass)
       WHEN said = 'undecided:region' THEN own_id ELSE known_id END,
  CASE WHEN said = 'undecided:region' THEN CASE WHEN own_id IS NOT NULL AND told NOT LIKE 'suppressed:%%' AND told NOT LIKE 'left:%%' AND told <> 'unchanged:' THEN own_before END
       WHEN said = 'update:' OR said LIKE 'undecided:%%' THEN before END,
  split_part(told, ':', 1), split_part(told, ':', 2)
FROM judged
"""

# the city's own row was brought so lately that the list leaves it out
LEFT_HELD = "c.first_kept_at >= %(left_from)s"

# what such a row would be, had the city's earlier commit stored it; few rows, found by the index of held rows
REMEMBERED = f"""
UPDATE customers_rowverdict v SET before = CASE WHEN v.reason <> 'region' THEN v.before WHEN m.told <> 'left' THEN m.before END, told = m.told, told_reason = CASE m.told WHEN 'undecided' THEN 'other_city' WHEN 'left' THEN split_part(%(left)s, ':', 2) ELSE '' END
FROM (
  SELECT w.row_no, NULLIF(d.before, '{{}}') AS before,
    CASE WHEN {LEFT_HELD} THEN split_part(%(left)s, ':', 1)
      WHEN c.city_id <> s.city_id THEN 'undecided' WHEN d.before = '{{}}' THEN 'unchanged' ELSE 'update' END AS told
  FROM customers_rowverdict w
  JOIN customers_stagedrow s ON s.lead_list_id = w.lead_list_id AND s.row_no = w.row_no
  JOIN customers_heldrow c ON c.phone_blind = s.phone_blind AND c.city_id = ANY (%(cities)s)
  CROSS JOIN LATERAL (SELECT {{changes}} AS before OFFSET 0) d
  WHERE w.lead_list_id = %(list)s AND w.verdict = 'undecided'
    AND (w.told = 'new' OR w.told = 'undecided' AND w.told_reason = 'second_number' AND {LEFT_HELD}) AND {SOME}
) m
WHERE v.lead_list_id = %(list)s AND v.row_no = m.row_no
"""

KEEP = """
INSERT INTO customers_heldrow AS h (city_id, source_id, phone_blind, external_id, name, type, gender, age, attributes, first_kept_at, kept_at, list_ids)
SELECT s.city_id, %(source)s, s.phone_blind, s.external_id, s.name, s.type, s.gender, s.age, s.attributes, %(at)s, %(at)s, ARRAY[%(list)s]::bigint[]
FROM customers_rowverdict v JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
WHERE v.lead_list_id = %(list)s AND v.told IN ('new', 'update', 'unchanged') AND v.verdict NOT IN ('new', 'update', 'unchanged')
ON CONFLICT (phone_blind, city_id) DO UPDATE SET kept_at = excluded.kept_at, age = coalesce(excluded.age, h.age),
  name = coalesce(NULLIF(excluded.name, ''), h.name), type = coalesce(NULLIF(excluded.type, ''), h.type),
  gender = coalesce(NULLIF(excluded.gender, ''), h.gender), external_id = coalesce(NULLIF(excluded.external_id, ''), h.external_id),
  attributes = h.attributes || excluded.attributes, list_ids = ARRAY(
    SELECT l.id FROM customers_leadlist l
    WHERE l.id = %(list)s OR l.id = ANY (h.list_ids) AND l.undone_at IS NULL AND l.committed_at >= %(since)s ORDER BY l.committed_at, l.id)
"""


def keep_held(lead_list: LeadList, *, at: datetime) -> None:
    """Remember at the commit what was held back, so that the city's next list of these persons is told as any other.

    By which lists, of those that another list can still leave out: what was taken back or is older than that stands there no longer.
    """
    since = at - judging_scopes.LOOKS_BACK
    with connection.cursor() as cursor:
        cursor.execute(KEEP, {"list": lead_list.pk, "source": lead_list.source_id, "at": at, "since": since})


def judge_part(lead_list: LeadList, *, after: int, upto: int, again: list[int] | None = None, at: datetime) -> None:
    """Judge the staged rows behind row `after` up to row `upto`; those before them must be staged already.

    `again` names the rows among them that may repeat a number or a customer number of an earlier row; None: any may.

    A verdict depends on the pool and on earlier rows of the file, so a file is judged part by part while it is still read.
    A new row already gets the id its customer will have, in the order of the file, so that the commit need not write verdicts again.
    """
    is_region = list_rules.works_for_region(lead_list.created_by)
    _judge(lead_list, after=after, upto=upto, again=again, is_region=is_region, at=at)


def judge_rows(lead_list: LeadList, rows: list[int], *, at: datetime, is_region: bool | None = None) -> None:
    """Judge these rows again, as the pool is now; `is_region` with the eyes of the region's data team."""
    if is_region is None:
        is_region = list_rules.works_for_region(lead_list.created_by)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM customers_rowverdict WHERE lead_list_id = %s AND row_no = ANY (%s)",
            [lead_list.pk, rows or [0]],
        )
    _judge(lead_list, rows=rows, is_region=is_region, at=at)


def _judge(
    lead_list: LeadList,
    *,
    is_region: bool,
    at: datetime,
    rows: list[int] | None = None,
    after: int = 0,
    upto: int = LAST,
    again: list[int] | None = None,
) -> None:
    is_told, cities, uploaders = _readers(lead_list)
    values: dict[str, Any] = {
        "list": lead_list.pk,
        "source": lead_list.source_id,
        "region": is_region,
        "is_told": is_told,
        "cities": cities,
        "uploaders": uploaders,
        "nowhere": list(nowhere_ids()),
        "at": at,
        "after": after,
        "upto": upto,
        "all": rows is None,
        "rows": rows or [],
        "each": again is None,
        "again": again or [],
        **_left(lead_list, at),
    }
    changes = _changes(lead_list)
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        # asked once: inside the statement it would be asked for every row
        cursor.execute("SELECT pg_get_serial_sequence('customers_customer', 'id')")
        [values["ids"]] = cursor.fetchone()
        cursor.execute(JUDGE.replace("{changes}", changes), _typed(values))
        if is_told and not is_region:
            cursor.execute(REMEMBERED.replace("{changes}", changes), _typed(values))
    if lead_list.left_list_id is not None or lead_list.left_campaign_id is not None:
        judging_scopes.leave_out(lead_list, _typed(values), some=SOME, at=at)


def _changes(lead_list: LeadList) -> str:
    """The old values of what a row of this list may change."""
    names = [*lead_list.known_fields, "city"] if lead_list.known == LeadList.Known.FIELDS else list(CHANGES)
    return " || ".join(f"({CHANGES[name]})" for name in CHANGES if name in names)


def _left(lead_list: LeadList, at: datetime) -> dict[str, Any]:
    """Since when a customer must be known to be left out, and the word for it."""
    if lead_list.known == LeadList.Known.SKIP:
        return {"left_from": "-infinity", "left": "left:known"}
    if lead_list.known_days is not None:
        return {"left_from": at - timedelta(days=lead_list.known_days), "left": "left:known_lately"}
    return {"left_from": "infinity", "left": "left:"}


def _readers(lead_list: LeadList) -> tuple[bool, list[int], list[int]]:
    """Whether anybody without the region reads this list, whose customers those know, and whose the uploader knows.

    Readers know the list's city alone, also when the uploader works for more: the uploader reads what they are told.
    """
    own = [] if list_rules.works_for_region(lead_list.created_by) else sorted(lead_list.created_by.scope().city_ids)
    known = own if lead_list.city_id is None else [lead_list.city_id]
    return bool(known), known, own


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """Empty lists need their type said: PostgreSQL cannot tell what an empty array holds."""
    return {name: (value or [0] if isinstance(value, list) else value) for name, value in values.items()}


def nowhere_ids() -> list[int]:
    """The city of persons whose city nobody knows: any file may name a better one."""
    return list(City.objects.filter(name_zh="未知").values_list("pk", flat=True))
