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
# one that followed a segment is from now on the customer's own
SET = f"""
INSERT INTO customers_customertag AS link (customer_id, tag_id, set_at)
SELECT DISTINCT v.customer_id, t.id, %(at)s::timestamptz {WORDS.replace("WHERE", f"JOIN customers_tag t ON t.name = {CLEAN} WHERE", 1)}
ON CONFLICT (customer_id, tag_id) DO UPDATE SET segment_id = NULL WHERE link.segment_id IS NOT NULL
"""


def set_tags(lead_list: LeadList, *, at: datetime) -> None:
    """Set what the tag columns of the list say on its customers; nothing is taken off. Part of the commit."""
    for heading in tag_headings(lead_list):
        values: dict[str, Any] = {"list": lead_list.pk, "heading": heading, "at": at}
        with connection.cursor() as cursor:
            cursor.execute(MAKE, values)
            cursor.execute(SET, values)


def tag_headings(lead_list: LeadList) -> list[str]:
    columns = lead_list.mapping.get("columns", [])
    names = [attribute_name(column) for column in columns if column["field"] == "attribute"]
    return [name for name in names if name.strip().lower() in HEADINGS]
