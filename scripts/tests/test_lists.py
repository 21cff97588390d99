"""Every list of scripts: what addresses may say, and how many questions it asks of the database."""

from __future__ import annotations

import pytest
from django.urls import reverse

from people.tests.factories import UserFactory

from .factories import live_version

pytestmark = pytest.mark.django_db

LISTS = (
    "products", "scripts", "objections", "phrases", "scenarios", "maps", "articles", "outdated", "words",
)  # fmt: skip
BAD = ("²", "٣", "x", "-1", "9" * 5000, "99999999999999999999")
SAYS = ("product", "page", "status", "whose", "category", "sort", "version", "retired", "q")


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
