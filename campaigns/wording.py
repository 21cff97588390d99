"""The sentences behind stored words of a calls file: why it cannot be read, why a row got its verdict. Translated when shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.jobs.words import WORDS
from customers.wording import file_fault_sentence as list_fault_sentence, reason_words

FILE_FAULTS: dict[str, Any] = {
    "columns_missing": _(
        "These columns are missing: %(missing)s. Name the headings as in the description of the call history."
    ),
    "two_columns": _("The column %(field)s is there twice. Keep one of them."),
    "header_only": _("The file has headings but no rows below them."),
    "empty_file": _("The file is empty. Put the headings into the first row and one call into each row below."),
}
ROW_FAULTS: dict[str, Any] = {
    "call_id_missing": _("The number of the call is missing"),
    "time_missing": _("The time of the call is missing"),
    "bad_time": _("A time cannot be read; write it like 2008-05-06 14:30:00"),
    "too_early": _("A time lies before 1990"),
    "in_future": _("A time lies in the future"),
    "bad_seconds": _("Seconds must be a whole number"),
    "too_many_seconds": _("A call cannot last longer than a day"),
    "ends_before_it_begins": _("The call would end before it began"),
    "bad_amount": _("The amount is no sum of money"),
    "negative_amount": _("The amount is negative"),
    "cancelled_before_sale": _("The cancellation lies before the sale"),
    "direction_unknown": _("The direction is neither outbound nor inbound"),
    "too_long": _("A code is too long"),
    "not_text": _("A code contains characters that cannot be shown"),
    "bad_phone": _("The phone number cannot be right"),
    "campaign_unknown": _("Unknown campaign"),
    "agent_unknown": _("Unknown agent"),
    "team_unknown": _("Unknown team"),
    "number_unknown": _("Unknown number"),
    "result_unknown": _("Unknown result"),
    "product_unknown": _("Unknown product"),
    "talk_without_connection": _("A call that was not connected has talk time"),
    "order_without_sale": _("There is an order, but the result is no sale"),
    "cancellation_without_sale": _("There is a cancellation, but the result is no sale"),
    "order_known": _("Another call has this order number"),
    "order_twice": _("The order number stands in an earlier row"),
    "call_id_twice": _("The number of the call stands in an earlier row with other content"),
    "call_known_otherwise": _("This call is known with other content"),
    "cancelled_otherwise": _("The cancellation does not fit what is known of the order"),
    "stored_meanwhile": _("Another import brought this call or order in the meantime"),
    # nothing to mend
    "same_row": _("The same row stands above"),
    "call_known": _("The call is known"),
    "newly_cancelled": _("A known sale is now cancelled"),
}


def file_fault_sentence(code: str, detail: Mapping[str, Any] | None = None) -> str:
    """Why the file was not taken, in the reader's language."""
    if code in FILE_FAULTS:
        return str(FILE_FAULTS[code]) % dict(detail or {})
    return list_fault_sentence(code, detail)


def left_out_words(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why customers of a list or a segment became no leads, and how many of each, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], list(WORDS).index(item[0])))
    return [(str(WORDS[reason]), count) for reason, count in ordered]


def row_fault_words(code: str) -> str:
    """Why a row got its verdict; "" when there is nothing to say."""
    return str(ROW_FAULTS[code]) if code in ROW_FAULTS else reason_words(code)
