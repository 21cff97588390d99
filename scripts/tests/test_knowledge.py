"""Articles with versions and attachments, quotes of what has changed, prohibited words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from django.db import DatabaseError, connection, transaction

from core.models import AuditEvent, PrivateFile
from people.tests.factories import UserFactory
from scripts import queries_knowledge as queries, services_knowledge as services
from scripts.models import Article, ArticleVersion, ProhibitedWord, QuoteCheck, StepQuote

from .factories import ArticleFactory, ProductFactory, quoted_by

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
AHEAD = date(2026, 9, 1)
PDF = b"%PDF-1.4 what it says"


@pytest.fixture
def writer():
    return UserFactory(role="trainer")


def text(writer, **more):
    usual = services.ArticleText(category="guide", title="Router", text="One", owner=writer, review_on=AHEAD)
    return replace(usual, **more)


def written(writer, **more) -> Article:
    return services.write_article(written=text(writer, **more), by=writer, at=AT)


def change(article, writer, based_on=1, **more) -> Article:
    return services.change_article(
        article=article, written=text(writer, **more), based_on=based_on, what_changed="because", by=writer, at=AT
    )


# ---------------------------------------------------------------- articles


def test_a_new_article_is_its_first_version_and_stands_with_its_products(writer):
    product = ProductFactory()

    article = written(writer, products=[product])

    assert (article.number, list(article.products.all())) == (1, [product])
    assert list(article.versions.values_list("number", "title", "text", "written_by")) == [
        (1, "Router", "One", writer.pk)
    ]


def test_another_text_is_another_version_and_the_one_before_stays(writer):
    article = written(writer)

    change(article, writer, text="Two")

    article.refresh_from_db()
    assert (article.number, article.text) == (2, "Two")
    assert list(article.versions.order_by("number").values_list("number", "text", "what_changed")) == [
        (1, "One", ""),
        (2, "Two", "because"),
    ]


def test_another_owner_alone_makes_no_version(writer):
    article, other = written(writer), UserFactory(role="qa")

    change(article, writer, owner=other)

    article.refresh_from_db()
    assert (article.number, article.owner) == (1, other)
    assert article.versions.count() == 1


def test_who_writes_upon_an_older_version_is_told_and_nothing_changes(writer):
    article = written(writer)
    change(article, writer, text="Two")

    with pytest.raises(services.ChangedMeanwhile, match="version 2"):
        change(article, writer, text="Three", based_on=1)

    article.refresh_from_db()
    assert (article.number, article.text) == (2, "Two")


def test_a_retired_article_is_not_worked_on_until_it_is_brought_back(writer):
    article = written(writer)
    services.retire_article(article=article, by=writer, at=AT)
    services.retire_article(article=article, by=writer, at=AT)

    with pytest.raises(services.ArticleRetired):
        change(article, writer, text="Two")
    with pytest.raises(services.ArticleRetired):
        services.confirm_article(article=article, review_on=AHEAD, by=writer, at=AT)

    services.bring_article_back(article=article, by=writer, at=AT)
    assert change(article, writer, text="Two").number == 2
    assert AuditEvent.objects.filter(action="scripts.article.retired").count() == 1


def test_still_right_moves_the_review(writer):
    article = written(writer, review_on=date(2026, 3, 3))

    services.confirm_article(article=article, review_on=AHEAD, by=writer, at=AT)

    article.refresh_from_db()
    assert (article.review_on, article.number) == (AHEAD, 1)


def test_a_review_is_on_a_day_to_come(writer):
    article = written(writer)

    with pytest.raises(services.ReviewNotAhead):
        services.confirm_article(article=article, review_on=date(2026, 3, 2), by=writer, at=AT)


def test_an_overdue_article_can_be_changed_without_moving_its_review(writer):
    article = ArticleFactory(owner=writer, review_on=date(2026, 1, 1))

    assert change(article, writer, text="Two", review_on=date(2026, 1, 1)).number == 2


@pytest.mark.parametrize(
    "deed", [lambda row: ArticleVersion.objects.filter(pk=row.pk).update(text="x"), lambda row: row.delete()]
)
def test_the_database_refuses_to_change_a_version(deed):
    version = ArticleFactory().versions.get()

    with pytest.raises(DatabaseError), transaction.atomic():
        deed(version)


# ---------------------------------------------------------------- search


def found(search: str) -> list[str]:
    return [row.title for row in queries.searched(queries.articles(), search).order_by("rank", "pk")]


def test_chinese_and_english_are_found_in_title_and_text_titles_first():
    ArticleFactory(title="退订流程", text="客户问违约金怎么办")
    ArticleFactory(title="违约金说明", text="合约期内")
    ArticleFactory(title="Router guide", text="How to restart")

    assert found("违约金") == ["违约金说明", "退订流程"]
    assert found("ROUTER") == ["Router guide"]
    assert found("router restart") == ["Router guide"]
    assert found("router 违约金") == []


def test_the_index_of_trigrams_answers_a_search():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    plan = queries.searched(Article.objects.all(), "违约金说明").explain()

    assert "article_search" in plan


def test_signs_of_patterns_are_letters():
    ArticleFactory(title="100% fibre", text="")
    ArticleFactory(title="1000 fibre", text="")

    assert found("100%") == ["100% fibre"]


def test_only_own_articles_in_use_that_are_due_are_counted(writer):
    day = date(2026, 3, 2)
    ArticleFactory(owner=writer, review_on=day)
    ArticleFactory(owner=writer, review_on=date(2026, 3, 3))
    ArticleFactory(review_on=day)
    ArticleFactory(owner=writer, review_on=day, retired_at=AT)

    assert queries.own_overdue(writer, day) == 1


# ---------------------------------------------------------------- attachments


def test_an_attachment_is_for_everybody_who_is_signed_in_until_it_is_removed(writer):
    article = written(writer)

    row = services.add_file(article=article, name="C:\\guide.PDF", file=BytesIO(PDF), by=writer, at=AT)

    stored, agent = PrivateFile.objects.get(pk=row.file_id), UserFactory()
    assert (row.name, stored.content_type, stored.size) == ("guide.PDF", "application/pdf", len(PDF))
    assert services.may_download(agent, stored)

    services.remove_file(file=row, by=writer, at=AT)
    services.remove_file(file=row, by=writer, at=AT)
    assert not services.may_download(agent, stored)
    assert services.may_download(writer, stored)
    assert AuditEvent.objects.filter(action="scripts.articlefile.removed").count() == 1


@pytest.mark.parametrize(("name", "content"), [("page.html", b"<html>"), ("guide.pdf", b"MZ"), ("pdf", PDF)])
def test_what_is_no_kept_kind_is_refused(writer, name, content):
    article = written(writer)

    with pytest.raises(services.FileRefused):
        services.add_file(article=article, name=name, file=BytesIO(content), by=writer, at=AT)

    assert not article.files.exists()


def test_a_file_over_the_limit_is_refused(writer, monkeypatch):
    monkeypatch.setattr(services, "MOST_BYTES", 10)

    with pytest.raises(services.files.FileTooBig):
        services.add_file(article=written(writer), name="guide.pdf", file=BytesIO(PDF), by=writer, at=AT)


# ---------------------------------------------------------------- quotes


def outdated(writer=None) -> list[StepQuote]:
    return list(queries.outdated(writer))


@pytest.mark.parametrize("status", ["draft", "in_review", "approved", "trial", "live"])
def test_a_changed_article_marks_every_version_that_quotes_it(writer, status):
    article = written(writer)
    quote = quoted_by(article, status)
    assert outdated() == []

    change(article, writer, text="Two")

    assert outdated() == [quote]
    assert list(queries.quotes_of_version(quote.step.version_id)) == [quote]
    assert [row.is_outdated for row in queries.quotes_of(article)] == [True]


def test_a_retired_version_waits_for_nobody(writer):
    article = written(writer)
    quoted_by(article, "retired")

    change(article, writer, text="Two")

    assert outdated() == []


def test_a_writer_finds_the_own_scripts(writer):
    article, author = written(writer), UserFactory(role="campaign_manager")
    own, other = quoted_by(article, writer=author), quoted_by(article)
    change(article, writer, text="Two")

    assert outdated(author) == [own]
    assert set(outdated()) == {own, other}


def test_looked_at_and_still_fits_ends_it_until_the_next_change(writer):
    article, qa = written(writer), UserFactory(role="qa")
    quote = quoted_by(article)
    change(article, writer, text="Two")

    first = services.keep_quote(quote=quote, seen=2, by=qa, at=AT)
    again = services.keep_quote(quote=quote, seen=2, by=qa, at=AT)

    assert first == again
    assert (QuoteCheck.objects.count(), outdated()) == (1, [])
    assert StepQuote.objects.get(pk=quote.pk).article_version == 1
    change(article, writer, text="Three", based_on=2)
    assert outdated() == [quote]


def test_what_was_not_read_is_not_confirmed(writer):
    article = written(writer)
    quote = quoted_by(article)
    change(article, writer, text="Two")

    with pytest.raises(services.ChangedMeanwhile):
        services.keep_quote(quote=quote, seen=1, by=UserFactory(role="qa"), at=AT)

    assert outdated() == [quote]


def test_a_retired_article_marks_what_quotes_it_until_it_is_brought_back(writer):
    article, qa = written(writer), UserFactory(role="qa")
    quote = quoted_by(article)

    services.retire_article(article=article, by=writer, at=AT)

    assert outdated() == [quote]
    with pytest.raises(services.ArticleRetired):
        services.keep_quote(quote=quote, seen=1, by=qa, at=AT)
    services.bring_article_back(article=article, by=writer, at=AT)
    assert outdated() == []


# ---------------------------------------------------------------- prohibited words


def test_a_word_is_there_once(writer):
    services.save_word(word=ProhibitedWord(word="最便宜"), by=writer, at=AT)

    with pytest.raises(services.WordRefused, match="最便宜"):
        services.save_word(word=ProhibitedWord(word="最便宜"), by=writer, at=AT)


def test_a_removed_word_leaves_its_reason_in_the_trail(writer):
    word = services.save_word(word=ProhibitedWord(word="保证"), by=writer, at=AT)

    services.remove_word(word=word, reason="allowed by legal", by=writer, at=AT)

    assert not ProhibitedWord.objects.exists()
    assert AuditEvent.objects.get(action="scripts.word.removed").detail == {
        "word": "保证",
        "reason": "allowed by legal",
    }


def test_pasted_lines_are_words_with_their_reasons(writer):
    ProhibitedWord.objects.create(word="保证", why="before")

    told = services.import_words(lines="保证|new\n最低价\t夸大\n\n 绝对 ｜ 夸大 \n最低价", by=writer, at=AT)

    assert (told.added, told.known) == (2, 1)
    assert dict(ProhibitedWord.objects.values_list("word", "why")) == {
        "保证": "before",
        "最低价": "夸大",
        "绝对": "夸大",
    }


def test_a_line_that_is_too_long_stops_the_whole_import(writer):
    with pytest.raises(services.WordRefused, match="Line 2"):
        services.import_words(lines="one\n" + "x" * 61, by=writer, at=AT)

    assert not ProhibitedWord.objects.exists()
