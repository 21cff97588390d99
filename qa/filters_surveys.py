"""Filters of surveys, for the API."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from campaigns.filters import CircumstanceFilter, visible_rows
from campaigns.models import Campaign
from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from people.models import Team
from qa.models import SurveyAsk


class SurveyFilter(CircumstanceFilter):
    """`since` and `until` are days of the calls; `call` the number of one call."""

    since = FromDayFilter(label=_("From"), field_name="call_started_at")
    until = ToDayFilter(label=_("To"), field_name="call_started_at")
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), method="by_id"
    )
    team = django_filters.ModelChoiceFilter(label=_("Team"), queryset=visible_rows(Team, "code"), method="by_id")
    call = django_filters.NumberFilter(field_name="call_id", min_value=1, max_value=LARGEST_ID)

    class Meta:
        model = SurveyAsk
        fields = ("state", "channel")
