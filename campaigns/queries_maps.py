"""Guidance maps of campaigns."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.models import Campaign
from people.models import User
from scripts.models import GuidanceMap


@dataclass(frozen=True)
class MapOf:
    """`map`: the one that is worked on, else the last archived one. `like`: what a new one may begin with, and of which campaign."""

    map: GuidanceMap | None
    like: GuidanceMap | None = None
    like_of: str = ""

    @property
    def is_open(self) -> bool:
        return self.map is not None and self.map.archived_at is None


def map_of(campaign: Campaign, user: User) -> MapOf:
    own = list(GuidanceMap.objects.filter(campaign_id=campaign.pk).order_by("-made_at", "-pk"))
    found = next((row for row in own if row.archived_at is None), own[0] if own else None)
    if found is not None and found.archived_at is None:
        return MapOf(found)
    like = last_of_kind(campaign, user)
    if like is None:
        return MapOf(found)
    source = Campaign.objects.filter(pk=like.campaign_id).first()
    return MapOf(found, like, (source.name or source.code) if source else like.title)


def last_of_kind(campaign: Campaign, user: User) -> GuidanceMap | None:
    """The map archived last of the campaigns that call for the same product and are of the same type, as far as the user sees them."""
    alike = Campaign.objects.visible_to(user).filter(type=campaign.type, product=campaign.product_id)
    rows = GuidanceMap.objects.filter(product=campaign.product_id, campaign_id__in=alike.values("pk"))
    return rows.exclude(archived_at=None).order_by("-archived_at", "-pk").first()
