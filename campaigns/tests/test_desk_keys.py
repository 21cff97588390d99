"""Keys of the desk: one key does one thing."""

import re
from collections import Counter

from django.conf import settings

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
