"""Leads follow their customers into another city."""

from __future__ import annotations

from django.db import connection, transaction

# Persons before leads and in order, as everywhere: a claim of the same moment comes before, or skips the person.
LOCK = """
SELECT c.id FROM customers_customer c
WHERE c.id IN (
    SELECT l.customer_id FROM customers_rowverdict v
    JOIN customers_customer p ON p.id = v.customer_id
    JOIN campaigns_lead l ON l.customer_id = p.id AND l.state <> 'done' AND l.city_id <> p.city_id
    WHERE v.lead_list_id = %(list)s AND v.verdict = 'update')
ORDER BY c.id FOR UPDATE
"""
MOVE = """
UPDATE campaigns_lead l SET city_id = c.city_id FROM customers_customer c
WHERE c.id = ANY (%(customers)s) AND l.customer_id = c.id AND l.state <> 'done' AND l.city_id <> c.city_id
"""


@transaction.atomic
def follow_customers(*, lead_list_id: int) -> int:
    """The unfinished leads of customers whom this list has moved belong to their new city, whose teams call them; returns how many.

    A lead in an agent's hand stays there. Finished leads keep the city in which they ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"list": lead_list_id})
        customers = [row[0] for row in cursor.fetchall()]
        if not customers:
            return 0
        cursor.execute(MOVE, {"customers": customers})
        return int(cursor.rowcount)


def follow_customer(*, customer_id: int) -> int:
    """The same for one person, moved by hand; called in the transaction that holds the person's row."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"customers": [customer_id]})
        return int(cursor.rowcount)
