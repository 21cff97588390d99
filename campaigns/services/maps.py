"""The guidance map of a campaign: begun with the cards of the last of its kind, archived when the campaign is closed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.queries_maps import last_of_kind
from core.errors import DomainError
from people.models import User
from scripts.models import GuidanceMap
from scripts.services_maps import MapIsThere, archive_map, open_map


class CampaignIsOver(DomainError):
    """No map is begun for a campaign that is closed: nobody would work on it."""


@transaction.atomic
def open_campaign_map(*, campaign: Campaign, by: User, at: datetime, with_cards: bool = False) -> GuidanceMap:
    """A map of the campaign: `with_cards` of the last archived one of its kind that the user sees, if there is one; else of the product's own
    texts. Raises CampaignIsOver, MapIsThere."""
    campaign = Campaign.objects.select_for_update(of=("self",)).select_related("product").get(pk=campaign.pk)
    if campaign.stage in (Campaign.Stage.CLOSED, Campaign.Stage.HISTORY):
        raise CampaignIsOver(_("This campaign is over. Its guidance map stays as it is."))
    if GuidanceMap.objects.filter(
        campaign_id=campaign.pk, archived_at=None
    ).exists():  # of whatever product it had then
        raise MapIsThere(_("This campaign has a guidance map already."))
    like = last_of_kind(campaign, by) if with_cards else None
    return open_map(
        product=campaign.product, by=by, at=at, campaign_id=campaign.pk, campaign=campaign.name or campaign.code, like=like
    )  # fmt: skip


def archive_with_campaign(*, campaign: Campaign, by: User, at: datetime) -> None:
    """What is worked on for the campaign is kept as it is. Inside the transaction that closes the campaign."""
    for found in GuidanceMap.objects.filter(campaign_id=campaign.pk, archived_at=None):
        archive_map(map=found, by=by, at=at)
