"""Filters of persons' requests."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.calendar import business_date
from customers.filters import visible_cities
from customers.models import PersonRequest


class RequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("overdue", _("overdue")), *PersonRequest.State.choices],
        empty_label=_("all"),
        method="by_state",
    )
    kind = django_filters.ChoiceFilter(label=_("Request"), choices=PersonRequest.Kind.choices, empty_label=_("all"))
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_cities, empty_label=_("all"), field_name="customer__city"
    )

    class Meta:
        model = PersonRequest
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.overdue(business_date(timezone.now())) if value == "overdue" else rows.filter(state=value)
