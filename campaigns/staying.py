"""Why campaigns keeps a customer whom a list brought: what was sold, promised, called or worked on."""

from django.utils.translation import gettext_lazy as _

from customers.staying import add_reason

# handed out once, or given to the campaign by something else than this list
WORKED_ON = """t.state = 'held' OR t.attempts_made > 0 OR t.last_call_at IS NOT NULL OR t.callback_agent_id IS NOT NULL
    OR t.lead_list_id IS DISTINCT FROM %(list)s
    OR EXISTS (SELECT FROM campaigns_callback b WHERE b.lead_id = t.id) OR EXISTS (SELECT FROM campaigns_livecall b WHERE b.lead_id = t.id)"""
PROMISED = "EXISTS (SELECT FROM campaigns_callback b WHERE b.lead_id = t.id AND b.state = 'promised')"

add_reason(
    "callback",
    _("A promise to call back is open"),
    lambda brought: brought.pointed_to("campaigns_lead", PROMISED),
    gravest=True,
)
add_reason(
    "order",
    _("The customer has an order"),
    lambda brought: brought.pointed_to("campaigns_order"),
    gravest=True,
)
# calls without a contact in the ledger, as other dialers bring them
add_reason("called", _("The customer was called"), lambda brought: brought.pointed_to("campaigns_call"))
add_reason(
    "lead",
    _("A campaign has worked on the customer"),
    lambda brought: brought.pointed_to("campaigns_lead", WORKED_ON),
)
