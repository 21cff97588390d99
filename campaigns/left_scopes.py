"""Campaigns as a ground to leave customers out of a list: those with a lead there, open or not, made since a moment."""

from __future__ import annotations

from collections.abc import Iterable

from campaigns.models import Campaign
from customers import left_scopes
from customers.merged import MERGED
from people.models import User

# a finished lead stays with whom it was made for: who was merged into somebody since stands for the one who stays
LEADS = f"""{MERGED} SELECT coalesce(m.person, l.customer_id) FROM campaigns_lead l LEFT JOIN merged m ON m.id = l.customer_id
    WHERE l.campaign_id = %(scope)s AND l.created_at >= %(since)s"""


def _campaigns(user: User) -> Iterable[tuple[int, str]]:
    rows = Campaign.objects.visible_to(user).exclude(stage=Campaign.Stage.HISTORY).order_by("name", "pk").distinct()
    return [(pk, f"{code} {name}") for pk, code, name in rows.values_list("pk", "code", "name")]


def _name_of(pk: int) -> str:
    return str(Campaign.objects.filter(pk=pk).values_list("name", flat=True).first() or pk)


left_scopes.offer(left_scopes.CAMPAIGN, left_scopes.Scope(choices=_campaigns, name_of=_name_of, ids=LEADS))
