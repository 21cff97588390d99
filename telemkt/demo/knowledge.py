"""What the demo's agents must know: five articles, who the products suit, and words that nobody may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scripts.models import Article, ArticleVersion, Product, ProhibitedWord
from telemkt.demo.accounts import People

SUITS = {
    "FTTH-500": "家里三口以上、晚上同时上网课和看视频的老客户；现用宽带 200M 以下。",
    "5G-FAM": "一家有三个以上号码、流量经常不够用的家庭。",
    "CARE-ADD": "一年内换过新机、担心屏幕碎裂的客户。",
}

WORDS = [
    ("全网最低", "绝对化用语，无法证明"),
    ("永久免费", "优惠有期限，说法不实"),
    ("保证", "不得承诺结果"),
    ("不办就停机", "威胁客户"),
    ("内部名额", "虚构稀缺"),
    ("国家规定必须办", "冒用名义"),
    ("绝对不会", "绝对化用语"),
]


@dataclass(frozen=True)
class _Text:
    """`review`: days until the next review; below nought it is overdue. `before`: the text of the version before."""

    category: str
    title: str
    text: str
    products: tuple[str, ...] = ()
    owner: str = "trainer"
    review: int = 120
    age: int = 40
    before: str = ""
    what_changed: str = ""


TEXTS = [
    _Text(
        "guide",
        "宽带提速办理指引",
        "# 办理前先问\n- 家里几个人上网，晚上看什么\n- 现在的宽带多少兆，合约到哪一天\n- 装机地址有没有变\n\n# 办理步骤\n1. 在系统里核对地址资源，有 500M 端口再往下说。\n2. 逐条读出必说条款，等客户说同意。\n3. 约上门时间：当天 17 点前办理，最快次日上门。\n\n# 上门以后\n师傅上门免费更换路由器，旧路由器收回。",
        ("FTTH-500",),
        before="# 办理前先问\n- 家里几个人上网，晚上看什么\n- 现在的宽带多少兆，合约到哪一天\n\n# 办理步骤\n1. 在系统里核对地址资源，有 500M 端口再往下说。\n2. 逐条读出必说条款，等客户说同意。\n3. 约上门时间：最快 48 小时内上门。",
        what_changed="上门时间改为最快次日；补充旧路由器收回",
    ),
    _Text(
        "norm",
        "外呼服务规范",
        "# 开口三句\n先确认本人，再说身份和来意，最后告知通话录音。\n\n# 不能做的\n- 客户说不要打了，马上道歉、登记、结束，不再劝说。\n- 不夸大优惠，不说绝对化用语。\n- 不替客户回答“同意”。\n\n# 时段\n周一至周五 9:00–12:00、14:00–20:00，节假日按日历。",
        (),
        owner="qa",
        review=200,
    ),
    _Text(
        "faq",
        "违约金与退订常见问题",
        "# 合约期内想退订怎么办\n7 天内无条件取消，不收任何费用。7 天以后按剩余月数收违约金，每月 10 元，最多 120 元。\n\n# 优惠期过后多少钱\n每月 149 元，到期前一个月短信提醒。\n\n# 换地址还能用吗\n同城有资源可以免费移机一次。",
        ("FTTH-500", "5G-FAM"),
        owner="campaign_manager",
        review=-6,
    ),
    _Text(
        "scenario",
        "晚上卡顿的一家人",
        "# 画面\n晚上八点，孩子上网课，爱人追剧，老人视频通话，三个人一起卡。\n\n# 怎么说\n“您家晚上是不是几个人一起用网？换成 500M 以后三个人互不影响。”\n\n# 适合谁\n三口以上、现用 200M 以下的家庭。",
        ("FTTH-500",),
    ),
    _Text(
        "timetable",
        "宽带装机与客服时间表",
        "- 装机：每天 9:00–20:00，预约时段两小时\n- 客服热线：全天 24 小时\n- 营业厅：每天 9:00–18:00\n- 春节期间装机顺延到正月初四",
        ("FTTH-500", "CARE-ADD"),
        review=30,
    ),
]


def make_knowledge(people: People, today: date, at: datetime) -> None:
    products = {product.code: product for product in Product.objects.all()}
    for code, suits in SUITS.items():
        Product.objects.filter(code=code).update(suits=suits)
    for written in TEXTS:
        _article(people, written, products, today, at)
    ProhibitedWord.objects.bulk_create(ProhibitedWord(word=word, why=why) for word, why in WORDS)


def _article(people: People, written: _Text, products: dict[str, Product], today: date, at: datetime) -> None:
    owner, began = people.by_role[written.owner], at - timedelta(days=written.age)
    texts = [written.before, written.text] if written.before else [written.text]
    changed = at - timedelta(days=3) if written.before else began
    article = Article.objects.create(
        category=written.category, title=written.title, text=written.text, number=len(texts), owner=owner,
        review_on=today + timedelta(days=written.review), changed_at=changed,
    )  # fmt: skip
    article.products.set(products[code] for code in written.products)
    for number, text in enumerate(texts, start=1):
        is_newest = number == len(texts)
        ArticleVersion.objects.create(
            article=article, number=number, title=written.title, text=text, written_by=owner,
            what_changed=written.what_changed if is_newest else "", written_at=changed if is_newest else began,
        )  # fmt: skip
