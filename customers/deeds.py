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
        "customers.list.undo_asked": _("Asked to take back a list"),
        "customers.list.undone": _("Took back a list"),
        "customers.list.given_up": _("Gave up a list"),
        "customers.list.columns_chosen": _("Chose the columns of a list"),
        "customers.list.row_opened": _("Opened a row of a list to repair it"),
        "customers.list.row_repaired": _("Repaired a row of a list"),
        "customers.list.rows_corrected": _("Corrected all rows of a list with one fault"),
        "customers.list.repair_undone": _("Undid the last repair of a list"),
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
        "customers.register.uploaded": _("Uploaded a do-not-call register"),
        "customers.register.applied": _("Took in a do-not-call register"),
        "customers.request.opened": _("Entered a request of a person"),
        "customers.request.refused": _("Refused a request of a person"),
        "customers.request.copied": _("Wrote a person's data into a file"),
        "customers.request.corrected": _("Corrected a customer's data at the person's request"),
        "customers.request.erased": _("Erased a customer's data"),
        "customers.request.locked": _("Locked a customer's data"),
        "customers.request.unlocked": _("Unlocked a customer's data"),
        "customers.canary.placed": _("Placed a canary customer"),
        "customers.canary.called": _("Reported a call to a canary customer"),
        "customers.canary.settled": _("Looked into a call to a canary customer"),
        "customers.rule_pack.created": _("Added a pack of rules"),
        "customers.rule.proposed": _("Proposed a change of a rule of contact"),
        "customers.rule.approved": _("Approved a change of a rule of contact"),
        "customers.rule.refused": _("Refused a change of a rule of contact"),
        "customers.rule.withdrawn": _("Withdrew a proposed change of a rule of contact"),
        "customers.rule.added": _("Added a rule of contact"),
        "customers.rule.changed": _("Changed a rule of contact"),
        "customers.rule.ended": _("Ended a rule of contact"),
        "customers.segment.created": _("Made a segment"),
        "customers.segment.changed": _("Changed a segment"),
        "customers.segment.refresh_asked": _("Asked to count a segment"),
        "customers.segment.archived": _("Archived a segment"),
    },
    named={
        "customers.contactrule",
        "customers.leadlist",
        "customers.register",
        "customers.rulechange",
        "customers.rulepack",
        "customers.segment",
        "customers.source",
    },
)

title_lists(
    {
        "customers.customers": _("Customers"),
        "customers.segments": _("Segments"),
        "customers.suppressions": _("Do not call"),
        "customers.rejects": _("Rejected rows"),
    }
)
