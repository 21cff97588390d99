"""News for the apps above, sent after commit."""

from django.dispatch import Signal

# call_id, started_at, city_id: a call was recorded.
call_recorded = Signal()

# order_id, kind, call_started_at, city_id: something happened to an order (sold, cancelled, reinstated).
order_changed = Signal()

# call_import_id: the calls of a file are in.
calls_imported = Signal()

# gate, passed, by, at: a gate that asks for a review is about to be decided, inside the transaction; a receiver may refuse it.
gate_deciding = Signal()

# gate, by, at: a campaign is about to begin the stage behind a gate that asks for a review, inside the transaction; a receiver may refuse it.
stage_entering = Signal()

# gate, by, at: a gate was overridden by two persons, inside the transaction.
gate_overridden = Signal()
