"""Filters of lead lists, for pages and API alike."""

from __future__ import annotations

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from core.filters import FromDayFilter, ToDayFilter
from customers.filters import visible_cities
from customers.models import LeadList, Source


class LeadListFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(
        label=_("Name"), lookup_expr="icontains", widget=forms.TextInput(attrs={"type": "search", "size": 14})
    )
    status = django_filters.ChoiceFilter(label=_("Status"), choices=LeadList.Status.choices, empty_label=_("all"))
    source = django_filters.ModelChoiceFilter(
        label=_("Source"), queryset=Source.objects.order_by("name"), empty_label=_("all")
    )
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=visible_cities, empty_label=_("all"))
    since = FromDayFilter(label=_("From"), field_name="created_at")
    until = ToDayFilter(label=_("To"), field_name="created_at")

    class Meta:
        model = LeadList
        fields: list[str] = []
