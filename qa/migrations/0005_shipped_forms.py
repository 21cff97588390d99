"""The forms that come with the house, published: coaching in seven stages, the eight criteria of the full run, the telephone test of candidates."""

from django.db import migrations
from django.utils import timezone

# (code, name, Chinese name, purpose, pass mark, stages); a stage: (name, Chinese name, weight, items); an item: (text, Chinese text, skill,
# what fails the call: "" never, "yes" for a grave error, whose good answer is No)
COACHING = ("coaching", "Coaching form", "辅导表", "coaching", 80, [
    ("Warm opening", "热情开场", 10, [
        ("Greets the customer", "问候客户", "experience", ""),
        ("Says who is calling", "自报公司和姓名", "speaking", ""),
        ("Says why in a way that wins attention", "说明来意并引起客户注意", "selling", ""),
    ]),
    ("Finding the need", "探寻需求", 20, [
        ("Asks for the present provider", "询问目前的运营商", "questioning", ""),
        ("Asks for the monthly spend", "询问每月话费", "questioning", ""),
        ("Asks whether it is paid privately or by the company", "询问自费还是单位报销", "questioning", ""),
        ("Asks what the spend is mainly for", "询问话费的主要用途", "questioning", ""),
        ("Asks for the benefits of the present tariff", "询问现有套餐的优惠", "questioning", ""),
        ("Finds what matters to the customer", "了解客户看重什么", "listening", ""),
        ("Finds what holds the customer back", "了解客户的顾虑", "listening", ""),
    ]),
    ("Positioning and recommending", "定位与推荐", 20, [
        ("Recommends the benefits that matter to this customer", "推荐该客户在意的好处", "selling", ""),
        ("Gives a choice", "提供选择", "selling", ""),
    ]),
    ("Checking", "确认", 15, [
        ("Asks for the customer's view", "征询客户的看法", "questioning", ""),
        ("Takes up buying signs", "回应购买信号", "listening", ""),
    ]),
    ("Resolving objections", "处理异议", 20, [
        ("Lets the customer finish and shows understanding", "听完客户的异议并表示理解", "listening", ""),
        ("Answers the objection to the point", "针对异议作出解答", "knowledge", ""),
        ("Makes sure that the objection is settled", "确认异议已解决", "control", ""),
    ]),
    ("Closing", "促成", 10, [
        ("Asks for the order", "主动提出成交", "selling", ""),
        ("Repeats what was agreed, with every must-say point", "复述约定内容和必说要点", "record", ""),
    ]),
    ("Thanking", "致谢", 5, [("Thanks and says what happens next", "致谢并说明后续", "experience", "")]),
])  # fmt: skip
FULL_RUN = ("full-run", "Full run, eight criteria", "正式外呼八项标准", "calls", 80, [
    ("Service norms", "服务规范", 15, [
        ("Standard phrases", "使用规范用语", "speaking", ""),
        ("Standard speech", "语音语调规范", "voice", ""),
        ("Reason of the call recorded", "记录来电原因", "record", ""),
    ]),
    ("Attitude", "服务态度", 15, [
        ("Friendly and patient throughout", "全程友好、耐心", "experience", ""),
        ("Quarrels with or insults the customer", "与客户争吵或辱骂客户", "", "yes"),
        ("Hangs up or transfers without consent", "未经同意挂断或转接", "", "yes"),
        ("Transfers without reason", "无故转接", "", "yes"),
        ("Makes the customer wait without reason", "无故让客户等待", "", "yes"),
        ("Shirks responsibility", "推诿", "", "yes"),
    ]),
    ("Skills", "业务技能", 15, [
        ("Finds the need by probing", "通过提问发现需求", "questioning", ""),
        ("Answers concisely, logically and to the customer", "解答简洁、有条理、有互动", "speaking", ""),
    ]),
    ("Sales ability", "营销能力", 15, [
        ("Asks for the order after answering", "解答后主动促成", "selling", ""),
        ("Finds and uses new occasions", "发现并利用新的机会", "selling", ""),
    ]),
    ("Problem solving", "问题解决", 15, [
        ("Right", "答案正确", "knowledge", ""),
        ("Complete", "答案完整", "knowledge", ""),
        ("At once", "一次解决", "knowledge", ""),
    ]),
    ("Acceptance of orders", "业务受理", 10, [("Taken right at once", "一次受理正确", "record", "")]),
    ("Questionnaire", "问卷", 10, [("Filled in as required", "按要求填写", "record", "")]),
    ("Complaints", "投诉处理", 5, [("Handled as the norm says", "按规范处理投诉", "control", "")]),
])  # fmt: skip
RECRUITING = ("recruiting", "Telephone test of candidates", "招聘电话测试", "recruiting", 70, [
    ("Voice", "声音", 30, [
        ("Clear, at a good pace", "吐字清晰、语速适中", "voice", ""),
        ("Friendly tone", "语气亲切", "voice", ""),
    ]),
    ("Listening and answering", "倾听与回应", 40, [
        ("Understands the question at once", "一次听懂问题", "listening", ""),
        ("Answers to the point", "回答切题", "speaking", ""),
        ("Asks when something is not clear", "不清楚时主动询问", "questioning", ""),
    ]),
    ("Selling", "销售意识", 30, [
        ("Names a benefit instead of a feature", "讲好处而不只是讲功能", "selling", ""),
        ("Stays calm at a refusal and tries once more", "被拒绝时保持平和并再试一次", "selling", ""),
    ]),
])  # fmt: skip


def ship(apps, schema_editor):
    model = {name: apps.get_model("qa", name) for name in ("QualityForm", "FormVersion", "FormStage", "FormItem")}
    for code, name, name_zh, purpose, pass_mark, stages in (COACHING, FULL_RUN, RECRUITING):
        form = model["QualityForm"].objects.create(code=code, name=name, name_zh=name_zh, purpose=purpose)
        version = model["FormVersion"].objects.create(form=form, number=1, pass_mark=pass_mark)
        for place, (title, title_zh, weight, items) in enumerate(stages, start=1):
            stage = model["FormStage"].objects.create(
                version=version, position=place, name=title, name_zh=title_zh, weight=weight
            )
            model["FormItem"].objects.bulk_create(
                model["FormItem"](
                    stage=stage, position=n, text=text, text_zh=text_zh, competency=skill,
                    fails_on=fails_on, good="no" if fails_on == "yes" else "yes",
                )
                for n, (text, text_zh, skill, fails_on) in enumerate(items, start=1)
            )  # fmt: skip
        version.status, version.published_at = "published", timezone.now()
        version.save()


def take_away(apps, schema_editor):
    """Backwards with the tables only: what was scored with them would be lost otherwise."""


class Migration(migrations.Migration):
    dependencies = [("qa", "0004_forms_never_change")]
    operations = [migrations.RunPython(ship, take_away)]
