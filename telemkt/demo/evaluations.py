"""Some calls of the demo as quality has scored them: passed and failed ones, one failed by a grave error, one accepted, one appealed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.models import Call
from people.models import User
from qa import scoring
from qa.models import Evaluation, EvaluationAnswer, FormItem, FormVersion, Recording
from qa.services import evaluations
from telemkt.demo.accounts import People, Role

EACH = 2  # evaluations per team
OLD = timedelta(hours=2)
FORMS = ("coaching", "full-run")
STEP_MS, SPAN_MS = 3000, 2000
# What was not done well and what the scorer says to it, by form and place of the item.
WRONG = {
    "coaching": {
        4: "只问了在用套餐，没有问月消费。",
        11: "没有给客户第二个选择。",
        13: "客户问起安装时间时，没有顺势推进。",
    },
    "full-run": {0: "开场没有用规范的问候语。", 10: "解释套餐说得太长，客户插不上话。", 14: "没有说明合约期。"},
}
GRAVE_PLACE, GRAVE = 4, "客户说太贵时，与客户争了起来。"
REASON = "这一段我认为是按规范做的，请再听一遍。"


def make_evaluations(people: People, at: datetime) -> None:
    """Of recordings of each team that are some hours old, by the demo's QA, within an hour after the call."""
    scorer, agent = people.by_role[str(Role.QA)], people.by_role[str(Role.AGENT)]
    versions = [version for code in FORMS if (version := _in_force(code))]
    own: list[Evaluation] = []
    for n, recording in enumerate(_chosen(people, agent, at)):
        made = _score(recording, versions[n % len(versions)], scorer, n)
        if made.agent_id == agent.pk:
            own.append(made)
    with_remarks = [made for made in own if made.answers.exclude(remark="").exists()]
    for made in with_remarks[:1]:
        answer = made.answers.exclude(remark="").select_related("evaluation").order_by("pk")[0]
        evaluations.appeal(answer=answer, reason=REASON, by=agent, at=at - timedelta(minutes=20))
    for made in with_remarks[1:2]:
        evaluations.accept(evaluation=made, by=agent, at=at - timedelta(minutes=10))


def _in_force(code: str) -> FormVersion | None:
    return FormVersion.objects.with_items().published().filter(form__code=code).first()


def _chosen(people: People, agent: User, at: datetime) -> Iterator[Recording]:
    """The agent of the printed account first, then some of each team."""
    rows = (
        Recording.objects.select_related("sound")
        .filter(call_started_at__lte=at - OLD)
        .order_by("-call_started_at", "-pk")
    )
    yield from rows.filter(agent_id=agent.pk)[: EACH + 2]
    for team in people.teams:
        yield from rows.filter(team_id=team.pk).exclude(agent_id=agent.pk)[:EACH]


def _score(recording: Recording, version: FormVersion, scorer: User, n: int) -> Evaluation:
    at = recording.call_started_at + timedelta(minutes=20 + n)
    call = Call.objects.get(pk=recording.call_id, started_at=recording.call_started_at)
    made = evaluations.begin(
        call=call, version=version, scorer=scorer, pick=Evaluation.Pick.REQUESTED, at=at, recording=recording
    )
    items = [item for stage in version.stages.all() for item in stage.items.all()]
    wrong = dict(list(WRONG[version.form.code].items())[: n % 4])
    if n % 7 == 3 and items[GRAVE_PLACE].fails_on:
        wrong[GRAVE_PLACE] = GRAVE
    EvaluationAnswer.objects.bulk_create(
        _answer(made, item, place, wrong.get(place, "")) for place, item in enumerate(items)
    )
    return evaluations.submit(evaluation=made, by=scorer, at=at)


def _answer(made: Evaluation, item: FormItem, place: int, wrong: str) -> EvaluationAnswer:
    """Well done unless the scorer says what was wrong."""
    if not wrong:
        return EvaluationAnswer(evaluation=made, item=item, answer=item.good)
    bad = scoring.NO if item.good == scoring.YES else scoring.YES
    begin = place * STEP_MS % max(1, made.recording.sound.milliseconds - SPAN_MS) if made.recording else 0
    return EvaluationAnswer(
        evaluation=made, item=item, answer=bad, remark=wrong, from_ms=begin, until_ms=begin + SPAN_MS
    )  # fmt: skip
