"""Filters of complaints, for pages and API alike."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from campaigns.filters import visible_rows
from campaigns.models import Call, Campaign
from core.calendar import day_bounds
from core.clock import database_now
from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from customers.merged import PersonOf
from metrics.questions import reach_of
from people.models import User
from qa.filters import OfFigureFilter
from qa.models import Complaint, ComplaintCategory, Severity

STATES = [("open", _("Open")), *Complaint.State.choices]
TIMES = [("overdue", _("overdue")), ("confirm", _("serious, to be confirmed"))]


def _categories(request: Any) -> QuerySet:
    return ComplaintCategory.objects.order_by("pk")


def _in_charge(request: Any) -> QuerySet:
    if request is None:
        return User.objects.none()
    seen = Complaint.objects.visible_to(request.user).exclude(in_charge=None)
    return User.objects.filter(pk__in=seen.values("in_charge")).order_by("display_name", "username")


COUNTED = [("complaints", _("complaints")), ("customers", _("customers"))]
# what figures count: about a call that went out and was answered, since they stand over the customers reached
ANSWERED = Call.objects.filter(
    pk=OuterRef("call_id"), started_at=OuterRef("call_started_at"), connected=True, direction="outbound"
)


class ComplaintFilter(OfFigureFilter):
    """`since` and `until` are days on which complaints were received, `called_since` and `called_until` those of the call; `call` the number
    of one call. `counted`: those that figures count; "customers" leaves one of each customer, so that the list is as long as the figure is high."""

    called_since = FromDayFilter(label=_("Called from"), field_name="call_started_at")
    called_until = ToDayFilter(label=_("Called to"), field_name="call_started_at")
    counted = django_filters.ChoiceFilter(choices=COUNTED, method="by_counted", widget=forms.HiddenInput())

    since = FromDayFilter(label=_("From"), field_name="received_at")
    until = ToDayFilter(label=_("To"), field_name="received_at")
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, empty_label=_("all"), method="by_state")
    severity = django_filters.ChoiceFilter(label=_("Severity"), choices=Severity.choices, empty_label=_("all"))
    category = django_filters.ModelChoiceFilter(label=_("Category"), queryset=_categories, empty_label=_("all"))
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), empty_label=_("all"), method="by_id"
    )
    due = django_filters.ChoiceFilter(label=_("Waits"), choices=TIMES, empty_label=_("all"), method="by_due")
    in_charge = django_filters.ModelChoiceFilter(
        label=_("In charge"), queryset=_in_charge, empty_label=_("all"), null_label=_("nobody yet")
    )
    call = django_filters.NumberFilter(
        field_name="call_id", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )

    class Meta:
        model = Complaint
        fields: list[str] = []

    def by_counted(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """As far as the reader's figures reach: not what they took or see to elsewhere."""
        return rows.filter(reach_of(self.request.user).rows, Exists(ANSWERED.filter(**self._days_of_calls())))

    def _days_of_calls(self) -> dict[str, Any]:
        """Bounds of the calls themselves, so that only partitions of these days are read."""
        said = self.form.cleaned_data
        since, until = said.get("called_since"), said.get("called_until")
        bounds = {"started_at__gte": since and day_bounds(since)[0], "started_at__lt": until and day_bounds(until)[1]}
        return {name: bound for name, bound in bounds.items() if bound}

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Which complaint stands for a person depends on the other filters."""
        rows = super().filter_queryset(queryset)
        if self.form.cleaned_data.get("counted") != "customers":
            return rows
        nth = Window(RowNumber(), partition_by=PersonOf("customer_id"), order_by=("received_at", "pk"))
        first = rows.order_by().annotate(nth=nth).filter(nth=1).values("pk")
        return rows.filter(pk__in=first)

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.open() if value == "open" else rows.filter(state=value)  # type: ignore[attr-defined]

    def by_due(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.overdue(database_now()) if value == "overdue" else rows.to_confirm()  # type: ignore[attr-defined]
