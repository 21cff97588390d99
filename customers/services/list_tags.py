"""Tags that a list brings: a column "tags" or "标签" with names between commas or semicolons. It is an attribute besides, as it came."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from customers.models import LeadList
from customers.reading.headings import attribute_name

HEADINGS = {"tag", "tags", "标签", "客户标签"}
# a column with free text would make a tag of every sentence: only the most frequent words of a list become tags
MOST = 200

WORDS = """
FROM customers_rowverdict v JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
CROSS JOIN LATERAL regexp_split_to_table(s.attributes ->> %(heading)s, '[,;，；、]') AS word
WHERE v.lead_list_id = %(list)s AND v.verdict IN ('new', 'update', 'unchanged') AND v.customer_id IS NOT NULL
"""
CLEAN = "left(btrim(regexp_replace(word, '\\s+', ' ', 'g')), 40)"
MAKE = f"""
INSERT INTO customers_tag (name) SELECT name FROM (SELECT {CLEAN} AS name {WORDS}) n
WHERE name <> '' GROUP BY name ORDER BY count(*) DESC, name LIMIT {MOST} ON CONFLICT DO NOTHING
"""
# who says it is kept with each, so that what this list alone has said can be taken back; what was set by hand needs no list
SET = f"""
INSERT INTO customers_customertag AS link (customer_id, tag_id, is_by_hand, list_ids, set_at)
SELECT DISTINCT v.customer_id, t.id, false, ARRAY[%(list)s::bigint], %(at)s::timestamptz {WORDS.replace("WHERE", f"JOIN customers_tag t ON t.name = {CLEAN} WHERE", 1)}
ON CONFLICT (customer_id, tag_id) DO UPDATE SET list_ids = link.list_ids || excluded.list_ids
  WHERE NOT link.is_by_hand AND NOT link.list_ids @> excluded.list_ids
"""
TAKE_BACK = (
    """DELETE FROM customers_customertag WHERE customer_id = ANY (%(ids)s) AND list_ids = ARRAY[%(list)s::bigint]
       AND NOT is_by_hand AND segment_id IS NULL""",
    """UPDATE customers_customertag SET list_ids = array_remove(list_ids, %(list)s::bigint)
       WHERE customer_id = ANY (%(ids)s) AND list_ids @> ARRAY[%(list)s::bigint]""",
)


def set_tags(lead_list: LeadList, *, at: datetime) -> None:
    """Set what the tag columns of the list say on its customers; nothing is taken off. Part of the commit."""
    for heading in tag_headings(lead_list):
        values: dict[str, Any] = {"list": lead_list.pk, "heading": heading, "at": at}
        with connection.cursor() as cursor:
            cursor.execute(MAKE, values)
            cursor.execute(SET, values)


def take_tags_back(lead_list: LeadList, customer_ids: list[int]) -> None:
    """Of these customers, whom this list did not bring: what it alone has said goes; what a person, a segment or another list says stays."""
    if not customer_ids or not tag_headings(lead_list):
        return
    with connection.cursor() as cursor:
        for statement in TAKE_BACK:
            cursor.execute(statement, {"list": lead_list.pk, "ids": customer_ids})


def tag_headings(lead_list: LeadList) -> list[str]:
    columns = lead_list.mapping.get("columns", [])
    names = [attribute_name(column) for column in columns if column["field"] == "attribute"]
    return [name for name in names if name.strip().lower() in HEADINGS]
