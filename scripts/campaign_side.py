"""What the floor above says of campaigns, whose guidance maps stand here: which of them a user sees, whose map may be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from people.models import User


@dataclass(frozen=True)
class CampaignSide:
    """`seen`: ids of the campaigns that a user sees, as a query; `may_change`: whether the map of this one is the user's to change."""

    seen: Callable[[User], Any]
    may_change: Callable[[User, int], bool]


# Nobody sees or changes the map of a campaign while nobody has said who may.
_side = CampaignSide(seen=lambda user: [], may_change=lambda user, campaign_id: False)


def register(side: CampaignSide) -> None:
    global _side
    _side = side


def campaigns_seen(user: User) -> Any:
    return _side.seen(user)


def may_change_map(user: User, campaign_id: int) -> bool:
    return _side.may_change(user, campaign_id)
