"""Filters of the floor's own lists, for pages and API alike."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.calendar import day_bounds
from core.deeds import deeds_by_app, kinds_like
from core.jobs.registry import all_handlers
from core.models import AuditEvent, Job

# days that have a next one and a moment in every time zone
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
DAYS = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class FromDayFilter(django_filters.DateFilter):
    """From the start of that day of the region on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=DayInput(), validators=DAYS, **kwargs)

    def filter(self, rows: QuerySet, value: date | None) -> QuerySet:
        return rows.filter(**{f"{self.field_name}__gte": day_bounds(value)[0]}) if value else rows


class ToDayFilter(FromDayFilter):
    """To the end of that day of the region."""

    def filter(self, rows: QuerySet, value: date | None) -> QuerySet:
        return rows.filter(**{f"{self.field_name}__lt": day_bounds(value)[1]}) if value else rows


def _kinds() -> list[tuple[str, str]]:
    return sorted(((kind, str(found.label)) for kind, found in all_handlers().items()), key=lambda pair: pair[1])


class JobFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=_("State"), choices=Job.State.choices, empty_label=_("all"))
    kind = django_filters.ChoiceFilter(label=_("Work"), choices=_kinds, empty_label=_("all"))
    origin = django_filters.ChoiceFilter(
        label=_("Asked by"),
        choices=[("people", _("people")), ("clock", _("the clock"))],
        empty_label=_("all"),
        method="by_origin",
    )
    since = FromDayFilter(label=_("From"), field_name="created_at")
    until = ToDayFilter(label=_("To"), field_name="created_at")

    class Meta:
        model = Job
        fields: list[str] = []

    def by_origin(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(created_by_id__isnull=value == "clock")


class JobPageFilter(JobFilter):
    """As people look at jobs: what the clock asks for each minute would hide their own, so it is shown only when wanted or when it failed."""

    origin = django_filters.ChoiceFilter(
        label=_("Asked by"),
        choices=[("people", _("people, and what failed")), ("clock", _("the clock")), ("all", _("all"))],
        empty_label=None,
        method="by_origin",
    )

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__({"origin": "people", **(data.dict() if data else {})}, *args, **kwargs)

    def by_origin(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        if value == "people":
            return rows.filter(Q(created_by_id__isnull=False) | Q(state__in=[Job.State.FAILED, Job.State.DEAD]))
        return rows if value == "all" else super().by_origin(rows, name, value)


class AuditFilter(django_filters.FilterSet):
    actor = django_filters.CharFilter(
        label=_("Who"),
        field_name="actor_name",
        lookup_expr="icontains",
        widget=forms.TextInput(attrs={"type": "search", "size": 10}),
    )
    action = django_filters.ChoiceFilter(
        label=_("Action"), lookup_expr="istartswith", choices=deeds_by_app, empty_label=_("all")
    )
    subject = django_filters.CharFilter(
        label=_("Subject"),
        method="about",
        widget=forms.TextInput(attrs={"type": "search", "size": 14, "placeholder": _("kind or number")}),
    )
    refused = django_filters.ChoiceFilter(
        label=_("Outcome"), choices=[("1", _("refused")), ("0", _("done"))], empty_label=_("all"), method="by_outcome"
    )
    since = FromDayFilter(label=_("From"), field_name="at")
    until = ToDayFilter(label=_("To"), field_name="at")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_outcome(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(refused=value == "1")

    def about(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """ "campaigns.call 12", "call 12" in the reader's language, "campaigns.call" or "12"."""
        for word in value.split():
            rows = rows.filter(subject_id=word) if word.isdigit() else rows.filter(subject_type__in=kinds_like(word))
        return rows
