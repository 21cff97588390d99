"""Which arm of a running experiment a person meets, and the campaign as that arm would have it.

The lot falls when an agent first has the person before them, inside the agent's own blocks (campaigns_arm_of, see sql/0033_arms.sql): each
agent works all arms side by side, in their shares, so that a better agent helps every arm alike. What was drawn is kept by person, not by
lead: who comes back, with whatever lead and agent, or was merged into somebody else, meets the same wording again.

One hold of a lead has one wording from beginning to end: an experiment that starts, stops or is decided while an agent has the customer
on the line changes what the next one hears, not what this one heard.
"""

from __future__ import annotations

import copy
from datetime import timedelta

from django.db import connection
from django.db.models.expressions import RawSQL

from campaigns import queries_set_up
from campaigns.models import Call, Campaign, ExperimentArm, Lead
from people.models import User
from scripts.models import ScriptVersion

KEEP = """
INSERT INTO campaigns_experimentperson (experiment_id, customer_id, arm_id, agent_id, met_at)
SELECT experiment_id, %s, arm_id, agent_id, met_at FROM campaigns_experimentperson WHERE customer_id = %s
ON CONFLICT (experiment_id, customer_id) DO NOTHING"""
# What this person has met in the experiment that ran when the hold began, though it ended since; else the lot, where it runs and ran then.
IN_HOLD = """
SELECT coalesce(
    (SELECT p.arm_id FROM campaigns_experimentperson p JOIN campaigns_experiment e ON e.id = p.experiment_id
      WHERE p.customer_id = %s AND e.campaign_id = %s AND e.started_at <= %s AND (e.ended_at IS NULL OR e.ended_at > %s)
      ORDER BY e.started_at DESC LIMIT 1),
    (SELECT campaigns_arm_of(e.campaign_id, %s, %s) FROM campaigns_experiment e
      WHERE e.campaign_id = %s AND e.state = 'running' AND e.started_at <= %s))"""
# Another script's version is believed when this campaign used it in calls so short a time before the hold.
USED_LATELY = timedelta(days=7)


def arm_of(lead: Lead, agent: User) -> ExperimentArm | None:
    """The arm that the person of this lead meets, drawn now if they were never met. None without an experiment, and for who is in an arm
    that was stopped: they go on with what the campaign has. Of a lead in hand: as it stood when the hold began. One query; none for a
    lead in hand of a campaign that never had an experiment (which is kept), nor for another while the campaign has none."""
    if lead.held_at is not None:
        if not queries_set_up.has_tried(lead.campaign_id):
            return None
        drawn = _drawn_in_hold(lead, agent)
    elif lead.campaign.has_experiment:
        drawn = RawSQL("SELECT campaigns_arm_of(%s, %s, %s)", [lead.campaign_id, lead.customer_id, agent.pk])
    else:
        return None
    arm = ExperimentArm.objects.select_related("script_version", "offer", "scenario").filter(pk=drawn).first()
    if arm is None or (arm.stopped_at and (lead.held_at is None or arm.stopped_at <= lead.held_at)):
        return None
    return arm


def _drawn_in_hold(lead: Lead, agent: User) -> RawSQL:
    campaign, customer, since = lead.campaign_id, lead.customer_id, lead.held_at
    return RawSQL(IN_HOLD, [customer, campaign, since, since, customer, agent.pk, campaign, since])


def campaign_of(lead: Lead, agent: User, *, spoken: int | None = None) -> Campaign:
    """The lead's campaign as this person meets it: with the script version or offer of their arm, and the arm itself as `arm`.

    `spoken`: the version that the agent's window says it shows; it is in force for this hold where it can have been shown, and an arm
    whose version was not spoken is none. With another version or an arm it is a copy, to read from only and never to be saved.
    """
    arm, base = arm_of(lead, agent), lead.campaign
    version_id = arm.script_version_id if arm and arm.script_version_id else base.script_version_id
    other = _spoken(lead, spoken) if spoken is not None and spoken != version_id else None
    if other is not None:
        version_id = other.pk
        arm = None if arm and arm.script_version_id else arm
    if arm is None and version_id == base.script_version_id:
        return base
    used = copy.copy(base)
    used.arm = arm
    if other is not None:
        used.script_version = other
    elif arm is not None and arm.script_version is not None:
        used.script_version = arm.script_version
    if arm is not None and arm.offer is not None:
        used.offer = arm.offer
    return used


def _spoken(lead: Lead, version_id: int) -> ScriptVersion | None:
    """The version, when it was approved and this campaign has it, has had it or has tried it."""
    version = ScriptVersion.objects.filter(pk=version_id, approved_at__isnull=False).first()
    if version is None or version.script_id == lead.campaign.script_id:
        return version
    tried = ExperimentArm.objects.filter(
        script_version=version, experiment__campaign=lead.campaign_id, experiment__started_at__isnull=False
    )
    return version if tried.exists() or _was_used(lead, version) else None


def _was_used(lead: Lead, version: ScriptVersion) -> bool:
    if lead.held_at is None:
        return False
    calls = Call.objects.filter(campaign_id=lead.campaign_id, script_version_id=version.pk)
    return calls.filter(started_at__gte=lead.held_at - USED_LATELY).exists()


def keep_arms(*, kept_id: int, gone_id: int) -> None:
    """Of two customers who are one person, the one who stays meets what the other has met, unless they have an arm of their own."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [kept_id, gone_id])
