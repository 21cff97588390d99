"""A form of the demo whose items are answered by points and say what they are asked by, and two calls scored with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import Call
from qa.models import Evaluation, FormItem, FormStage, FormVersion, QualityForm, Recording, ScoringTask
from qa.services import evaluations, forms
from scripts.models import Article
from telemkt.demo.accounts import People, Role

NORM = "外呼服务规范"
# stage and its weight, then per item: words, full points, points that fail the call, weight, skill, part of the script, clause
STAGES = [
    (("Speech", "语言表达", 60), [
        ("Speaks clearly and at the customer's pace", "吐字清晰，语速跟随客户", 5, None, 2, "voice", "", ""),
        ("Lets the customer finish", "不打断客户", 3, None, 1, "listening", "", ""),
    ]),
    (("Opening", "开场", 40), [
        ("Says who is calling, why, and that the call is recorded", "说明身份、来意并告知录音", 4, 0, 2, "speaking", "opening", "开口三句"),
        ("Greets the customer", "问候客户", None, None, 1, "experience", "first_question", ""),
    ]),
]  # fmt: skip
GIVEN = (("4", "2", "4", "yes"), ("3", "na", "2", "yes"))
WRONG = "介绍合约期时语速偏快，客户请他再说一遍。"


def make_points(people: People, at: datetime) -> None:
    """After all others that choose recordings, so that they find the same ones as ever."""
    version = _form(people, at - timedelta(days=20))
    items = [item for stage in version.stages.all() for item in stage.items.all()]
    agent, scorer = people.by_role[str(Role.AGENT)], people.by_role[str(Role.QA)]
    taken = [
        *Evaluation.objects.values_list("call_id", flat=True),
        *ScoringTask.objects.values_list("call_id", flat=True),
    ]
    rows = Recording.objects.select_related("sound").exclude(agent_id=agent.pk).exclude(call_id__in=taken)
    free = rows.filter(call_started_at__lte=at - timedelta(hours=2)).order_by("call_started_at", "pk")
    for recording, answers in zip(free[: len(GIVEN)], GIVEN, strict=False):
        call = Call.objects.get(pk=recording.call_id, started_at=recording.call_started_at)
        then = recording.call_started_at + timedelta(minutes=30)
        made = evaluations.begin(
            call=call, version=version, scorer=scorer, pick=Evaluation.Pick.REQUESTED, at=then, recording=recording
        )
        for item, answer in zip(items, answers, strict=True):
            evaluations.save_answer(
                evaluation=made, item=item, answer=answer, by=scorer, remark=WRONG if item.most_points else "", span=(0, 2000)
            )  # fmt: skip
        evaluations.submit(evaluation=made, by=scorer, at=then)


def _form(people: People, at: datetime) -> FormVersion:
    by = people.by_role[str(Role.QA)]
    form = QualityForm(code="speech", name="Speech", name_zh="语言表达")
    version = forms.create_form(form=form, by=by, at=at)
    norm = Article.objects.live().filter(title=NORM).first()
    for (name, name_zh, weight), items in STAGES:
        stage = forms.save_stage(version=version, stage=FormStage(name=name, name_zh=name_zh, weight=weight), by=by)
        for text, text_zh, most, bound, share, skill, part, clause in items:
            item = FormItem(
                stage=stage, text=text, text_zh=text_zh, most_points=most, fails_up_to=bound, weight=share, competency=skill,
                script_part=part, clause=clause, article=norm if clause else None,
            )  # fmt: skip
            forms.save_item(version=version, item=item, by=by)
    forms.publish(version=version, by=by, at=at)
    return FormVersion.objects.with_items().get(pk=version.pk)
