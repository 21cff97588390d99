"""Blanks in what is said: {name|customer} stands for the customer's name, or for the fallback where it is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
