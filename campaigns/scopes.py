"""Campaigns and products as scopes of a rule of contact."""

from __future__ import annotations

from collections.abc import Iterable

from campaigns.models import Campaign
from customers import rule_scopes
from people.models import User
from scripts.models import Product


def _campaigns(user: User) -> Iterable[tuple[int, str]]:
    rows = Campaign.objects.visible_to(user).exclude(stage=Campaign.Stage.CLOSED).order_by("name")
    return [(pk, f"{code} {name}") for pk, code, name in rows.values_list("pk", "code", "name")]


def _products(user: User) -> Iterable[tuple[int, str]]:
    return [
        (pk, f"{code} {name}") for pk, code, name in Product.objects.order_by("name").values_list("pk", "code", "name")
    ]


rule_scopes.offer(rule_scopes.CAMPAIGN, _campaigns)
rule_scopes.offer(rule_scopes.PRODUCT, _products)
rule_scopes.offer_purposes(lambda: Campaign.Purpose.choices)
