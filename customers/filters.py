"""Filters of customers, suppressions and sources, for pages and API alike."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.fields import ModelChoiceField

from core.filters import FromDayFilter, ToDayFilter
from core.templatetags.look import thousands
from customers.members import among, ids_of
from customers.models import Customer, GreyEntry, Segment, Source, Suppression, Tag
from customers.queries import named
from customers.rules import can_see_segments
from people.models import City

YES_NO = [("1", _("yes")), ("0", _("no"))]


def search(size: int = 14) -> forms.TextInput:
    return forms.TextInput(attrs={"type": "search", "size": size})


def visible_cities(request: Any) -> QuerySet:
    return City.objects.visible_to(request.user).order_by("name") if request else City.objects.none()


def visible_segments(request: Any) -> QuerySet:
    """Those in use that the user may see; none for who sees no segments."""
    if request is None or not can_see_segments(request.user):
        return Segment.objects.none()
    return Segment.objects.visible_to(request.user).live().exclude(counted_at=None).order_by("name", "pk")


class SegmentChoiceField(ModelChoiceField):
    """Segments with how many customers were counted."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({thousands(obj.count)})"


class SegmentChoiceFilter(django_filters.ModelChoiceFilter):
    field_class = SegmentChoiceField

    def filter(self, rows: QuerySet, value: Segment | None) -> QuerySet:
        return among(rows, ids_of(value)) if value else rows


class CustomerFilter(django_filters.FilterSet):
    """Filters that leave the order by name to the index of each city; `name` narrows by itself.

    Segments are offered, and their names known, to those who may see them.
    """

    name = django_filters.CharFilter(label=_("Name"), method="by_name", widget=search())
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=visible_cities, empty_label=_("all"))
    type = django_filters.ChoiceFilter(label=_("Type"), choices=Customer.Type.choices, empty_label=_("all"))
    source = django_filters.ModelChoiceFilter(
        label=_("Source"), queryset=Source.objects.order_by("name"), empty_label=_("all")
    )
    tag = django_filters.ModelChoiceFilter(
        label=_("Tag"), queryset=Tag.objects.order_by("name"), empty_label=_("all"), field_name="tags__tag"
    )
    segment = SegmentChoiceFilter(label=_("Segment"), queryset=visible_segments, empty_label=_("all"))
    is_suppressed = django_filters.ChoiceFilter(
        label=_("Do not call"), choices=YES_NO, empty_label=_("all"), method="suppressed"
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.request is not None and not can_see_segments(self.request.user):
            del self.filters["segment"]

    @cached_property
    def without_segment(self) -> QuerySet:
        """Those who fit all the rest."""
        rows = self.queryset.all()
        for name, value in self.form.cleaned_data.items():
            if name != "segment":
                rows = self.filters[name].filter(rows, value)
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        segment = self.form.cleaned_data.get("segment")
        return self.filters["segment"].filter(self.without_segment, segment) if segment else self.without_segment

    def by_name(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return named(rows, value)

    def suppressed(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(is_suppressed=value == "1")


class GreyFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("in_force", _("in force")), ("over", _("over")), ("lifted", _("lifted"))],
        empty_label=_("all"),
        method="by_state",
    )
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_cities, empty_label=_("all"), field_name="customer__city"
    )

    class Meta:
        model = GreyEntry
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        now = timezone.now()
        if value == "in_force":
            return rows.in_force(now)
        if value == "lifted":
            return rows.filter(lifted_at__isnull=False)
        return rows.filter(lifted_at=None, valid_to__lte=now)


class SuppressionFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=_("Reason"), choices=Suppression.Kind.choices, empty_label=_("all"))
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("in_force", _("in force")), ("over", _("over")), ("lifted", _("lifted"))],
        empty_label=_("all"),
        method="by_state",
    )
    scope = django_filters.ChoiceFilter(
        label=_("Scope"),
        choices=[("all", _("all calls")), ("product", _("a product")), ("campaign", _("a campaign"))],
        empty_label=_("all"),
        method="by_scope",
    )
    city = django_filters.ModelChoiceFilter(
        label=_("City"), queryset=visible_cities, empty_label=_("all"), field_name="customer__city"
    )
    since = FromDayFilter(label=_("From"), field_name="valid_from")
    until = ToDayFilter(label=_("To"), field_name="valid_from")

    class Meta:
        model = Suppression
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        now = timezone.now()
        if value == "in_force":
            return rows.in_force(now)
        if value == "lifted":
            return rows.filter(lifted_at__isnull=False)
        return rows.filter(lifted_at=None, valid_to__lte=now)

    def by_scope(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        if value == "all":
            return rows.filter(campaign_id=None, product_id=None)
        return rows.filter(**{f"{value}_id__isnull": False})


class SourceFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=_("Name"), lookup_expr="icontains", widget=search())
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Source.Kind.choices, empty_label=_("all"))

    class Meta:
        model = Source
        fields: list[str] = []


class SegmentFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=_("Name"), lookup_expr="icontains", widget=search())
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=visible_cities, empty_label=_("all"))
    archived = django_filters.ChoiceFilter(
        label=_("State"), choices=[("1", _("archived")), ("all", _("all"))], empty_label=_("in use"), method="by_state"
    )

    class Meta:
        model = Segment
        fields: list[str] = []

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """What is archived only when it is asked for."""
        rows = super().filter_queryset(queryset)
        wanted = self.form.cleaned_data.get("archived")
        return rows if wanted == "all" else rows.filter(archived_at__isnull=wanted != "1")
