"""Pages of products, offers, articles, what to look at again and prohibited words; and the API."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from scripts.models import Article, ArticleFile, ArticleNotice, ProhibitedWord, QuoteCheck
from scripts.services_knowledge import ArticleText, change_article

from .factories import ArticleFactory, OfferFactory, ProductFactory, live_version, quoted_by

pytestmark = pytest.mark.django_db
AHEAD = date(2099, 1, 1)


def sign_in(client, role, **more):
    team = TeamFactory() if role in ("agent", "team_leader") else None
    city = CityFactory() if role == "city_manager" else None
    user = UserFactory(role=role, team=team, city=city, language="en", **more)
    client.force_login(user)
    return user


def page(client, name, *args, **query) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def fields(user, **more):
    return {"category": "faq", "title": "退订", "text": "先问原因", "owner": user.pk, "review_on": AHEAD, **more}


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("role", Membership.Role.values)
def test_every_role_reads_articles_and_products(client, role):
    sign_in(client, role)
    product = ProductFactory(suits="Families", selling_points="fast\ncheap", mandatory_statements="24 months")
    article = ArticleFactory(title="Router <guide>")
    article.products.add(product)

    text = page(client, "scripts:articles")
    assert f'<a href="{reverse("scripts:article", args=[article.pk])}">' in text
    assert "Router &lt;guide&gt;" in text
    assert "Router &lt;guide&gt;" in page(client, "scripts:article", article.pk)
    text = page(client, "scripts:product", product.pk)
    assert all(words in text for words in ("Families", "<li>cheap</li>", "<li>24 months</li>", "Router &lt;guide&gt;"))


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_articles_runs_the_same_queries_however_long_it_is(client, django_assert_num_queries, count):
    sign_in(client, "qa")
    for _ in range(count):
        ArticleFactory().products.add(ProductFactory())

    with django_assert_num_queries(11):
        page(client, "scripts:articles", q="Article")


def test_a_hit_is_marked_in_title_and_text(client):
    sign_in(client, "agent")
    ArticleFactory(title="违约金说明", text="合约期内退订收违约金")
    ArticleFactory(title="other", text="nothing")

    text = page(client, "scripts:articles", q="违约金")

    assert text.count("<mark>违约金</mark>") == 2
    assert "other" not in text


def test_filters_by_category_product_and_review(client):
    user = sign_in(client, "qa")
    product = ProductFactory()
    one = ArticleFactory(title="AAA", category="faq", owner=user, review_on=timezone.localdate())
    one.products.add(product)
    ArticleFactory(title="BBB", category="norm", review_on=timezone.localdate() - timedelta(days=1))
    ArticleFactory(title="CCC", review_on=AHEAD)

    assert shown(client, category="norm") == {"BBB"}
    assert shown(client, product=product.pk) == {"AAA"}
    assert shown(client, review="due") == {"AAA", "BBB"}
    assert shown(client, review="mine") == {"AAA"}
    assert shown(client, category="nonsense") == set()
    assert "1 article of yours is due for review." in page(client, "scripts:articles")
    assert ">1<" in page(client, "scripts:articles-badge")


def shown(client, **query) -> set[str]:
    text = page(client, "scripts:articles", **query)
    return {title for title in ("AAA", "BBB", "CCC") if title in text}


def test_an_agent_does_not_find_what_is_retired(client):
    article = ArticleFactory(title="AAA", retired_at=timezone.now())
    sign_in(client, "agent")

    assert shown(client, state="retired") == set()
    assert client.get(reverse("scripts:article", args=[article.pk])).status_code == 404

    sign_in(client, "trainer")
    assert shown(client) == set()
    assert shown(client, state="retired") == {"AAA"}
    assert "Bring back" in page(client, "scripts:article", article.pk)


# ---------------------------------------------------------------- writing


def test_an_article_is_written_changed_and_its_versions_compared(client):
    user = sign_in(client, "trainer")

    client.post(reverse("scripts:article_new"), fields(user))
    article = Article.objects.get()
    change = fields(user, text="先问原因\n再说优惠", what_changed="added the offer", based_on=1)
    client.post(reverse("scripts:article_edit", args=[article.pk]), change)

    article.refresh_from_db()
    assert (article.number, article.owner) == (2, user)
    text = page(client, "scripts:article", article.pk)
    assert "added the offer" in text
    assert "再说优惠" not in page(client, "scripts:article", article.pk, version=1)
    compared = page(client, "scripts:article_compare", article.pk)
    assert '<td class="new">再说优惠</td>' in compared
    assert client.get(reverse("scripts:article", args=[article.pk]), {"version": "7"}).status_code == 404


def test_a_form_sent_back_as_it_was_makes_no_version(client):
    user = sign_in(client, "trainer")
    article = ArticleFactory(text="one\ntwo", owner=user)
    same = fields(user, title=article.title, text="one\r\ntwo\r\n", based_on=1)

    client.post(reverse("scripts:article_edit", args=[article.pk]), same)

    article.refresh_from_db()
    assert (article.number, article.category) == (1, "faq")


def test_another_text_without_a_word_why_is_answered_beside_the_field(client):
    user = sign_in(client, "trainer")
    article = ArticleFactory()

    answer = client.post(reverse("scripts:article_edit", args=[article.pk]), fields(user, based_on=1))

    assert answer.status_code == 422
    assert answer.context["form"].errors["what_changed"]


def test_who_wrote_upon_an_older_version_keeps_the_text_in_the_form(client):
    user = sign_in(client, "trainer")
    article = ArticleFactory(number=2)

    answer = client.post(
        reverse("scripts:article_edit", args=[article.pk]), fields(user, text="mine", what_changed="x", based_on=1)
    )

    assert answer.status_code == 422
    assert "version 2 meanwhile" in answer.content.decode()
    assert "mine" in answer.content.decode()


def test_still_right_retire_and_bring_back(client):
    sign_in(client, "campaign_manager")
    article = ArticleFactory(review_on=date(2020, 1, 1))

    assert client.post(reverse("scripts:article_confirm", args=[article.pk]), {"review_on": ""}).status_code == 422
    client.post(reverse("scripts:article_confirm", args=[article.pk]), {"review_on": AHEAD})
    client.post(reverse("scripts:article_retire", args=[article.pk]))
    article.refresh_from_db()
    assert (article.review_on, article.retired_at is None) == (AHEAD, False)

    client.post(reverse("scripts:article_bring_back", args=[article.pk]))
    article.refresh_from_db()
    assert article.retired_at is None


def test_an_attachment_is_downloaded_by_an_agent_and_gone_when_removed(client):
    sign_in(client, "qa")
    article = ArticleFactory()
    upload = SimpleUploadedFile("guide.pdf", b"%PDF-1.4")
    client.post(reverse("scripts:article_file_add", args=[article.pk]), {"file": upload})
    file = ArticleFile.objects.get()
    agent = client.__class__()
    sign_in(agent, "agent")

    assert "guide.pdf" in page(agent, "scripts:article", article.pk)
    answer = agent.get(reverse("core:file", args=[file.file_id]))
    assert b"".join(answer.streaming_content) == b"%PDF-1.4"
    assert answer["Content-Disposition"] == 'attachment; filename="guide.pdf"'

    client.post(reverse("scripts:article_file_remove", args=[file.pk]))
    assert "guide.pdf" not in page(agent, "scripts:article", article.pk)
    assert agent.get(reverse("core:file", args=[file.file_id])).status_code == 404
    assert "Removed, kept as evidence" in page(client, "scripts:article", article.pk)


def test_a_file_of_another_kind_is_answered_beside_the_field(client):
    sign_in(client, "qa")
    article = ArticleFactory()

    upload = SimpleUploadedFile("page.html", b"<script>")
    answer = client.post(reverse("scripts:article_file_add", args=[article.pk]), {"file": upload})

    assert answer.status_code == 422
    assert answer.context["file_form"].errors["file"]


@pytest.mark.parametrize("role", ["agent", "team_leader", "supervisor", "data", "city_manager"])
def test_who_only_reads_is_refused_the_writing(client, role):
    user = sign_in(client, role)
    article = ArticleFactory()
    posts = ["article_edit", "article_confirm", "article_retire", "article_bring_back", "article_file_add"]

    answers = {name: client.post(reverse(f"scripts:{name}", args=[article.pk]), fields(user)) for name in posts}
    answers["new"] = client.post(reverse("scripts:article_new"), fields(user))

    assert {answer.status_code for answer in answers.values()} == {403}
    assert reverse("scripts:article_edit", args=[article.pk]) not in page(client, "scripts:article", article.pk)


# ---------------------------------------------------------------- scripts to look at again


def changed(article: Article) -> Article:
    Article.objects.filter(pk=article.pk).update(number=2)
    article.refresh_from_db()
    return article


def test_qa_looks_at_a_marked_script_and_finds_that_it_fits(client):
    sign_in(client, "qa")
    quote = quoted_by(ArticleFactory(title="Terms"))
    changed(quote.article)
    script = quote.step.version.script

    assert script.name in page(client, "scripts:outdated")
    assert ">1<" in page(client, "scripts:outdated-badge")
    assert "changed since" in page(client, "scripts:article", quote.article_id)
    assert "Terms" in page(client, "scripts:version_outdated", quote.step.version_id)
    assert reverse("scripts:version_outdated", args=[quote.step.version_id]) in page(
        client, "scripts:script", script.pk
    )

    here = reverse("scripts:article", args=[quote.article_id])
    answer = client.post(reverse("scripts:quote_keep", args=[quote.pk]), {"seen": 2, "next": here})

    assert answer["Location"] == here
    assert QuoteCheck.objects.get().article_version == 2
    assert script.name not in page(client, "scripts:outdated")
    assert page(client, "scripts:version_outdated", quote.step.version_id).strip() == ""


def test_the_writer_sees_the_own_ones_and_cannot_confirm_them(client):
    user = sign_in(client, "campaign_manager")
    own, other = quoted_by(ArticleFactory(), writer=user), quoted_by(ArticleFactory())
    changed(own.article), changed(other.article)

    text = page(client, "scripts:outdated", whose="mine")

    assert own.step.version.script.name in text
    assert other.step.version.script.name not in text
    assert "Looked at, still fits" not in text
    assert ">1<" in page(client, "scripts:outdated-badge")
    assert client.post(reverse("scripts:quote_keep", args=[own.pk]), {"seen": 2}).status_code == 403


def test_who_changes_a_quoted_article_hears_what_it_sets_off(client):
    user = sign_in(client, "trainer")
    quote = quoted_by(ArticleFactory())
    change = fields(user, what_changed="new price", based_on=1)

    answer = client.post(reverse("scripts:article_edit", args=[quote.article_id]), change, follow=True)

    assert "1 step of a script quotes it" in answer.content.decode()


def test_a_confirmation_of_an_older_version_is_refused_in_words(client):
    sign_in(client, "qa")
    quote = quoted_by(ArticleFactory())
    changed(quote.article)

    answer = client.post(
        reverse("scripts:quote_keep", args=[quote.pk]), {"seen": 1, "next": "https://elsewhere.example/"}, follow=True
    )

    assert "version 2 meanwhile" in answer.content.decode()
    assert answer.request["PATH_INFO"] == reverse("scripts:outdated")
    assert not QuoteCheck.objects.exists()


# ---------------------------------------------------------------- prohibited words


def test_words_are_added_changed_removed_and_imported(client):
    sign_in(client, "qa")

    client.post(reverse("scripts:word_new"), {"word": " 最便宜 ", "why": "nobody can know"})
    word = ProhibitedWord.objects.get(word="最便宜")
    client.post(reverse("scripts:word", args=[word.pk]), {"word": "最便宜", "why": "superlative"})
    client.post(reverse("scripts:words_import"), {"lines": "保证\n最便宜"})

    assert dict(ProhibitedWord.objects.values_list("word", "why")) == {"最便宜": "superlative", "保证": ""}
    assert "superlative" in page(client, "scripts:words", q="便宜")
    assert client.post(reverse("scripts:word_remove", args=[word.pk]), {"reason": ""}).status_code == 422
    client.post(reverse("scripts:word_remove", args=[word.pk]), {"reason": "allowed"})
    assert [row.word for row in ProhibitedWord.objects.all()] == ["保证"]


def test_a_word_that_is_there_is_answered_beside_the_field(client):
    sign_in(client, "qa")
    ProhibitedWord.objects.create(word="保证")

    assert client.post(reverse("scripts:word_new"), {"word": "保证"}).context["form"].errors["word"]


@pytest.mark.parametrize("role", ["agent", "team_leader", "data"])
def test_others_are_refused_the_words_and_the_scripts_to_look_at(client, role):
    sign_in(client, role)
    quote = quoted_by(ArticleFactory())
    names = ["words", "word_new", "words_import", "outdated", "outdated-badge"]

    statuses = {client.get(reverse(f"scripts:{name}")).status_code for name in names}
    statuses.add(client.get(reverse("scripts:version_outdated", args=[quote.step.version_id])).status_code)
    statuses.add(client.post(reverse("scripts:quote_keep", args=[quote.pk]), {"seen": 1}).status_code)

    assert statuses == {403}


# ---------------------------------------------------------------- products, offers, API


def test_a_product_shows_its_scripts_and_offers_and_its_form_to_writers_alone(client):
    sign_in(client, "trainer")
    script = live_version().script
    offer = OfferFactory(product=script.product, terms="by phone only", price_cents=9900)

    text = page(client, "scripts:product", script.product_id)

    assert script.name in text
    assert offer.name in text
    assert "by phone only" in page(client, "scripts:offer", script.product_id, offer.pk)
    assert client.get(reverse("scripts:product_edit", args=[script.product_id])).status_code == 403
    assert client.get(reverse("scripts:offer_edit", args=[script.product_id, offer.pk])).status_code == 403
    assert client.get(reverse("scripts:offer", args=[ProductFactory().pk, offer.pk])).status_code == 404


def test_who_it_suits_is_written_in_the_form_of_the_product(client):
    sign_in(client, "campaign_manager")
    product = ProductFactory()

    answer = client.post(
        reverse("scripts:product_edit", args=[product.pk]), {"code": "P", "name": "P", "suits": "Families of four"}
    )

    assert answer["Location"] == reverse("scripts:product", args=[product.pk])
    product.refresh_from_db()
    assert product.suits == "Families of four"


def test_articles_and_products_are_read_over_the_api(client):
    sign_in(client, "agent")
    product = OfferFactory().product
    ArticleFactory(title="In the text", text="router").products.add(product)
    ArticleFactory(title="Router")
    ArticleFactory(title="Router of old", retired_at=timezone.now())

    rows = client.get("/api/v1/articles/", {"q": "router"}).json()["results"]
    assert [(row["title"], row["products"]) for row in rows] == [("Router", []), ("In the text", [product.code])]
    (row,) = client.get("/api/v1/products/").json()["results"]
    assert (row["code"], len(row["offers"])) == (product.code, 1)
    assert client.post("/api/v1/articles/", {}).status_code == 405


# ---------------------------------------------------------------- who is told of a change


def changed_by(writer, article):
    return change_article(
        article=article, based_on=article.number, what_changed="new price", by=writer, at=timezone.now(),
        written=ArticleText(category=article.category, title=article.title, text=f"{article.text}!", owner=article.owner),
    )  # fmt: skip


def test_owner_and_qa_are_told_of_a_changed_article_and_say_that_they_have_seen_it(client):
    owner, qa = UserFactory(role="trainer", language="en"), UserFactory(role="qa", language="en")
    writer = UserFactory(role="campaign_manager", display_name="Li Na", language="en")
    UserFactory(role="qa", is_active=False)
    article = ArticleFactory(title="Prices", owner=owner)
    changed_by(writer, article)

    for user in (owner, qa):
        client.force_login(user)
        text = page(client, "scripts:articles")
        assert "new price" in text
        assert "Li Na" in text
        assert page(client, "scripts:article_compare", article.pk, new=2)
        assert ">1<" in page(client, "scripts:articles-badge")
        notice = ArticleNotice.objects.get(to=user)
        assert client.post(reverse("scripts:notice_seen", args=[notice.pk])).status_code == 302
        assert "not seen by you yet" not in page(client, "scripts:articles")
        assert ">1<" not in page(client, "scripts:articles-badge")

    assert set(ArticleNotice.objects.values_list("to", flat=True)) == {owner.pk, qa.pk}
    client.force_login(writer)
    assert "not seen by you yet" not in page(client, "scripts:articles")


def test_who_writes_is_not_told_and_other_facts_tell_nobody():
    owner = UserFactory(role="trainer")
    article = ArticleFactory(owner=owner)
    changed_by(owner, article)
    change_article(
        article=article, based_on=2, what_changed="", by=UserFactory(role="qa"), at=timezone.now(),
        written=ArticleText(category="norm", title=article.title, text=f"{article.text}!", owner=owner),
    )  # fmt: skip

    assert not ArticleNotice.objects.exists()


def test_somebody_elses_notice_is_not_there(client):
    owner = UserFactory(role="trainer")
    changed_by(UserFactory(role="campaign_manager"), ArticleFactory(owner=owner))
    sign_in(client, "qa")

    notice = ArticleNotice.objects.get(to=owner)
    assert client.post(reverse("scripts:notice_seen", args=[notice.pk])).status_code == 404
    notice.refresh_from_db()
    assert notice.seen_at is None


def test_an_owner_who_only_trains_finds_the_scripts_that_quote_the_article(client):
    owner = sign_in(client, "trainer")
    own = quoted_by(ArticleFactory(title="Own", owner=owner))
    other = quoted_by(ArticleFactory(title="Other"))
    Article.objects.update(number=2)

    assert set(client.get(reverse("scripts:outdated")).context["page"]) == {own, other}
    assert list(client.get(reverse("scripts:outdated"), {"whose": "mine"}).context["page"]) == [own]
    assert ">1<" in page(client, "scripts:outdated-badge")
    assert client.post(reverse("scripts:quote_keep", args=[own.pk]), {"seen": "2"}).status_code == 403
