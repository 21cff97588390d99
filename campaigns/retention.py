"""How long the personal data of campaigns stay, and why."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from core.retention import register

STAGED = timedelta(days=30)


def forget_staged_calls(at: datetime) -> int:
    from campaigns.services.history import drop_old_rows

    return drop_old_rows(at=at)


register(
    "campaigns.StagedCall",
    fields=("phone_blind", "phone_sealed", "phone_mask", "phone_prefix", "cells"),
    keep_for=STAGED,
    basis=_("Rows of a file of calls: until a month after the upload, so that what was rejected can be mended."),
    apply=forget_staged_calls,
)
register(
    "campaigns.Call",
    fields=("note",),
    basis=_("Calls are facts and stay as long as the customer does; their notes go with the customer."),
)
register("campaigns.Answer", fields=("value",), basis=_("Answers belong to the call in which they were given."))
register("campaigns.Callback", fields=("note",), basis=_("The note of a promise belongs to its lead."))
register("campaigns.Recording", fields=("file_id",), basis=_("The file carries its own date; this row stays as its trace."))
