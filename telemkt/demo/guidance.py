"""What guides the demo's agents: answers to objections at the steps of the scripts, scenarios, articles, and the ways that calls of the last
days took."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from people.models import User
from scripts.models import (
    Article,
    ArticleVersion,
    Objection,
    ObjectionAnswer,
    Product,
    Scenario,
    ScriptStep,
    ScriptVersion,
    StepObjection,
    StepQuote,
)
from telemkt.demo.accounts import People

OBJECTIONS = [
    ("persuasion", "现在的够用了", "现在的够用了 xzdgyl", "您说得对，平时是够的。晚上一家人同时上网课、看电影时会不会卡？换了之后这些时候也顺。"),
    ("persuasion", "要和家人商量", "要和家人商量 yhjrsl", "应该的。您看家里人什么时候都在？我到时候再打给您，优惠替您留到那天。"),
    ("opening", "你们是不是骗子", "你们是不是骗子 诈骗 nmsbspz zp", "您有警惕是对的。您可以挂断后拨打客服热线核实，我的工号会在热线里查得到。"),
    ("opening", "你怎么有我的号码", "你怎么有我的号码 nzmywdhm", "您是我们的老客户，办理业务时留过这个号码，并同意接受服务通知。您不愿意的话我马上登记，不再来电。"),
    ("closing", "合约期太长", "合约期太长 hyqtc", "合约期内价格不变；7 天内无条件取消，以后要提前结束按剩余月数每月收 10 元，最多 120 元，我把条款用短信发给您。"),
]  # fmt: skip
SCENARIOS = [
    (
        "晚上的网课", "家有学龄孩子，晚高峰卡顿", "晚上八点，孩子在房间上网课，您在客厅看电影，两边都不卡。",
        "孩子晚上上网课的时候，家里别人也在用网吗？", "【示例】{product|新套餐}：晚高峰也不卡顿，回复 1 由师傅联系您。", {},
    ),
    (
        "给长辈的一份安心", "客户四十五岁以上", "爸妈在老家，视频一点就通，您随时看得到他们。",
        "您平时和老人视频多吗？", "【示例】副卡给爸妈用，通话免费，回复 1 了解。",
        {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": 45}]}},
    ),
]  # fmt: skip
ARTICLES = [
    (
        "guide",
        "路由器免费更换办法",
        "凡办理宽带升级的老客户，由师傅上门免费更换双频路由器，旧设备带走。预约时间为每天 9:00 至 20:00。",
    ),
    (
        "faq",
        "提前结束合约怎么算",
        "合约期内可随时办理结束：7 天内无条件取消，不收任何费用；7 天以后按剩余月数收违约金，每月 10 元，最多 120 元。",
    ),
    ("norm", "客户要求不再来电", "立即致歉，说明已登记，选结果“不再来电”。不得再介绍产品。"),
]
NEWEST_CALLS = 8_000
# Shares of the calls that come as far as each step, in permille: they die at the opening and at the price.
WAYS = """
INSERT INTO campaigns_callpath
    (call_id, call_started_at, script_version_id, campaign_id, city_id, team_id, step_ids, seconds, left_step_id, "end")
SELECT c.id, c.started_at, c.script_version_id, c.campaign_id, c.city_id, c.team_id, s.ids[1:c.deep],
    (SELECT array_agg(greatest(1, c.talk_seconds / c.deep - 3 + (c.id + n) %% 7)::int) FROM generate_series(1, c.deep) n),
    s.ids[c.deep], CASE WHEN c.sale THEN 'sold' WHEN c.mid_call THEN 'mid_call' WHEN c.refuses_offer OR c.refuses_calls THEN 'refused' ELSE 'other' END
FROM (
    SELECT *, CASE WHEN sale THEN 6 WHEN hash < 180 THEN 1 WHEN hash < 470 THEN 2 WHEN hash < 600 THEN 3 WHEN hash < 930 THEN 4 ELSE 6 END AS deep
    FROM (
        SELECT *, mod(abs(hashint8(id)::bigint), 1000) AS hash FROM campaigns_call
        WHERE connected AND script_version_id IS NOT NULL AND started_at >= %s ORDER BY started_at DESC LIMIT %s
    ) newest
) c
JOIN (SELECT version_id, array_agg(id ORDER BY position) AS ids FROM scripts_scriptstep GROUP BY 1) s ON s.version_id = c.script_version_id
WHERE cardinality(s.ids) >= 6
"""


def make_guidance(people: People, at: datetime) -> None:
    """Called when scripts and calls are there, and triggers sleep: the versions in force would refuse it."""
    by = people.by_role["campaign_manager"]
    answers = [_answer(row, by) for row in OBJECTIONS]
    articles = _articles(by, at)
    for version in ScriptVersion.objects.filter(status=ScriptVersion.Status.LIVE):
        _guide(version, answers)
        step = ScriptStep.objects.filter(version=version, part="closing").first()
        if step is not None:
            StepQuote.objects.bulk_create(StepQuote(step=step, article=row, article_version=1) for row in articles[:2])
    for product in Product.objects.all():
        _scenarios(product, by)
    with connection.cursor() as cursor:
        cursor.execute(WAYS, [at - timedelta(days=5), NEWEST_CALLS])


def _answer(row: tuple[str, str, str, str], by: User) -> tuple[str, Objection]:
    part, text, search, answer = row
    objection = Objection.objects.create(text=text, search=search, created_by=by)
    ObjectionAnswer.objects.create(
        objection=objection, text=answer, status=ObjectionAnswer.Status.IN_USE, written_by=by
    )
    return part, objection


def _guide(version: ScriptVersion, answers: list[tuple[str, Objection]]) -> None:
    """Each answer at hand at the first step of its part."""
    steps = {step.part: step for step in ScriptStep.objects.filter(version=version).order_by("-position")}
    StepObjection.objects.bulk_create(
        StepObjection(step=steps[part], objection=objection) for part, objection in answers if part in steps
    )


def _scenarios(product: Product, by: User) -> None:
    Scenario.objects.bulk_create(
        Scenario(
            name=name, moment=moment, picture=picture, lines=lines, sms_text=sms, conditions=conditions, product=product,
            status=Scenario.Status.IN_USE, written_by=by,
        )
        for name, moment, picture, lines, sms, conditions in SCENARIOS
    )  # fmt: skip


def _articles(by: User, at: datetime) -> list[Article]:
    made = []
    for category, title, text in ARTICLES:
        article = Article.objects.create(category=category, title=title, text=text, owner=by, changed_at=at)
        ArticleVersion.objects.create(article=article, number=1, title=title, text=text, written_by=by)
        made.append(article)
    return made
