"""Reads for products, offers, articles, and scripts that quote what has changed."""

from __future__ import annotations

from datetime import date

from django.db.models import (
    BooleanField,
    Case,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)

from people.models import User
from scripts.models import Article, ArticleNotice, ArticleVersion, Objection, Offer, Product, ScriptVersion, StepQuote

MOST_WORDS = 6
VALID, COMING, OVER = "valid", "coming", "over"
# a version that is in use, or on its way to be
CURRENT = [status for status in ScriptVersion.Status if status != ScriptVersion.Status.RETIRED]


class _ILike(Func):
    """`icontains` would ask for the upper case of the text, which the index of trigrams does not hold."""

    template = "%(expressions)s"
    arg_joiner = " ILIKE "
    output_field = BooleanField()


def _has(column: str, word: str) -> _ILike:
    literal = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return _ILike(F(column), Value(f"%{literal}%"))


def words_of(search: str) -> list[str]:
    """What is looked for: each word by itself; Chinese has no blanks and is one word."""
    return search.replace("\x00", "").split()[:MOST_WORDS]


def searched(rows: QuerySet[Article], search: str) -> QuerySet[Article]:
    """Articles with every word in title or text, and `rank`: how many of the words the title lacks."""
    words = words_of(search)
    for word in words:
        rows = rows.filter(Q(_has("title", word)) | Q(_has("text", word)))
    lacking = [
        Case(When(Q(_has("title", word)), then=Value(0)), default=Value(1), output_field=IntegerField())
        for word in words
    ]
    return rows.annotate(rank=sum(lacking[1:], lacking[0])) if lacking else rows


def articles() -> QuerySet[Article]:
    """With owner, products, and a `rank` that is the same for all until words are searched."""
    nothing = Value(0, output_field=IntegerField())
    return Article.objects.select_related("owner").prefetch_related("products").annotate(rank=nothing)


def own_overdue(user: User, day: date) -> int:
    """How many of the articles that somebody owns should have been looked at by that day."""
    return Article.objects.due(day).filter(owner=user).count()


def notices_of(user: User) -> QuerySet[ArticleNotice]:
    """What somebody was told of and has not seen yet, the newest first, with who changed what."""
    version = ArticleVersion.objects.filter(article=OuterRef("article"), number=OuterRef("number"))
    return (
        ArticleNotice.objects.filter(to=user, seen_at=None)
        .select_related("article")
        .annotate(
            what_changed=Subquery(version.values("what_changed")[:1]),
            written_by=Subquery(version.values("written_by__display_name")[:1]),
        )
        .order_by("-at", "-pk")
    )


def waiting_for(user: User, day: date) -> int:
    """For the navigation: own articles to be looked at by that day, and changes not seen yet."""
    return own_overdue(user, day) + ArticleNotice.objects.filter(to=user, seen_at=None).count()


def versions_of(article: Article) -> QuerySet[ArticleVersion]:
    return article.versions.select_related("written_by").order_by("-number")


def quotes_of(article: Article) -> QuerySet[StepQuote]:
    """Where versions in use or on their way quote it, with `is_outdated`."""
    found = _with_verdict(article.quotes.filter(step__version__status__in=CURRENT))
    return found.order_by("step__version__script__name", "-step__version__number", "step__position")


def quotes_of_version(version_id: int | None) -> QuerySet[StepQuote]:
    """What one version of a script quotes that has changed since, and that nobody found to fit still."""
    found = _with_verdict(StepQuote.objects.filter(step__version_id=version_id))
    return found.filter(is_outdated=True).order_by("step__position", "article__title")


def outdated(writer: User | None = None) -> QuerySet[StepQuote]:
    """Quotes of versions in use or on their way whose article has changed since; when asked, those of which somebody writes the script or
    owns the article.
    """
    found = _with_verdict(StepQuote.objects.filter(step__version__status__in=CURRENT)).filter(is_outdated=True)
    if writer is not None:
        found = found.filter(
            Q(step__version__created_by=writer) | Q(step__version__changed_by=writer) | Q(article__owner=writer)
        )
    return found.order_by(
        "-article__changed_at", "step__version__script__name", "step__version__number", "step__position"
    )


def _with_verdict(rows: QuerySet[StepQuote]) -> QuerySet[StepQuote]:
    """`is_outdated`: the article has a newer version that nobody found to fit, or holds no longer at all."""
    rows = rows.agreed()  # type: ignore[attr-defined]
    changed = Q(article__number__gt=F("agreed_version"))
    return rows.select_related("article", "step__version__script", "step__version__created_by").annotate(
        is_outdated=Case(
            When(Q(article__retired_at__isnull=False) | changed, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
    )


def articles_of(product: Product) -> QuerySet[Article]:
    return product.articles.live().order_by("category", "title")


def objections_of(product: Product) -> QuerySet[Objection]:
    """Objections to this product and to every product, with the number of answers in use."""
    return (
        Objection.objects.filter(Q(product=product) | Q(product=None), retired_at=None)
        .annotate(
            in_use=Sum(
                Case(When(answers__status="in_use", then=Value(1)), default=Value(0), output_field=IntegerField())
            )
        )
        .order_by("text")
    )


def offers(day: date, *, product: int | None = None, state: str = "") -> QuerySet[Offer]:
    """Offers of all products with their `state` on that day: valid ones first, then those to come, then those that are over."""
    found = Offer.objects.select_related("product").annotate(
        state=Case(
            When(valid_from__gt=day, then=Value(COMING)),
            When(valid_to__lte=day, then=Value(OVER)),
            default=Value(VALID),
        ),
        place=Case(When(state=VALID, then=0), When(state=COMING, then=1), default=2),
    )
    if product is not None:
        found = found.filter(product=product)
    if state:
        found = found.filter(state=state)
    return found.order_by("place", "valid_from", "product__name", "name", "pk")


def offers_of(product: Product) -> QuerySet[Offer]:
    return product.offers.order_by("-valid_from", "-pk")
