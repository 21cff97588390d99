"""News for the apps above. Each says when it is sent."""

from django.dispatch import Signal

# lead_list_id: the rows of a list have become customers. Sent INSIDE the transaction of the commit, so that the job of whoever hears it is
# stored with the list or not at all; a receiver enqueues and does nothing else.
list_committed = Signal()

# customer_id, campaign_id, product_id, kind, at: somebody is not to be called any more, by one campaign, for one product or by nobody.
# Sent INSIDE the transaction that writes the suppression, so that leads elsewhere are withdrawn with it or not at all.
customer_suppressed = Signal()

# lead_list_id, going, staying, moved (lists of customer ids): a list is being taken back, some thousands of customers at a time. Sent INSIDE
# the transaction that deletes those who go, with all of them locked, before they are gone: whatever points to them goes first, or the
# transaction fails. Of those who stay the list's own work is taken back; those who moved have got their former city again.
rows_taken_back = Signal()
# customer_id: a customer belongs to another city from now on, by hand. Sent INSIDE the transaction, so that the leads move with it.
customer_moved = Signal()

# kept_id, gone_id, at, moved (a dict): one customer is merged into another. Sent INSIDE the transaction, with both locked and all that this
# floor holds moved already. A receiver moves its own and notes in `moved`, under its own name, what an undo needs: JSON, no personal data.
customers_merged = Signal()
# kept_id, gone_id, at, moved (what was noted), left (a Counter by word): a merge is undone. Sent INSIDE the transaction, with both locked and
# this floor's own brought back. A receiver brings back what nobody has touched since, and counts in `left` what it could not.
customers_unmerged = Signal()
