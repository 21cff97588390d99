"""Keys of the desk: one key does one thing."""

import re
from collections import Counter

import pytest
from django.conf import settings

from campaigns.tests.test_desk_views import at_desk, floor, lead_of, post

__all__ = ["at_desk", "floor"]  # fixtures of the desk

pytestmark = pytest.mark.django_db
DESK = settings.BASE_DIR / "templates" / "campaigns"
KEY = re.compile(r'data-key="(F\d+)"')


def test_what_stands_at_the_top_has_no_key_of_what_stands_below():
    """The head stands above every screen, and the first on the page answers a key."""
    head = Counter(KEY.findall((DESK / "_desk_head.html").read_text(encoding="utf-8")))
    below = {
        key
        for path in DESK.glob("_desk*.html")
        if path.name != "_desk_head.html"
        for key in KEY.findall(path.read_text(encoding="utf-8"))
    }

    assert head
    assert set(head.values()) == {1}
    assert below
    assert not below & set(head)


def test_an_opportunity_has_a_key_with_a_customer_and_without(at_desk, floor):
    """With one the script gives out the letters; without one there is no script."""
    waiting = post(at_desk, "desk_start").content.decode()
    assert 'data-dialog="#opportunity-sheet" data-key="O"' in waiting

    lead_of(floor)
    assert 'data-dialog="#opportunity-sheet" data-free-key="O"' in post(at_desk, "desk_next").content.decode()
