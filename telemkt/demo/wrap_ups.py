"""The wrap-up of the demo's campaign that is at its end: finished, so that the next of its kind finds it."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import Campaign
from metrics.services import dirty, rollup
from qa.services import wrap_ups
from qa.wrap_up_content import dates_of
from telemkt.demo.accounts import People, Role

KEEP = "先问家里几个人用流量再报价，客户更愿意听下去。"
CHANGE = "合约期要在报价之前说清楚；退单大多来自没听明白合约期的客户。"


def make_wrap_ups(people: People, at: datetime) -> None:
    by = people.by_role[str(Role.QA)]
    for campaign in Campaign.objects.filter(stage=Campaign.Stage.WRAP_UP).order_by("pk"):
        _count_days(campaign, at)
        made = wrap_ups.make(campaign=campaign, by=by, at=at)
        written = wrap_ups.write(wrap_up=made, keep=KEEP, change=CHANGE, by=by, at=at)
        wrap_ups.finish(wrap_up=written, digest=written.digest, by=by, at=at)


def _count_days(campaign: Campaign, at: datetime) -> None:
    """The figures of its days, which otherwise come with the first rollup."""
    dirty.mark_dirty(at=at)
    since, until = dates_of(campaign, at)
    for day, city in list(dirty.waiting().filter(day__range=(since, until)).values_list("day", "city_id")):
        rollup.build(day, city)
