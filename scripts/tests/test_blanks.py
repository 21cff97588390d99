"""Blanks that are closed in drawn HTML read as those that are filled in a text."""

from __future__ import annotations

import pytest
from django.template.defaultfilters import linebreaksbr
from django.utils.html import conditional_escape, escape

from scripts.blanks import closed, fill, opened, opened_pieces

VALUES = {"name": "Wang <b>", "price": "149", "arpu & more": "R&B"}
TEXTS = [
    "Good day, {name|customer}!",
    "{Name } pays {price}",
    "nothing to fill",
    "{unknown|madam} {unknown}",
    "{unknown|a & b} {arpu & more|few}",
    "{name}{name|x}{price|0}",
    "a { b, {} and {|x} c",
    "",
]


def drawn(text: str) -> str:
    """As the template of a step draws pieces."""
    return "".join(
        f"<mark>{conditional_escape(piece.text)}</mark>" if piece.is_filled else conditional_escape(piece.text)
        for piece in opened_pieces(text)
    )


def filled(text: str, values: dict[str, str]) -> str:
    return "".join(
        f"<mark>{escape(piece.text)}</mark>" if piece.is_filled else escape(piece.text) for piece in fill(text, values)
    )


@pytest.mark.parametrize("values", [VALUES, {}, {"name": ""}], ids=["known", "nothing known", "empty"])
@pytest.mark.parametrize("text", TEXTS)
def test_drawn_once_and_closed_is_the_same_as_filled_and_drawn(text, values):
    assert closed(drawn(text), values) == filled(text, values)


def test_in_plain_text_nothing_is_marked():
    assert closed(str(escape(opened("Then {name|you} & {unknown|she}"))), VALUES) == "Then Wang &lt;b&gt; &amp; she"


def test_lines_stay_lines_wherever_they_come_from():
    at_hand = linebreaksbr(opened("{unknown|one\ntwo} {address}"))

    assert closed(at_hand, {"address": "A\nB"}) == "one<br>two A<br>B"


def test_what_is_written_in_a_value_is_no_blank():
    assert closed(drawn("{name}"), {"name": "{price}", "price": "1"}) == "<mark>{price}</mark>"
