"""What a step may link and quote: offered in the editor, and named by a table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from people.tests.factories import UserFactory
from scripts import contents, queries_versions, services, services_knowledge, services_steps
from scripts.models import Article, Objection, StepObjection, StepQuote

from .factories import ArticleFactory, ProductFactory, ScriptVersionFactory, quoted_by

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def writer():
    return UserFactory(role="qa", language="en")


@pytest.fixture
def version():
    return ScriptVersionFactory(six_parts=True)


def own_article(version, **fields):
    article = ArticleFactory(**fields)
    article.products.add(version.script.product)
    return article


def objection(text, writer, product=None, **fields):
    return Objection.objects.create(text=text, product=product, created_by=writer, **fields)


def known(version, objections=(), articles=()):
    return queries_versions.nameable(version, objections=objections, articles=articles)


def step(version, part="opening"):
    return version.steps.get(part=part)


def test_articles_of_the_product_are_offered_however_many_others_there_are(version, writer):
    Article.objects.bulk_create(Article(title=f"A {n}", owner=writer) for n in range(queries_versions.AT_HAND))
    own = own_article(version, title="Z own")

    offered = queries_versions.articles_at_hand(version)

    assert offered[0] == own
    assert len(offered) == queries_versions.AT_HAND


def test_what_is_not_offered_any_more_is_still_linked_and_named_by_its_words(client, version, writer, monkeypatch):
    monkeypatch.setattr(queries_versions, "AT_HAND", 0)
    article, dear = ArticleFactory(title="Prices"), objection("too dear", writer)
    client.force_login(writer)

    client.post(reverse("scripts:step_quote", args=[step(version).pk]), {"article": "Prices"})
    client.post(reverse("scripts:step_objection", args=[step(version).pk]), {"objection": "too dear"})

    assert StepQuote.objects.get().article == article
    assert StepObjection.objects.get().objection == dear
    found = known(version, ["too dear"], ["Prices"])
    assert (found.objections, found.articles) == ({"too dear": [dear.pk]}, {"Prices": [(article.pk, 1)]})


def test_of_two_that_read_the_same_that_of_the_product_is_meant(version, writer):
    general = objection("too dear", writer)
    own = objection("too dear", writer, product=version.script.product)
    objection("too dear", writer, product=ProductFactory())
    ArticleFactory(title="Prices")
    article = own_article(version, title="Prices")

    found = known(version, ["too dear"], ["Prices"])

    assert found.objections == {"too dear": [own.pk]}
    assert found.articles == {"Prices": [(article.pk, 1)]}
    assert general.pk not in found.objections["too dear"]


def test_two_articles_of_one_title_are_for_a_person_to_tell_apart(client, version, writer):
    ArticleFactory(title="Prices"), ArticleFactory(title="Prices")
    client.force_login(writer)

    answer = client.post(reverse("scripts:step_quote", args=[step(version).pk]), {"article": "Prices"})

    assert answer.status_code == 409
    assert "More than one article is called “Prices”." in answer.content.decode()
    assert len(known(version, articles=["Prices"]).articles["Prices"]) == 2


def test_what_was_retired_stays_nameable_where_the_draft_has_it(version, writer):
    gone, article = objection("too dear", writer), ArticleFactory(title="Prices")
    services_steps.link_objection(step=step(version), objection=gone, by=writer, at=AT)
    services_steps.quote_article(step=step(version), article=article, by=writer, at=AT)
    Objection.objects.update(retired_at=AT)
    Article.objects.update(retired_at=AT)

    found, other = (known(one, ["too dear"], ["Prices"]) for one in (version, ScriptVersionFactory()))

    key = str(step(version).key)
    assert found.objections == {"too dear": [gone.pk]}
    assert found.linked == {(key, "too dear"): [gone.pk]}
    assert found.quoted == {(key, "Prices"): [(article.pk, 1)]}
    assert (other.objections, other.articles) == ({}, {})


# ---------------------------------------------------------------- looked at, still fits


def newer(article, writer):
    services_knowledge.change_article(
        article=article, what_changed="price", based_on=article.number, by=writer, at=AT,
        written=services_knowledge.ArticleText(
            category=article.category, title=article.title, text=f"{article.text} more", owner=article.owner
        ),
    )  # fmt: skip
    article.refresh_from_db()


def quotes(version):
    return [quote for one in queries_versions.flow_of(version).steps for quote in one.quotes]


def test_what_was_found_to_fit_is_out_of_date_nowhere(writer):
    article = ArticleFactory()
    quote = quoted_by(article)
    newer(article, writer)
    version = quote.step.version
    before = quotes(version)[0].is_out_of_date

    services_knowledge.keep_quote(quote=quote, seen=2, by=writer, at=AT)

    assert before
    assert [(one.quoted, one.is_out_of_date) for one in quotes(version)] == [(2, False)]
    assert [one.kind for one in queries_versions.findings(version)] == []


def test_a_draft_begins_with_what_was_found_to_fit(writer):
    article = ArticleFactory()
    quote = quoted_by(article)
    newer(article, writer)
    services_knowledge.keep_quote(quote=quote, seen=2, by=writer, at=AT)

    draft = services.new_version(script=quote.step.version.script, by=writer, at=AT)

    assert StepQuote.objects.get(step__version=draft).article_version == 2
    assert contents.stamp(draft) == contents.stamp(quote.step.version)
