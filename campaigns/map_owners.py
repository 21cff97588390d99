"""Guidance maps of campaigns: seen by those who see the campaign, changed by those whose place covers it."""

from __future__ import annotations

from campaigns import rules
from campaigns.models import Campaign
from people.models import User
from scripts.campaign_side import CampaignSide, register


def _may_change(user: User, campaign_id: int) -> bool:
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    return campaign is not None and rules.can_keep_map(user, campaign)


register(CampaignSide(seen=lambda user: Campaign.objects.visible_to(user).values("pk"), may_change=_may_change))
