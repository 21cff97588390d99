"""Filters of data requests."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from campaigns.filters import visible_rows
from campaigns.models import Campaign, DataRequest
from people.models import City


class DataRequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("State"), choices=DataRequest.State.choices, empty_label=_("all"))
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "name"), empty_label=_("all")
    )
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=visible_rows(City, "name"), empty_label=_("all"))

    class Meta:
        model = DataRequest
        fields: list[str] = []
