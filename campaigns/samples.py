"""Who waits behind samples of bought lists, for statements over customers."""

from __future__ import annotations

from customers.merged import MERGED

# those of a list who are outside of its sample, as the row that the list made or found drew its lot; {state} of the sample. Who was merged
# since stands for the one who stays
REST = f"""{MERGED}
    SELECT coalesce(g.person, v.customer_id) FROM campaigns_listsample m JOIN campaigns_listallocation a ON a.id = m.allocation_id
    JOIN customers_leadlist q ON q.id = a.lead_list_id JOIN customers_rowverdict v ON v.lead_list_id = a.lead_list_id
    LEFT JOIN merged g ON g.id = v.customer_id
    WHERE a.campaign_id = %(campaign)s AND m.state = '{{state}}' AND v.verdict IN ('new', 'update', 'unchanged')
        AND v.customer_id IS NOT NULL AND (m.cut IS NULL OR campaigns_draw(m.seed, v.customer_id) > m.cut)
"""
STOPPED_SOURCES = """
    SELECT q.source_id FROM campaigns_listsample m JOIN campaigns_listallocation a ON a.id = m.allocation_id
    JOIN customers_leadlist q ON q.id = a.lead_list_id WHERE a.campaign_id = %(campaign)s AND m.state = 'stopped'
"""
# whether a committed list of another source than the stopped ones has found a customer known
FOUND_BY_OTHERS = f"""EXISTS (
    SELECT FROM customers_rowverdict o JOIN customers_leadlist p ON p.id = o.lead_list_id
    WHERE o.customer_id = {{customer}} AND o.verdict IN ('update', 'unchanged') AND p.status = 'committed'
        AND p.source_id NOT IN ({STOPPED_SOURCES}))"""
# customers whom another source knew first, or a list of one has found since, by a row that was merged into them
VOUCHED_BY_MERGED = f"""{MERGED}
    SELECT g.person FROM merged g JOIN customers_customer f ON f.id = g.id
    WHERE f.source_id IS NULL OR f.source_id NOT IN ({STOPPED_SOURCES}) OR {FOUND_BY_OTHERS.format(customer="f.id")}"""
# whether nothing but stopped lists has brought a customer c: no other source first, and no list of one since
KNOWN_BY_STOPPED_ALONE = f"""c.source_id IN ({STOPPED_SOURCES}) AND NOT {FOUND_BY_OTHERS.format(customer="c.id")}
        AND c.id NOT IN ({VOUCHED_BY_MERGED})"""
