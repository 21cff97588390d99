"""Every list of scripts: what addresses may say, and how many questions it asks of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from people.tests.factories import UserFactory
from scripts.models import Article, ArticleNotice, GuidanceMap, Objection, Phrase, ProhibitedWord, Scenario

from .factories import ArticleFactory, OfferFactory, ProductFactory, live_version, quoted_by

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)

LISTS = (
    "products", "offers", "scripts", "objections", "phrases", "scenarios", "maps", "articles", "outdated", "words",
)  # fmt: skip
BAD = ("²", "٣", "x", "-1", "9" * 5000, "99999999999999999999")
SAYS = ("product", "state", "page", "status", "whose", "category", "sort", "version", "retired", "q")


@pytest.fixture
def qa(client):
    user = UserFactory(role="qa", language="en")
    client.force_login(user)
    return user


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_shown_whatever_its_address_says(client, qa, name, bad):
    answer = client.get(reverse(f"scripts:{name}"), dict.fromkeys(SAYS, bad))

    assert answer.status_code == 200


@pytest.mark.parametrize("bad", BAD)
def test_pages_of_a_version_are_shown_whatever_their_address_says(client, qa, bad):
    version = live_version()

    for name, pk in (("script", version.script_id), ("compare", version.script_id), ("version_preview", version.pk)):
        said = dict.fromkeys(("version", "before", "after", "step", "path"), bad)
        assert client.get(reverse(f"scripts:{name}", args=[pk]), said).status_code == 200, name


@pytest.mark.parametrize("bad", BAD)
def test_a_map_is_begun_by_the_number_of_a_product_only(client, qa, bad):
    assert client.post(reverse("scripts:map_new"), {"product": bad}).status_code in (302, 404)
    assert client.post(reverse("scripts:map_new"), {"product": "1", "like": bad}).status_code == 404


def fill(name, user):
    """One more row of a list."""
    if name == "offers":
        OfferFactory()
    elif name == "objections":
        Objection.objects.create(text="太贵", product=ProductFactory(), created_by=user)
    elif name == "phrases":
        Phrase.objects.create(text="您好", product=ProductFactory(), added_by=user, said_by=UserFactory())
    elif name == "scenarios":
        Scenario.objects.create(name="周末", picture="一", product=ProductFactory(), written_by=user)
    elif name == "maps":
        GuidanceMap.objects.create(product=ProductFactory(), title="地图", made_by=user)
        GuidanceMap.objects.create(product=ProductFactory(), title="旧", made_by=user, archived_at=AT)
    elif name == "words":
        ProhibitedWord.objects.create(word=f"词{ProhibitedWord.objects.count()}")
    elif name == "outdated":
        quoted_by(ArticleFactory(), writer=UserFactory())
        Article.objects.update(number=2)
    elif name == "articles":
        article = ArticleFactory()
        article.products.add(ProductFactory())
        ArticleNotice.objects.create(article=article, number=1, to=user)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("offers", 5), ("objections", 5), ("phrases", 5), ("scenarios", 5), ("maps", 5), ("words", 4), ("outdated", 4),
        ("articles", 8),
    ],
)  # fmt: skip
def test_a_list_asks_as_many_questions_however_many_rows(client, qa, django_assert_num_queries, name, queries, rows):
    for _ in range(rows):
        fill(name, qa)
    client.get(reverse(f"scripts:{name}"))

    with django_assert_num_queries(queries):
        client.get(reverse(f"scripts:{name}"))


# ---------------------------------------------------------------- offers side by side


def test_offers_of_all_products_stand_side_by_side_with_their_state(client, qa):
    today = timezone.localdate()
    day = timedelta(days=1)
    fibre, phone = ProductFactory(name="Fibre", price_cents=19900), ProductFactory(name="Phone")
    OfferFactory(name="Gone", product=fibre, valid_from=today - 9 * day, valid_to=today)
    OfferFactory(name="Soon", product=phone, valid_from=today + day)
    OfferFactory(name="Now", product=fibre, price_cents=9900, valid_from=today, valid_to=today + day)

    def names(**query):
        return [row.name for row in client.get(reverse("scripts:offers"), query).context["page"]]

    text = client.get(reverse("scripts:offers")).content.decode()
    assert names() == ["Now", "Soon", "Gone"]
    assert [names(state=state) for state in ("valid", "coming", "over")] == [["Now"], ["Soon"], ["Gone"]]
    assert names(product=fibre.pk) == ["Now", "Gone"]
    assert "99.00" in text
    assert "199.00" in text
    assert reverse("scripts:offers") in client.get(reverse("scripts:products")).content.decode()
    assert (
        "No offer fits"
        in client.get(reverse("scripts:offers"), {"state": "over", "product": phone.pk}).content.decode()
    )


@pytest.mark.parametrize("bad", BAD)
def test_a_new_objection_is_begun_whatever_its_address_says(client, qa, bad):
    said = dict.fromkeys(("product", "text", "reason"), bad)

    assert client.get(reverse("scripts:objection_new"), said).status_code == 200
