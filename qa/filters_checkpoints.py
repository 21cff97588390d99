"""Filters of gates, their reviews, bulletins and wrap-ups, for the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.filters import YES_NO, visible_rows
from campaigns.models import Campaign, Gate
from core.filters import FromDayFilter, ToDayFilter
from qa import queries_reviews
from qa.models import Bulletin, GateReview, WrapUp


class GateFilter(django_filters.FilterSet):
    """`waiting`: those that stand next before their campaign and are not decided for the script version it has."""

    campaign = django_filters.ModelChoiceFilter(label=_("Campaign"), queryset=visible_rows(Campaign, "code"))
    waiting = django_filters.ChoiceFilter(label=_("Waiting"), choices=YES_NO, method="by_waiting")

    class Meta:
        model = Gate
        fields = ("stage", "status")

    def by_waiting(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        waiting = queries_reviews.waiting(self.request.user).order_by().values("pk")
        return rows.filter(pk__in=waiting) if value == "1" else rows.exclude(pk__in=waiting)


class GateReviewFilter(django_filters.FilterSet):
    """`open`: no verdict yet."""

    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), field_name="gate__campaign"
    )
    open = django_filters.ChoiceFilter(label=_("Open"), choices=YES_NO, method="by_open")

    class Meta:
        model = GateReview
        fields = ("gate", "verdict")

    def by_open(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(closed_at__isnull=value == "1")


class BulletinFilter(django_filters.FilterSet):
    since = FromDayFilter(label=_("From"), field_name="hour")
    until = ToDayFilter(label=_("To"), field_name="hour")
    campaign = django_filters.ModelChoiceFilter(label=_("Campaign"), queryset=visible_rows(Campaign, "code"))
    sent = django_filters.ChoiceFilter(label=_("Sent"), choices=YES_NO, method="by_sent")

    class Meta:
        model = Bulletin
        fields: list[str] = []

    def by_sent(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(sent_at__isnull=value == "0")


class WrapUpFilter(django_filters.FilterSet):
    campaign = django_filters.ModelChoiceFilter(label=_("Campaign"), queryset=visible_rows(Campaign, "code"))
    finished = django_filters.ChoiceFilter(label=_("Finished"), choices=YES_NO, method="by_finished")

    class Meta:
        model = WrapUp
        fields: list[str] = []

    def by_finished(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        return rows.filter(finished_at__isnull=value == "0")
