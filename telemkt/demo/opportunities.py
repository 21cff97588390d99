"""The demo's opportunities: complex wishes of the last weeks, handed to shops and account managers; most are closed by now."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from campaigns.models import Call, Opportunity
from telemkt.demo.accounts import People

MANY, BACK = 90, timedelta(days=45)
WISHES = (
    "公司要拉一条企业专线，想先请人上门看现场",
    "家里装修，想把全屋组网和监控一起办",
    "店里收银和客用无线要分开，问有没有套餐",
    "五个人的工作室，想把手机号和宽带合在一起",
    "老人住乡下，问能不能装电视加看护摄像头",
)
CLOSERS = ("营业厅 值班经理", "政企客户经理 陈工", "上门服务 一组", "合作门店 城西店")
LOST = ("价格高于现用运营商", "现场没有资源，无法安装", "客户暂时不办", "联系三次未接通")


def make_opportunities(people: People, at: datetime) -> None:
    draw, keeper = Random(411), people.by_role["campaign_manager"]
    calls = Call.objects.filter(
        connected=True, sale=False, talk_seconds__gte=120, started_at__range=(at - BACK, at - timedelta(hours=2))
    )
    rows = []
    for call in calls.order_by("-talk_seconds", "pk")[: MANY * 4 : 4]:
        row = Opportunity(
            call_id=call.pk, call_started_at=call.started_at, customer_id=call.customer_id, city_id=call.city_id, agent_id=call.agent_id,
            team_id=call.team_id, campaign_id=call.campaign_id, closer=draw.choice(CLOSERS), wish=draw.choice(WISHES),
            handed_at=call.started_at + timedelta(minutes=8),
        )  # fmt: skip
        end = row.handed_at + timedelta(days=draw.randint(2, 18), hours=draw.randint(0, 5))
        if end < at:
            _close(row, end, draw)
            row.closed_by = keeper
        rows.append(row)
    Opportunity.objects.bulk_create(rows)


def _close(row: Opportunity, end: datetime, draw: Random) -> None:
    row.closed_at = end
    if draw.random() < 0.42:
        row.state, row.amount_cents = Opportunity.State.WON, draw.randint(8, 90) * 100_00
        row.quality = draw.choice(("good", "good", "fair"))
    else:
        row.state, row.reason = Opportunity.State.LOST, draw.choice(LOST)
        row.quality = draw.choice(("good", "fair", "fair", "poor"))
