"""Filters of possible same persons and of merges."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.filters import visible_cities
from customers.models import Merge, SamePerson


class SamePersonFilter(django_filters.FilterSet):
    """Without a state: what waits for a decision."""

    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[(SamePerson.State.DIFFERENT, _("Not the same")), (SamePerson.State.MERGED, _("Merged"))],
        empty_label=_("To be decided"),
    )
    why = django_filters.ChoiceFilter(label=_("Besides the name"), choices=SamePerson.Why.choices, empty_label=_("all"))
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_cities, empty_label=_("all"), field_name="first__city"
    )

    class Meta:
        model = SamePerson
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("state") else rows.waiting()


class MergeFilter(django_filters.FilterSet):
    undone = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("0", _("merged")), ("1", _("undone"))],
        empty_label=_("all"),
        method="by_undone",
    )
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_cities, empty_label=_("all"), field_name="kept__city"
    )

    class Meta:
        model = Merge
        fields: list[str] = []

    def by_undone(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(undone_at__isnull=value == "0")
