"""Filters of costs, for page and API alike."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.filters import visible_rows
from campaigns.models import Campaign, Cost
from campaigns.periods import months
from core.calendar import business_date
from core.clock import database_now
from people.models import City

# Not the months that have costs: those would tell of other cities.
MONTHS_BACK = 36


def _months() -> list[tuple[str, str]]:
    return months(business_date(database_now()), MONTHS_BACK)


class CostFilter(django_filters.FilterSet):
    month = django_filters.ChoiceFilter(label=_("Month"), choices=_months, empty_label=_("all"), method="by_month")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Cost.Kind.choices, empty_label=_("all"))
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=visible_rows(City, "name"), empty_label=_("all"))
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), empty_label=_("all")
    )
    state = django_filters.ChoiceFilter(
        label=_("State"), choices=[("back", _("taken back"))], empty_label=_("counts"), method="by_state"
    )

    class Meta:
        model = Cost
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Those that count, unless those taken back are asked for."""
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["state"] else rows.filter(taken_back_at=None)

    def by_month(self, rows: QuerySet, _name: str, value: Any) -> QuerySet:
        return rows.filter(month=date.fromisoformat(f"{value}-01"))

    def by_state(self, rows: QuerySet, _name: str, _value: str) -> QuerySet:
        return rows.exclude(taken_back_at=None)
