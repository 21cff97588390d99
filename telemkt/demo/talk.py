"""What the demo's agents say: a whole script in Chinese, with questions, branches and objections at hand."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from scripts.contents import Content, plant
from scripts.flow import lines
from scripts.models import Objection, Product, ScriptVersion

END = "end"
YES_OR_NO = [("愿意办理", "sum"), ("要和家人商量", "later"), ("仍然不要", END)]

# name, part, title, text, hint, must-say points (* the product's own), questions
# (code, kind, required, question, [(answer, step it leads to)])
STEPS = [
    ("who", "first_question", "确认本人", "您好，请问是{name|机主}本人吗？", "先确认是本人，再往下说。", "",
     [("person", "choice", True, "接电话的是谁？", [("是本人", "open"), ("不是本人", "other"), ("号码有误", END)])]),
    ("other", "first_question", "不是本人", "麻烦问一下，{name|机主}什么时候方便接电话？我们晚些再打来。", "不向别人透露来电内容。", "",
     [("when", "text", False, "机主方便的时间", []), ("told", "choice", True, "对方怎么说？", [("约了时间", END), ("不便转告", END)])]),
    ("open", "opening", "身份与来意", "我是移动客户中心的话务员{agent|}。这次来电是因为您是我们的老客户，有一项为老客户准备的优惠想跟您说明，通话会录音，大约两分钟，您看方便吗？",
     "语气平稳，停一下等客户回应。", "说明身份和来意\n告知通话录音\n客户不愿意就礼貌结束",
     [("ready", "choice", True, "现在方便吗？", [("方便", "need"), ("现在不方便", "later"), ("不需要", END)])]),
    ("later", "opening", "约时间", "好的，不耽误您。您看哪天什么时候方便，我再打给您？", "给两个时间让客户选。", "",
     [("day", "date", False, "约定的日期", []), ("agreed", "choice", True, "约好了吗？", [("约好了", END), ("不用再打", END)])]),
    ("need", "introduction", "了解需要", "想先问问您：家里平时主要用网做什么？每个月话费大概多少？", "先问用途，再说对应的好处。", "",
     [("use", "several", False, "主要用途", [("看视频", ""), ("上网课", ""), ("打游戏", ""), ("居家办公", "")]), ("spend", "number", False, "每月话费（元）", [])]),
    ("offer", "introduction", "产品说明", "您现在用的是{现用套餐|现在的}套餐。换成{product|新套餐}之后，全家都能用上，晚上上网课、看电影可以同时进行，每月只多一点钱。",
     "只讲客户用得上的两点。", "价格\n合约期限",
     [("view", "choice", True, "客户的反应", [("有兴趣", "sum"), ("有顾虑", "doubt"), ("明确不要", END)])]),
    ("doubt", "persuasion", "问清顾虑", "我明白。您主要是觉得哪方面不合适？", "先听完，不打断。", "",
     [("doubt", "choice", True, "顾虑是什么？", [("价格", "price"), ("合约期限", "term"), ("要和家人商量", "later")])]),
    ("price", "persuasion", "谈价格", "算下来一天也就几块钱，原来单独付的几项都包含在内，副卡家里人也能用。您觉得这样可以吗？", "价格只说一次，不要反复。", "",
     [("after_price", "choice", True, "听完怎么说？", YES_OR_NO)]),
    ("term", "persuasion", "谈期限", "期限内价格不变，不用担心涨价；办错了也有取消的办法，我会逐条跟您说清楚。您看要不要试试？", "期限和取消办法照实说。", "",
     [("after_term", "choice", True, "听完怎么说？", YES_OR_NO)]),
    ("sum", "closing", "复述与同意", "那我跟您确认一下：{product|新套餐}，{offer|电话专享优惠}。下面几条请您听清楚。您同意办理，对吗？", "逐条读出必说条款，等客户说同意。", "*\n得到明确同意",
     [("consent", "choice", True, "客户明确同意吗？", [("同意", "date"), ("再考虑", "later"), ("不同意", END)])]),
    ("date", "closing", "办理时间", "好的，马上为您登记。您希望哪天开始使用，或者师傅哪天上门方便？", "记下日期，复述一遍。", "",
     [("start", "date", False, "开始或上门日期", [])]),
    ("bye", "ending", "致谢", "谢谢您的时间，后续有任何问题请拨打客服热线。祝您生活愉快，再见。", "无论成交与否都要致谢。", "",
     [("stop", "choice", True, "客户要求不再来电吗？", [("没有", END), ("要求不再来电", "quiet")])]),
    ("quiet", "ending", "登记免打扰", "好的，已经为您登记，以后不会再为推广打给您。再次感谢，再见。", "结果选“不要再打”。", "", []),
]  # fmt: skip


def write_talk(version: ScriptVersion, product: Product) -> None:
    """Fill a draft. Two objections stand at hand where doubts are asked for, when there are any."""
    at_hand = list(Objection.objects.filter(retired_at=None).order_by("pk").values_list("pk", flat=True)[:2])
    keys = {step[0]: str(uuid5(NAMESPACE_OID, f"{product.code} {step[0]}")) for step in STEPS}
    plant(version, [_content(step, keys, product, at_hand if step[0] == "doubt" else []) for step in STEPS])


def _content(step: tuple, keys: dict[str, str], product: Product, objections: list[int]) -> Content:
    name, part, title, text, hint, must_say, questions = step
    return {
        "key": keys[name],
        "part": part,
        "title": title,
        "text": text,
        "hint": hint,
        "must_say": must_say.replace("*", "\n".join(lines(product.mandatory_statements))),
        "questions": [_question(question, keys) for question in questions],
        "objections": objections,
        "quotes": [],
    }


def _question(question: tuple, keys: dict[str, str]) -> Content:
    code, kind, required, text, answers = question
    return {
        "code": code,
        "text": text,
        "kind": kind,
        "choices": [answer for answer, _to in answers],
        "is_required": required,
        "branches": [[answer, None if to == END else keys[to]] for answer, to in answers if to],
    }
