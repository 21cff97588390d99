"""Filters of coaching sessions, for the API."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from staffing import queries_coaching as queries
from staffing.models import CoachingSession

STATES = [("to_come", _("to come")), ("signed", _("signed by both")), ("cancelled", _("called off"))]


class CoachingFilter(django_filters.FilterSet):
    """`since` and `until` are days for which sessions are planned; `agent` the number of one."""

    since = FromDayFilter(label=_("From"), field_name="planned_at")
    until = ToDayFilter(label=_("To"), field_name="planned_at")
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")
    agent = django_filters.NumberFilter(field_name="agent_id", min_value=1, max_value=LARGEST_ID)

    class Meta:
        model = CoachingSession
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return queries.in_state(rows, value)
