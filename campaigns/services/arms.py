"""Which arm of a running experiment a person meets, and the campaign as that arm would have it.

The lot falls when an agent first has the person before them, inside the agent's own blocks (campaigns_arm_of, see sql/0033_arms.sql): each
agent works all arms side by side, in their shares, so that a better agent helps every arm alike. What was drawn is kept by person, not by
lead: who comes back, with whatever lead and agent, or was merged into somebody else, meets the same wording again.
"""

from __future__ import annotations

import copy

from django.db import connection
from django.db.models.expressions import RawSQL

from campaigns.models import Campaign, ExperimentArm, Lead
from people.models import User

KEEP = """
INSERT INTO campaigns_experimentperson (experiment_id, customer_id, arm_id, agent_id, met_at)
SELECT experiment_id, %s, arm_id, agent_id, met_at FROM campaigns_experimentperson WHERE customer_id = %s
ON CONFLICT (experiment_id, customer_id) DO NOTHING"""


def arm_of(lead: Lead, agent: User) -> ExperimentArm | None:
    """The arm that the person of this lead meets, drawn now if they were never met. None without a running experiment, and for who is in
    an arm that was stopped: they go on with what the campaign has. One query; none at all while the campaign has no experiment."""
    if not lead.campaign.has_experiment:
        return None
    drawn = RawSQL("SELECT campaigns_arm_of(%s, %s, %s)", [lead.campaign_id, lead.customer_id, agent.pk])
    arm = ExperimentArm.objects.select_related("script_version", "offer", "scenario").filter(pk=drawn).first()
    return None if arm is None or arm.stopped_at else arm


def campaign_of(lead: Lead, agent: User) -> Campaign:
    """The lead's campaign as this person meets it: with the script version or offer of their arm, and the arm itself as `arm`.

    In an experiment it is a copy, to read from only and never to be saved.
    """
    arm = arm_of(lead, agent)
    if arm is None:
        return lead.campaign
    used = copy.copy(lead.campaign)
    used.arm = arm
    if arm.script_version is not None:
        used.script_version = arm.script_version
    if arm.offer is not None:
        used.offer = arm.offer
    return used


def keep_arms(*, kept_id: int, gone_id: int) -> None:
    """Of two customers who are one person, the one who stays meets what the other has met, unless they have an arm of their own."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [kept_id, gone_id])
