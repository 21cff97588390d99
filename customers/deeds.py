"""The words of the audit trail for what happens to customers and lists."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell, title_lists

tell(
    {
        "customers.list.uploaded": _("Uploaded a list"),
        "customers.list.commit_asked": _("Asked to commit a list"),
        "customers.list.commit_stopped": _("Stopped the commit of a list"),
        "customers.list.committed": _("Committed a list"),
        "customers.list.decided": _("Decided on rows of a list"),
        "customers.list.given_up": _("Gave up a list"),
        "customers.list.columns_chosen": _("Chose the columns of a list"),
        "customers.list.row_opened": _("Opened a row of a list to repair it"),
        "customers.list.row_repaired": _("Repaired a row of a list"),
        "customers.list.rows_corrected": _("Corrected all rows of a list with one fault"),
        "customers.list.rejects_downloaded": _("Took away the rows not taken of a list"),
        "customers.source.created": _("Added a source"),
        "customers.source.changed": _("Changed a source"),
        "customers.number.searched": _("Searched for a phone number"),
        "customers.number.revealed": _("Looked at a phone number in full"),
        "customers.tag.added": _("Tagged a customer"),
        "customers.tag.removed": _("Took a tag off a customer"),
        "customers.consent.added": _("Entered a consent"),
        "customers.consent.withdrawn": _("Entered that a consent was withdrawn"),
        "customers.customer.suppressed": _("Put a customer on the do-not-call list"),
        "customers.suppression.lifted": _("Lifted a suppression"),
        "customers.rule_pack.created": _("Added a pack of rules"),
        "customers.rule.added": _("Added a rule of contact"),
        "customers.rule.changed": _("Changed a rule of contact"),
        "customers.rule.ended": _("Ended a rule of contact"),
    },
    named={"customers.source", "customers.leadlist", "customers.rulepack", "customers.contactrule"},
)

title_lists(
    {
        "customers.customers": _("Customers"),
        "customers.suppressions": _("Do not call"),
        "customers.rejects": _("Rejected rows"),
    }
)
