"""A bulletin of the demo: words noted at a recording, composed for this hour, edited and sent, so that floor and desks show it."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import Campaign
from qa.models import Recording, Suggestion
from qa.services import bulletins
from telemkt.demo.accounts import People, Role


def make_bulletins(people: People, at: datetime) -> None:
    """Of the campaign whose first hours are monitored."""
    campaign = Campaign.objects.exclude(full_run=None).order_by("pk").first()
    if campaign is None:
        return
    qa = people.by_role[str(Role.QA)]
    heard = Recording.objects.kept().filter(campaign_id=campaign.pk).order_by("pk").first()
    if heard is not None:
        bulletins.suggest(
            recording=heard, kind=Suggestion.Kind.TACTFUL, words="您先听我说一分钟，不合适您随时挂断。", at_ms=0, by=qa, at=at
        )  # fmt: skip
    made = bulletins.compose(campaign=campaign, by=qa, at=at)
    keep = [row["id"] for row in made.suggestions]
    made = bulletins.edit(
        bulletin=made, text="今天客户普遍在意资费，先讲清月费，再讲优惠。语速放慢一些。", keep=keep, by=qa, at=at
    )
    bulletins.send(bulletin=made, by=qa, at=at)
