"""Products and scripts for tests."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime

import factory
from django.db import connection

from people.tests.factories import UserFactory
from scripts.models import Article, ArticleVersion, Offer, Product, Script, ScriptStep, ScriptVersion, StepQuote


class ProductFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Product

    code = factory.Sequence(lambda n: f"P{n}")
    name = factory.Sequence(lambda n: f"Product {n}")


class OfferFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Offer

    product = factory.SubFactory(ProductFactory)
    code = factory.Sequence(lambda n: f"O{n}")
    name = factory.Sequence(lambda n: f"Offer {n}")
    valid_from = date(2026, 1, 1)


class ScriptFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Script

    product = factory.SubFactory(ProductFactory)
    code = factory.Sequence(lambda n: f"S{n}")
    name = factory.Sequence(lambda n: f"Script {n}")


class ScriptVersionFactory(factory.django.DjangoModelFactory):
    """A draft; with `six_parts=True` its text is complete. `status`: moved on to there, the way that versions go."""

    class Meta:
        model = ScriptVersion
        skip_postgeneration_save = True

    script = factory.SubFactory(ScriptFactory)
    number = factory.LazyAttribute(lambda o: o.script.versions.count() + 1)

    @factory.post_generation
    def six_parts(self, create, extracted, **kwargs):
        if extracted:
            write_six_parts(self)

    @factory.post_generation
    def status(self, create, extracted, **kwargs):
        if extracted:
            moved(self, extracted)


WAYS = {
    "draft": [],
    "in_review": ["in_review"],
    "approved": ["in_review", "approved"],
    "trial": ["in_review", "approved", "trial"],
    "live": ["in_review", "approved", "live"],
    "retired": ["in_review", "approved", "retired"],
}


def moved(version: ScriptVersion, status: str, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> ScriptVersion:
    """A draft taken to a status step by step, as the database asks, without what the verbs check."""
    for version.status in WAYS[status]:
        version.approved_at = None if version.status == "in_review" else at
        version.save(update_fields=["status", "approved_at"])
    return version


@contextmanager
def unlocked():
    """Let a test write on an approved version: the triggers of this connection sleep meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def write_six_parts(version: ScriptVersion) -> None:
    for position, part in enumerate(ScriptStep.Part, start=1):
        ScriptStep.objects.create(
            version=version, part=part, position=position, text=f"{part.label}: {{name|customer}}"
        )


def live_version(script: Script | None = None) -> ScriptVersion:
    """A complete version in force."""
    version = ScriptVersionFactory(script=script or ScriptFactory(), six_parts=True)
    return moved(version, "live")


class ArticleFactory(factory.django.DjangoModelFactory):
    """An article with its first version, as written by its owner."""

    class Meta:
        model = Article
        skip_postgeneration_save = True

    title = factory.Sequence(lambda n: f"Article {n}")
    text = "What to know"
    owner = factory.SubFactory(UserFactory)

    @factory.post_generation
    def first_version(self, create, extracted, **kwargs):
        ArticleVersion.objects.create(article=self, number=1, title=self.title, text=self.text, written_by=self.owner)


def quoted_by(article: Article, status: str = "live", writer=None) -> StepQuote:
    """A step of a version in this state that quotes the article as it stands."""
    version = ScriptVersionFactory(six_parts=True, created_by=writer)
    quote = StepQuote.objects.create(
        step=version.steps.get(part="introduction"), article=article, article_version=article.number
    )
    moved(version, status)
    return quote
