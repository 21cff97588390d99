"""Who merged customers are now, for statements over rows that stay with whoever they were made for."""

from __future__ import annotations

from django.db.models import BigIntegerField, Func

# The head of a SELECT: `merged` holds everybody who was merged, with the one who stays, also through several merges. The merged are few and
# have an index of their own (customer_merged_into), so that no statement reads the pool for it: it joins its own rows to them.
MERGED = """WITH RECURSIVE merged_step (id, person) AS (
  SELECT id, merged_into_id FROM customers_customer WHERE merged_into_id IS NOT NULL
  UNION SELECT m.id, c.merged_into_id FROM merged_step m JOIN customers_customer c ON c.id = m.person WHERE c.merged_into_id IS NOT NULL
), merged AS (
  SELECT m.id, m.person FROM merged_step m
  WHERE NOT EXISTS (SELECT FROM customers_customer c WHERE c.id = m.person AND c.merged_into_id IS NOT NULL))
"""


class PersonOf(Func):
    """Whom the customer of a row was merged into, also through several merges; whoever was not merged, themselves. So that persons are counted,
    not the rows of them. Only of a column: its text stands here more than once."""

    arity = 1
    output_field = BigIntegerField()
    # The merged are looked up at once, by an index of their own; the way to the one who stays is gone for the merged alone.
    template = """CASE WHEN %(expressions)s IN (SELECT id FROM customers_customer WHERE merged_into_id IS NOT NULL)
      THEN (WITH RECURSIVE merged_step (person, above) AS (
          SELECT id, merged_into_id FROM customers_customer WHERE id = %(expressions)s
          UNION SELECT c.id, c.merged_into_id FROM merged_step m JOIN customers_customer c ON c.id = m.above)
        SELECT person FROM merged_step WHERE above IS NULL)
      ELSE %(expressions)s END"""
