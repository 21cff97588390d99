"""Why a customer whom a list brought stays when the list is taken back. Apps above add their reasons: calls and orders are theirs.

A reason is a word, stored with the row (`RowVerdict.stays`), its sentence, and a look-up that names those it holds for. Look-ups are asked
for thousands of customers at once, with these locked by who asks; the first reason that holds is the one that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import LeadList

DENSE = 4


@dataclass(frozen=True)
class Brought:
    """Customers whom one list has brought."""

    lead_list: LeadList
    ids: list[int]

    def pointed_to(self, table: str, condition: str = "TRUE", **values: Any) -> set[int]:
        """Those of whom a row of this table (as `t`, with a `customer_id`) fits the condition.

        A list's customers got their ids one after the other: one walk over a piece of the index finds all rows of thousands of them,
        also where the table has a partition for each month. `%(list)s` and `%(committed)s` may be used.
        """
        if not self.ids:
            return set()
        values |= {
            "list": self.lead_list.pk, "committed": self.lead_list.committed_at, "basis": self.lead_list.consent_basis,
            "stated_by": self.lead_list.consent_stated_by, "low": min(self.ids), "high": max(self.ids), "ids": self.ids,
        }  # fmt: skip
        is_dense = values["high"] - values["low"] < DENSE * len(self.ids)
        where = "t.customer_id BETWEEN %(low)s AND %(high)s" if is_dense else "t.customer_id = ANY (%(ids)s)"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT t.customer_id FROM {table} t WHERE {where} AND ({condition})", values)
            return {row[0] for row in cursor.fetchall()} & set(self.ids)


Find = Callable[[Brought], set[int]]

_finds: list[tuple[str, Find]] = []
_words: dict[str, Any] = {}


def add_reason(code: str, words: Any, find: Find, *, gravest: bool = False) -> None:
    """A reason to stay, asked after those that are there already, or before them."""
    _words[code] = words
    _finds.insert(0 if gravest else len(_finds), (code, find))


def reasons_to_stay(brought: Brought) -> dict[int, str]:
    """{customer id: why it stays}; who may go is not in it."""
    found: dict[int, str] = {}
    for code, find in _finds:
        for customer_id in find(brought):
            found.setdefault(customer_id, code)
    return found


def stay_words(code: str) -> str:
    """Why it stays, in the reader's language."""
    return str(_words.get(code) or ROW_WORDS.get(code, code))


# -- what this floor knows ---------------------------------------------------------------------------------------------

# of rows that changed a customer who was known before
ROW_WORDS: dict[str, Any] = {
    "changed": _("The value was changed again since"),
    "not_kept": _("What the list wrote is no longer kept"),
    "dialled": _("The number was dialled"),
}

# numbers and consents of this very list go with its customers; all others are somebody else's work
LATER_NUMBER = "t.created_at > %(committed)s"
OTHER_CONSENT = """t.given_at <> %(committed)s OR t.basis <> %(basis)s OR t.stated_by <> %(stated_by)s OR t.withdrawn_at IS NOT NULL"""
OTHER_LIST = """t.verdict IN ('update', 'unchanged') AND t.lead_list_id <> %(list)s AND EXISTS (
  SELECT FROM customers_leadlist o WHERE o.id = t.lead_list_id AND o.status IN ('committed', 'undoing'))"""

PERSON = "(SELECT id AS customer_id, * FROM customers_customer)"


def _of_person(condition: str) -> Find:
    return lambda brought: brought.pointed_to(PERSON, condition)


add_reason(
    "called",
    _("The customer was called"),
    lambda brought: (
        brought.pointed_to("customers_contact", "t.state = 'made'")
        | brought.pointed_to(PERSON, "(t.attempts <> '{}' AND t.held_lead_id IS NULL) OR t.answered_at IS NOT NULL")
    ),
)
add_reason("held", _("An agent has the customer in hand"), _of_person("t.held_lead_id IS NOT NULL"))
# given back undialled: the ledger says that somebody saw the customer
add_reason(
    "handed_out",
    _("The customer was handed out to an agent"),
    lambda brought: brought.pointed_to("customers_contact"),
)
add_reason(
    "suppressed",
    _("The customer is or was not to be called, and that is kept"),
    lambda brought: (
        brought.pointed_to("customers_suppression", "t.customer_id IS NOT NULL")
        | brought.pointed_to(PERSON, "t.is_suppressed")
    ),
)
add_reason(
    "request",
    _("The person has asked about their data"),
    lambda brought: brought.pointed_to("customers_personrequest") | brought.pointed_to("customers_canary"),
)
add_reason(
    "quiet_time",
    _("The customer asked not to be disturbed at certain times, and that is kept"),
    lambda brought: brought.pointed_to("customers_quiettime"),
)
add_reason(
    "greylisted",
    _("The customer is or was on the greylist, and that is kept"),
    lambda brought: brought.pointed_to("customers_greyentry", "t.customer_id IS NOT NULL"),
)
add_reason(
    "merged",
    _("The customer was merged with another"),
    lambda brought: (
        brought.pointed_to(PERSON, "t.merged_into_id IS NOT NULL")
        | brought.pointed_to(
            "(SELECT merged_into_id AS customer_id FROM customers_customer WHERE merged_into_id IS NOT NULL)"
        )
        # a merge that was undone is evidence all the same
        | brought.pointed_to("(SELECT kept_id AS customer_id FROM customers_merge)")
        | brought.pointed_to("(SELECT gone_id AS customer_id FROM customers_merge)")
    ),
)
add_reason(
    "other_list",
    _("Another list has used the customer since"),
    lambda brought: brought.pointed_to("customers_rowverdict", OTHER_LIST),
)
add_reason(
    "number",
    _("A number was added to the customer since"),
    lambda brought: brought.pointed_to("customers_phone", LATER_NUMBER),
)
add_reason(
    "consent",
    _("Another consent of the customer is recorded, or its withdrawal"),
    lambda brought: brought.pointed_to("customers_consent", OTHER_CONSENT),
)
