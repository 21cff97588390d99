"""Filters of opportunities, for page and API alike."""

from __future__ import annotations

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.filters import FactFilter, visible_rows
from campaigns.models import Campaign, Opportunity
from core.filters import FromDayFilter, ToDayFilter
from people.models import City, Team, User


class OpportunityFilter(FactFilter):
    """By the day they were handed over."""

    state = django_filters.ChoiceFilter(label=_("State"), choices=Opportunity.State.choices, empty_label=_("all"))
    since = FromDayFilter(label=_("From"), field_name="handed_at")
    until = ToDayFilter(label=_("To"), field_name="handed_at")
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_rows(City, "name"), empty_label=_("all"), method="by_id"
    )
    team = django_filters.ModelChoiceFilter(
        label=_("Team"), queryset=visible_rows(Team, "code"), empty_label=_("all"), method="by_id"
    )
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), empty_label=_("all"), method="by_id"
    )
    agent_code = django_filters.CharFilter(
        label=_("Agent"), method="by_agent_code", widget=forms.TextInput(attrs={"type": "search", "size": 8})
    )
    agent = django_filters.ModelChoiceFilter(
        label=_("Agent"), queryset=visible_rows(User, "code"), method="by_id", widget=forms.HiddenInput()
    )

    class Meta:
        model = Opportunity
        fields: list[str] = []
