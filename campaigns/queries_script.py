"""The script as the desk shows it: blanks left open, steps with questions and where their answers lead, objections at hand."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch

from campaigns import desk_fields
from campaigns.models import Lead
from core import kept
from people.models import User
from scripts.blanks import Piece, fill, opened_pieces
from scripts.flow import WITH_CHOICES, Flow, Step as FlowStep
from scripts.models import Article, ObjectionAnswer, Product, ScriptQuestion, ScriptStep, StepObjection, StepQuote

TO_THE_END = "0"


@dataclass
class Choice:
    """An answer that can be chosen. `to`: number of the step it leads to, "0" the end of the call, "" whatever comes next."""

    text: str
    to: str = ""
    leads_to: str = ""


@dataclass
class Question:
    row: ScriptQuestion
    choices: list[Choice]

    @property
    def has_choices(self) -> bool:
        return self.row.kind in WITH_CHOICES

    @property
    def is_several(self) -> bool:
        """Ticked, as many as fit: the first that leads somewhere leads. Of a single choice each has a key and leads at once."""
        return self.row.kind == ScriptQuestion.Kind.SEVERAL


@dataclass
class Step:
    row: ScriptStep
    pieces: list[Piece]
    must_say: list[str]
    number: str
    questions: list[Question] = field(default_factory=list)
    answers: list[ObjectionAnswer] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    follows: Step | None = None

    @property
    def label(self) -> str:
        return f"{self.number} {self.row.title}".strip()


@dataclass
class Part:
    key: str
    label: str
    steps: list[Step]


def filled(text: str, values: dict[str, str]) -> str:
    return "".join(piece.text for piece in fill(text, values))


def blanks(lead: Lead, agent: User) -> dict[str, str]:
    """Values for the blanks of a script: what may be seen of the customer's columns and own attributes, product, offer, agent."""
    customer, campaign, door = lead.customer, lead.campaign, desk_fields.door_of(lead)
    found = {str(key).lower(): str(value) for key, value in door.attributes(customer.attributes).items()}
    found |= {
        "name": door.let("name", customer.name),
        "city": customer.city.label,
        "age": str(door.let("age", customer.age or "")),
        "product": campaign.product.name,
        "price": money(campaign.product.price_cents),
        "offer": campaign.offer.name if campaign.offer else "",
        "offer_price": money(campaign.offer.price_cents) if campaign.offer else "",
        "agent": str(agent),
        "campaign": campaign.name,
    }
    return {key: value for key, value in found.items() if value}


def money(cents: int | None) -> str:
    """4900 -> "49", 4950 -> "49.50"."""
    if cents is None:
        return ""
    whole, rest = divmod(cents, 100)
    return f"{whole:,}.{rest:02}" if rest else f"{whole:,}"


def points_of(texts: Iterable[str]) -> list[str]:
    """What must be said, one per line of the texts, each once."""
    lines = (line.strip() for text in texts for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def must_say_of(version_id: int | None, product: Product | None) -> list[str]:
    """What a call with this version about this product must say: of the steps in their order, then of the product."""
    texts = ScriptStep.objects.filter(version=version_id).exclude(must_say="").order_by("position")
    return points_of([*texts.values_list("must_say", flat=True), product.mandatory_statements if product else ""])


def step_numbers(rows: Sequence[ScriptStep]) -> dict[int, str]:
    """ "4.2": the second step of the fourth part. Rows in their order."""
    order = {part.value: number for number, part in enumerate(ScriptStep.Part, start=1)}
    seen: dict[str, int] = defaultdict(int)
    found = {}
    for row in rows:
        seen[row.part] += 1
        found[row.pk] = f"{order.get(row.part, 0)}.{seen[row.part]}"
    return found


def script(version_id: int) -> list[Part]:
    """A version in its six parts, its blanks left open; parts without steps are left out. As many queries whatever its length: steps,
    questions, branches, quoted articles, objections at hand with their answers in use."""
    rows = outline(version_id)
    numbers = step_numbers(rows)
    steps = {row.pk: _step(row, numbers[row.pk]) for row in rows}
    flow = Flow(FlowStep(pk=row.pk, part=row.part) for row in rows)
    for row in rows:
        steps[row.pk].questions = [_question(question, flow, steps) for question in _in_order(row)]
    parts = [
        Part(part.value, str(part.label), [steps[row.pk] for row in rows if row.part == part.value])
        for part in ScriptStep.Part
    ]
    parts = [part for part in parts if part.steps]
    for step, following in itertools.pairwise(step for part in parts for step in part.steps):
        step.follows = following
    return parts


@kept.by("scripts")
def outline(version_id: int) -> tuple[ScriptStep, ...]:
    """The steps of a version in their order, with all that hangs on them."""
    return tuple(ScriptStep.objects.filter(version=version_id).order_by("position").prefetch_related(*_with()))


def _with() -> list[Any]:
    at_hand = StepObjection.objects.filter(objection__retired_at=None).select_related("objection").order_by("pk")
    in_use = ObjectionAnswer.objects.filter(status=ObjectionAnswer.Status.IN_USE).order_by("pk")
    return [
        "questions__branches",
        Prefetch("quotes", StepQuote.objects.filter(article__retired_at=None).select_related("article").order_by("pk")),
        Prefetch("objection_links", at_hand),
        Prefetch("objection_links__objection__answers", in_use),
    ]


def _in_order(row: ScriptStep) -> list[ScriptQuestion]:
    return sorted(row.questions.all(), key=lambda question: question.position)


def answers_at_hand(version_id: int) -> list[ObjectionAnswer]:
    """The answers in use to the objections of its steps."""
    return [answer for row in outline(version_id) for answer in _answers(row)]


def _answers(row: ScriptStep) -> list[ObjectionAnswer]:
    answers = []
    for link in row.objection_links.all():
        for answer in link.objection.answers.all():
            answer.objection = link.objection
            answers.append(answer)
    return answers


def _step(row: ScriptStep, number: str) -> Step:
    articles = [quote.article for quote in row.quotes.all()]
    return Step(
        row, opened_pieces(row.text), points_of([row.must_say]), number, answers=_answers(row), articles=articles
    )


def _question(row: ScriptQuestion, flow: Flow, steps: dict[int, Step]) -> Question:
    question = Question(row, [])
    targets = {branch.choice: branch.target_id for branch in row.branches.all()} if question.has_choices else {}
    for text in map(str, row.choices):
        question.choices.append(
            _led(text, flow, row.step_id, targets[text], steps) if text in targets else Choice(text)
        )
    return question


def _led(text: str, flow: Flow, step: int, branch: int | None, steps: dict[int, Step]) -> Choice:
    to = flow.target(flow.by_pk[step], branch)
    return Choice(text, to=str(to.pk), leads_to=steps[to.pk].label) if to else Choice(text, to=TO_THE_END)
