"""The demo's objections with answers, best phrases, scenarios and a guidance map."""

from __future__ import annotations

from datetime import datetime, timedelta

from scripts.models import Objection, ObjectionAnswer, Phrase, PhraseVote, Product, Scenario
from scripts.services_maps import open_map
from scripts.services_objections import save_objection
from telemkt.demo.accounts import People

# (product or None: every one, what the customer says, reason of refusal, answers in use, drafts)
OBJECTIONS = [
    (
        None,
        "太贵了",
        "价格太贵",
        ["平均到每天不到五块钱，全家人一起用。", "现在办有电话专享价，比营业厅便宜一成。"],
        [],
    ),
    (None, "我现在没时间", "没有时间", ["不耽误您，只要一分钟。要是不方便，我按您说的时间再打。"], []),
    (None, "我再考虑考虑", "", ["您主要考虑的是价格，还是合约期？我给您讲清楚再定。"], ["好的，那我周五再联系您。"]),
    ("FTTH-500", "现在的网速够用了", "没有需要", ["家里几个人同时上网课、看高清时，百兆就会卡，提速后互不影响。"], []),
    ("FTTH-500", "换路由器麻烦", "办理不便", [], ["师傅上门免费换，半小时就好，旧的我们带走。"]),
    ("5G-FAM", "套餐里的流量用不完", "没有需要", ["流量全家共享，孩子和老人一起用，月底不浪费。"], []),
]
PHRASES = [
    ("opening", "您家里一般几个人同时上网？晚上看视频会不会转圈？"),
    ("persuasion", "我帮您算一下：现在每月多花十五块，换来全家都不卡。"),
    ("closing", "那我先帮您登记，明天上午师傅上门，您看九点还是十点方便？"),
]
SCENARIOS = [
    (
        "FTTH-500",
        "网课之家",
        "晚上七点",
        "客厅里孩子上网课，您在看球赛直播，爱人和老家视频，谁都不卡。",
        "您家晚上是不是孩子要上网课？",
    ),
    (
        "5G-FAM",
        "三代同堂",
        "周末",
        "周末爷爷奶奶用手机看戏，孩子查资料，一家人用一个套餐，账单只有一张。",
        "您家里老人的手机是单独交费吗？",
    ),
]


def make_treasury(people: People, products: list[Product], at: datetime) -> None:
    by_code = {product.code: product for product in products}
    writer, at = people.by_role["qa"], at - timedelta(days=30)
    for code, text, reason, used, drafts in OBJECTIONS:
        objection = Objection(text=text, reason=reason, product=by_code[code] if code else None)
        save_objection(objection=objection, by=writer, at=at)
        ObjectionAnswer.objects.bulk_create(
            ObjectionAnswer(objection=objection, text=answer, status=status, written_by=writer, written_at=at)
            for status, answers in (("in_use", used), ("draft", drafts))
            for answer in answers
        )
    voters = [people.by_role[role] for role in ("agent", "team_leader", "trainer")]
    for place, (part, text) in enumerate(PHRASES):
        phrase = Phrase.objects.create(product=products[0], part=part, text=text, added_by=writer, added_at=at)
        PhraseVote.objects.bulk_create(PhraseVote(phrase=phrase, by=voter, at=at) for voter in voters[place:])
    for code, name, moment, picture, lines in SCENARIOS:
        Scenario.objects.create(
            product=by_code[code], name=name, moment=moment, picture=picture, lines=lines, status="in_use",
            written_by=writer, written_at=at,
        )  # fmt: skip
    open_map(product=products[0], by=writer, at=at)
