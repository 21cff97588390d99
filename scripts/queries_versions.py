"""A version of a script as it is read: as a flow, held against what must and must not be said, with its comments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

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

Row = TypeVar("Row", bound=Model)
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
    for row in StepQuote.objects.agreed().filter(step__version=version).select_related("article").order_by("pk"):
        article = row.article
        found[row.step_id].append(
            Quote(article.pk, article.title, row.agreed_version, article.number, article.retired_at is not None)
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
    return list(Article.objects.live().annotate(is_own=_is_own(version)).order_by("-is_own", "title")[:AT_HAND])


def _is_own(version: ScriptVersion) -> Exists:
    links = Article.products.through.objects.filter(article_id=OuterRef("pk"), product_id=version.script.product_id)
    return Exists(links)


def objections_named(version: ScriptVersion, texts: Iterable[str]) -> dict[str, list[Objection]]:
    """Which objections read so: those in use before retired ones that the version has, those of the product before general ones."""
    product = version.script.product_id
    has_it = Exists(StepObjection.objects.filter(objection=OuterRef("pk"), step__version=version))
    in_use = Q(retired_at=None) & (Q(product=product) | Q(product=None))
    rows = Objection.objects.filter(in_use | Q(has_it), text__in=list(texts)).order_by("pk")
    return _nearest(rows, lambda row: row.text, lambda row: (row.retired_at is not None, row.product_id != product))


def articles_named(version: ScriptVersion, titles: Iterable[str]) -> dict[str, list[Article]]:
    """Which articles are called so: those in use before retired ones that the version quotes, those of the product before others."""
    quotes_it = Exists(StepQuote.objects.filter(article=OuterRef("pk"), step__version=version))
    rows = Article.objects.filter(Q(retired_at=None) | Q(quotes_it), title__in=list(titles))
    rows = rows.annotate(is_own=_is_own(version)).order_by("pk")
    return _nearest(rows, lambda row: row.title, lambda row: (row.retired_at is not None, not row.is_own))


def _nearest(
    rows: Iterable[Row], name: Callable[[Row], str], distance: Callable[[Row], tuple[bool, bool]]
) -> dict[str, list[Row]]:
    """Of the rows of each name those that are nearest; more than one is for a person to choose."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[name(row)].append(row)
    return {word: [row for row in same if distance(row) == min(map(distance, same))] for word, same in found.items()}


def nameable(version: ScriptVersion, *, objections: Iterable[str], articles: Iterable[str]) -> Known:
    """What these words of a table mean in this draft. What a step has already it keeps, also when it was retired since."""
    titles = list(articles)
    linked: dict[tuple[str, str], list[int]] = defaultdict(list)
    links = StepObjection.objects.filter(step__version=version).order_by("pk")
    for key, text, pk in links.values_list("step__key", "objection__text", "objection_id"):
        linked[str(key), text].append(pk)
    quoted: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    quotes = StepQuote.objects.agreed().filter(step__version=version, article__title__in=titles).order_by("pk")
    for key, title, pk, number in quotes.values_list("step__key", "article__title", "article_id", "agreed_version"):
        quoted[str(key), title].append((pk, number))
    return Known(
        objections={text: [row.pk for row in same] for text, same in objections_named(version, objections).items()},
        articles={
            title: [(row.pk, row.number) for row in same] for title, same in articles_named(version, titles).items()
        },
        linked=linked,
        quoted=quoted,
    )
