"""What campaigns hold about a person: for the copy they may ask for, for the erasing, and the duty to keep young orders."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.models import (
    Answer,
    Call,
    Callback,
    DeskDraft,
    Disposition,
    InboundCall,
    LeadSkip,
    Opportunity,
    Order,
    StagedCall,
)
from core.columns import shown
from core.workbooks import Column
from customers import person_data
from customers.models import Customer
from customers.person_data import Sheet
from customers.queries import former_ids

WIDE = 36


def facts(customer: Customer) -> list[Sheet]:
    """Calls with their results, answers, promises and orders; also of those who were merged into the customer."""
    persons = [customer.pk, *former_ids(customer.pk)]
    calls = list(Call.objects.filter(customer_id__in=persons).order_by("started_at", "pk"))
    results = Disposition.objects.in_bulk({call.disposition_id for call in calls})
    said = Answer.objects.filter(call_id__in=[call.pk for call in calls]).select_related("question")
    promises = Callback.objects.filter(lead__customer__in=persons).order_by("due_at", "pk")
    skips = LeadSkip.objects.filter(lead__customer__in=persons).order_by("at", "pk")
    orders = Order.objects.filter(customer_id__in=persons).select_related("product").order_by("call_started_at", "pk")
    handed = Opportunity.objects.filter(customer_id__in=persons).order_by("handed_at", "pk")
    return [
        Sheet(
            _("Calls"),
            [_("Started"), _("Direction"), _("Result"), Column(_("Talk, seconds"), format="#,##0"), Column(_("Note"), WIDE)],
            [
                [call.started_at, call.get_direction_display(), str(results.get(call.disposition_id, "")), call.talk_seconds, call.note]
                for call in calls
            ],
        ),
        Sheet(
            _("Answers"),
            [_("Call"), Column(_("Question"), WIDE), Column(_("Answer"), WIDE)],
            [[row.call_started_at, row.question.text, str(row.value)] for row in said.order_by("call_started_at", "pk")],
        ),
        Sheet(
            _("Callbacks"),
            [_("Promised for"), _("State"), Column(_("Note"), WIDE)],
            [[row.due_at, row.get_state_display(), row.note] for row in promises],
        ),
        Sheet(_("Skips"), [_("Skipped"), Column(_("Reason"), WIDE)], [[row.at, row.reason] for row in skips]),
        Sheet(
            _("Orders"),
            [_("Order number"), _("Sold"), Column(_("Product"), WIDE), Column(_("Amount"), format="#,##0.00"), _("State")],
            [
                [row.number, row.call_started_at, str(row.product), row.amount_cents / 100, row.get_state_display()]
                for row in orders
            ],
        ),
        Sheet(
            _("Opportunities"),
            [_("Handed over"), Column(_("What the customer wants"), WIDE), _("Who closes it"), _("State"), _("Closed on"), Column(_("Amount"), format="#,##0.00"), _("How well prepared"), Column(_("Reason"), WIDE)],
            [
                [
                    row.handed_at, row.wish, row.closer, row.get_state_display(), row.closed_at, row.amount_cents and row.amount_cents / 100,
                    row.get_quality_display(), row.reason,
                ]
                for row in handed
            ],
        ),
    ]  # fmt: skip


def forget(customer: Customer, at: datetime) -> None:
    """Words about the person go; calls, results and orders stay."""
    persons = [customer.pk, *former_ids(customer.pk)]
    calls = Call.objects.filter(customer_id__in=persons)
    ids = list(calls.values_list("pk", flat=True))
    calls.exclude(note="").update(note="")
    Answer.objects.filter(call_id__in=ids).update(value="")
    DeskDraft.objects.filter(lead__customer__in=persons).delete()
    InboundCall.objects.filter(customer__in=persons).delete()
    Callback.objects.filter(lead__customer__in=persons).exclude(note="").update(note="")
    LeadSkip.objects.filter(lead__customer__in=persons).exclude(reason="").update(reason="")
    Opportunity.objects.filter(customer_id__in=persons).update(wish="", reason="")
    numbers = [bytes(index) for index in customer.phones.values_list("blind_index", flat=True)]
    StagedCall.objects.filter(phone_blind__in=numbers).update(
        phone_sealed=None, phone_mask="", phone_prefix="", cells=None
    )


def duty(customer: Customer, at: datetime) -> str:
    """Books of what was sold are kept; a cancelled order was sold too."""
    kept = timedelta(days=settings.ORDER_KEPT_DAYS)
    persons = [customer.pk, *former_ids(customer.pk)]
    young = Order.objects.filter(customer_id__in=persons, call_started_at__gt=at - kept)
    last = young.order_by("call_started_at").last()
    if last is None:
        return ""
    return _("An order of this person must be kept until %(day)s.") % {"day": shown(last.call_started_at + kept, "day")}


def register() -> None:
    person_data.register(facts=facts, forget=forget, duty=duty)
