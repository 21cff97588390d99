"""The words of the audit trail for what happens in campaigns and calls."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell, title_lists

tell(
    {
        "campaigns.campaign.planned": _("Planned a campaign"),
        "campaigns.campaign.changed": _("Changed a campaign"),
        "campaigns.campaign.script_followed": _("A campaign went on to the new version of its script"),
        "campaigns.campaign.switched": _("Stopped a campaign or let it call again"),
        "campaigns.campaign.packs_bound": _("Bound rules of contact to a campaign"),
        "campaigns.campaign.teams_set": _("Chose the teams of a campaign"),
        "campaigns.campaign.stage_entered": _("Took a campaign into its next stage"),
        "campaigns.retry_rule.set": _("Set when a campaign calls again"),
        "campaigns.gate.decided": _("Decided on a gate"),
        "campaigns.gate.override_asked": _("Asked to pass a gate all the same"),
        "campaigns.gate.overridden": _("Let a campaign pass a gate all the same"),
        "campaigns.list.allocated": _("Assigned a list to a campaign"),
        "campaigns.segment.allocated": _("Assigned a segment to a campaign"),
        "campaigns.likeness.training_asked": _("Asked to learn what the buyers of a campaign are like"),
        "campaigns.likeness.switched_on": _("Let a campaign hand out those like past buyers first"),
        "campaigns.likeness.switched_off": _("Put a campaign's leads back into the order of their lists"),
        "campaigns.attribute.protected": _("Protected an attribute from likeness to buyers"),
        "campaigns.attribute.released": _("Gave an attribute free for likeness to buyers"),
        "campaigns.sample.begun": _("Let only a sample of a list be called"),
        "campaigns.sample.released": _("Let the rest of a list be called"),
        "campaigns.sample.stopped": _("Stopped a list after its sample"),
        "campaigns.experiment.saved": _("Planned an experiment"),
        "campaigns.experiment.started": _("Started an experiment"),
        "campaigns.experiment.stopped": _("Stopped an experiment"),
        "campaigns.experiment.arm_stopped": _("An arm of an experiment stopped because it was worse"),
        "campaigns.experiment.decided": _("Decided an experiment"),
        "campaigns.data_request.asked": _("Asked the data team for customers"),
        "campaigns.data_request.approved": _("Approved a data request"),
        "campaigns.data_request.refused": _("Refused a data request"),
        "campaigns.data_request.withdrawn": _("Took a data request back"),
        "campaigns.data_request.fulfilled": _("The leads of a data request were made"),
        "campaigns.data_request.closed": _("Closed a data request early"),
        "campaigns.data_request.ended": _("The use of a data request ended at its date"),
        "campaigns.data_request.leads_withdrawn": _("Open leads of a data request were withdrawn"),
        "campaigns.lead.dialled": _("Dialled a customer"),
        "campaigns.lead.skipped": _("Skipped a customer"),
        "campaigns.lead.given_back": _("Gave a lead back"),
        "campaigns.lead.returned": _("A lead came back from an agent who went silent"),
        "campaigns.dial.refused": _("A dial was refused by the rules of contact"),
        "campaigns.message.reserved": _("Took a contact for a message"),
        "campaigns.message.given_back": _("Gave a contact back whose message was not sent"),
        "campaigns.number.revealed": _("Looked at a phone number in full for a call"),
        "campaigns.number.marked": _("Marked a phone number as wrong"),
        "campaigns.call.recorded": _("Recorded the result of a call"),
        "campaigns.call.posted": _("Another system brought in a call"),
        "campaigns.callback.handed_over": _("Handed a callback over to another agent"),
        "campaigns.order.sold": _("Recorded an order"),
        "campaigns.order.cancelled": _("Cancelled an order"),
        "campaigns.order.reinstated": _("Reinstated an order"),
        "campaigns.calls.received": _("Uploaded calls of another dialer"),
        "campaigns.calls.import_asked": _("Asked to import calls of another dialer"),
        "campaigns.calls.import_stopped": _("Stopped an import of calls"),
        "campaigns.calls.imported": _("Imported calls of another dialer"),
        "campaigns.calls.given_up": _("Gave up an import of calls"),
        "campaigns.calls.rejects_downloaded": _("Took away the rows not taken of an import of calls"),
    },
    named={"campaigns.campaign", "campaigns.protectedattribute", "campaigns.datarequest", "campaigns.experiment"},
)

title_lists(
    {
        "campaigns.calls": _("Calls"),
        "campaigns.orders": _("Orders"),
        "campaigns.rejects": _("Rejected rows"),
    }
)
