"""How long the personal data of campaigns stay, and why."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Answer, Call, Callback, CallPath, DataRequestDraw, LeadSkip, Opportunity, SegmentDraw
from core.models import Job
from core.retention import register
from customers.retention import UNUSED, emptied, unused_since

STAGED = timedelta(days=30)
NOTES_KEPT = timedelta(days=1)
PATHS_KEPT = timedelta(days=730)
SKIPS_KEPT = timedelta(days=730)
A_NIGHT = 20_000
PATHS_A_NIGHT = 4_000_000
SKIPS_A_NIGHT = 1_000_000


def forget_staged_calls(at: datetime) -> int:
    from campaigns.services.history import drop_old_rows

    return drop_old_rows(at=at)


def _calls_of_emptied(at: datetime) -> QuerySet[Call]:
    """Calls of persons who have been emptied; older than what keeps a person, so that younger months are not read."""
    whose = Exists(emptied(at).filter(pk=OuterRef("customer_id")))
    return Call.objects.filter(whose, started_at__lt=unused_since(at))


def forget_call_notes(at: datetime) -> int:
    due = list(_calls_of_emptied(at).exclude(note="").values_list("pk", "started_at")[:A_NIGHT])
    return _blank("UPDATE campaigns_call c SET note = '' FROM due WHERE c.id = due.id AND c.started_at = due.at", due)


def forget_answers(at: datetime) -> int:
    whose = Exists(_calls_of_emptied(at).filter(pk=OuterRef("call_id"), started_at=OuterRef("call_started_at")))
    held = Answer.objects.filter(whose, call_started_at__lt=unused_since(at)).exclude(value="")
    due = list(held.values_list("call_id", "call_started_at").distinct()[:A_NIGHT])
    return _blank(
        """UPDATE campaigns_answer a SET value = '""' FROM due WHERE a.call_id = due.id AND a.call_started_at = due.at""",
        due,
    )


def forget_promise_notes(at: datetime) -> int:
    whose = Exists(emptied(at).filter(pk=OuterRef("lead__customer_id")))
    due = Callback.objects.filter(whose).exclude(note="").values_list("pk", flat=True)[:A_NIGHT]
    return Callback.objects.filter(pk__in=list(due)).update(note="")


def forget_wishes(at: datetime) -> int:
    whose = Exists(emptied(at).filter(pk=OuterRef("customer_id")))
    due = Opportunity.objects.filter(whose).exclude(wish="", reason="").values_list("pk", flat=True)[:A_NIGHT]
    return Opportunity.objects.filter(pk__in=list(due)).update(wish="", reason="")


def forget_desk_notes(at: datetime) -> int:
    from campaigns.services.guide import forget_old_notes

    return forget_old_notes(at=at)


def forget_inbound_calls(at: datetime) -> int:
    from campaigns.services.inbound import forget_calls

    return forget_calls(at=at)


def forget_call_paths(at: datetime) -> int:
    """A day brings a million, so that a night takes away as many and more, a batch at a time."""
    gone = 0
    while gone < PATHS_A_NIGHT:
        due = list(CallPath.objects.filter(call_started_at__lt=at - PATHS_KEPT).values_list("pk", flat=True)[:A_NIGHT])
        if not due:
            break
        gone += CallPath.objects.filter(pk__in=due).delete()[0]
    return gone


def forget_skips(at: datetime) -> int:
    """Counted and reasoned with, they go after two years; a person who is erased before takes the words along."""
    gone = 0
    while gone < SKIPS_A_NIGHT:
        due = list(LeadSkip.objects.filter(at__lt=at - SKIPS_KEPT).values_list("pk", flat=True)[:A_NIGHT])
        if not due:
            break
        gone += LeadSkip.objects.filter(pk__in=due).delete()[0]
    return gone


def forget_draws(at: datetime) -> int:
    """Draws of jobs that were swept away since: a job that is there, stopped or given up, may be run again and needs its draw."""
    gone = 0
    for model, job_id in ((SegmentDraw, "allocation__job_id"), (DataRequestDraw, "request__job_id")):
        gone += model.objects.exclude(Exists(Job.objects.filter(pk=OuterRef(job_id)))).delete()[0]
    return gone


def _blank(statement: str, due: list[tuple[int, datetime]]) -> int:
    """Run the statement for these calls, found by number and time: their month alone is touched."""
    if not due:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH due(id, at) AS (SELECT * FROM unnest(%s::bigint[], %s::timestamptz[])) {statement}",
            [[pk for pk, _time in due], [time for _pk, time in due]],
        )
        return int(cursor.rowcount)


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
    keep_for=UNUSED,
    basis=_("Calls are facts and stay as long as the customer does; their notes go with the customer."),
    apply=forget_call_notes,
)
register(
    "campaigns.Answer",
    fields=("value",),
    keep_for=UNUSED,
    basis=_("Answers belong to the call in which they were given."),
    apply=forget_answers,
)
register(
    "campaigns.Callback",
    fields=("note",),
    keep_for=UNUSED,
    basis=_("The note of a promise belongs to its lead."),
    apply=forget_promise_notes,
)
register(
    "campaigns.LeadSkip",
    fields=("reason",),
    keep_for=SKIPS_KEPT,
    basis=_(
        "Skips, with the reasons that agents write by hand, are counted to see who picks among customers: for two years."
    ),
    apply=forget_skips,
)
register(
    "campaigns.Opportunity",
    fields=("wish", "reason"),
    keep_for=UNUSED,
    basis=_(
        "Opportunities are facts and stay as long as the customer does; what was written of the customer's wish goes with the customer."
    ),
    apply=forget_wishes,
)
register(
    "campaigns.SegmentDraw",
    fields=("bitmap",),
    basis=_("Numbers of the customers drawn of a segment; gone as soon as their leads are made."),
    apply=forget_draws,
)
register(
    "campaigns.DataRequestDraw",
    fields=("bitmap",),
    basis=_("Numbers of the customers drawn for a data request; gone as soon as its leads are made."),
)
register(
    "campaigns.DeskDraft",
    fields=("content",),
    keep_for=NOTES_KEPT,
    basis=_("Notes of a call in hand: until its result; what an interrupted day has left goes the day after."),
    apply=forget_desk_notes,
)
register(
    "campaigns.InboundCall",
    fields=("mask", "sealed", "blind_index"),
    keep_for=NOTES_KEPT,
    basis=_(
        "The number of a caller: until the call has its result; what an interrupted day has left goes the day after."
    ),
    apply=forget_inbound_calls,
)
register(
    "campaigns.CallPath",
    fields=(),
    keep_for=PATHS_KEPT,
    basis=_("Ways of calls through their scripts name nobody; they are read to compare versions, for two years."),
    apply=forget_call_paths,
)
