"""Campaigns that the age of the do-not-call register has stopped, in words; the claim and the dial ask the same in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from campaigns.models import Campaign
from core.calendar import business_date
from customers.models import ContactRule
from customers.services import contacts, packs


def stale_register(campaign: Campaign, *, at: datetime, city_id: int | None = None) -> str:
    """Why the register stops this campaign (in that city, when it calls in several), "" when it does not."""
    bound = list(campaign.packs.values_list("pk", flat=True))
    rows = packs.rules_in_force(pack_ids=bound, on=business_date(at))
    return stale_under(rows, campaign, at=at, city_id=city_id)


def stale_under(rows: Iterable[ContactRule], campaign: Campaign, *, at: datetime, city_id: int | None = None) -> str:
    """The same under rule rows that are known already."""
    counting = [row for row in rows if _counts(row, campaign)]
    rules = contacts.combine(
        counting, city_id=campaign.city_id or city_id, campaign_id=campaign.pk, product_id=campaign.product_id
    )
    return next((reason.sentence for reason in contacts.register_age(rules, at)), "")


def stopped_by_register(campaigns: Sequence[Campaign], *, at: datetime) -> list[tuple[Campaign, str]]:
    """Those of these campaigns that are stopped, with the sentence. One question when no rule asks for a register."""
    rules = ContactRule.objects.in_force(business_date(at)).filter(key=ContactRule.Key.REGISTER_AGE, severity="block")
    if not campaigns or not rules.exists():
        return []
    return [(campaign, stale) for campaign in campaigns if (stale := stale_register(campaign, at=at))]


def _counts(row: ContactRule, campaign: Campaign) -> bool:
    is_real = campaign.telephony != Campaign.Telephony.SIMULATOR
    return row.key == ContactRule.Key.REGISTER_AGE and not (is_real and row.pack.simulator_only)
