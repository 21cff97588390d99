"""Filters of coaching sessions."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from metrics.columns import Level
from metrics.models import DayFigures
from metrics.questions import reach_of
from staffing.models import CoachingSession

STATES = [("to_come", _("to come")), ("signed", _("signed by both")), ("cancelled", _("called off"))]
CALLED = ("city", "team", "campaign")


def _number() -> django_filters.NumberFilter:
    return django_filters.NumberFilter(
        method="by_number", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )


class SessionFilter(django_filters.FilterSet):
    """`since` and `until` are days for which sessions were planned.

    `counted=agents` leaves what the coverage counts: of each agent who called in these days, where `called_city`, `called_team` and
    `called_campaign` say, one session signed by both.
    """

    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, empty_label=_("all"), method="by_state")
    since = FromDayFilter(label=_("From"), field_name="planned_at")
    until = ToDayFilter(label=_("To"), field_name="planned_at")
    agent = django_filters.NumberFilter(
        field_name="agent_id", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )
    counted = django_filters.ChoiceFilter(
        choices=[("agents", _("agents"))], method="by_counted", widget=forms.HiddenInput()
    )
    called_city, called_team, called_campaign = _number(), _number(), _number()

    class Meta:
        model = CoachingSession
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        if value == "to_come":
            return rows.to_come()  # type: ignore[attr-defined]
        return rows.filter(cancelled_at__isnull=False) if value == "cancelled" else rows.filter(SIGNED)

    def by_number(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Where the agent called; asked for with the days, as one."""
        return rows

    def by_counted(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(SIGNED)

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        if self.form.cleaned_data.get("counted") != "agents":
            return rows
        rows = rows.filter(agent_id__in=self._called())
        first = rows.order_by("agent_id", "planned_at", "pk").distinct("agent_id").values("pk")
        return rows.filter(pk__in=first)

    def _called(self) -> QuerySet:
        """Agents with a call in these days where the reader's figures reach, as staffing.measures counts them."""
        said = self.form.cleaned_data
        places = {f"{name}_id": said[f"called_{name}"] for name in CALLED if said.get(f"called_{name}")}
        reach = reach_of(self.request.user)
        rows = DayFigures.objects.filter(reach.rows, level=Level.for_keys({*places, "agent_id"}), **places)
        if said.get("since"):
            rows = rows.filter(day__gte=said["since"])
        if said.get("until"):
            rows = rows.filter(day__lte=said["until"])
        return rows.annotate(all_calls=F("calls") + F("inbound_calls")).filter(all_calls__gt=0).values("agent_id")


SIGNED = Q(coach_signed_at__isnull=False, agent_signed_at__isnull=False)
