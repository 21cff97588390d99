"""Blanks in what is said: {name|customer} stands for the customer's name, or for the fallback where it is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy as _

BLANK = re.compile(r"\{([^{}|]+)(?:\|([^{}]*))?\}")

# what the desk fills in besides the customer's own columns (campaigns.queries_desk.blanks)
KNOWN: dict[str, Any] = {
    "name": _("name of the customer"),
    "city": _("city of the customer"),
    "age": _("age of the customer"),
    "product": _("name of the product"),
    "price": _("price of the product"),
    "offer": _("name of the offer"),
    "offer_price": _("price of the offer"),
    "agent": _("name of the agent"),
    "campaign": _("name of the campaign"),
}
FALLBACKS: dict[str, Any] = {
    "name": _("customer"),
    "product": _("the new plan"),
    "offer": _("the offer"),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `is_filled` when it came from data, not from the script."""

    text: str
    is_filled: bool = False


def names(text: str) -> list[str]:
    """The blanks of a text as the desk looks them up."""
    return [found[1].strip().lower() for found in BLANK.finditer(text)]


def fill(text: str, values: Mapping[str, str]) -> list[Piece]:
    """Each blank replaced: by its value where there is one, else by its fallback, else by nothing."""
    pieces, end = [], 0
    for found in BLANK.finditer(text):
        if found.start() > end:
            pieces.append(Piece(text[end : found.start()]))
        value = values.get(found[1].strip().lower(), "")
        if value or found[2]:
            pieces.append(Piece(value or found[2], is_filled=bool(value)))
        end = found.end()
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return pieces


# no text of the database holds it
HOLE = "\0"
HOLES = re.compile(r"(<mark>)?\0([^\0|]*)\|([^\0]*)\0(</mark>)?")


def opened(text: str) -> str:
    """The text with its blanks left open: what is drawn of it once can be closed for every customer."""
    return BLANK.sub(lambda found: f"{HOLE}{found[1].strip().lower()}|{found[2] or ''}{HOLE}", text)


def opened_pieces(text: str) -> list[Piece]:
    """fill() of a text whose blanks are left open, each a piece of its own."""
    found = re.split(f"({HOLE}[^{HOLE}]*{HOLE})", opened(text))
    return [Piece(piece, is_filled=piece.startswith(HOLE)) for piece in found if piece]


def closed(drawn: str, values: Mapping[str, str]) -> SafeString:
    """HTML that was drawn of opened texts, each hole closed as fill() does: marked with its value, or plain with its fallback."""
    marked = {escape(name): escape(value).replace("\n", "<br>") for name, value in values.items() if value}

    def close(hole: re.Match[str]) -> str:
        value = marked.get(hole[2])
        return f"{hole[1] or ''}{value}{hole[4] or ''}" if value else hole[3]

    return mark_safe(HOLES.sub(close, drawn))


def offered() -> list[tuple[str, str]]:
    """(what a press writes, what it stands for) of every blank the desk knows."""
    return [(f"{{{name}|{FALLBACKS.get(name, '')}}}", str(label)) for name, label in KNOWN.items()]


def sample() -> dict[str, str]:
    """A customer who does not exist, for the preview."""
    return {
        "name": gettext("Ms Wang"),
        "city": gettext("Foshan"),
        "age": "36",
        "offer": gettext("the offer of this campaign"),
        "offer_price": "129",
        "agent": gettext("Agent 1024"),
        "campaign": gettext("the campaign"),
    }
