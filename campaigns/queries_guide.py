"""What helps at a step: scenarios that fit the customer, answers to objections, knowledge; and how often answers and scenarios sold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import BooleanField, Case, Count, IntegerField, Q, Value, When

from campaigns.models import AnswerUse, Lead, ScenarioUse
from campaigns.queries_script import filled
from customers.conditions.matching import as_q
from customers.conditions.tree import BadConditions, parse
from customers.models import Customer
from scripts.models import Article, ObjectionAnswer, Scenario

MOST_PROPOSED = 3
MOST_ANSWERS, MOST_ARTICLES = 6, 4
LOOKED_BACK = timedelta(days=30)
COUNTED_FOR = 600
# A scenario that nobody has tried stands as one that sold once in ten times: it gets its turn, and loses it when it does not sell.
SOLD_BEFORE, USED_BEFORE = 1, 10


@dataclass(frozen=True)
class Success:
    """Of so many uses so many helped (as the agents said) and so many calls sold."""

    uses: int = 0
    sold: int = 0
    helped: int = 0

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
    scenarios without conditions are proposed.
    """
    statuses = [Scenario.Status.PILOT, Scenario.Status.IN_USE]
    rows = list(Scenario.objects.filter(product=lead.campaign.product_id, status__in=statuses).order_by("pk"))
    if lead.data_request_id is not None:
        rows = [row for row in rows if not row.conditions]
    met = _met(lead.customer_id, rows, at)
    success = scenario_success(lead.campaign.product_id, at=at) if met else {}
    found = [
        Proposal(
            row=row,
            picture=filled(row.picture, values),
            lines=filled(row.lines, values),
            sms_text=filled(row.sms_text, values),
            success=success.get(row.pk, Success()),
        )
        for row in met
    ]
    return sorted(found, key=lambda proposal: -proposal.success.expected)[:MOST_PROPOSED]


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


def scenario_success(product_id: int, *, at: datetime) -> dict[int, Success]:
    """By scenario of the product, over the last thirty days; counted anew every ten minutes."""
    key = f"campaigns.scenario_success.{product_id}"
    found = cache.get(key)
    if found is None:
        rows = ScenarioUse.objects.filter(
            scenario__product=product_id, used=True, call_started_at__gte=at - LOOKED_BACK
        )
        counted = rows.values("scenario").annotate(uses=Count("pk"), sold=Count("pk", filter=Q(sale=True)))
        found = {row["scenario"]: Success(row["uses"], row["sold"]) for row in counted}
        cache.set(key, found, COUNTED_FOR)
    return found


# ---------------------------------------------------------------- objections and articles


@dataclass(frozen=True)
class Found:
    """Answers in use (each with `filled` and `objection`) and live articles, the nearest first."""

    answers: list[ObjectionAnswer]
    articles: list[Article]

    @property
    def is_empty(self) -> bool:
        return not self.answers and not self.articles


def is_enough(text: str) -> bool:
    """Two letters, or one that is no letter of the alphabet: a Chinese character says enough."""
    return len(text) >= 2 or (len(text) == 1 and not text.isascii())


def find(lead: Lead, text: str, *, step_id: int | None, values: dict[str, str]) -> Found:
    """What the words, or the first letters of their pinyin, find: at this step first, then of the product, then the rest. Two queries."""
    text = text.strip()[:60]
    if not is_enough(text):
        return Found([], [])
    return Found(
        _answers(text, product_id=lead.campaign.product_id, step_id=step_id, values=values),
        _articles(text, product_id=lead.campaign.product_id),
    )


def _answers(text: str, *, product_id: int, step_id: int | None, values: dict[str, str]) -> list[ObjectionAnswer]:
    matches = Q(objection__text__icontains=text) | Q(objection__search__icontains=text)
    ours = Q(objection__product=product_id) | Q(objection__product=None)
    here = Q(objection__in=_linked(step_id)) if step_id else Q(pk=None)
    rows = (
        ObjectionAnswer.objects.filter(matches, ours, status="in_use", objection__retired_at=None)
        .select_related("objection")
        .annotate(distance=_nearness(here, Q(objection__product=product_id)))
        .order_by("distance", "objection__text", "pk")[:MOST_ANSWERS]
    )
    found = list(rows)
    for row in found:
        row.filled = filled(row.text, values)
    return found


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


def answer_success(answer_ids: Iterable[int], *, since: datetime) -> dict[int, Success]:
    """By answer: how often it was shown since then, how often that helped, and how many of the calls sold."""
    rows = AnswerUse.objects.filter(answer__in=list(answer_ids), call_started_at__gte=since)
    counted = rows.values("answer").annotate(
        uses=Count("pk"), sold=Count("pk", filter=Q(sale=True)), helpful=Count("pk", filter=Q(helped=True))
    )
    return {row["answer"]: Success(row["uses"], row["sold"], row["helpful"]) for row in counted}
