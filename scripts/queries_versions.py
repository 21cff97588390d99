"""A version of a script as it is read: as a flow, held against what must and must not be said, with its comments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db.models import F, QuerySet

from customers.models import Customer, LeadList
from customers.segment_builder import attribute_names
from scripts import blanks, checks
from scripts.flow import Flow, Question, Quote, Step
from scripts.models import (
    Article,
    Objection,
    ProhibitedWord,
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
    StepComment,
    StepObjection,
    StepQuote,
)
from scripts.sheets import Known

RECENT_LISTS = 50
RECENT_CUSTOMERS = 1_000
AT_HAND = 200  # as many objections and articles are offered for linking


def flow_of(version: ScriptVersion) -> Flow:
    """The whole version in five queries, however long it is."""
    steps = list(ScriptStep.objects.filter(version=version).order_by("position"))
    questions = _questions(version)
    objections = _objections(version)
    quotes = _quotes(version)
    order = {part: number for number, part in enumerate(ScriptStep.Part.values, start=1)}
    counted: Counter[str] = Counter()
    found = []
    for step in steps:
        counted[step.part] += 1
        found.append(
            Step(
                pk=step.pk,
                key=step.key,
                part=step.part,
                number=f"{order[step.part]}.{counted[step.part]}",
                title=step.title,
                text=step.text,
                hint=step.hint,
                must_say=step.must_say,
                questions=tuple(questions[step.pk]),
                objections=tuple(objections[step.pk]),
                quotes=tuple(quotes[step.pk]),
            )
        )
    return Flow(found)


def _questions(version: ScriptVersion) -> dict[int, list[Question]]:
    branches: dict[int, dict[str, int | None]] = defaultdict(dict)
    for question_id, choice, target_id in (
        ScriptBranch.objects.filter(question__step__version=version)
        .order_by("pk")
        .values_list("question_id", "choice", "target_id")
    ):
        branches[question_id][choice] = target_id
    found: dict[int, list[Question]] = defaultdict(list)
    for row in ScriptQuestion.objects.filter(step__version=version).order_by("position", "pk"):
        found[row.step_id].append(
            Question(
                row.pk, row.code, row.text, row.kind, row.is_required, tuple(map(str, row.choices)), branches[row.pk]
            )
        )
    return found


def _objections(version: ScriptVersion) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    links = StepObjection.objects.filter(step__version=version).order_by("pk")
    for step_id, pk, text in links.values_list("step_id", "objection_id", "objection__text"):
        found[step_id].append((pk, text))
    return found


def _quotes(version: ScriptVersion) -> dict[int, list[Quote]]:
    found: dict[int, list[Quote]] = defaultdict(list)
    for row in StepQuote.objects.filter(step__version=version).select_related("article").order_by("pk"):
        article = row.article
        found[row.step_id].append(
            Quote(article.pk, article.title, row.article_version, article.number, article.retired_at is not None)
        )
    return found


def ground_of(version: ScriptVersion, flow: Flow) -> checks.Ground:
    """What the version is held against now. Columns of customers are looked up only when the flow asks for some."""
    return checks.Ground(
        mandatory=checks.statements(version.script.product.mandatory_statements),
        prohibited=dict(ProhibitedWord.objects.values_list("word", "why")),
        blanks=frozenset(blanks.KNOWN) | _columns(flow),
        part_names={part.value: str(part.label) for part in ScriptStep.Part},
    )


def _columns(flow: Flow) -> frozenset[str]:
    asked = {name for step in flow.steps for name in blanks.names(step.text)} - set(blanks.KNOWN)
    if not asked:
        return frozenset()
    mappings = LeadList.objects.order_by("-pk").values_list("mapping", flat=True)[:RECENT_LISTS]
    brought = {name.lower() for name in attribute_names(iter(mappings))}
    if asked <= brought:
        return frozenset(brought)
    recent = Customer.objects.order_by("-pk").values_list("attributes", flat=True)[:RECENT_CUSTOMERS]
    return frozenset(brought | {str(name).lower() for attributes in recent for name in attributes})


def findings(version: ScriptVersion, flow: Flow | None = None) -> list[checks.Finding]:
    flow = flow or flow_of(version)
    return checks.check(flow, ground_of(version, flow))


def comments_of(version: ScriptVersion) -> QuerySet[StepComment]:
    """Open ones first, each group in the order they were written."""
    return version.comments.select_related("by", "settled_by").order_by(F("settled_at").asc(nulls_first=True), "at")


def open_comments(version: ScriptVersion) -> int:
    return version.comments.filter(settled_at=None).count()


def objections_at_hand(version: ScriptVersion) -> list[Objection]:
    """Those of the product first, then those of every product."""
    found = Objection.objects.filter(retired_at=None, product__in=[version.script.product_id]) | (
        Objection.objects.filter(retired_at=None, product=None)
    )
    return list(found.order_by(F("product").asc(nulls_last=True), "text")[:AT_HAND])


def articles_at_hand(version: ScriptVersion) -> list[Article]:
    """Articles that are in use: those of the product first."""
    product = version.script.product_id
    own = set(Article.products.through.objects.filter(product_id=product).values_list("article_id", flat=True))
    found: Iterable[Article] = Article.objects.live().order_by("title")[:AT_HAND]
    return sorted(found, key=lambda article: article.pk not in own)


def nameable(version: ScriptVersion) -> Known:
    """What a table that is read into this draft may name; what the draft has already stays nameable, also when it was retired since."""
    linked = StepObjection.objects.filter(step__version=version).values_list("objection__text", "objection_id")
    quotes = list(StepQuote.objects.filter(step__version=version).select_related("article", "step"))
    at_hand = {article.title: (article.pk, article.number) for article in articles_at_hand(version)}
    return Known(
        objections=dict(linked) | {objection.text: objection.pk for objection in objections_at_hand(version)},
        articles={quote.article.title: (quote.article_id, quote.article_version) for quote in quotes} | at_hand,
        quoted={(str(quote.step.key), quote.article_id): quote.article_version for quote in quotes},
    )
