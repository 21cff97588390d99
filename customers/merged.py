"""Who merged customers are now, for statements over rows that stay with whoever they were made for."""

from __future__ import annotations

# The head of a SELECT: `merged` holds everybody who was merged, with the one who stays, also through several merges. The merged are few and
# have an index of their own (customer_merged_into), so that no statement reads the pool for it: it joins its own rows to them.
MERGED = """WITH RECURSIVE merged_step (id, person) AS (
  SELECT id, merged_into_id FROM customers_customer WHERE merged_into_id IS NOT NULL
  UNION SELECT m.id, c.merged_into_id FROM merged_step m JOIN customers_customer c ON c.id = m.person WHERE c.merged_into_id IS NOT NULL
), merged AS (
  SELECT m.id, m.person FROM merged_step m
  WHERE NOT EXISTS (SELECT FROM customers_customer c WHERE c.id = m.person AND c.merged_into_id IS NOT NULL))
"""
