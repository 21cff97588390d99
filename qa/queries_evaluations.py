"""Reads of forms and evaluations for screens. Small tables' names are read once per request (campaigns.queries_calls.Names)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.urls import reverse

from campaigns.models import Call
from core.stats import wilson
from people.models import User
from people.scopes import scope_in
from qa.models import (
    Appeal,
    CalibrationDecision,
    Evaluation,
    EvaluationAnswer,
    FormItem,
    FormVersion,
    QualityForm,
    Recording,
    ScoringTask,
)
from qa.models.forms import Asked
from qa.models.work import SCORERS
from qa.queries import LOCKED
from qa.queries_calibration import decided_for
from qa.rules import SECOND_DECIDERS
from scripts.models import Article, ScriptVersion

PRECEDENTS = 3  # shown under an item
LEAST_DECIDED = 30  # under it a rate says nothing yet
RATES = 50


def forms_shown() -> QuerySet[QualityForm]:
    """Each form with its version in force and its draft, by number, and how many items the first of them has."""
    of_form = FormVersion.objects.filter(form=OuterRef("pk")).order_by("-number")
    in_force, draft = of_form.filter(status="published"), of_form.filter(status="draft")
    items = FormItem.objects.filter(stage__version__form=OuterRef("pk"), stage__version__status="published")
    counted = items.order_by().values("stage__version__form").annotate(n=Count("pk"))
    return QualityForm.objects.annotate(
        in_force=Subquery(in_force.values("pk")[:1]),
        number=Subquery(in_force.values("number")[:1]),
        pass_mark=Subquery(in_force.values("pass_mark")[:1]),
        item_count=Subquery(counted.values("n")),
        draft=Subquery(draft.values("pk")[:1]),
        newest=Subquery(of_form.values("pk")[:1]),
    ).order_by("code")


def article_titles() -> list[str]:
    """Of the articles in use, which an item of a form may name."""
    return list(Article.objects.live().order_by("title").values_list("title", flat=True).distinct())


def script_url(user: User, evaluation: Evaluation) -> str:
    """The page of the script that the call was made with; "" where there was none or the user may not read it."""
    call = Call.objects.filter(pk=evaluation.call_id, started_at=evaluation.call_started_at).first()
    if call is None or call.script_version_id is None:
        return ""
    version = ScriptVersion.objects.visible_to(user).filter(pk=call.script_version_id).first()
    return "" if version is None else f"{reverse('scripts:script', args=[version.script_id])}?version={version.number}"


def evaluations_shown(user: User) -> QuerySet[Evaluation]:
    """What the user may read, with the state of its appeals ("", "open" or "decided"), and whether its scorer is not to know yet whose call it is."""
    appeals = Appeal.objects.filter(answer__evaluation=OuterRef("pk"))
    state = Case(
        When(Exists(appeals.filter(decision="")), then=Value("open")), When(Exists(appeals), then=Value("decided")),
        default=Value(""), output_field=CharField(),
    )  # fmt: skip
    hidden = ScoringTask.objects.open().filter(
        call_id=OuterRef("call_id"), form=OuterRef("version__form"), scorer=OuterRef("scorer"), blind=True
    )
    rows = Evaluation.objects.visible_to(user).select_related("version__form", "scorer")
    return rows.annotate(appeal_state=state, is_blind=Exists(hidden) & Q(submitted_at=None))


def newest_recording(user: User, call: Call) -> Recording | None:
    """The recording of the call that an evaluation is made with; None when the user may hear none."""
    rows = Recording.objects.visible_to(user).kept().filter(call_id=call.pk, call_started_at=call.started_at)
    return rows.filter(sound__state__in=("checked", "ready")).order_by("-pk").first()


def heard_recording(user: User, evaluation: Evaluation) -> Recording | None:
    """The evaluation's recording as long as it is there and the user may hear it."""
    rows = Recording.objects.visible_to(user).kept().select_related("sound__file", "uploaded_by")
    return rows.filter(pk=evaluation.recording_id).first() if evaluation.recording_id else None


def answers_of(evaluation: Evaluation) -> dict[int, EvaluationAnswer]:
    """{item id: answer}, with its appeal."""
    rows = evaluation.answers.select_related("item", "appeal__decided_by", "appeal__first__decided_by")
    return {answer.item_id: answer for answer in rows}


