"""Filters of data requests."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from campaigns.filters import _visible
from campaigns.models import Campaign, DataRequest
from people.models import City


class DataRequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("State"), choices=DataRequest.State.choices, empty_label=_("all"))
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=_visible(Campaign, "name"), empty_label=_("all")
    )
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=_visible(City, "name"), empty_label=_("all"))

    class Meta:
        model = DataRequest
        fields: list[str] = []
