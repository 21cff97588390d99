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
