"""What an item is asked by: a part of the script, a clause, an article. Set in the builder, read beside the item, kept by new versions."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from campaigns.tests.factories import CampaignFactory
from people.tests.factories import UserFactory
from qa.models import FormItem
from qa.services import evaluations, forms
from qa.tests.factories import AT, call_of
from qa.tests.sheets import draft_of, evaluated, item
from scripts.models import Article
from scripts.tests.factories import ArticleFactory, live_version

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SAID = {"text": "Greets", "weight": "1", "good": "yes"}


@pytest.fixture
def writer():
    return UserFactory(role="qa")


@pytest.fixture
def draft(writer):
    return draft_of(writer)


def set_item(client, draft, **told):
    address = reverse("qa:item-edit", args=[draft.pk, item(draft, "Greets").pk])
    return client.post(address, {**SAID, **told}, headers=HTMX)


def sourced(draft, by, article=None):
    """The form in force, whose first item names a part, a clause and an article."""
    greets = item(draft, "Greets")
    greets.script_part, greets.clause, greets.article = "opening", "Norm 3.2", article
    forms.save_item(version=draft, item=greets, by=by)
    return forms.publish(version=draft, by=by, at=AT)


# -- in the builder ----------------------------------------------------------------------------------------------------


def test_part_clause_and_article_are_set_in_the_builder_and_shown_there_again(client, writer, draft):
    client.force_login(writer)
    article = ArticleFactory(title="How to greet")

    answer = set_item(client, draft, script_part="opening", clause="Norm 3.2", article="How to greet")

    kept = item(draft, "Greets")
    assert (answer.status_code, kept.script_part, kept.clause, kept.article) == (200, "opening", "Norm 3.2", article)
    page = client.get(reverse("qa:form-edit", args=[draft.pk])).content.decode()
    assert 'value="How to greet"' in page
    assert '<option value="How to greet"></option>' in page
    set_item(client, draft, article="")
    assert item(draft, "Greets").article is None


@pytest.mark.parametrize("title", ["Unknown", "Old", "Twice"])
def test_an_article_that_is_unknown_retired_or_not_the_only_one_is_refused_in_words(client, writer, draft, title):
    client.force_login(writer)
    ArticleFactory(title="Old", retired_at=AT)
    ArticleFactory(title="Twice")
    ArticleFactory(title="Twice")

    answer = set_item(client, draft, article=title)

    assert answer.status_code == 422
    said = "More than one article is called “Twice”" if title == "Twice" else "Choose one of the articles"
    assert said in answer.content.decode()
    assert item(draft, "Greets").article is None


def test_an_item_keeps_an_article_that_was_retired_since_and_takes_none_that_is(client, writer, draft):
    client.force_login(writer)
    article = ArticleFactory(title="Old")
    set_item(client, draft, article="Old")
    Article.objects.update(retired_at=AT)

    assert set_item(client, draft, article="Old", weight="2").status_code == 200
    assert item(draft, "Greets").article == article
    thanks = item(draft, "Thanks")
    thanks.article = Article.objects.get()
    with pytest.raises(forms.FieldFault, match="is retired"):
        forms.save_item(version=draft, item=thanks, by=writer)


def test_a_new_version_has_the_sources_of_the_one_before_and_a_published_one_keeps_them(writer, draft):
    article = ArticleFactory()
    version = sourced(draft, writer, article)

    following = forms.new_version(form=version.form, by=writer, at=AT)

    kept = item(following, "Greets")
    assert (kept.script_part, kept.clause, kept.article) == ("opening", "Norm 3.2", article)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        FormItem.objects.filter(pk=item(version, "Greets").pk).update(clause="Norm 4")


def test_the_builder_asks_as_often_for_one_article_as_for_three(client, writer, draft, django_assert_max_num_queries):
    client.force_login(writer)
    for text in ("Greets", "Insults", "Thanks"):
        row = item(draft, text)
        row.article = ArticleFactory()
        forms.save_item(version=draft, item=row, by=writer)
    address = reverse("qa:form-edit", args=[draft.pk])
    client.get(address)

    with django_assert_max_num_queries(16):
        client.get(address)


# -- beside the item ---------------------------------------------------------------------------------------------------


@pytest.fixture
def spoken(team, agent):
    return call_of(team, agent=agent, campaign=CampaignFactory(), script_version_id=live_version().pk)


def part_link(call) -> str:
    from scripts.models import ScriptVersion

    version = ScriptVersion.objects.get(pk=call.script_version_id)
    return f'href="{reverse("scripts:script", args=[version.script_id])}?version={version.number}#part-opening"'


def test_scorer_and_agent_read_at_the_item_what_asks_for_it_with_links(client, qa, agent, writer, draft, spoken):
    article = ArticleFactory(title="How to greet")
    version = sourced(draft, writer, article)
    begun = evaluations.begin(call=spoken, version=version, scorer=qa, pick="requested", at=AT)
    client.force_login(qa)
    scoring = client.get(reverse("qa:score", args=[begun.pk])).content.decode()
    made = evaluated(spoken, version, qa, at=timezone.now())
    client.force_login(agent)
    read = client.get(reverse("qa:evaluation", args=[made.pk])).content.decode()

    for page in (scoring, read):
        assert part_link(spoken) in page
        assert "Clause: Norm 3.2" in page
        assert f'<a href="{reverse("scripts:article", args=[article.pk])}">How to greet</a>' in page
    script = client.get(part_link(spoken).split('"')[1].split("#", maxsplit=1)[0])
    assert 'id="part-opening"' in script.content.decode()


def test_what_the_reader_may_not_open_is_named_without_a_link(client, qa, agent, writer, draft, spoken):
    from scripts.models import ScriptVersion

    article = ArticleFactory(title="How to greet")
    version = sourced(draft, writer, article)
    made = evaluated(spoken, version, qa, at=timezone.now())
    ScriptVersion.objects.filter(pk=spoken.script_version_id).update(status="retired")
    Article.objects.update(retired_at=AT)
    address = reverse("qa:evaluation", args=[made.pk])

    client.force_login(agent)
    page = client.get(address).content.decode()
    client.force_login(qa)
    own = client.get(address).content.decode()

    assert "Script: Opening" in page
    assert part_link(spoken) not in page
    assert "How to greet (retired)" in page
    assert part_link(spoken) in own  # who writes or teaches reads retired versions and articles too
    assert reverse("scripts:article", args=[article.pk]) in own
