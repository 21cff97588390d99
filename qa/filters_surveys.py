"""Filters of calls whose customers were asked."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.filters import YES_NO, visible_rows
from campaigns.models import Campaign
from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from people.models import Team
from qa.filters import OfFigureFilter
from qa.models import SurveyAsk


class SurveyFilter(OfFigureFilter):
    """`since` and `until` are days of the call."""

    since = FromDayFilter(label=_("From"), field_name="call_started_at")
    until = ToDayFilter(label=_("To"), field_name="call_started_at")
    answered = django_filters.ChoiceFilter(
        label=_("With an answer"), choices=YES_NO, empty_label=_("all"), method="by_answered"
    )
    score = django_filters.ChoiceFilter(
        label=_("Answer"),
        choices=[(str(number), str(number)) for number in range(1, 6)],
        empty_label=_("all"),
        field_name="answer__score",
    )
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), empty_label=_("all"), method="by_id"
    )
    team = django_filters.ModelChoiceFilter(
        label=_("Team"), queryset=visible_rows(Team, "code"), empty_label=_("all"), method="by_id"
    )

    class Meta:
        model = SurveyAsk
        fields: list[str] = []

    def by_answered(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(answer__isnull=value == "0")


class SurveyRowFilter(SurveyFilter):
    """What programs ask besides; `call` is the number of one call."""

    call = django_filters.NumberFilter(field_name="call_id", min_value=1, max_value=LARGEST_ID)

    class Meta:
        model = SurveyAsk
        fields = ("state", "channel")