def without_words(evaluation: Evaluation, answers: Iterable[EvaluationAnswer]) -> None:
    """Takes the words off rows that are about to be shown; never save them afterwards."""
    evaluation.remark = ""
    for answer in answers:
        answer.remark = ""
        appeal = getattr(answer, "appeal", None)
        if appeal is not None:
            for told in (appeal, getattr(appeal, "first", None)):
                if told is not None:
                    told.reason = told.ground = ""


def precedents(user: User, version: FormVersion) -> dict[Asked, list[Appeal | CalibrationDecision]]:
    """{what an item asks: decisions about the same, of appeals and of calibration, the newest first}, of what the user may read."""
    texts = FormItem.objects.filter(stage__version=version).values("text")
    read = Evaluation.objects.visible_to(user).exclude(customer_id__in=LOCKED)
    rows = Appeal.objects.exclude(decision="").filter(answer__item__text__in=texts, answer__evaluation__in=read)
    decided: list[tuple[Asked, Appeal | CalibrationDecision]] = [
        (row.answer.item.asked, row) for row in rows.select_related("answer__item").order_by("-decided_at", "-pk")[:500]
    ]
    decided += [(row.item.asked, row) for row in decided_for(user, version)[:500]]
    found: dict[Asked, list[Appeal | CalibrationDecision]] = defaultdict(list)
    for asked, row in sorted(decided, key=lambda told: told[1].decided_at, reverse=True):  # type: ignore[arg-type,return-value]
        if len(found[asked]) < PRECEDENTS:
            found[asked].append(row)
    return dict(found)


# -- appeals -----------------------------------------------------------------------------------------------------------


def open_appeals(user: User) -> QuerySet[Appeal]:
    """What waits for a decision by who is QA, or when it has gone further manager, of the user's places; the one due first on top."""
    # a locked person's appeal waits too
    read = Evaluation.objects.visible_to(user).exclude(customer_id__in=LOCKED)
    first = Q(level=1, answer__evaluation__in=read.filter(_places(user, SCORERS)))
    second = Q(level=2, answer__evaluation__in=read.filter(_places(user, SECOND_DECIDERS)))
    rows = Appeal.objects.filter(first | second, decision="")
    return rows.select_related("answer__item", "answer__evaluation__scorer", "answer__evaluation__version__form", "first").order_by("due_at", "pk")  # fmt: skip


def _places(user: User, roles: Sequence[str]) -> Q:
    scope = scope_in(user, roles)
    return Q() if scope.is_region else Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids)


@dataclass(frozen=True)
class Overturned:
    """How many decided appeals found the agent right: `rate`, `low` and `high` (95 %, Wilson) as shares of 1."""

    name: str
    overturned: int
    decided: int
    rate: float
    low: float
    high: float

    @property
    def is_young(self) -> bool:
        return self.decided < LEAST_DECIDED


def overturned(user: User) -> tuple[list[Overturned], list[Overturned]]:
    """By item, and by scorer, the most appealed first."""
    decided = Appeal.objects.exclude(decision="").filter(answer__evaluation__in=Evaluation.objects.visible_to(user))
    item, scorer = ("answer__item__text", "answer__item__most_points"), "answer__evaluation__scorer"
    counts = {"n": Count("pk"), "k": Count("pk", filter=Q(decision="overturned"))}
    by_item = list(decided.order_by().values_list(*item).annotate(**counts).order_by("-n", *item)[:RATES])
    by_scorer = list(decided.order_by().values_list(scorer).annotate(**counts).order_by("-n", scorer)[:RATES])
    items = {row.text: str(row) for row in FormItem.objects.filter(text__in=[text for text, *_rest in by_item])}
    people = {row.pk: str(row) for row in User.objects.filter(pk__in=[pk for pk, _n, _k in by_scorer])}
    return (
        [_rate(items[text], k, n) for text, _most, n, k in by_item],
        [_rate(people[pk], k, n) for pk, n, k in by_scorer],
    )


def _rate(name: str, k: int, n: int) -> Overturned:
    low, high = wilson(k, n)
    return Overturned(name, k, n, k / n, low, high)
