"""What helps at a step: scenarios that fit the customer, answers to objections, knowledge; and how often answers and scenarios sold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import BooleanField, Case, IntegerField, Q, Value, When

from campaigns import queries_set_up
from campaigns.models import Campaign, Experiment, ExperimentArm, Lead
from campaigns.queries_script import Part, filled
from core.stats import wilson
from customers.conditions.matching import as_q
from customers.conditions.tree import BadConditions, parse
from customers.models import Customer
from scripts.blanks import opened
from scripts.models import Article, ObjectionAnswer, Scenario

MOST_PROPOSED = 3
MOST_ANSWERS, MOST_ARTICLES = 6, 4
LOOKED_BACK = timedelta(days=30)
NEWEST_USES, COUNTED_FOR = 2_000, 600
# A scenario that nobody has tried stands as one that sold once in ten times: it gets its turn, and loses it when it does not sell.
SOLD_BEFORE, USED_BEFORE = 1, 10
# The fewest uses of which a rate is shown, as of the rates of the indicators.
LEAST_USES = 30


@dataclass(frozen=True)
class Success:
    """Of so many uses so many helped (as the agents said) and so many calls sold."""

    uses: int = 0
    sold: int = 0
    helped: int = 0

    @property
    def rate(self) -> float | None:
        """None while it is too early to say."""
        return None if self.more else self.sold / self.uses

    @property
    def low(self) -> float:
        return wilson(self.sold, self.uses)[0]

    @property
    def high(self) -> float:
        return wilson(self.sold, self.uses)[1]

    @property
    def more(self) -> int:
        """So many uses more before a rate is shown."""
        return max(LEAST_USES - self.uses, 0)

    @property
    def expected(self) -> float:
        return (self.sold + SOLD_BEFORE) / (self.uses + USED_BEFORE)


# ---------------------------------------------------------------- scenarios


@dataclass(frozen=True)
class Proposal:
    """A scenario with its blanks filled, and how it did when it was used in the last thirty days."""

    row: Scenario
    picture: str
    lines: str
    sms_text: str
    success: Success


def proposals(lead: Lead, values: dict[str, str], *, at: datetime) -> list[Proposal]:
    """Scenarios of the campaign's product that the customer meets, in the order of past success; at most three.

    Of a customer who came by a data request an agent may see some fields only; a proposal would tell of the others, so that only
    scenarios without conditions are proposed. What a running experiment of the campaign compares is proposed to nobody: every person meets
    the one of their arm, see arm_scenario.
    """
    rows = list(queries_set_up.scenarios(lead.campaign.product_id))
    arm = _arm(lead.campaign)
    if rows and (lead.campaign.has_experiment or arm is not None):
        compared = set(_compared(lead.campaign, arm))
        rows = [row for row in rows if row.pk not in compared]
    if lead.data_request_id is not None:
        rows = [row for row in rows if not row.conditions]
    met = _met(lead.customer_id, rows, at)
    success = scenario_success([row.pk for row in met], at=at)
    found = [_proposal(row, values, success.get(row.pk, Success())) for row in met]
    return sorted(found, key=lambda proposal: -proposal.success.expected)[:MOST_PROPOSED]


def arm_scenario(campaign: Campaign, values: dict[str, str]) -> Proposal | None:
    """The scenario of the arm that the person meets, of a campaign as services.arms tells it. How often it sold is not shown: it would tell
    the agent which arm does better."""
    arm = _arm(campaign)
    return _proposal(arm.scenario, values, Success()) if arm is not None and arm.scenario is not None else None


def _arm(campaign: Campaign) -> ExperimentArm | None:
    return getattr(campaign, "arm", None)


def _compared(campaign: Campaign, arm: ExperimentArm | None) -> Any:
    """Scenarios of the experiment that runs, and of the one that this person is in."""
    running = Q(experiment__campaign=campaign.pk, experiment__state=Experiment.State.RUNNING)
    arms = ExperimentArm.objects.filter(running | Q(experiment=arm.experiment_id) if arm else running)
    return arms.filter(scenario__isnull=False).values_list("scenario", flat=True)


def _proposal(row: Scenario, values: dict[str, str], success: Success) -> Proposal:
    return Proposal(
        row=row,
        picture=filled(row.picture, values),
        lines=filled(row.lines, values),
        sms_text=filled(row.sms_text, values),
        success=success,
    )


def _met(customer_id: int, rows: list[Scenario], at: datetime) -> list[Scenario]:
    """Those whose conditions this one customer meets: one query for all. Conditions that are no longer known are met by nobody."""
    asked = {f"s{row.pk}": question for row in rows if row.conditions and (question := _question(row, at)) is not None}
    if not asked:
        return [row for row in rows if not row.conditions]
    told = {name: _is(question) for name, question in asked.items()}
    answers = Customer.objects.filter(pk=customer_id).annotate(**told).values(*told).first() or {}
    return [row for row in rows if not row.conditions or answers.get(f"s{row.pk}")]


def _question(row: Scenario, at: datetime) -> Q | None:
    try:
        return as_q(parse(row.conditions, user=None).root, at=at)
    except BadConditions:
        return None


def _is(question: Q) -> Case:
    return Case(When(question, then=Value(True)), default=Value(False), output_field=BooleanField())


def scenario_success(scenario_ids: Iterable[int], *, at: datetime) -> dict[int, Success]:
    """By scenario that was used."""
    return _success("scenario", scenario_ids, at)


def answer_success(answer_ids: Iterable[int], *, at: datetime) -> dict[int, Success]:
    """By answer to an objection that was shown; `helped` as the agents said."""
    return _success("answer", answer_ids, at)


def success_of_objection(objection_id: int, *, at: datetime) -> list[tuple[ObjectionAnswer, Success]]:
    """The answers of an objection that agents see or have seen, each with its success; those in use and the most used first."""
    rows = list(ObjectionAnswer.objects.filter(objection=objection_id).order_by("pk"))
    success = answer_success([row.pk for row in rows], at=at)
    is_in_use = {row.pk: row.status == ObjectionAnswer.Status.IN_USE for row in rows}
    told = [(row, success[row.pk]) for row in rows if is_in_use[row.pk] or success[row.pk].uses]
    return sorted(told, key=lambda one: (not is_in_use[one[0].pk], -one[1].uses, one[0].pk))


# The newest uses by the index of each, so that it costs the same however long they have been in use.
COUNTED = {
    "scenario": """SELECT a.id, count(*), count(*) FILTER (WHERE u.sale), 0 FROM unnest(%s::bigint[]) AS a(id) CROSS JOIN LATERAL (
        SELECT sale FROM campaigns_scenariouse WHERE scenario_id = a.id AND used AND call_started_at >= %s
        ORDER BY call_started_at DESC LIMIT %s) u GROUP BY a.id""",
    "answer": """SELECT a.id, count(*), count(*) FILTER (WHERE u.sale), count(*) FILTER (WHERE u.helped) FROM unnest(%s::bigint[]) AS a(id)
        CROSS JOIN LATERAL (SELECT sale, helped FROM campaigns_answeruse WHERE answer_id = a.id AND call_started_at >= %s
        ORDER BY call_started_at DESC LIMIT %s) u GROUP BY a.id""",
}


def _success(kind: str, ids: Iterable[int], at: datetime) -> dict[int, Success]:
    """Of the newest 2,000 uses of the last thirty days; counted anew every ten minutes."""
    keys = {f"campaigns.success.{kind}.{pk}": pk for pk in ids}
    kept: dict[str, Success] = cache.get_many(list(keys)) if keys else {}
    missing = [pk for key, pk in keys.items() if key not in kept]
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(COUNTED[kind], [missing, at - LOOKED_BACK, NEWEST_USES])
            counted = {pk: Success(uses, sold, helped) for pk, uses, sold, helped in cursor.fetchall()}
        fresh = {f"campaigns.success.{kind}.{pk}": counted.get(pk, Success()) for pk in missing}
        cache.set_many(fresh, COUNTED_FOR)
        kept = {**kept, **fresh}
    return {pk: kept[key] for key, pk in keys.items()}


# ---------------------------------------------------------------- objections and articles


@dataclass(frozen=True)
class Reply:
    """An answer to an objection with its blanks filled, and how calls went on in which it was shown."""

    pk: int
    objection: str
    text: str
    success: Success


def _replies(rows: list[ObjectionAnswer], values: dict[str, str], at: datetime) -> dict[int, Reply]:
    success = answer_success([row.pk for row in rows], at=at)
    return {row.pk: Reply(row.pk, row.objection.text, filled(row.text, values), success[row.pk]) for row in rows}


def lay_at_hand(parts: list[Part], success: Mapping[int, Success]) -> None:
    """Give each step its replies, their blanks left open."""
    for step in (step for part in parts for step in part.steps):
        step.replies = [Reply(row.pk, row.objection.text, opened(row.text), success[row.pk]) for row in step.answers]


@dataclass(frozen=True)
class Found:
    """Answers in use and live articles, the nearest first."""

    answers: list[Reply]
    articles: list[Article]

    @property
    def is_empty(self) -> bool:
        return not self.answers and not self.articles


def is_enough(text: str) -> bool:
    """Two letters, or one that is no letter of the alphabet: a Chinese character says enough."""
    return len(text) >= 2 or (len(text) == 1 and not text.isascii())


def find(lead: Lead, text: str, *, step_id: int | None, values: dict[str, str], at: datetime) -> Found:
    """What the words, or the first letters of their pinyin, find: at this step first, then of the product, then the rest."""
    text = text.strip()[:60]
    if not is_enough(text):
        return Found([], [])
    return Found(
        _answers(text, product_id=lead.campaign.product_id, step_id=step_id, values=values, at=at),
        _articles(text, product_id=lead.campaign.product_id),
    )


def _answers(text: str, *, product_id: int, step_id: int | None, values: dict[str, str], at: datetime) -> list[Reply]:
    matches = Q(objection__text__icontains=text) | Q(objection__search__icontains=text)
    ours = Q(objection__product=product_id) | Q(objection__product=None)
    here = Q(objection__in=_linked(step_id)) if step_id else Q(pk=None)
    rows = (
        ObjectionAnswer.objects.filter(matches, ours, status="in_use", objection__retired_at=None)
        .select_related("objection")
        .annotate(distance=_nearness(here, Q(objection__product=product_id)))
        .order_by("distance", "objection__text", "pk")[:MOST_ANSWERS]
    )
    return list(_replies(list(rows), values, at).values())


def _linked(step_id: int) -> Any:
    from scripts.models import StepObjection

    return StepObjection.objects.filter(step=step_id).values("objection")


def _articles(text: str, *, product_id: int) -> list[Article]:
    of_product = Q(pk__in=Article.products.through.objects.filter(product=product_id).values("article"))
    in_title = Q(title__icontains=text)
    rows = Article.objects.live().filter(in_title | Q(text__icontains=text)).defer("text")
    nearest = rows.annotate(distance=_nearness(of_product & in_title, of_product | in_title))
    return list(nearest.order_by("distance", "title", "pk")[:MOST_ARTICLES])


def _nearness(nearest: Q, near: Q) -> Case:
    return Case(When(nearest, then=0), When(near, then=1), default=2, output_field=IntegerField())
